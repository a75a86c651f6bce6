// The search line: `is:open level:error env:production release:shop@1.4.2 words that stand in the title`.
// Here alone it is read; the API takes what it means field by field.

export const DEFAULT = 'is:open';
export const STATUSES = ['open', 'resolved', 'ignored'];
export const LEVELS = ['fatal', 'error', 'warning', 'info', 'debug'];
export const SORTS = { last_seen: 'Last seen', first_seen: 'First seen', event_count: 'Events' };

/** Words before a colon, and the field of the API that each narrows. */
const FIELDS = new Map(Object.entries({
  is: 'status', status: 'status', level: 'level', env: 'environment', environment: 'environment', release: 'release',
  assigned: 'assignee', assignee: 'assignee', user: 'user', tag: 'tag',
}));
/** Words of the search line by field, as they are written back. */
const WORDS = new Map(Object.entries({ status: 'is', level: 'level', environment: 'env', release: 'release', assignee: 'assigned', user: 'user', tag: 'tag' }));
// Of this field each value counts, one a line; of the others the last one.
const MANY = 'tag';
const TAGS_MAX = 5;
/** What each word looks for, and through what. */
export const HELP = /** @type {[string, string][]} */ ([
  ['is:open', 'open, resolved or ignored'],
  ['level:error', 'fatal, error, warning, info or debug'],
  ['env:production', 'an environment it was ever seen in'],
  ['release:shop@1.4', 'a release that it has events of'],
  ['assigned:me', 'me or nobody'],
  ['user:jane', 'somebody it met, as events name their user: by id, e-mail, user name or IP address, whichever comes first in them. Looks through all the time that the incident is kept'],
  ['tag:region=eu', 'a tag of its events; tag:eu is that value under any name. Looks through events whose payload is still kept, and the first 100 values of each tag'],
  ['anything else', 'words of the title and the culprit, as they stand; in quotes they stay text'],
]);
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
      fields[field] = field === MANY && fields[field] ? `${fields[field]}\n${value}` : value ?? '';
    }
  }
  const tags = fields[MANY]?.split('\n') ?? [];
  if (tags.length > TAGS_MAX) {
    problems.push(`${TAGS_MAX} tags can be looked for at most.`);
    fields[MANY] = tags.slice(0, TAGS_MAX).join('\n');
  }
  return { fields, text: words.join(' '), problems };
}

/**
 * The search line of these fields and words.
 * @param {{ fields: Record<string, string>, text: string }} search
 */
export function format({ fields, text }) {
  const terms = Object.entries(fields).filter(([, value]) => value)
    .flatMap(([field, value]) => (field === MANY ? value.split('\n') : [value]).map((one) => `${WORDS.get(field) ?? field}:${quote(one)}`));
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
