// How numbers and times read. Times are the reader's own; the exact one stands in the title of each.

const NUMBER = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const STEPS = /** @type {[number, string][]} */ ([
  [60, 's'],
  [3600, 'min'],
  [86400, 'h'],
  [86400 * 14, 'd'],
]);

/** @param {number} number */
export const exactly = (number) => NUMBER.format(number);

/** 12,345 as 12.3K; up to 9,999 exactly. @param {number} number */
export const count = (number) => (number < 10_000 ? NUMBER.format(number) : COMPACT.format(number));

/** @param {number} number @param {string} one @param {string} [many] */
export const counted = (number, one, many = `${one}s`) => `${exactly(number)} ${number === 1 ? one : many}`;

/** @param {string} iso */
export const exactTime = (iso) => EXACT.format(new Date(iso));

/** @param {string} iso */
export const clock = (iso) => CLOCK.format(new Date(iso));

/**
 * "4 min", "3 h", "12 d", or the day.
 * @param {string} iso
 * @param {number} [now] milliseconds since 1970
 */
export function ago(iso, now = Date.now()) {
  const date = new Date(iso);
  const seconds = Math.round((now - date.getTime()) / 1000);
  if (seconds < 5) return seconds < -60 ? DAY_AND_YEAR.format(date) : 'now';
  let below = 1;
  for (const [limit, unit] of STEPS) {
    if (seconds < limit) return `${Math.floor(seconds / below)} ${unit}`;
    below = limit === 86400 * 14 ? below : limit;
  }
  return date.getFullYear() === new Date(now).getFullYear() ? DAY.format(date) : DAY_AND_YEAR.format(date);
}

/** @param {number} number of bytes */
export function bytes(number) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  let shown = number;
  while (shown >= 1000 && at < units.length - 1) {
    shown /= 1000;
    at += 1;
  }
  return `${at && shown < 100 ? shown.toFixed(1) : Math.round(shown)} ${units[at]}`;
}

/**
 * The kind and the message of a title: "KeyError: no plan" is both, anything else a message.
 * @param {{ title: string, kind?: string | null }} incident
 */
export function titled({ title, kind }) {
  if (kind && title.startsWith(`${kind}: `)) return { kind, message: title.slice(kind.length + 2) };
  return kind === title ? { kind, message: '' } : { kind: '', message: title };
}

// So many words beside the title and the culprit make a line worth reading.
const NEW_WORDS_MIN = 5;

/**
 * Whether a sentence about an incident tells more than its title and its culprit do: one that quotes the message whole has to.
 * @param {string} sentence
 * @param {{ title: string, kind?: string | null, culprit?: string | null }} incident
 */
export function tellsMore(sentence, incident) {
  const { kind, message } = titled(incident);
  // Letters and digits alone: what could be taken for markup is written with look-alikes in a sentence.
  const letters = (/** @type {string} */ text) => text.replace(/[^\p{L}\p{N}]/gu, '');
  if (!letters(sentence).includes(letters(message || kind))) return true;
  const known = `${incident.title} ${incident.culprit ?? ''}`.toLowerCase();
  const words = new Set(sentence.toLowerCase().match(/[\p{L}\p{N}_]{4,}/gu) ?? []);
  return [...words].filter((word) => !known.includes(word)).length >= NEW_WORDS_MIN;
}
