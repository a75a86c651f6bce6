// Beside an event: how often the incident happened, and how its tags are spread.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Chart } from '../lib/chart.js';
import { counted } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { go, withQuery } from '../lib/router.js';
import { Text } from '../lib/text.js';

const WINDOWS = new Map([['24h', '24 h'], ['14d', '14 d'], ['90d', '90 d']]);

/** @param {any} props */
export function Trend({ project, incident_id, place }) {
  const asked = place.query.get('trend') ?? '';
  const span = WINDOWS.has(asked) ? asked : '14d';
  const path = { project_id: project.id, incident_id };
  const trend = useLoad((signal) => call('readTrend', { path, query: { window: span }, signal }), [project.id, incident_id, span], { keep: true });
  return html`<section class="trend-part" aria-label="Events over time">
    <div class="section-head"><h2>Events</h2><div class="tabs small" role="group" aria-label="How far back">
      ${[...WINDOWS].map(([name, label]) => html`<button key=${name} aria-pressed=${span === name}
        onClick=${() => go(withQuery({ trend: name === '14d' ? null : name }), { replace: true, keepScroll: true })}>${label}</button>`)}</div></div>
    <div class="chart-place">${trend.data && html`<${Chart} bars=${trend.data} label=${`The last ${WINDOWS.get(span)}`} />`}</div>
  </section>`;
}

/** @param {any} props */
export function TagSpread({ project, incident_id }) {
  const path = { project_id: project.id, incident_id };
  const tags = useLoad((signal) => call('readTagCounts', { path, signal }), [project.id, incident_id]);
  if (!tags.data?.items.length) return null;
  return html`<section class="part" aria-labelledby="spread-title"><h2 id="spread-title">Tags</h2>
    <p class="muted">In the newest ${counted(tags.data.event_count, 'event')}</p>
    ${tags.data.items.slice(0, 12).map((/** @type {any} */ one) => html`<div key=${one.tag} class="spread">
      <h3><${Text} text=${one.tag} />${one.value_count > one.values.length && html` <span class="muted">${one.value_count} values</span>`}</h3>
      <ul>${one.values.slice(0, 4).map((/** @type {any} */ value) => html`<li key=${value.value}><meter min="0" max=${tags.data.event_count} value=${value.event_count} aria-label=${`${value.value}: ${value.event_count}`}></meter>
        <span class="ellipsis" title=${value.value}><${Text} text=${value.value} /></span><span class="muted">${Math.round((100 * value.event_count) / tags.data.event_count)} %</span></li>`)}</ul></div>`)}
  </section>`;
}
