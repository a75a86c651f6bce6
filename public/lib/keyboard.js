// Keys: one list of what is bound now, so that the help shows what works where one is.
import { useEffect, useRef } from './html.js';

/** @typedef {{ keys: string, label: string, act: (event: KeyboardEvent) => void, always?: boolean }} Binding */

/** @type {{ current: Binding[] }[]} */
const layers = [];

/** Whether single keys do anything (WCAG 2.1.4: they can be turned off). */
export const single = {
  get on() {
    return localStorage.getItem('single-keys') !== 'off';
  },
  set on(wanted) {
    localStorage.setItem('single-keys', wanted ? 'on' : 'off');
  },
};

/** What is bound now, the innermost first. */
export const bindings = () => layers.toReversed().flatMap((layer) => layer.current);

/**
 * Bind keys as long as the component is there; what is bound is always that of the last rendering.
 * @param {Binding[]} given `keys`: "j", "Enter", "Escape", "mod+k"
 */
export function useKeys(given) {
  const layer = useRef(given);
  layer.current = given;
  useEffect(() => {
    layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  }, []);
}

/** @param {KeyboardEvent} event */
function named(event) {
  const mod = event.metaKey || event.ctrlKey ? 'mod+' : '';
  return mod + (event.key.length === 1 ? event.key.toLowerCase() : event.key);
}

/** @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  && /** @type {HTMLInputElement} */ (target).type !== 'checkbox';

/** @param {KeyboardEvent} event */
function pressed(event) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  const name = named(event);
  const modal = document.querySelector('dialog[open]');
  const found = bindings().find((binding) => binding.keys === name && (binding.always || !modal));
  if (!found || (isTyping(event.target) && !found.always)) return;
  if (name.length === 1 && !single.on) return;
  event.preventDefault();
  found.act(event);
}

export const listen = () => document.addEventListener('keydown', pressed);
