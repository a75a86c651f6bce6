// An alert rule as its form has it: texts instead of numbers, lists and maps, and back again without loss.
import { lines } from './forms.js';

export const TRANSITIONS = ['new', 'regressed', 'escalated'];
/** Filters that are lists of patterns, one a line. */
export const LISTS = ['environments', 'releases', 'services', 'routes'];

/** @param {any} rule as the API has it, or nothing for a new one @param {any[]} channels of the project @returns {any} */
export function draftOf(rule, channels) {
  const conditions = rule?.conditions ?? { transitions: ['new', 'regressed'] };
  const { quiet_hours: quiet, filters } = rule ?? {};
  return {
    name: rule?.name ?? '',
    transitions: conditions.transitions ?? [],
    more: text(conditions.frequency?.more_than),
    minutes: text(conditions.frequency?.minutes ?? 10),
    times: text(conditions.unusual?.times),
    span: text(conditions.unusual?.minutes ?? 60),
    people: text(conditions.people?.more_than),
    milestones: Boolean(conditions.milestones),
    zone: quiet?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    from: quiet?.from ?? '',
    until: quiet?.to ?? '',
    days: quiet?.days ?? [],
    levels: filters?.levels ?? [],
    ...Object.fromEntries(LISTS.map((name) => [name, (filters?.[name] ?? []).join('\n')])),
    tags: Object.entries(filters?.tags ?? {}).map(([name, pattern]) => `${name}:${pattern}`).sort().join('\n'),
    to: rule?.channel_ids ?? channels.slice(0, 1).map((one) => one.id),
  };
}

/** @param {any} value @returns {string} empty where there is none */
const text = (value) => String(value ?? '');

/** Whether it would find nothing at all. @param {any} draft */
export const isEmpty = (draft) => !draft.transitions.length && !draft.more && !draft.times && !draft.people && !draft.milestones;

/** Whether it is narrowed by more than level and environment. @param {any} draft */
export const isNarrow = (draft) => Boolean(draft.releases || draft.services || draft.routes || draft.tags);

/** What is tried beforehand. @param {any} draft @returns {{ conditions: any, filters: any }} as the API takes them */
export const tryOf = (draft) => ({
  conditions: {
    transitions: draft.transitions,
    milestones: draft.milestones,
    frequency: draft.more ? { more_than: Number(draft.more), minutes: Number(draft.minutes) } : null,
    unusual: draft.times ? { times: Number(draft.times), minutes: Number(draft.span) } : null,
    people: draft.people ? { more_than: Number(draft.people) } : null,
  },
  filters: {
    levels: draft.levels,
    ...Object.fromEntries(LISTS.map((name) => [name, lines(draft[name])])),
    tags: Object.fromEntries(lines(draft.tags).map(tagOf)),
  },
});

/** A tag without a pattern is one that is there at all. @param {string} line @returns {[string, string]} */
function tagOf(line) {
  const [name = '', ...rest] = line.split(':');
  return [name.trim(), rest.join(':').trim() || '*'];
}

/** @param {any} draft @returns {any} as the API takes it */
export const bodyOf = (draft) => ({
  ...tryOf(draft),
  name: draft.name,
  channel_ids: draft.to,
  quiet_hours: draft.from && draft.until ? { time_zone: draft.zone, from: draft.from, to: draft.until, days: draft.days } : null,
});
