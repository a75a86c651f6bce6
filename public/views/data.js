// What is held about people who stand in events: export, erase; and the end of a workspace.
import { html, useState } from '../lib/html.js';
import { call, download } from '../lib/api.js';
import { Confirm, Field, Refusal, typed, useAction } from '../lib/forms.js';
import { exactly } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton, Time, useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { say, sayFailed } from '../lib/toasts.js';
import { Exports } from './exports.js';

const KINDS = new Map([['id', 'user id'], ['email', 'e-mail address'], ['username', 'user name'], ['ip_address', 'IP address']]);

/** @param {any} props */
export default function Data({ account, parts }) {
  const workspace = account.data.workspaces.find((/** @type {any} */ one) => String(one.id) === parts.workspace_id);
  useTitle('Data');
  if (!workspace) return html`<${Problem} error=${{ title: 'Not found', message: 'There is no such workspace, or you are not in it.' }} />`;
  const mayRead = may(workspace, 'data:read');
  return html`<div class="page settings"><h1>Data of ${workspace.name}</h1>
    ${mayRead ? html`<${Exports} workspace=${workspace} /><${Subjects} workspace=${workspace} />` : html`<p class="note">Exporting and erasing what is held about people needs the role owner.</p>`}
    <${Deleted} account=${account} workspace=${workspace} />
    ${may(workspace, 'workspace:delete') && html`<${End} workspace=${workspace} />`}
  </div>`;
}

/** @param {any} props */
function Subjects({ workspace }) {
  const path = { workspace_id: workspace.id };
  const receipts = useLoad((signal) => call('listErasures', { path, signal }), [workspace.id], { keep: true });
  const [kind, setKind] = useState('email');
  const [value, setValue] = useState('');
  const [asking, setAsking] = useState(false);
  const exporting = useAction(() => download('exportSubject', { path, body: { kind, value: value.trim() } }, 'events.ndjson'));
  return html`<section class="part"><h2>A person in events</h2>
    <p class="muted">People are kept as hashes; name one as your events did, and every event of theirs is found.</p>
    <div class="row-form"><${Field} label="By"><select value=${kind} onChange=${typed(setKind)}>${[...KINDS].map(([name, label]) => html`<option key=${name} value=${name}>${label}</option>`)}</select><//>
      <${Field} label="Who"><input type="text" autocomplete="off" value=${value} onInput=${typed(setValue)} /><//>
      <button disabled=${exporting.busy || !value.trim()} onClick=${() => exporting.run()}>${exporting.busy ? 'Exporting' : 'Export'}</button>
      <button class="danger" disabled=${!value.trim()} onClick=${() => setAsking(true)}>Erase…</button></div>
    <${Refusal} error=${exporting.error} />
    <h3>Receipts</h3>
    ${!receipts.data ? html`<${Skeleton} rows=${2} />` : !receipts.data.items.length ? html`<p class="muted">Nobody was erased yet.</p>`
      : html`<ul class="listed">${receipts.data.items.map((/** @type {any} */ one) => html`<li key=${one.id}><div>Receipt ${one.id} <span class="muted">asked for <${Time} iso=${one.requested_at} />, ${one.finished_at ? html`done <${Time} iso=${one.finished_at} />` : 'under way, done within a day'}</span>
        <div class="muted small-text">${Object.entries(one.removed).map(([what, number]) => `${exactly(Number(number))} ${what.replaceAll('_', ' ')}`).join(', ')}</div></div></li>`)}</ul>`}
    ${asking && html`<${Confirm} title="Erase this person" label="Erase" onClose=${() => setAsking(false)} onYes=${async () => { await call('requestErasure', { path, body: { kind, value: value.trim() } }); receipts.reload(); setValue(''); say('It is done within a day; the receipt tells how far it has come'); }}>
      <p>Every event of this ${KINDS.get(kind)} loses what it said, in all projects of ${workspace.name}. Counts stay. This cannot be undone.</p><//>`}
  </section>`;
}

/** @param {any} props */
function Deleted({ account, workspace }) {
  const path = { workspace_id: workspace.id };
  const list = useLoad((signal) => call('listDeletedProjects', { path, signal }), [workspace.id], { keep: true });
  if (!list.data?.items.length) return null;
  /** @param {any} one */
  const restore = (one) => call('restoreProject', { path: { project_id: one.project_id } }).then(() => (list.reload(), account.reload(), say(`${one.name} is back`)), sayFailed);
  return html`<section class="part"><h2>Deleted projects</h2><ul class="listed">${list.data.items.map((/** @type {any} */ one) => html`<li key=${one.project_id}><span>${one.name} <span class="muted">gone for good after ${new Date(one.gone_after).toLocaleString()}</span></span>
    ${may(workspace, 'projects:write') && html`<button class="small" onClick=${() => restore(one)}>Bring it back</button>`}</li>`)}</ul></section>`;
}

/** @param {any} props */
function End({ workspace }) {
  const [asking, setAsking] = useState(false);
  return html`<section class="part"><h2>Delete the workspace</h2><p class="muted">All its projects end at once. It can be brought back for seven days; then it is gone for good.</p>
    <div><button class="danger" onClick=${() => setAsking(true)}>Delete ${workspace.name}…</button></div>
    ${asking && html`<${Confirm} title=${`Delete ${workspace.name}`} label="Delete" word=${workspace.slug} onClose=${() => setAsking(false)} onYes=${async () => { await call('deleteWorkspace', { path: { workspace_id: workspace.id } }); location.assign('/'); }}>
      <p>Its ${workspace.projects.length} projects take no more events from this moment on.</p><//>`}</section>`;
}

