// Keys: one list of what is bound now, so that the help shows what works where one is.
import { useEffect } from './html.js';

/** @typedef {{ keys: string, label: string, act: (event: KeyboardEvent) => void, always?: boolean }} Binding */

/** @type {Binding[][]} */
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
export const bindings = () => layers.toReversed().flat();

/**
 * Bind keys as long as the component is there. `keys`: "j", "Enter", "Escape", "mod+k".
 * @param {Binding[]} given
 * @param {unknown[]} dependencies
 */
export function useKeys(given, dependencies) {
  useEffect(() => {
    layers.push(given);
    return () => {
      layers.splice(layers.indexOf(given), 1);
    };
  }, dependencies);
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
