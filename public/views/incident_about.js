// Beside an event: how often the incident happened, and how its tags are spread.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Chart } from '../lib/chart.js';
import { counted } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { go, withQuery } from '../lib/router.js';
import { format } from '../lib/search.js';
import { Text } from '../lib/text.js';

const WINDOWS = new Map([['24h', '24 h'], ['14d', '14 d'], ['90d', '90 d']]);

/** @param {any} props */
export function Trend({ project, incident_id, place, round }) {
  const asked = place.query.get('trend') ?? '';
  const span = WINDOWS.has(asked) ? asked : '14d';
  const path = { project_id: project.id, incident_id };
  const trend = useLoad((signal) => call('readTrend', { path, query: { window: span }, signal }), [project.id, incident_id, span, round], { keep: true });
  return html`<section class="trend-part" aria-label="Events over time">
    <div class="section-head"><h2>Events</h2><div class="tabs small" role="group" aria-label="How far back">
      ${[...WINDOWS].map(([name, label]) => html`<button key=${name} aria-pressed=${span === name}
        onClick=${() => go(withQuery({ trend: name === '14d' ? null : name }), { replace: true, keepScroll: true })}>${label}</button>`)}</div></div>
    <div class="chart-place">${trend.data && html`<${Chart} bars=${trend.data} label=${`The last ${WINDOWS.get(span)}`} />`}</div>
  </section>`;
}

/** @param {any} project @param {string} incident_id @param {number} round */
export const useTagSpread = (project, incident_id, round) =>
  useLoad((signal) => call('readTagCounts', { path: { project_id: project.id, incident_id }, signal }), [project.id, incident_id, round], { keep: true });

/** Each value leads to the incidents that have it. @param {any} props */
export function TagSpread({ project, spread }) {
  if (!spread?.items.length) return null;
  const list = `/projects/${project.id}/incidents`;
  return html`<section class="part" aria-labelledby="spread-title"><h2 id="spread-title">Tags</h2>
    <p class="muted">In the newest ${counted(spread.event_count, 'event')}</p>
    ${spread.items.slice(0, 12).map((/** @type {any} */ one) => html`<div key=${one.tag} class="spread">
      <h3><${Text} text=${one.tag} />${one.value_count > one.values.length && html` <span class="muted">${one.value_count} values</span>`}</h3>
      <ul>${one.values.slice(0, 4).map((/** @type {any} */ value) => html`<li key=${value.value}><meter min="0" max=${spread.event_count} value=${value.event_count} aria-label=${`${value.value}: ${value.event_count}`}></meter>
        <a class="ellipsis" href=${`${list}?q=${encodeURIComponent(format({ fields: { tag: `${one.tag}=${value.value}` }, text: '' }))}`} title=${`Incidents with ${one.tag}=${value.value}`}><${Text} text=${value.value} /></a><span class="muted">${Math.round((100 * value.event_count) / spread.event_count)} %</span></li>`)}</ul></div>`)}
  </section>`;
}
