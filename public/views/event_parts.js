// What an event says besides its stack: breadcrumbs, request, user, tags, contexts, and what redaction took from it.
import { html, useMemo, useState } from '../lib/html.js';
import { clock, counted, exactTime } from '../lib/format.js';
import { copy } from '../lib/parts.js';
import { Json, LongText, Text } from '../lib/text.js';

const CRUMBS_SHOWN = 20;
const PAIRS_SHOWN = 40;
// A map, since names come from events: an object knows a `__proto__` of its own.
const NAMES = new Map([['runtime', 'Runtime'], ['os', 'Operating system'], ['device', 'Device'], ['browser', 'Browser'], ['app', 'App'], ['trace', 'Trace'], ['culture', 'Culture'],
  ['extra', 'Extra'], ['modules', 'Packages'], ['sdk', 'SDK'], ['fingerprint', 'Fingerprint that the client set'], ['dist', 'Distribution'], ['server_name', 'Server'], ['logger', 'Logger']]);

/** @param {{ title: string, id: string, children: any, open?: boolean }} props */
export const Section = ({ title, id, children }) => html`<section class="part" aria-labelledby=${id}><h2 id=${id}>${title}</h2>${children}</section>`;

/** @param {{ payload: any }} props */
export function Breadcrumbs({ payload }) {
  const crumbs = useMemo(() => (payload.breadcrumbs?.values ?? []).toReversed(), [payload]);
  const [all, setAll] = useState(false);
  if (!crumbs.length) return null;
  return html`<${Section} title="Before it happened" id="crumbs-title">
    <ol class="crumbs">
      ${(all ? crumbs : crumbs.slice(0, CRUMBS_SHOWN)).map((/** @type {any} */ crumb, /** @type {number} */ index) => html`<${Crumb} key=${index} crumb=${crumb} />`)}
    </ol>
    ${!all && crumbs.length > CRUMBS_SHOWN && html`<button class="link" onClick=${() => setAll(true)}>${crumbs.length - CRUMBS_SHOWN} earlier ones</button>`}
  <//>`;
}

/** @param {{ crumb: any }} props */
function Crumb({ crumb }) {
  const time = typeof crumb.timestamp === 'number' ? new Date(crumb.timestamp * 1000).toISOString() : crumb.timestamp;
  const valid = typeof time === 'string' && !Number.isNaN(Date.parse(time));
  const level = String(crumb.level ?? 'info');
  const { data } = crumb;
  return html`<li class=${`crumb ${level}`}>
    ${valid ? html`<time datetime=${time} title=${exactTime(time)}>${clock(time)}</time>` : html`<span class="muted">no time</span>`}
    <span class="category">${String(crumb.category ?? crumb.type ?? 'default')}</span>
    <div class="crumb-text">${crumb.message && html`<${LongText} text=${String(crumb.message)} />`}
      ${data && typeof data === 'object' && Object.keys(data).length > 0 && html`<${Json} value=${data} depth=${Object.keys(data).length > 3 ? 1 : 0} />`}</div>
  </li>`;
}

/** Names and values; of very many the first, and the others on demand. @param {{ rows: [string, unknown][] }} props */
export function Pairs({ rows }) {
  const [shown, setShown] = useState(PAIRS_SHOWN);
  return html`<dl class="pairs">${rows.slice(0, shown).map(([name, value]) => html`<div key=${name}><dt><${Text} text=${name} /></dt><dd><${Json} value=${value} depth=${1} /></dd></div>`)}</dl>
    ${rows.length > shown && html`<button class="link" onClick=${() => setShown(shown + 500)}>${rows.length - shown} more</button>`}`;
}

/** @param {{ payload: any }} props */
export function RequestPart({ payload }) {
  const { request } = payload;
  if (!request) return null;
  const { url, method, ...rest } = request;
  return html`<${Section} title="Request" id="request-title">
    ${url && html`<p class="request-line"><b>${method ?? 'GET'}</b> <code><${Text} text=${String(url)} /></code></p>`}
    <${Pairs} rows=${Object.entries(rest)} />
  <//>`;
}

/** @param {{ payload: any }} props */
export function Contexts({ payload }) {
  const contexts = Object.entries(payload.contexts ?? {});
  const rest = ['user', 'extra', 'modules', 'sdk', 'fingerprint', 'dist', 'server_name', 'logger'].filter((name) => payload[name] !== undefined);
  return html`
    ${payload.user && html`<${Section} title="User" id="user-title"><${Pairs} rows=${Object.entries(payload.user)} /><//>`}
    ${contexts.length > 0 && html`<${Section} title="Contexts" id="contexts-title">
      <div class="contexts">${contexts.map(([name, value]) => html`<div key=${name} class="context"><h3>${NAMES.get(name) ?? name}</h3>
        ${value && typeof value === 'object' ? html`<${Pairs} rows=${Object.entries(value)} />` : html`<${Json} value=${value} />`}</div>`)}</div>
    <//>`}
    ${rest.filter((name) => name !== 'user').map((name) => html`<${Section} key=${name} title=${NAMES.get(name) ?? name} id=${`${name}-title`}><${Json} value=${payload[name]} depth=${name === 'modules' ? 1 : 0} /><//>`)}`;
}

/** @param {{ payload: any }} props */
export function Tags({ payload }) {
  const tags = Object.entries(payload.tags ?? {});
  if (!tags.length) return null;
  return html`<${Section} title="Tags of this event" id="tags-title"><${Pairs} rows=${tags} /><//>`;
}

/** What redaction took, by rule and place. @param {{ event: any }} props */
export function Removals({ event }) {
  const { removals } = event;
  if (!removals.length) return html`<${Section} title="Redaction" id="removals-title"><p class="muted">Nothing had to be removed from this event.</p><//>`;
  /** @type {Map<string, number>} */
  const byRule = new Map();
  for (const one of removals) byRule.set(one.rule, (byRule.get(one.rule) ?? 0) + one.count);
  return html`<${Section} title="Redaction" id="removals-title">
    <p>${counted(event.removed_count, 'value')} removed before anything was kept:</p>
    <p class="marks">${[...byRule].map(([rule, number]) => html`<span key=${rule}><mark class="redacted">${rule}</mark> ${number}</span>`)}</p>
    <details><summary>Where</summary><ul class="paths">${removals.map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index}><code>${one.path}</code> <span class="muted">${one.rule}${one.count > 1 ? ` × ${one.count}` : ''}</span></li>`)}</ul></details>
  <//>`;
}

/** What limits cut away. @param {{ payload: any }} props */
export function Dropped({ payload }) {
  const dropped = Object.entries(payload.dropped ?? {});
  if (!dropped.length) return null;
  return html`<p class="note">This event was too large. Left out: ${dropped.map(([name, number]) => `${name.replaceAll('_', ' ')} (${number})`).join(', ')}. The frames of the crash are whole.</p>`;
}

/** The event as it is stored; made only when somebody looks. @param {{ event: any }} props */
export function Raw({ event }) {
  const [open, setOpen] = useState(false);
  const text = useMemo(() => (open ? JSON.stringify(event, null, 2) : ''), [open, event]);
  return html`<details class="raw-json" onToggle=${(/** @type {any} */ toggle) => setOpen(toggle.target.open)}>
    <summary><h2>Raw JSON</h2></summary>
    ${open && html`<button class="small" onClick=${() => copy(text, 'JSON')}>Copy</button><pre class="raw" tabindex="0">${text}</pre>`}
  </details>`;
}
