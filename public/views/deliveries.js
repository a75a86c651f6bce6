// What became of each message, with its tries.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useEvery, useLoad } from '../lib/load.js';
import { Problem, Time } from '../lib/parts.js';
import { go, withQuery } from '../lib/router.js';
import { say, sayFailed } from '../lib/toasts.js';

const STATES = ['pending', 'sent', 'dead', 'cancelled'];
const SECONDS = 10;

/** @param {any} props */
export function Deliveries({ project, place, channels, mayChange }) {
  const state = STATES.includes(place.query.get('state')) ? place.query.get('state') : '';
  const path = { project_id: project.id };
  const page = useLoad((signal) => call('listDeliveries', { path, query: { state, limit: 30 }, signal }), [project.id, state], { keep: true });
  useEvery(page.reload, SECONDS, [page.reload]);
  /** @param {any} one */
  const again = (one) => call('resendDelivery', { path: { ...path, delivery_id: one.id } }).then(() => (page.reload(), say('It is sent again')), sayFailed);
  return html`<section class="part"><div class="section-head"><h2>Deliveries</h2><div class="tabs small" role="group" aria-label="State"><button aria-pressed=${!state} onClick=${() => go(withQuery({ state: null }), { replace: true, keepScroll: true })}>all</button>${STATES.map((one) => html`<button key=${one} aria-pressed=${state === one} onClick=${() => go(withQuery({ state: one }), { replace: true, keepScroll: true })}>${one}</button>`)}</div></div>
    ${page.error && html`<${Problem} error=${page.error} retry=${page.reload} />`}
    ${page.data?.items.length === 0 && html`<p class="muted">No message${state ? ` is ${state}` : ' yet'}.</p>`}
    ${page.data?.items.length > 0 && html`<div class="table-scroll" tabindex="0" role="region" aria-label="Deliveries"><table><thead><tr><th>When</th><th>Channel</th><th>About</th><th>State</th><th>Tries</th><th><span class="hidden">Actions</span></th></tr></thead>
      <tbody>${page.data.items.map((/** @type {any} */ one) => html`<tr key=${one.id}><td><${Time} iso=${one.created_at} /></td><td>${channels.find((/** @type {any} */ other) => other.id === one.channel_id)?.name ?? one.kind}${one.recipient && html`<div class="muted small-text">${one.recipient}</div>`}</td>
        <td class="numbers">${one.incident_ids.length ? one.incident_ids.slice(0, 5).map((/** @type {number} */ id) => html`<a key=${id} href=${`/projects/${project.id}/incidents/${id}`}>#${id}</a> `) : one.purpose}</td>
        <td><span class=${`badge ${one.state === 'sent' ? 'good' : one.state === 'dead' ? 'regressed' : ''}`}>${one.sending ? 'sending' : one.state}</span>${one.last_error && html`<div class="muted small-text">${one.last_error}</div>`}</td>
        <td>${one.tries}${one.next_try_at && html`<div class="muted small-text">next ${new Date(one.next_try_at).toLocaleTimeString()}</div>`}</td>
        <td class="row-actions">${mayChange && one.state === 'dead' && html`<button class="small" onClick=${() => again(one)}>Send again</button>`}</td></tr>`)}</tbody></table></div>`}
  </section>`;
}
