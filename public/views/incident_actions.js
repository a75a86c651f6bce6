// The row of buttons of an incident, and the keys that press them.
import { html, useState } from '../lib/html.js';
import { assign, merge, setStatus } from '../lib/incident_actions.js';
import { lastListed, listAddress } from '../lib/kept_lists.js';
import { useKeys } from '../lib/keyboard.js';
import { githubIssue, markdown, repositoryOf } from '../lib/markdown.js';
import { Dialog, copy } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { go } from '../lib/router.js';
import { say } from '../lib/toasts.js';
import { MergeInto } from './merge.js';
import { AssignMenu, StatusButtons, meOf } from './status_buttons.js';

/** @param {any} props */
export function Actions({ account, project, incident, event, apply }) {
  const [asking, setAsking] = useState('');
  const list = `/projects/${project.id}/incidents`;
  /** @param {any} change */
  const set = (change) => setStatus(project.id, [incident], change, apply);
  const text = () => markdown(incident, event, `${location.origin}${list}/${incident.id}`);
  const me = meOf(account);
  /** @param {any} person */
  const giveTo = (person) => assign(project.id, [incident], person, apply);
  /** @param {any[]} both */
  const mergeThem = (both) => merge(project.id, both, () => go(`${list}/${both[0].id}`), () => go(`${list}/${incident.id}`));
  const mayChange = may(project.workspace, 'incidents:write');
  /** @param {number} by */
  const step = (by) => {
    const ids = lastListed(project.id).map((one) => one.id);
    const next = ids.includes(incident.id) && ids[ids.indexOf(incident.id) + by];
    if (next) go(`${list}/${next}`);
    else say('There is no other one in the list that you came from');
  };
  const changing = [
    { keys: 'e', label: 'Resolve, or reopen', act: () => set({ status: incident.status === 'resolved' ? 'open' : 'resolved' }) },
    { keys: 'i', label: 'Ignore', act: () => set({ status: 'ignored' }) },
    { keys: 'a', label: 'Assign to me', act: () => me && giveTo(me) },
    { keys: 'm', label: 'Merge into another incident', act: () => setAsking('merge') },
  ];
  useKeys([
    ...(mayChange && !incident.merged_into ? changing : []),
    { keys: 'c', label: 'Copy as Markdown', act: () => copy(text(), 'Incident') },
    { keys: 'j', label: 'Next incident of the list', act: () => step(1) },
    { keys: 'k', label: 'Previous incident of the list', act: () => step(-1) },
    { keys: 'u', label: 'Back to the list', act: () => go(listAddress(project.id), { returning: true }) },
  ]);
  return html`<div class="actions" role="toolbar" aria-label="Actions">
    ${mayChange && html`<${Changes} account=${account} project=${project} incident=${incident} set=${set} onAssign=${giveTo} onMerge=${() => setAsking('merge')} />`}
    <button onClick=${() => copy(text(), 'Incident')}>Copy as Markdown</button>
    <button onClick=${() => setAsking('github')}>GitHub issue…</button>
    ${asking === 'merge' && html`<${MergeInto} project=${project} incident=${incident} onMerge=${mergeThem} onClose=${() => setAsking('')} />`}
    ${asking === 'github' && html`<${GithubDialog} project=${project} incident=${incident} text=${text()} onClose=${() => setAsking('')} />`}
  </div>`;
}

/** What changes an incident, for those who may. @param {any} props */
function Changes({ account, project, incident, set, onAssign, onMerge }) {
  const merged = Boolean(incident.merged_into);
  return html`${incident.status === 'open'
      ? html`<${StatusButtons} primary disabled=${merged} onChange=${set} />`
      : html`<button disabled=${merged} onClick=${() => set({ status: 'open' })}>Reopen</button>`}
    <${AssignMenu} account=${account} project=${project} label=${incident.assignee ? `With ${incident.assignee.name}` : 'Assign'} now=${incident.assignee} onAssign=${onAssign} />
    <button onClick=${onMerge} disabled=${merged}>Merge…</button>`;
}

/** @param {any} props */
function GithubDialog({ project, incident, text, onClose }) {
  const [typed, setTyped] = useState(project.repository ?? '');
  const repository = repositoryOf(typed);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (!repository) return;
    window.open(githubIssue(repository, incident, text), '_blank', 'noopener');
    onClose();
  };
  return html`<${Dialog} title="New GitHub issue" onClose=${onClose}>
    <form onSubmit=${submit}>
      <p>GitHub opens with the issue filled in; you send it off.${!project.repository && html` An admin can <a href=${`/projects/${project.id}/settings`}>set the repository</a> for everybody.`}</p>
      <label>Repository <input type="text" placeholder="owner/name" value=${typed} onInput=${(/** @type {any} */ one) => setTyped(one.target.value)} /></label>
      ${typed && !repository && html`<p class="field-problem">Name it as owner/name, or paste its address on github.com.</p>`}
      <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${!repository}>Open GitHub</button></div>
    </form>
  <//>`;
}
