// Text out of events: shown as it is, with what redaction took marked, and code with its words told apart.
import { html, useState } from './html.js';

const PLACEHOLDER = /(\[redacted:[a-z-]{1,24}\])/;
const CHARACTERS_SHOWN = 2_000;

/** Text in which each placeholder of redaction is a mark. @param {{ text: string }} props */
export function Text({ text }) {
  const parts = text.split(PLACEHOLDER);
  if (parts.length === 1) return text;
  return parts.map((part, index) => (index % 2 ? html`<${Redacted} key=${index} rule=${part.slice(10, -1)} />` : part));
}

/** @param {{ rule: string }} props */
const Redacted = ({ rule }) => html`<mark class="redacted" title=${`Removed before anything was kept, by the rule “${rule}”`}>${rule}</mark>`;

/** A text that is cut while it is very long. @param {{ text: string }} props */
export function LongText({ text }) {
  const [all, setAll] = useState(false);
  if (all || text.length <= CHARACTERS_SHOWN) return html`<${Text} text=${text} />`;
  return html`<${Text} text=${text.slice(0, CHARACTERS_SHOWN)} />… <button class="link" onClick=${() => setAll(true)}>all ${text.length} characters</button>`;
}

/** Any JSON value: maps and lists fold, and what is folded is not made. @param {{ value: unknown, depth?: number }} props */
export function Json({ value, depth = 0 }) {
  if (value === null || typeof value !== 'object') return html`<${Scalar} value=${value} />`;
  const entries = Object.entries(value);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (!entries.length) return html`<span class="json-mark">${open}${close}</span>`;
  return html`<${Folded} entries=${entries} list=${Array.isArray(value)} depth=${depth} summary=${`${open} ${entries.length} ${close}`} />`;
}

/** @param {{ entries: [string, unknown][], list: boolean, depth: number, summary: string }} props */
function Folded({ entries, list, depth, summary }) {
  const [open, setOpen] = useState(depth < 1 && entries.length <= 30);
  const [shown, setShown] = useState(100);
  return html`<details class="json" open=${open} onToggle=${(/** @type {any} */ event) => setOpen(event.target.open)}>
    <summary><span class="json-mark">${summary}</span></summary>
    ${open && html`<dl>${entries.slice(0, shown).map(([key, inner]) => html`<div key=${key}><dt class=${list ? 'index' : ''}><${Text} text=${key} /></dt><dd><${Json} value=${inner} depth=${depth + 1} /></dd></div>`)}</dl>`}
    ${open && entries.length > shown && html`<button class="link" onClick=${() => setShown(shown + 500)}>${entries.length - shown} more</button>`}
  </details>`;
}

/** @param {{ value: unknown }} props */
function Scalar({ value }) {
  if (typeof value === 'string') return html`<span class="json-text"><${LongText} text=${value} /></span>`;
  return html`<span class="json-number">${String(value)}</span>`;
}

const KEYWORDS = new Set(
  ('and as assert async await begin break case catch class const continue def del do elif else elsif end ensure enum except export extends'
  + ' final finally fn for foreach from func function go if implements import in interface is lambda let match module new nil None not null of'
  + ' or package private protected public raise rescue return self static struct super switch this throw throws try True False true false type'
  + ' typeof undefined unless use var void when while with yield').split(' '),
);
const TOKEN = /(\/\/.*|#.*|--\s.*)|("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|`(?:[^`\\]|\\.)*`?)|(\b\d[\w.]*)|([A-Za-z_$][\w$]*)/g;
const LINE_CHARACTERS_MAX = 500;

/** A line of source with comments, strings, numbers and keywords told apart, in whatever language. @param {{ line: string }} props */
export function Code({ line }) {
  const text = line.slice(0, LINE_CHARACTERS_MAX);
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(TOKEN)) {
    const kind = found[1] ? 'comment' : found[2] ? 'string' : found[3] ? 'number' : KEYWORDS.has(found[4] ?? '') ? 'keyword' : '';
    if (!kind) continue;
    parts.push(html`<${Text} text=${text.slice(end, found.index)} />`, html`<span class=${kind}><${Text} text=${found[0]} /></span>`);
    end = found.index + found[0].length;
  }
  return html`${parts}<${Text} text=${text.slice(end)} />${line.length > LINE_CHARACTERS_MAX && '…'}`;
}
