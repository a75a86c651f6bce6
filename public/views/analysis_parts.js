// What an analysis says, as plain text, and what it was made with; of the newest and of earlier ones alike.
import { html } from '../lib/html.js';
import { counted, exactTime, exactly } from '../lib/format.js';
import { Text } from '../lib/text.js';
import { showFrame } from './stack.js';

/** @param {{ of: any }} props */
export function Said({ of: one }) {
  return html`${one.summary && html`<p class="summary"><${Text} text=${one.summary} /></p>`}
    ${one.likely_cause && html`<h3>Likely cause</h3><p><${Text} text=${one.likely_cause} /></p>`}
    ${one.suggested_fix && html`<h3>Suggested fix</h3><${Fix} text=${one.suggested_fix} />`}
    ${one.evidence?.length > 0 && html`<details><summary>What it rests on</summary><ul class="evidence">${one.evidence.map((/** @type {any} */ frame, /** @type {number} */ index) => html`<li key=${index}><button class="link" onClick=${() => showFrame(frame)}><code>${frame.function ?? '?'}</code> <span class="place">${frame.file ?? frame.module ?? ''}${frame.line ? `:${frame.line}` : ''}</span></button> <${Text} text=${frame.shows} /></li>`)}</ul></details>`}`;
}

/** A diff has its lines told apart; anything else is text. @param {{ text: string }} props */
function Fix({ text }) {
  const isDiff = /^(---|\+\+\+|@@|diff )/m.test(text);
  return html`<pre class="fix" tabindex="0" aria-label="Suggested fix">${text.split('\n').map((line, index) => {
    const kind = isDiff && /^[+-]/.test(line) && !/^(---|\+\+\+) /.test(line) ? (line.startsWith('+') ? 'added' : 'taken') : '';
    return html`<div key=${index} class=${kind}><${Text} text=${line || ' '} /></div>`;
  })}</pre>`;
}

/** The model, what it read and wrote, and what that cost, folded. @param {{ of: any }} props */
export function Origin({ of: { provenance: made, created_at, finished_at } }) {
  const pairs = [
    ['Model', made.model ?? 'not known'],
    ['Tokens', `${exactly(made.input_tokens)} read${made.cached_tokens ? ` (${exactly(made.cached_tokens)} of them kept by the provider)` : ''}, ${exactly(made.output_tokens)} written`],
    ['Cost', dollars(made.cost_dollars)],
    ['Time', made.latency_ms === null ? 'not known' : `${(made.latency_ms / 1000).toFixed(1)} s`],
    ['Made', exactTime(finished_at ?? created_at)],
    ['Incident then', [made.event_count === null ? '' : counted(made.event_count, 'event'), made.release ?? ''].filter(Boolean).join(', ') || 'not known'],
    ['Prompt', made.prompt_version === null ? 'not known' : `version ${made.prompt_version}`],
  ];
  return html`<details><summary>How it was made</summary><dl class="pairs tight origin">${pairs.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></details>`;
}

/** A fraction of a cent tells too. @param {number} number */
const dollars = (number) => `$${number === 0 || number >= 0.1 ? number.toFixed(2) : number.toPrecision(2)}`;
