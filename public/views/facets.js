// What the list can be narrowed to further, and how much each step would leave.
import { html } from '../lib/html.js';
import { count } from '../lib/format.js';
import { go } from '../lib/router.js';
import { parse, toggled } from '../lib/search.js';

/** open: whether they are shown where there is no room beside the list. @param {{ facets: any, line: string, open: boolean }} props */
export function Facets({ facets, line, open }) {
  const shape = open ? 'facets open' : 'facets';
  if (!facets) return html`<aside id="facets" class=${shape} aria-hidden="true">${[4, 3].map((rows) => html`<div class="skeleton">${Array.from({ length: rows }, () => html`<div class="bone" />`)}</div>`)}</aside>`;
  const { fields } = parse(line);
  if (!facets.level.length && !Object.keys(fields).length) return null;  // a list with nothing in it
  return html`<aside id="facets" class=${shape} aria-label="Narrow the list">
    <${Facet} title="Level" field="level" values=${facets.level} line=${line} chosen=${fields.level} />
    <${Facet} title="Environment" field="environment" values=${facets.environment} line=${line} chosen=${fields.environment} />
    <${Facet} title="Newest releases" field="release" values=${facets.release} line=${line} chosen=${fields.release} />
    <${Facet} title="With" field="assignee" values=${facets.assignee} line=${line} chosen=${fields.assignee} />
    ${!facets.complete && html`<p class="muted small-text">Counted in the 20,000 last seen.</p>`}
  </aside>`;
}

/** @param {{ title: string, field: string, values: { value: string, incident_count: number | null }[], line: string, chosen?: string }} props */
function Facet({ title, field, values, line, chosen }) {
  if (!values.length) return null;
  /** @param {string} value */
  const choose = (value) => {
    const query = new URLSearchParams(location.search);
    query.set('q', toggled(line, field, value));
    go(`?${query}`);
  };
  return html`<section><h2>${title}</h2><ul>${values.map(({ value, incident_count }) => html`<li key=${value}>
    <button class="facet" aria-pressed=${chosen === value} onClick=${() => choose(value)}>
      <span class=${field === 'level' ? `ellipsis level ${value}` : 'ellipsis'} title=${value}>${value}</span>${incident_count !== null && html`<span class="muted">${count(incident_count)}</span>`}</button></li>`)}</ul></section>`;
}
