// Lists of incidents as they were left, so that whoever comes back finds their rows, their place and the current row again. They are
// kept in memory alone; what becomes of an incident meanwhile is told to all of them, and to every view that shows it.
import { useEffect, useLayoutEffect } from './html.js';
import { cameBack, here } from './router.js';

const LISTS_MAX = 10;

/** @typedef {{ first: any, more: any, current: number | null }} Shown pages of the API's answers, and the id of the current row */
/** @typedef {Shown & { scroll: number }} Kept */

/** Those left last stand last. @type {Map<string, Kept>} */
const lists = new Map();
/** The address of each project's list that was looked at last. @type {Map<number, string>} */
const last = new Map();
/** @type {Set<(incidents: any[]) => void>} */
const listeners = new Set();

const addressNow = () => location.pathname + location.search;

/** The list that somebody has come back to, as it was left. */
export const leftBehind = () => (cameBack() ? lists.get(addressNow()) ?? null : null);

/** Where the list is that somebody came from, with its search. @param {number} project_id @returns {string} */
export const listAddress = (project_id) => history.state?.list ?? last.get(project_id) ?? `/projects/${project_id}/incidents`;

/** The incidents of the list that was looked at last, in its order. @param {number} project_id @returns {any[]} */
export function lastListed(project_id) {
  const kept = lists.get(last.get(project_id) ?? '');
  return kept ? [...kept.first.items, ...(kept.more?.items ?? [])] : [];
}

/** Let an incident's page know its list after a reload, too. @param {number} project_id @param {string} incident_id */
export function useWayBack(project_id, incident_id) {
  useEffect(() => history.replaceState({ list: listAddress(project_id) }, ''), [project_id, incident_id]);
}

/**
 * Keep a list as long as it is shown, and as it is left.
 * @param {number} project_id
 * @param {Shown} shown `first` is null while there is no first page
 */
export function useKept(project_id, shown) {
  const address = here().path + location.search;
  useLayoutEffect(() => {
    last.set(project_id, address);
    lists.delete(address);
    if (!shown.first) return undefined;
    const kept = { ...shown, scroll: scrollY };
    lists.set(address, kept);
    for (const oldest of [...lists.keys()].slice(0, -LISTS_MAX)) lists.delete(oldest);
    const scrolled = () => void (kept.scroll = scrollY);
    addEventListener('scroll', scrolled, { passive: true });
    return () => removeEventListener('scroll', scrolled);
  }, [project_id, address, shown.first, shown.more, shown.current]);
}

/** @param {any} page of incidents @param {any[]} incidents as they are now */
export function changed(page, incidents) {
  const by = new Map(incidents.map((one) => [one.id, one]));
  return { ...page, items: page.items.map((/** @type {any} */ one) => (by.has(one.id) ? { ...one, ...by.get(one.id) } : one)) };
}

/** Show incidents as they are now wherever they are shown. @param {any[]} incidents */
export function tell(incidents) {
  for (const kept of lists.values()) {
    kept.first = changed(kept.first, incidents);
    kept.more &&= changed(kept.more, incidents);
  }
  for (const listener of listeners) listener(incidents);
}

/** Hear of incidents that are told of. @param {(incidents: any[]) => void} hear @param {unknown[]} dependencies */
export function useTold(hear, dependencies) {
  useEffect(() => {
    listeners.add(hear);
    return () => void listeners.delete(hear);
  }, dependencies);
}

/** Which incidents there are has changed: by merging, or splitting. */
export const forgetLists = () => lists.clear();
