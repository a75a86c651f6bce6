// How this deployment is: each thing that it stands on, how that is, and what waits.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useEvery, useLoad } from '../lib/load.js';
import { Problem, Skeleton, Time, useTitle } from '../lib/parts.js';

const SECONDS = 15;
const VERDICTS = new Map([
  ['ok', 'Everything works.'],
  ['degraded', 'Events are taken, and something needs a look.'],
  ['down', 'Events cannot be taken. What is missing stands below.'],
]);
const GOOD = new Set(['ok', 'configured']);

/** One line for each thing that health reports. */
export default function Health() {
  useTitle('Health');
  const health = useLoad((signal) => call('readHealth', { signal }), [], { keep: true });
  useEvery(health.reload, SECONDS, [health.reload]);
  if (health.error) return html`<${Problem} error=${health.error} retry=${health.reload} />`;
  if (!health.data) return html`<${Skeleton} rows=${8} />`;
  const { status, commit, ...rest } = health.data;
  const parts = Object.entries(rest).filter(([, value]) => value && typeof value === 'object');
  return html`<div class="page wide">
    <h1>Health</h1>
    <p class=${`verdict ${status}`}>${VERDICTS.get(status) ?? status}${commit && html` <span class="muted">Commit ${commit.slice(0, 8)}</span>`}</p>
    <div class="table-scroll" tabindex="0" role="region" aria-label="Parts"><table class="health-parts">
      <thead><tr><th>Part</th><th>State</th><th class="right">Answers in</th><th>More</th></tr></thead>
      <tbody>${parts.map(([name, { state, ms, ...more }]) => html`<tr key=${name}><td><b>${words(name)}</b></td>
        <td><span class=${GOOD.has(state) ? 'badge good' : 'badge regressed'}>${words(String(state ?? 'unknown'))}</span></td>
        <td class="right">${ms === undefined ? '' : `${Math.round(ms)} ms`}</td>
        <td><${Facts} given=${more} /></td></tr>`)}</tbody>
    </table></div>
  </div>`;
}

/** Named values, and in a line each what belongs together. @param {{ given: Record<string, unknown> }} props */
const Facts = ({ given }) => html`<dl class="facts-list">${Object.entries(given).flatMap(([name, value]) => Array.isArray(value) && value.length && typeof value[0] === 'object'
  ? value.map((/** @type {any} */ one) => html`<div key=${name + one.job}><dt>${one.job ? `cron ${one.job}` : words(name)}</dt><dd><${Fact} value=${one} /></dd></div>`)
  : html`<div key=${name}><dt>${words(name)}</dt><dd><${Fact} value=${value} /></dd></div>`)}</dl>`;

const MOMENT = /^\d{4}-\d\d-\d\dT/;
// Said by the times beside them.
const LEFT_OUT = new Set(['job', 'age_seconds', 'started_at']);

/** @param {{ value: any }} props @returns {any} */
function Fact({ value }) {
  if (value === null || value === undefined) return html`<span class="muted">none</span>`;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return MOMENT.test(value) ? html`<${Time} iso=${value} ago />` : value;
  if (Array.isArray(value)) return value.length ? value.map(String).join(', ') : html`<span class="muted">none</span>`;
  if (typeof value !== 'object') return String(value);
  return html`<span class="inline-facts">${Object.entries(value).filter(([name, one]) => !LEFT_OUT.has(name) && !(one && typeof one === 'object' && !Object.keys(one).length))
    .map(([name, one]) => html`<span key=${name}><span class="muted">${words(name)}</span> <${Fact} value=${one} /></span>`)}</span>`;
}

/** @param {string} name */
const words = (name) => name.replace(/_at$/, '').replaceAll('_', ' ');
