// What happened, said once at the bottom of the page, with a way back where there is one.
import { html, useEffect, useState } from './html.js';

const SECONDS = 7;

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
  setTimeout(() => dismiss(id), SECONDS * (failed ? 2000 : 1000));
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
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map(
      (toast) => html`<div key=${toast.id} class=${toast.failed ? 'toast failed' : 'toast'}>
        <span>${toast.text}</span>
        ${toast.undo && html`<button class="link" onClick=${() => (dismiss(toast.id), toast.undo?.())}>Undo</button>`}
        <button class="quiet" aria-label="Dismiss" onClick=${() => dismiss(toast.id)}>×</button>
      </div>`,
    )}
  </div>`;
}
