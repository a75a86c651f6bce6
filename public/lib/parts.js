// Small parts that many views share.
import { html, useEffect, useLayoutEffect, useRef, useState } from './html.js';
import { ago, exactTime } from './format.js';
import { say } from './toasts.js';

/** A time as the reader counts it, the exact one on hover. `ago` where it stands in a sentence. @param {{ iso: string | null | undefined, prefix?: string, ago?: boolean }} props */
export function Time({ iso, prefix = '', ago: spoken = false }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((now) => now + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!iso) return html`<span class="muted">never</span>`;
  return html`<time datetime=${iso} title=${exactTime(iso)}>${prefix}${ago(iso)}${spoken && /\d (s|min|h|d)$/.test(ago(iso)) ? ' ago' : ''}</time>`;
}

/** @param {{ level: string }} props */
export const Level = ({ level }) => html`<span class=${`level ${level}`}>${level}</span>`;

const DAY_MILLISECONDS = 86_400_000;

/** What changed about an incident lately, in words. @param {{ incident: any }} props */
export function Transitions({ incident }) {
  /** @param {string | null} iso */
  const recent = (iso) => iso && Date.now() - new Date(iso).getTime() < DAY_MILLISECONDS;
  return html`${recent(incident.first_seen) && html`<span class="badge new">new</span>`}
  ${recent(incident.regressed_at) && html`<span class="badge regressed">regressed</span>`}
  ${recent(incident.escalated_at) && html`<span class="badge escalated">escalated</span>`}`;
}

/** Lines in the shape of what is being loaded. @param {{ rows?: number, kind?: string }} props */
export const Skeleton = ({ rows = 6, kind = '' }) => html`<div class=${`skeleton ${kind}`} aria-busy="true">
  <span class="hidden">Loading</span>
  ${Array.from({ length: rows }, (_, index) => html`<div key=${index} class="bone" />`)}
</div>`;

/** What went wrong, and what to do. @param {{ error: any, retry?: () => void }} props */
export const Problem = ({ error, retry }) => html`<div class="problem" role="alert">
  <h2>${error.title ?? 'It did not work'}</h2>
  <p>${error.message}</p>
  ${error.errors?.length > 0 && html`<ul>${error.errors.map((/** @type {any} */ one) => html`<li><code>${one.pointer}</code> ${one.detail}</li>`)}</ul>`}
  ${error.requestId && html`<p class="muted">Request ${error.requestId}</p>`}
  ${retry && html`<button onClick=${retry}>Try again</button>`}
</div>`;

/** @param {{ title: string, children?: any }} props */
export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/**
 * A bar for each number, none lower than a hair where there was something; two paths, since a list has fifty of them.
 * @param {{ counts: number[], label: string, width?: number, height?: number }} props
 */
export function Sparkline({ counts, label, width = 112, height = 24 }) {
  const most = Math.max(1, ...counts);
  const step = width / counts.length;
  const wide = Math.max(1, step - 1);
  /** @param {number} index @param {number} tall */
  const bar = (index, tall) => `M${(index * step).toFixed(1)} ${height}v${-tall.toFixed(1)}h${wide.toFixed(1)}v${tall.toFixed(1)}z`;
  const some = counts.map((number, index) => (number ? bar(index, Math.max(1.5, (number / most) * (height - 1))) : '')).join('');
  const none = counts.map((number, index) => (number ? '' : bar(index, 0.75))).join('');
  return html`<svg class="sparkline" viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} role="img" aria-label=${label}>
    <path class="none" d=${none} /><path d=${some} /></svg>`;
}

/** A button that opens a list of actions. @param {{ label: any, children: any, class?: string, title?: string, onOpen?: () => void }} props */
export function Menu({ label, children, class: kind = '', title, onOpen }) {
  const root = useRef(/** @type {HTMLDetailsElement | null} */ (null));
  useEffect(() => {
    /** @param {Event} event */
    const close = (event) => {
      const details = root.current;
      if (!details?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== 'Escape') return;
        details.querySelector('summary')?.focus();
      } else if (details.contains(/** @type {Node} */ (event.target)) && !(/** @type {Element} */ (event.target).closest('.menu-list button, .menu-list a'))) return;
      // Where the focus was within, it is not lost with it.
      if (details.querySelector('.menu-list')?.contains(document.activeElement)) details.querySelector('summary')?.focus();
      details.open = false;
    };
    addEventListener('click', close);
    addEventListener('keydown', close);
    return () => (removeEventListener('click', close), removeEventListener('keydown', close));
  }, []);
  return html`<details class=${`menu ${kind}`} ref=${root} onToggle=${() => root.current?.open && onOpen?.()}>
    <summary class="button" title=${title}>${label}</summary>
    <div class="menu-list">${children}</div>
  </details>`;
}

const FIELD = '.dialog-body :is(input:not([type="checkbox"], [type="radio"]:not(:checked)), select, textarea):not(:disabled)';

/** A modal dialog that begins in its first field, closes with Escape and gives the focus back. @param {{ title: string, onClose: () => void, children: any, wide?: boolean }} props */
export function Dialog({ title, onClose, children, wide = false }) {
  const root = useRef(/** @type {HTMLDialogElement | null} */ (null));
  // Before the next key comes: what is typed at once is typed into it.
  useLayoutEffect(() => {
    const before = document.activeElement;
    // What opened it within a menu has folded with that.
    const back = before?.closest('.menu')?.querySelector('summary') ?? before;
    root.current?.showModal();
    const field = root.current?.querySelector(FIELD);
    if (field instanceof HTMLElement) field.focus();
    return () => void (back instanceof HTMLElement && back.focus());
  }, []);
  return html`<dialog ref=${root} class=${wide ? 'wide' : ''} aria-label=${title} onClose=${onClose}
    onClick=${(/** @type {MouseEvent} */ event) => event.target === root.current && onClose()}>
    <header><h2>${title}</h2><button class="quiet" aria-label="Close" onClick=${onClose}>×</button></header>
    <div class="dialog-body">${children}</div>
  </dialog>`;
}

/** @param {string} text @param {string} what */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    say('The browser did not allow copying. Select the text and copy it by hand.', { failed: true });
  }
}

/** @param {{ text: string, what: string, label?: string }} props */
export const CopyButton = ({ text, what, label = 'Copy' }) => html`<button class="small" onClick=${() => copy(text, what)}>${label}</button>`;

/** The title of the browser's window. @param {string} text */
export function useTitle(text) {
  useEffect(() => {
    document.title = text ? `${text} · Sensra` : 'Sensra';
  }, [text]);
}
