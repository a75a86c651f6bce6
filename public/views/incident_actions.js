// The row of buttons of an incident, and the keys that press them.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { assign, merge, setStatus } from '../lib/incident_actions.js';
import { listAddress } from '../lib/kept_lists.js';
import { useKeys } from '../lib/keyboard.js';
import { githubIssue, markdown, repositoryOf } from '../lib/markdown.js';
import { Dialog, Menu, copy } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { go } from '../lib/router.js';
import { sayFailed } from '../lib/toasts.js';
import { MergeInto } from './merge.js';

const HOUR = 3_600_000;
export const UNTIL = /** @type {[string, number][]} */ ([['for an hour', HOUR], ['until tomorrow', 24 * HOUR], ['for a week', 168 * HOUR], ['for a month', 720 * HOUR]]);
const COUNTS = [10, 100, 1000];

/** @param {any} props */
export function Actions({ account, project, incident, event, apply }) {
  const [asking, setAsking] = useState('');
  const list = `/projects/${project.id}/incidents`;
  /** @param {any} change */
  const set = (change) => setStatus(project.id, [incident], change, apply);
  const text = () => markdown(incident, event, `${location.origin}${list}/${incident.id}`);
  const me = account.data?.person && { id: account.data.person.id, name: account.data.person.name ?? account.data.person.email };
  /** @param {any[]} both */
  const mergeThem = (both) => merge(project.id, both, () => go(`${list}/${both[0].id}`), () => go(`${list}/${incident.id}`));
  const mayChange = may(project.workspace, 'incidents:write');
  const changing = [
    { keys: 'e', label: 'Resolve, or reopen', act: () => set({ status: incident.status === 'resolved' ? 'open' : 'resolved' }) },
    { keys: 'i', label: 'Ignore', act: () => set({ status: 'ignored' }) },
    { keys: 'a', label: 'Assign to me', act: () => me && assign(project.id, incident, me, apply) },
    { keys: 'm', label: 'Merge into another incident', act: () => setAsking('merge') },
  ];
  useKeys([
    ...(mayChange && !incident.merged_into ? changing : []),
    { keys: 'c', label: 'Copy as Markdown', act: () => copy(text(), 'Incident') },
    { keys: 'u', label: 'Back to the list', act: () => go(listAddress(project.id), { returning: true }) },
  ]);
  return html`<div class="actions" role="toolbar" aria-label="Actions">
    ${mayChange && html`<${Changes} project=${project} incident=${incident} me=${me} set=${set} apply=${apply} onMerge=${() => setAsking('merge')} />`}
    <button onClick=${() => copy(text(), 'Incident')}>Copy as Markdown</button>
    <button onClick=${() => setAsking('github')}>GitHub issue…</button>
    ${asking === 'merge' && html`<${MergeInto} project=${project} incident=${incident} onMerge=${mergeThem} onClose=${() => setAsking('')} />`}
    ${asking === 'github' && html`<${GithubDialog} project=${project} incident=${incident} text=${text()} onClose=${() => setAsking('')} />`}
  </div>`;
}

/** What changes an incident, for those who may. @param {any} props */
function Changes({ project, incident, me, set, apply, onMerge }) {
  const [people, setPeople] = useState(/** @type {any[]} */ ([]));
  const members = () => people.length || call('listMembers', { path: { workspace_id: project.workspace.id }, query: { limit: 100 } }).then((page) => setPeople(page.items), sayFailed);
  const merged = Boolean(incident.merged_into);
  return html`${incident.status === 'open'
      ? html`<div class="split-button"><button class="primary" disabled=${merged} onClick=${() => set({ status: 'resolved' })}>Resolve</button>
          <${Menu} label="▾" title="Resolve otherwise"><button onClick=${() => set({ status: 'resolved', in_next_release: true })}>in the next release</button><//></div>
        <${Menu} label="Ignore">
          <button onClick=${() => set({ status: 'ignored' })}>for good</button>
          ${UNTIL.map(([label, span]) => html`<button key=${label} onClick=${() => set({ status: 'ignored', ignored_until: new Date(Date.now() + span).toISOString() })}>${label}</button>`)}
          ${COUNTS.map((number) => html`<button key=${number} onClick=${() => set({ status: 'ignored', ignored_events: number })}>until ${number} more events</button>`)}
        <//>`
      : html`<button disabled=${merged} onClick=${() => set({ status: 'open' })}>Reopen</button>`}
    <${Menu} label=${incident.assignee ? `With ${incident.assignee.name}` : 'Assign'} onOpen=${members}>
      ${me && me.id !== incident.assignee?.id && html`<button onClick=${() => assign(project.id, incident, me, apply)}>to me</button>`}
      ${incident.assignee && html`<button onClick=${() => assign(project.id, incident, null, apply)}>to nobody</button>`}
      ${people.filter((one) => one.person_id !== me?.id && one.person_id !== incident.assignee?.id)
        .map((one) => html`<button key=${one.person_id} onClick=${() => assign(project.id, incident, { id: one.person_id, name: one.name ?? one.email }, apply)}>to ${one.name ?? one.email}</button>`)}
    <//>
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
