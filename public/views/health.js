// How this deployment is: each thing that it stands on, how that is, and what waits.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useEvery, useLoad } from '../lib/load.js';
import { Problem, Skeleton, useTitle } from '../lib/parts.js';
import { Json } from '../lib/text.js';

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
    <div class="table-scroll" tabindex="0" role="region" aria-label="Parts"><table>
      <thead><tr><th>Part</th><th>State</th><th class="right">Answers in</th><th>More</th></tr></thead>
      <tbody>${parts.map(([name, { state, ms, ...more }]) => html`<tr key=${name}><td><b>${words(name)}</b></td>
        <td><span class=${GOOD.has(state) ? 'badge good' : 'badge regressed'}>${words(String(state ?? 'unknown'))}</span></td>
        <td class="right">${ms === undefined ? '' : `${Math.round(ms)} ms`}</td>
        <td>${Object.entries(more).map(([key, value]) => html`<div key=${key} class="health-row"><span class="muted">${words(key)}</span> <${Json} value=${value} depth=${1} /></div>`)}</td></tr>`)}</tbody>
    </table></div>
  </div>`;
}

/** @param {string} name */
const words = (name) => name.replaceAll('_', ' ');
