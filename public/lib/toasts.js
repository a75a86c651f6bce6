// What happened, said once at the bottom of the page, with a way back where there is one.
import { html, useEffect, useState } from './html.js';
import { useKeys } from './keyboard.js';

const SECONDS = 7;
/** There is something to read or to take back: longer. */
const SECONDS_LONG = 20;

/** @typedef {{ id: number, text: string, failed: boolean, undo?: () => void }} Toast */

/** @type {Toast[]} */
let shown = [];
/** @type {Set<() => void>} */
const listeners = new Set();
let last = 0;

/** @param {Toast[]} next */
function show(next) {
  shown = next;
  for (const listener of listeners) listener();
}

/** @param {number} id */
const dismiss = (id) => show(shown.filter((toast) => toast.id !== id));

/**
 * @param {string} text
 * @param {{ undo?: () => void, failed?: boolean }} [options]
 */
export function say(text, { undo, failed = false } = {}) {
  const id = ++last;
  show([...shown.slice(-2), { id, text, failed, undo }]);
}

/** @type {Promise<unknown>} */
let underway = Promise.resolve();

/** What is asked to be undone before this has ended is this. @param {Promise<unknown>} work */
export function doing(work) {
  underway = work;
}

/** Take back what was said last that can be. */
async function undoLast() {
  await underway;
  const toast = shown.findLast((one) => one.undo);
  if (toast) (dismiss(toast.id), toast.undo?.());
}

/** @param {unknown} error */
export const sayFailed = (error) => say(error instanceof Error ? error.message : String(error), { failed: true });

export function Toasts() {
  const [, again] = useState({});
  useEffect(() => {
    const changed = () => again({});
    listeners.add(changed);
    return () => void listeners.delete(changed);
  }, []);
  useKeys([{ keys: 'z', label: 'Undo what was done last', act: undoLast }]);
  return html`<div class="toasts" role="status" aria-live="polite">${shown.map((toast) => html`<${Line} key=${toast.id} toast=${toast} />`)}</div>`;
}

/** Goes by itself, but not from under the pointer or the focus. @param {{ toast: Toast }} props */
function Line({ toast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => dismiss(toast.id), 1000 * (toast.failed || toast.undo ? SECONDS_LONG : SECONDS));
    return () => clearTimeout(timer);
  }, [held]);
  const hold = () => setHeld(true);
  const release = () => setHeld(false);
  return html`<div class=${toast.failed ? 'toast failed' : 'toast'} onMouseEnter=${hold} onMouseLeave=${release} onFocusIn=${hold} onFocusOut=${release}>
    <span>${toast.text}</span>
    ${toast.undo && html`<button class="link" onClick=${() => (dismiss(toast.id), toast.undo?.())}>Undo</button><kbd aria-hidden="true">Z</kbd>`}
    <button class="quiet" aria-label="Dismiss" onClick=${() => dismiss(toast.id)}>×</button>
  </div>`;
}
