// A project's keys: each is shown once, when it is made.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Confirm, Field, Refusal, lines, typed, useAction } from '../lib/forms.js';
import { exactly } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { CopyButton, Dialog, Empty, Problem, Skeleton, Time, useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { say } from '../lib/toasts.js';

const SCOPES = ['incidents:read', 'incidents:write', 'project:read', 'project:write', 'rules:read', 'rules:try', 'rules:write', 'usage:read', 'limits:write', 'alerts:read', 'alerts:write', 'audit:read'];

/** @param {any} props */
export default function Keys({ project }) {
  useTitle(`Keys of ${project.name}`);
  const path = { project_id: project.id };
  const page = useLoad((signal) => call('listKeys', { path, query: { limit: 100 }, signal }), [project.id], { keep: true });
  const [asking, setAsking] = useState(/** @type {any} */ (null));
  const [issued, setIssued] = useState(/** @type {any} */ (null));
  const mayChange = may(project.workspace, 'keys:write');
  const now = new Date().toISOString();
  const items = page.data?.items ?? [];
  const live = items.filter((/** @type {any} */ key) => !key.revoked_at && (!key.expires_at || key.expires_at > now));
  const ended = items.filter((/** @type {any} */ key) => !live.includes(key));
  /** @param {any} key */
  const made = (key) => (setAsking(null), setIssued(key), page.reload());
  return html`<div class="page wide">
    <header class="page-head"><h1>Keys</h1>${mayChange && html`<button class="primary" onClick=${() => setAsking({ make: true })}>New key</button>`}</header>
    <p class="lead">An ingest key stands in the DSN of an SDK and only sends events. An api key calls the API for this project. Only hashes are kept, so each is shown once.</p>
    ${issued && html`<${Issued} issued=${issued} onClose=${() => setIssued(null)} />`}
    ${page.error ? html`<${Problem} error=${page.error} retry=${page.reload} />` : !page.data ? html`<${Skeleton} rows=${4} kind="list" />`
      : live.length ? html`<${Table} keys=${live} mayChange=${mayChange} onAsk=${setAsking} />` : html`<${Empty} title="No key yet"><p>Without a key nothing can be sent here.</p><//>`}
    ${ended.length > 0 && html`<details><summary>${exactly(ended.length)} ended</summary><${Table} keys=${ended} mayChange=${false} onAsk=${setAsking} /></details>`}
    ${asking?.make && html`<${NewKey} project=${project} onMade=${made} onClose=${() => setAsking(null)} />`}
    ${asking?.rotate && html`<${Rotate} project=${project} shown=${asking.rotate} onMade=${made} onClose=${() => setAsking(null)} />`}
    ${asking?.revoke && html`<${Confirm} title=${`Revoke ${asking.revoke.name}`} label="Revoke" onClose=${() => setAsking(null)}
      onYes=${async () => { await call('revokeKey', { path: { ...path, key_id: asking.revoke.id } }); page.reload(); say(`${asking.revoke.name} is revoked`); }}>
      <p>Whoever sends with this key is refused within a minute. This cannot be undone. To change keys without a gap, rotate it instead.</p><//>`}
  </div>`;
}

/** @param {any} props */
const Table = ({ keys, mayChange, onAsk }) => html`<div class="table-scroll" tabindex="0" role="region" aria-label="Keys"><table class="stacked">
  <thead><tr><th>Name</th><th>Kind</th><th>Begins with</th><th>Last used</th><th>Made</th><th>Ends</th>${mayChange && html`<th><span class="hidden">Actions</span></th>`}</tr></thead>
  <tbody>${keys.map((/** @type {any} */ key) => html`<tr key=${key.id}>
    <td><b>${key.name}</b>${key.allowed_origins.length > 0 && html`<div class="muted small-text">${key.allowed_origins.join(', ')}</div>`}${key.scopes.length > 0 && html`<div class="muted small-text">${key.scopes.join(', ')}</div>`}</td>
    <td>${key.kind}</td><td><code>${key.prefix}…</code></td><td data-label="last used"><${Time} iso=${key.last_used_at} /></td>
    <td data-label="made"><${Time} iso=${key.created_at} />${key.created_by?.name && html` <span class="muted">by ${key.created_by.name}</span>`}</td>
    <td data-label="ends">${key.revoked_at ? html`revoked <${Time} iso=${key.revoked_at} />` : key.expires_at ? html`<time datetime=${key.expires_at}>${new Date(key.expires_at).toLocaleDateString()}</time>` : html`<span class="muted">never</span>`}</td>
    ${mayChange && html`<td class="row-actions"><button class="small" onClick=${() => onAsk({ rotate: key })}>Rotate</button><button class="small danger" onClick=${() => onAsk({ revoke: key })}>Revoke</button></td>`}
  </tr>`)}</tbody></table></div>`;

/** The one time a key can be read. @param {any} props */
export const Issued = ({ issued, onClose }) => html`<section class="issued" aria-label="The new key">
  <h2>${issued.name}: copy it now, it is not shown again</h2>
  <dl class="pairs"><div><dt>Key</dt><dd><code>${issued.key}</code> <${CopyButton} text=${issued.key} what="Key" /></dd></div>
    ${issued.dsn && html`<div><dt>DSN</dt><dd><code>${issued.dsn}</code> <${CopyButton} text=${issued.dsn} what="DSN" /></dd></div>`}</dl>
  <button class="small" onClick=${onClose}>I have it</button>
</section>`;

/** @param {any} props */
function NewKey({ project, onMade, onClose }) {
  const [name, setName] = useState('');
  const [kind, setKind] = useState('ingest');
  const [origins, setOrigins] = useState('');
  const [scopes, setScopes] = useState(/** @type {string[]} */ (['incidents:read']));
  const action = useAction(async () => {
    const own = kind === 'ingest' ? { allowed_origins: lines(origins) } : { scopes };
    onMade(await call('createKey', { path: { project_id: project.id }, body: { name, kind, ...own } }));
  });
  /** @param {string} one */
  const toggle = (one) => setScopes((now) => (now.includes(one) ? now.filter((other) => other !== one) : [...now, one]));
  return html`<${Dialog} title="New key" onClose=${onClose}><form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Name" hint="So that people know where it is used"><input type="text" required maxlength="80" value=${name} onInput=${typed(setName)} /><//>
    <${Field} label="Kind"><select value=${kind} onChange=${typed(setKind)}><option value="ingest">ingest: sends events, may stand in a browser</option><option value="api">api: calls the API, stays secret</option></select><//>
    ${kind === 'ingest'
      ? html`<${Field} label="Origins" hint="Where browsers may send from, one a line. Empty: from anywhere"><textarea rows="2" placeholder="https://www.example.com" value=${origins} onInput=${typed(setOrigins)} /><//>`
      : html`<fieldset><legend>What it may do</legend><div class="checks">${SCOPES.map((one) => html`<label class="check" key=${one}><input type="checkbox" checked=${scopes.includes(one)} onChange=${() => toggle(one)} />${one}</label>`)}</div></fieldset>`}
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy || !name.trim()}>Make the key</button></div>
  </form><//>`;
}

/** @param {any} props */
function Rotate({ project, shown, onMade, onClose }) {
  const [hours, setHours] = useState('24');
  const action = useAction(async () => onMade(await call('rotateKey', { path: { project_id: project.id, key_id: shown.id }, body: { grace_hours: Number(hours) } })));
  return html`<${Dialog} title=${`Rotate ${shown.name}`} onClose=${onClose}><form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <p>A new key with the same settings is made at once. The old one goes on for a while, so that nothing is lost while you replace it.</p>
    <${Field} label="Hours that the old key goes on"><input type="number" min="0" max="720" value=${hours} onInput=${typed(setHours)} /><//>
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy}>Rotate</button></div>
  </form><//>`;
}
