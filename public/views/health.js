// How this deployment is: everything it depends on, and what waits.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useEvery, useLoad } from '../lib/load.js';
import { Problem, Skeleton, useTitle } from '../lib/parts.js';
import { Json } from '../lib/text.js';

const SECONDS = 15;

/** One line for each thing that health reports. */
export default function Health() {
  useTitle('Health');
  const health = useLoad((signal) => call('readHealth', { signal }), [], { keep: true });
  useEvery(health.reload, SECONDS, [health.reload]);
  if (health.error) return html`<${Problem} error=${health.error} retry=${health.reload} />`;
  if (!health.data) return html`<${Skeleton} rows=${8} />`;
  const { status, ...rest } = health.data;
  return html`<div class="page">
    <h1>Health</h1>
    <p class=${`verdict ${status}`}>${status === 'ok' ? 'Everything works.' : status === 'down' ? 'Events cannot be taken. What is missing stands below.' : 'Events are taken, and something needs a look.'}</p>
    <dl class="pairs wide">${Object.entries(rest).map(([name, value]) => html`<div key=${name}><dt>${name.replaceAll('_', ' ')}</dt><dd><${Json} value=${value} /></dd></div>`)}</dl>
  </div>`;
}
