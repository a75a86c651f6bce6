// Who is in the workspace, as what, and who is invited.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Confirm, Field, Refusal, typed, useAction } from '../lib/forms.js';
import { useLoad } from '../lib/load.js';
import { CopyButton, Problem, Skeleton, Time, useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { say, sayFailed } from '../lib/toasts.js';

/** @param {any} props */
export default function Members({ account, parts }) {
  const workspace = account.data.workspaces.find((/** @type {any} */ one) => String(one.id) === parts.workspace_id);
  useTitle(workspace ? `Members of ${workspace.name}` : 'Members');
  if (!workspace) return html`<${Problem} error=${{ title: 'Not found', message: 'There is no such workspace, or you are not in it.' }} />`;
  return html`<${List} account=${account} workspace=${workspace} />`;
}

/** @param {any} props */
function List({ account, workspace }) {
  const path = { workspace_id: workspace.id };
  const members = useLoad((signal) => call('listMembers', { path, query: { limit: 100 }, signal }), [workspace.id], { keep: true });
  const mayChange = may(workspace, 'members:write');
  const [leaving, setLeaving] = useState(/** @type {any} */ (null));
  /** @param {any} member @param {string} role */
  const change = async (member, role) => {
    try {
      await call('changeMember', { path: { ...path, person_id: member.person_id }, body: { role } });
      say(`${member.name ?? member.email} is ${role} now`, { undo: () => change({ ...member, role }, member.role) });
    } catch (error) {
      sayFailed(error);
    }
    members.reload();
  };
  const me = account.data.person?.id;
  return html`<div class="page wide"><h1>Members of ${workspace.name}</h1>
    ${members.error ? html`<${Problem} error=${members.error} retry=${members.reload} />` : !members.data ? html`<${Skeleton} rows=${3} kind="list" />`
      : html`<div class="table-scroll" tabindex="0" role="region" aria-label="Members"><table class="stacked"><thead><tr><th>Name</th><th>E-mail</th><th>Role</th><th>Since</th><th><span class="hidden">Actions</span></th></tr></thead>
        <tbody>${members.data.items.map((/** @type {any} */ one) => html`<tr key=${one.person_id}><td><b>${one.name ?? one.email ?? 'Somebody'}</b>${one.person_id === me && html` <span class="muted">you</span>`}</td><td>${one.email}</td>
          <td>${workspace.gives.includes(one.role) ? html`<select aria-label=${`Role of ${one.email ?? one.name}`} value=${one.role} onChange=${typed((role) => change(one, role))}>${workspace.gives.map((/** @type {string} */ role) => html`<option key=${role}>${role}</option>`)}</select>` : one.role}</td>
          <td data-label="since"><${Time} iso=${one.joined_at} /></td>
          <td class="row-actions">${one.person_id === me ? html`<button class="small danger" onClick=${() => setLeaving(one)}>Leave</button>` : workspace.gives.includes(one.role) && html`<button class="small danger" onClick=${() => setLeaving(one)}>Remove</button>`}</td></tr>`)}</tbody></table></div>`}
    ${mayChange && html`<${Invitations} workspace=${workspace} />`}
    ${leaving && html`<${Confirm} title=${leaving.person_id === me ? `Leave ${workspace.name}` : `Remove ${leaving.name ?? leaving.email}`} label=${leaving.person_id === me ? 'Leave' : 'Remove'} onClose=${() => setLeaving(null)}
      onYes=${async () => {
        await (leaving.person_id === me ? call('leaveWorkspace', { path }) : call('removeMember', { path: { ...path, person_id: leaving.person_id } }));
        if (leaving.person_id === me) location.assign('/');
        else members.reload();
      }}><p>Access ends with the next request. What was done stays in the audit log.</p><//>`}
  </div>`;
}

/** @param {any} props */
function Invitations({ workspace }) {
  const path = { workspace_id: workspace.id };
  const list = useLoad((signal) => call('listInvitations', { path, query: { limit: 100 }, signal }), [workspace.id], { keep: true });
  const [email, setEmail] = useState('');
  const [role, setRole] = useState('member');
  const [made, setMade] = useState(/** @type {any} */ (null));
  const action = useAction(async () => {
    setMade(await call('createInvitation', { path, body: { email: email.trim(), role } }));
    setEmail('');
    list.reload();
  });
  /** @param {any} one */
  const revoke = async (one) => {
    await call('revokeInvitation', { path: { ...path, invitation_id: one.id } }).then(() => say(`The invitation of ${one.email} is revoked`), sayFailed);
    list.reload();
  };
  return html`<section class="part"><h2>Invite</h2>
    <form class="row-form" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
      <${Field} label="E-mail address"><input type="email" required value=${email} onInput=${typed(setEmail)} /><//>
      <${Field} label="As"><select value=${role} onChange=${typed(setRole)}>${workspace.gives.map((/** @type {string} */ one) => html`<option key=${one}>${one}</option>`)}</select><//>
      <button class="primary" disabled=${action.busy || !email.trim()}>Invite</button></form>
    <${Refusal} error=${action.error} />
    ${made?.url && html`<div class="issued"><p>${made.email} is invited by mail. You can also pass the link on; it opens for this address only.</p><p><code>${made.url}</code> <${CopyButton} text=${made.url} what="Link" /></p></div>`}
    ${list.data?.items.length > 0 && html`<ul class="suggestions">${list.data.items.map((/** @type {any} */ one) => html`<li key=${one.id}><span>${one.email} <span class="muted">as ${one.role}, invited <${Time} iso=${one.created_at} />${one.mail_state === 'pending' ? ', its mail is on its way' : ''}</span>${one.mail_state === 'dead' && html` <span class="badge regressed">its mail did not leave</span> <span class="muted">${one.mail_error} Invite them again, or pass on the link.</span>`}</span><button class="small danger" onClick=${() => revoke(one)}>Revoke</button></li>`)}</ul>`}
  </section>`;
}
