// Grouping rules as a form has them: lists instead of maps, texts instead of lists, and back again without loss.

/** @typedef {{ field: string, tag: string, pattern: string }} Condition */
/** @typedef {{ id: number, name: string, conditions: Condition[], does: 'fingerprint' | 'ignore_frames', parts: string, frames: Condition[] }} Draft */

export const FRAME_FIELDS = ['module', 'path', 'function'];
export const FIELDS = ['type', 'message', ...FRAME_FIELDS, 'logger', 'level', 'tag'];
const TAG = 'tag.';
let last = 0;

/** @param {string[]} [fields] @returns {Condition} */
export const condition = ([field = 'type'] = FIELDS) => ({ field, tag: '', pattern: '' });

/** @returns {Draft} */
export const blank = () => ({ id: ++last, name: '', conditions: [condition()], does: 'fingerprint', parts: '', frames: [condition(FRAME_FIELDS)] });

/** @param {Record<string, string> | null | undefined} globs @returns {Condition[]} */
const listed = (globs) => Object.entries(globs ?? {}).map(([name, pattern]) =>
  name.startsWith(TAG) ? { field: 'tag', tag: name.slice(TAG.length), pattern } : { field: name, tag: '', pattern });

/** @param {Condition[]} conditions @returns {Record<string, string>} those without a pattern left out */
const mapped = (conditions) => Object.fromEntries(conditions.filter(({ pattern }) => pattern)
  .map(({ field, tag, pattern }) => [field === 'tag' ? TAG + tag : field, pattern]));

/** @param {any[]} rules as the API has them @returns {Draft[]} */
export const drafts = (rules) => rules.map((rule) => ({
  ...blank(),
  name: rule.name ?? '',
  conditions: listed(rule.match),
  does: rule.ignore_frames ? 'ignore_frames' : 'fingerprint',
  parts: (rule.fingerprint ?? []).join('\n'),
  ...(rule.ignore_frames ? { frames: listed(rule.ignore_frames) } : {}),
}));

/** @param {Draft[]} given @returns {any[]} as the API takes them */
export const rulesOf = (given) => given.map(({ name, conditions, does, parts, frames }) => ({
  ...(name.trim() ? { name: name.trim() } : {}),
  match: mapped(conditions),
  ...(does === 'ignore_frames' ? { ignore_frames: mapped(frames) } : { fingerprint: parts.split('\n').filter(Boolean) }),
}));

/** Rules of a text, as somebody wrote it. Raises Error where it is no JSON, or no list. @param {string} text @returns {any[]} */
export function parsed(text) {
  /** @type {unknown} */
  let found;
  try {
    found = text.trim() ? JSON.parse(text) : [];
  } catch (error) {
    throw new Error(`This is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (!Array.isArray(found) || found.some((one) => one === null || typeof one !== 'object' || Array.isArray(one))) throw new Error('Rules are a list of objects: [{"match": {…}, "fingerprint": […]}]');
  return found;
}
