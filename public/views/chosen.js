// Rows that were chosen in a list, and what is done to all of them.
import { html, useRef, useState } from '../lib/html.js';
import { counted } from '../lib/format.js';
import { AssignMenu, StatusButtons } from './status_buttons.js';

/** The API changes so many at once. */
const CHOSEN_MAX = 100;

/** Which of the rows are chosen. A range goes from the one that was chosen last. @param {any[]} items */
export function useChosen(items) {
  const [ids, set] = useState(/** @type {Set<number>} */ (new Set()));
  /** @param {number[]} wanted */
  const setIds = (wanted) => set(new Set(wanted.slice(0, CHOSEN_MAX)));
  const last = useRef(0);
  /** @param {number} id @param {boolean} range */
  const toggle = (id, range) => {
    const [from, to] = [last.current, id].map((one) => items.findIndex((item) => item.id === one)).sort((one, other) => one - other);
    last.current = id;
    if (range && from !== undefined && to !== undefined && from >= 0) {
      return setIds([...new Set([...ids, ...items.slice(from, to + 1).map((one) => one.id)])]);
    }
    return setIds(ids.has(id) ? [...ids].filter((one) => one !== id) : [...ids, id]);
  };
  return { ids, picked: items.filter((one) => ids.has(one.id)), toggle, all: () => setIds(items.map((one) => one.id)), none: () => setIds([]) };
}

/** @param {any} props */
export const ChosenBar = ({ account, project, picked, many, onChange, onAssign, onMerge, onAll, onNone }) => html`<div class="toolbar" role="toolbar" aria-label="Chosen incidents">
  <strong>${counted(picked.length, 'incident')} chosen</strong>
  <${StatusButtons} onChange=${onChange} />
  <button onClick=${() => onChange({ status: 'open' })}>Reopen</button>
  <${AssignMenu} account=${account} project=${project} label="Assign" onAssign=${onAssign} />
  <button onClick=${onMerge}>Merge…</button>
  ${picked.length < Math.min(many, CHOSEN_MAX) && html`<button class="link" onClick=${onAll}>Choose ${many > CHOSEN_MAX ? `the first ${CHOSEN_MAX}` : `all ${many} shown`}</button>`}
  <button class="link" onClick=${onNone}>Choose none</button>
</div>`;
