// The address holds the whole state of a page: which view, of what, and how it is narrowed.
import { useEffect, useState } from './html.js';

/** @typedef {{ path: string, query: URLSearchParams, hash: string }} Place */

/** @type {Set<() => void>} */
const listeners = new Set();

// Before the listeners that draw, which ask for it.
let back = false;
addEventListener('popstate', () => void (back = true));

/** Whether the place that is shown now was come back to: by the browser's Back or Forward, or by a link with rel="prev". */
export const cameBack = () => back;

/** @returns {Place} */
export function here() {
  return { path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash };
}

/**
 * Go to an address of this site without loading a page.
 * @param {string} href
 * @param {{ replace?: boolean, keepScroll?: boolean, returning?: boolean }} [options] replace: without an entry in the history; returning:
 *   to what was left, as it was
 */
export function go(href, { replace = false, keepScroll = false, returning = false } = {}) {
  back = returning;
  if (replace) history.replaceState(history.state, '', href);
  else history.pushState(null, '', href);
  for (const listener of listeners) listener();
  if (!replace && !keepScroll) scrollTo(0, 0);
}

/**
 * The address as it is now with some parameters of its query changed; null and '' remove one.
 * @param {Record<string, string | null | undefined>} changes
 */
export function withQuery(changes) {
  const { path, query } = here();
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The place, and a new rendering whenever it changes. */
export function usePlace() {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const moved = () => setPlace(here());
    listeners.add(moved);
    addEventListener('popstate', moved);
    return () => {
      listeners.delete(moved);
      removeEventListener('popstate', moved);
    };
  }, []);
  return place;
}

/** Links of this site go without loading a page; with a modifier, a target or another site they stay what they are. */
export function interceptLinks() {
  document.addEventListener('click', (event) => {
    const target = /** @type {Element} */ (event.target);
    const link = target.closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (/^\/(api|local|sign-in)(\/|$)/.test(link.pathname) || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash, { returning: link.rel === 'prev' });
  });
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // `%` alone is no encoding, and no reason to show nothing
  }
}

/**
 * Match a path against a pattern such as `/projects/:project_id/incidents`.
 * @param {string} pattern
 * @param {string} path
 * @returns {Record<string, string> | null} the named parts
 */
export function match(pattern, path) {
  const wanted = pattern.split('/');
  const given = path.replace(/\/$/, '').split('/');
  if (wanted.length !== given.length) return null;
  /** @type {Record<string, string>} */
  const parts = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(':')) parts[part.slice(1)] = decoded(given[index] ?? '');
    else if (part !== given[index]) return null;
  }
  return parts;
}
