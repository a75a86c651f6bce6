// Who changed what, and who was refused.
import { html, useState } from '../lib/html.js';
import { addressOf, call } from '../lib/api.js';
import { exactTime } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Empty, Problem, Skeleton, Time, useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { go, withQuery } from '../lib/router.js';
import { Json } from '../lib/text.js';

const ACTIONS = ['incident', 'key', 'member', 'invitation', 'project', 'workspace', 'rules', 'limits', 'view', 'alert_rule', 'channel', 'address', 'delivery'];
const NAMELESS = /** @type {Record<string, string>} */ ({ cron: 'Sensra itself', link: 'Whoever holds the link of a mail' });

/** @param {any} props */
export default function Audit({ account, parts, place }) {
  const workspace = account.data.workspaces.find((/** @type {any} */ one) => String(one.id) === parts.workspace_id);
  useTitle('Audit log');
  if (!workspace) return html`<${Problem} error=${{ title: 'Not found', message: 'There is no such workspace, or you are not in it.' }} />`;
  if (!may(workspace, 'audit:read')) return html`<div class="page"><h1>Audit log</h1><p class="note">Reading the audit log needs the role admin.</p></div>`;
  return html`<${Log} workspace=${workspace} place=${place} />`;
}

/** @param {any} props */
function Log({ workspace, place }) {
  const refused = place.query.has('refused');
  const action = place.query.get('action') ?? '';
  const path = { workspace_id: workspace.id };
  const operation = refused ? 'listRefusals' : 'listChanges';
  const first = useLoad((signal) => ask(operation, path, action, undefined, signal), [workspace.id, refused, action]);
  const [more, setMore] = useState(/** @type {any} */ (null));
  const items = [...(first.data?.items ?? []), ...(more?.of === first.data ? more.items : [])];
  const cursor = more?.of === first.data && more ? more.next_cursor : first.data?.next_cursor;
  const next = async () => {
    const page = await ask(operation, path, action, cursor);
    setMore({ of: first.data, items: [...(more?.of === first.data ? more.items : []), ...page.items], next_cursor: page.next_cursor });
  };
  const address = addressOf('exportChanges', { path, query: { action, format: 'csv' } });
  return html`<div class="page wide">
    <header class="page-head"><h1>Audit log of ${workspace.name}</h1><a class="button" href=${address} download>Export as CSV</a></header>
    <div class="toolbar"><div class="tabs" role="group" aria-label="What"><button aria-pressed=${!refused} onClick=${() => go(withQuery({ refused: null }))}>Changes</button><button aria-pressed=${refused} onClick=${() => go(withQuery({ refused: '1' }))}>Refused attempts</button></div>
      <label class="inline">About <select value=${action} onChange=${(/** @type {any} */ event) => go(withQuery({ action: event.target.value }))}><option value="">everything</option>${ACTIONS.map((one) => html`<option key=${one} value=${one}>${one.replace('_', ' ')}</option>`)}</select></label></div>
    ${first.error ? html`<${Problem} error=${first.error} retry=${first.reload} />` : !first.data ? html`<${Skeleton} rows=${6} kind="list" />`
      : !items.length ? html`<${Empty} title="Nothing here"><p>${refused ? 'Nobody was refused.' : 'Nothing was changed.'}</p><//>`
        : html`<div class="table-scroll" tabindex="0" role="region" aria-label="Audit log"><table><thead><tr><th>When</th><th>Who</th><th>What</th><th>On</th><th>${refused ? 'Attempts' : 'Change'}</th></tr></thead>
          <tbody>${items.map((one) => html`<tr key=${one.id ?? `${one.minute}${one.actor_id}${one.action}${one.object_id}`}><td title=${exactTime(one.at ?? one.minute)}><${Time} iso=${one.at ?? one.minute} /></td>
            <td>${one.actor_name ?? (NAMELESS[one.actor_kind] ?? `${one.actor_kind} ${one.actor_id ?? ''}`)}${one.address && html`<div class="muted small-text">${one.address}</div>`}</td>
            <td>${one.action.replace('.', ' ').replaceAll('_', ' ')}</td><td><code>${one.object_id}</code></td>
            <td>${refused ? one.attempts : html`<${Change} before=${one.before} after=${one.after} />`}</td></tr>`)}</tbody></table></div>
          ${cursor && html`<div class="more"><button onClick=${next}>Show more</button></div>`}`}
  </div>`;
}

/** @param {'listChanges' | 'listRefusals'} operation @param {any} path @param {string} action @param {string} [cursor] @param {AbortSignal} [signal] */
const ask = (operation, path, action, cursor, signal) => operation === 'listChanges'
  ? call('listChanges', { path, query: { action, cursor }, signal })
  : call('listRefusals', { path, query: { action, cursor }, signal });

/** @param {{ before: any, after: any }} props */
const Change = ({ before, after }) => html`<div class="change">${before && html`<div><span class="muted">was</span> <${Json} value=${before} depth=${1} /></div>`}${after && html`<div><span class="muted">is</span> <${Json} value=${after} depth=${1} /></div>`}</div>`;
