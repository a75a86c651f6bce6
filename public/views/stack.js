// What happened, told from the crash backwards: each exception with its frames, and what it came of.
import { html, useMemo, useState } from '../lib/html.js';
import { counted } from '../lib/format.js';
import { Code, LongText } from '../lib/text.js';
import { say } from '../lib/toasts.js';
import { Pairs } from './event_parts.js';

const OPEN_FRAMES = 4;
const ITEMS_SHOWN = 40;

/** @param {{ payload: any }} props */
export function Story({ payload }) {
  const [all, setAll] = useState(false);
  const told = useMemo(() => chapters(payload), [payload]);
  if (!told.length) return null;
  return html`<section class="story" aria-labelledby="story-title">
    <header class="section-head"><h2 id="story-title">Stack trace</h2>
      <label class="check"><input type="checkbox" checked=${all} onChange=${() => setAll(!all)} /> Frames of libraries too</label></header>
    ${told.map((chapter, index) => html`<${Chapter} key=${index} ...${chapter} all=${all} first=${index === 0} />`)}
  </section>`;
}

/** Exceptions from the headline to the root cause, then the stacks of threads. @param {any} payload */
function chapters(payload) {
  const values = payload.exception?.values ?? [];
  /** @type {any[]} */
  const found = values.toReversed().map((/** @type {any} */ value, /** @type {number} */ index) => ({ value, link: index ? linkOf(value) : '' }));
  if (!found.length) {
    for (const thread of payload.threads?.values ?? []) {
      if (thread.stacktrace) found.push({ value: { type: thread.name ? `Thread ${thread.name}` : 'Stack', value: '', stacktrace: thread.stacktrace }, link: '' });
    }
  }
  return found;
}

/** How an exception stands to the one told before it. @param {any} value */
function linkOf(value) {
  const source = value.mechanism?.source ?? '';
  if (source === '__context__') return 'It came up while this was being handled';
  if (/^(exceptions|errors)\[/.test(source)) return 'One of its group';
  return 'Because of';
}

/** @param {any} props */
function Chapter({ value, link, all, first }) {
  const frames = value.stacktrace?.frames ?? [];
  const handled = value.mechanism?.handled;
  return html`<article class="chapter">
    ${link && html`<p class="link-word">${link}</p>`}
    <h3><b>${value.type ?? 'Error'}</b>${value.value && html`<span class="exception-value"><${LongText} text=${value.value} /></span>`}</h3>
    <p class="muted mechanism">${value.module && html`<span>${value.module}</span>`}${first && handled === false && html`<span class="badge unhandled">not handled</span>`}${first && handled === true && html`<span>handled</span>`}${value.mechanism?.type && value.mechanism.type !== 'generic' && html`<span>${value.mechanism.type}</span>`}</p>
    ${frames.length > 0 && html`<${Frames} frames=${frames} omitted=${value.stacktrace.frames_omitted} all=${all} />`}
    ${value.raw_stacktrace && html`<pre class="raw"><${LongText} text=${value.raw_stacktrace} /></pre>`}
  </article>`;
}

/** @param {any} props */
function Frames({ frames, omitted, all }) {
  const [shown, setShown] = useState(ITEMS_SHOWN);
  const items = useMemo(() => folded(frames.toReversed(), all), [frames, all]);
  return html`<ol class="frames">
    ${items.slice(0, shown).map((item) => item.frames
      ? html`<${Fold} key=${`f${item.at}`} frames=${item.frames} />`
      : html`<${Frame} key=${item.at} frame=${item.frame} open=${item.open} />`)}
    ${items.length > shown && html`<li><button class="link" onClick=${() => setShown(shown + 400)}>${counted(items.length - shown, 'more line')}</button></li>`}
    ${omitted && html`<li class="muted">Frames ${omitted[0]} to ${omitted[1]} were left out: the stack was very deep.</li>`}
  </ol>`;
}

/**
 * Frames, the crash first; runs of a library's frames become one item. Where nothing is the application's own, nothing folds.
 * @param {any[]} frames
 * @param {boolean} all
 */
function folded(frames, all) {
  const own = frames.some((frame) => frame.in_app);
  /** @type {any[]} */
  const items = [];
  let open = OPEN_FRAMES;
  for (const [at, frame] of frames.entries()) {
    const last = items.at(-1);
    if (all || frame.in_app || !own) items.push({ at, frame, open: (frame.in_app || !own) && open-- > 0 });
    else if (last?.frames) last.frames.push(frame);
    else items.push({ at, frames: [frame] });
  }
  return items;
}

/** @param {{ frames: any[] }} props */
function Fold({ frames }) {
  const [open, setOpen] = useState(false);
  const names = [...new Set(frames.map((frame) => (frame.module ?? frame.package ?? '').split(/[./:]/)[0]).filter(Boolean))];
  if (open) return html`${frames.map((frame, index) => html`<${Frame} key=${index} frame=${frame} open=${false} />`)}`;
  return html`<li class="fold"><button class="quiet" onClick=${() => setOpen(true)}>${counted(frames.length, 'frame')} ${names.length > 0 && html`of ${names.slice(0, 3).join(', ')}`}</button></li>`;
}

/** @param {{ frame: any, open: boolean }} props */
function Frame({ frame, open: opened }) {
  const [open, setOpen] = useState(opened);
  const vars = Object.entries(frame.vars ?? {});
  const source = frame.context_line !== undefined;
  const more = source || vars.length > 0;
  const place = `${frame.filename ?? frame.abs_path ?? frame.module ?? '?'}${frame.lineno ? `:${frame.lineno}` : ''}${frame.colno && !frame.context_line ? `:${frame.colno}` : ''}`;
  const label = html`<code class="function">${frame.function ?? '?'}</code><span class="place" title=${frame.abs_path}>${place}</span>${!frame.in_app && html`<span class="library">library</span>`}`;
  return html`<li class=${frame.in_app ? 'frame own' : 'frame'} data-function=${frame.function} data-line=${frame.lineno}>
    ${more ? html`<button class="frame-head" aria-expanded=${open} onClick=${() => setOpen(!open)}>${label}</button>` : html`<div class="frame-head">${label}</div>`}
    ${open && source && html`<${Source} frame=${frame} />`}
    ${open && vars.length > 0 && html`<${Variables} vars=${vars} />`}
  </li>`;
}

/** Bring the frame that an analysis rests on into view, opened; libraries' frames are unfolded for it. @param {{ function: string | null, line: number | null }} wanted */
export async function showFrame(wanted) {
  const name = wanted.function?.replaceAll('[.]', '.'); // an analysis has names that are hosts broken up
  /** @returns {HTMLElement | undefined} */
  const find = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.frame')])
    .find(({ dataset }) => dataset.function === name && (!wanted.line || dataset.line === String(wanted.line)));
  if (!find()) {
    for (const fold of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.fold button'))) fold.click();
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  }
  const head = find()?.querySelector('.frame-head');
  if (!(head instanceof HTMLElement)) return say('That frame is of another event of this incident.', { failed: true });
  if (head.getAttribute('aria-expanded') === 'false') head.click();
  head.focus({ preventScroll: true });
  head.scrollIntoView({ block: 'center' });
}

/** @param {{ frame: any }} props */
function Source({ frame }) {
  const before = frame.pre_context ?? [];
  const first = (frame.lineno ?? 1) - before.length;
  const lines = [...before, frame.context_line, ...(frame.post_context ?? [])];
  return html`<pre class="source" tabindex="0" aria-label="Source">${lines.map((line, index) => html`<div key=${index} class=${index === before.length ? 'line crash' : 'line'}><span class="line-number">${frame.lineno ? first + index : ''}</span><code><${Code} line=${line ?? ''} /></code></div>`)}</pre>`;
}

/** @param {{ vars: [string, unknown][] }} props */
function Variables({ vars }) {
  return html`<details class="variables"><summary>${counted(vars.length, 'variable')} <span class="muted">${vars.slice(0, 6).map(([name]) => name).join(', ')}</span></summary>
    <${Pairs} rows=${vars} />
  </details>`;
}
