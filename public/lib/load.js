// Loading what a page shows: the answer, or what went wrong, and never an answer to an older question.
import { useCallback, useEffect, useRef, useState } from './html.js';

/**
 * @template T
 * @typedef {{ data: T | null, error: Error | null, loading: boolean, reload: () => void, set: (change: (now: T) => T) => void }} Loaded
 */

/**
 * Ask again whenever `dependencies` change. What was there stays until the new answer comes, where `keep` is set.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} ask
 * @param {unknown[]} dependencies
 * @param {{ keep?: boolean, given?: T | null }} [options] given: an answer that is there already, so that none is asked for at first
 * @returns {Loaded<T>}
 */
export function useLoad(ask, dependencies, { keep = false, given = null } = {}) {
  const [round, setRound] = useState(0);
  const [state, setState] = useState(/** @type {{ data: T | null, error: Error | null, loading: boolean }} */ (given === null ? EMPTY : { data: given, error: null, loading: false }));
  const spared = useRef(given !== null);
  useEffect(() => {
    if (spared.current) {
      spared.current = false;
      return undefined;
    }
    const controller = new AbortController();
    setState((now) => ({ data: keep || round ? now.data : null, error: null, loading: true }));
    ask(controller.signal).then(
      (data) => !controller.signal.aborted && setState({ data, error: null, loading: false }),
      (error) => !controller.signal.aborted && setState((now) => ({ data: now.data, error, loading: false })),
    );
    return () => controller.abort();
  }, [...dependencies, round]);
  const set = useCallback(
    (/** @type {(now: T) => T} */ change) => setState((now) => (now.data === null ? now : { ...now, data: change(now.data) })),
    [],
  );
  // Also right when it is called long after this rendering, as an undo does.
  const reload = useCallback(() => setRound((/** @type {number} */ now) => now + 1), []);
  return { ...state, reload, set };
}

const EMPTY = { data: null, error: null, loading: true };

/**
 * Call `act` whenever `dependencies` change, but not for the first rendering.
 * @param {() => void} act
 * @param {unknown[]} dependencies
 */
export function useChanged(act, dependencies) {
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) act();
    first.current = false;
  }, dependencies);
}

/**
 * Call `act` every so many seconds while somebody can see the page.
 * @param {() => void} act
 * @param {number} seconds
 * @param {unknown[]} dependencies
 */
export function useEvery(act, seconds, dependencies) {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && act(), seconds * 1000);
    return () => clearInterval(timer);
  }, dependencies);
}
