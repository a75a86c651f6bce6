// Forms: what is being done, what was refused and where, and questions before what cannot be undone.
import { html, useState } from './html.js';
import { Dialog } from './parts.js';

/**
 * An action with its state. The error stays until it is tried again.
 * @template {unknown[]} A
 * @param {(...given: A) => Promise<unknown>} act
 */
export function useAction(act) {
  const [state, setState] = useState(/** @type {{ busy: boolean, error: any }} */ ({ busy: false, error: null }));
  /** @param {A} given @returns {Promise<boolean>} whether it worked */
  const run = async (...given) => {
    setState({ busy: true, error: null });
    try {
      await act(...given);
      setState({ busy: false, error: null });
      return true;
    } catch (error) {
      setState({ busy: false, error });
      return false;
    }
  };
  return { ...state, run };
}

/** What was typed and not saved, by form: it is still there for whoever comes back from another page. @type {Map<string, any>} */
const unsaved = new Map();

/**
 * A form's draft, which outlives its page until it is saved or is what was saved anyway.
 * @template T
 * @param {string} key of the form, and of what it changes
 * @param {T | null} saved what is set now; null while that is being read
 * @param {(draft: T) => string} [told] the same of two drafts where there is nothing to save
 * @returns {{ draft: T | null, change: (draft: T) => void, changed: boolean, forget: () => void }}
 */
export function useDraft(key, saved, told = JSON.stringify) {
  const [, again] = useState(0);
  const set = (/** @type {T | null} */ draft) => {
    if (draft === null || (saved !== null && told(draft) === told(saved))) unsaved.delete(key);
    else unsaved.set(key, draft);
    again((/** @type {number} */ round) => round + 1);
  };
  return { draft: unsaved.get(key) ?? saved, change: set, changed: unsaved.has(key), forget: () => set(null) };
}

/** @param {{ label: string, hint?: any, children: any }} props */
export const Field = ({ label, hint, children }) => html`<label class="field"><span>${label}</span>${children}${hint && html`<span class="hint">${hint}</span>`}</label>`;

/** What the API has against what was given. @param {{ error: any }} props */
export const Refusal = ({ error }) => error && html`<div class="field-problem" role="alert">${error.message}
  ${error.errors?.length > 0 && html`<ul>${error.errors.map((/** @type {any} */ one) => html`<li>${one.pointer.replace(/^\//, '')}: ${one.detail}</li>`)}</ul>`}</div>`;

/** The text of a field, as it is typed. @param {(text: string) => void} set */
export const typed = (set) => (/** @type {any} */ event) => set(event.target.value);

/** One line for each entry. @param {string} text */
export const lines = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean);

/**
 * Asks before something that ends or removes. With `word` the person types it.
 * @param {{ title: string, label: string, word?: string, onYes: () => Promise<unknown>, onClose: () => void, children: any }} props
 */
export function Confirm({ title, label, word, onYes, onClose, children }) {
  const [text, setText] = useState('');
  const action = useAction(onYes);
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    if (await action.run()) onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
    ${children}
    ${word && html`<${Field} label=${`Type ${word} to go on`}><input type="text" autocomplete="off" value=${text} onInput=${typed(setText)} /><//>`}
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button>
      <button class="danger" disabled=${action.busy || (word && text !== word)}>${label}</button></div>
  </form><//>`;
}
