// The search line: `is:open level:error env:production release:shop@1.4.2 words that stand in the title`.
// Here alone it is read; the API takes what it means field by field.

export const DEFAULT = 'is:open';
export const STATUSES = ['open', 'resolved', 'ignored'];
export const LEVELS = ['fatal', 'error', 'warning', 'info', 'debug'];
export const SORTS = { last_seen: 'Last seen', first_seen: 'First seen', event_count: 'Events' };

/** Words before a colon, and the field of the API that each narrows. */
const FIELDS = new Map(Object.entries({
  is: 'status', status: 'status', level: 'level', env: 'environment', environment: 'environment', release: 'release',
  assigned: 'assignee', assignee: 'assignee',
}));
/** Words of the search line by field, as they are written back. */
const WORDS = new Map(Object.entries({ status: 'is', level: 'level', environment: 'env', release: 'release', assignee: 'assigned' }));
const ALLOWED = new Map(Object.entries({ status: STATUSES, level: LEVELS, assignee: ['me', 'nobody'] }));
const TERM = /(\w+):(?:"((?:[^"\\]|\\.)*)"|(\S+))|"((?:[^"\\]|\\.)*)"|(\S+)/g;

/** @typedef {{ fields: Record<string, string>, text: string, problems: string[] }} Search */

/** @param {string} quoted */
const unquoted = (quoted) => quoted.replace(/\\(.)/g, '$1');

/**
 * What a search line means. Raises nothing: what is not understood stands in `problems`, in words.
 * @param {string} line
 * @returns {Search}
 */
export function parse(line) {
  /** @type {Record<string, string>} */
  const fields = {};
  const words = [];
  const problems = [];
  for (const [whole, word = '', quoted, plain, phrase, bare] of line.matchAll(TERM)) {
    const field = FIELDS.get(word.toLowerCase());
    const value = quoted === undefined ? plain : unquoted(quoted);
    if (!field) {
      // A colon is common in what programs say: "KeyError: plan" and "redis:6379" are text.
      words.push(phrase !== undefined ? unquoted(phrase) : bare ?? whole);
      continue;
    }
    const allowed = ALLOWED.get(field);
    if (allowed && !allowed.includes(value ?? '')) {
      problems.push(`${word}:${value} is not known: ${word} is one of ${allowed.join(', ')}.`);
    } else {
      fields[field] = value ?? '';
    }
  }
  return { fields, text: words.join(' '), problems };
}

/**
 * The search line of these fields and words.
 * @param {{ fields: Record<string, string>, text: string }} search
 */
export function format({ fields, text }) {
  const terms = Object.entries(fields).filter(([, value]) => value).map(([field, value]) => `${WORDS.get(field) ?? field}:${quote(value)}`);
  const read = parse(text);
  // Text that would be read as a term is quoted, so that it stays text.
  const plain = Object.keys(read.fields).length + read.problems.length ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
  return [...terms, plain].filter(Boolean).join(' ');
}

/** @param {string} value */
const quote = (value) => (/[\s"]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value);

/**
 * The line with one field set, or taken out where it is already so.
 * @param {string} line
 * @param {string} field
 * @param {string} value
 */
export function toggled(line, field, value) {
  const { fields, text } = parse(line);
  const next = { ...fields, [field]: fields[field] === value ? '' : value };
  return format({ fields: next, text });
}
