// Which event of an incident is shown, and the way to others: newest, newer, older, oldest, of one environment, release, tag or person.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { exactly } from '../lib/format.js';
import { useKeys } from '../lib/keyboard.js';
import { useLoad } from '../lib/load.js';
import { Time } from '../lib/parts.js';
import { go, withQuery } from '../lib/router.js';

// A narrowed page looks at 20,000 events and may hold none: so many pages are asked for before giving up.
const PAGES_MAX = 20;

/** @typedef {{ order?: 'newest' | 'oldest', beyond?: string }} Step */
/** @typedef {{ environment: string, release: string, user: string, tag: string }} Narrowed */

/**
 * The first event in a direction; null where there is none.
 * @param {{ project_id: number, incident_id: string }} path
 * @param {Narrowed & Step} query
 * @param {AbortSignal} signal
 * @returns {Promise<string | null>}
 */
async function nearest(path, query, signal) {
  let cursor;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await call('listEvents', { path, query: { ...query, limit: 1, cursor }, signal });
    if (found.items.length || !found.next_cursor) return found.items[0]?.event_id ?? null;
    cursor = found.next_cursor;
  }
  return null;
}

/**
 * The events that can be stepped to, and which one is shown.
 * @param {any} project
 * @param {string} incident_id
 * @param {import('../lib/router.js').Place} place
 */
export function useSteps(project, incident_id, place) {
  const path = { project_id: project.id, incident_id };
  const asked = (/** @type {string} */ name) => place.query.get(name) ?? '';
  const narrowed = { environment: asked('env'), release: asked('release'), user: asked('user'), tag: asked('tag') };
  const of = [project.id, incident_id, ...Object.values(narrowed)];
  /** @param {Step} step @param {unknown[]} more @param {boolean} [needed] */
  const find = (step, more, needed = true) =>
    useLoad(async (signal) => (needed ? { id: await nearest(path, { ...narrowed, ...step }, signal) } : null), [...of, ...more]);
  const newest = find({ order: 'newest' }, []);
  const oldest = find({ order: 'oldest' }, []);
  const shown = place.query.get('event') ?? newest.data?.id ?? null;
  const older = find({ order: 'newest', beyond: shown ?? '' }, [shown], Boolean(shown));
  const newer = find({ order: 'oldest', beyond: shown ?? '' }, [shown], Boolean(shown));
  const { environment, release } = narrowed;
  const counts = useLoad((signal) => call('countEventFacets', { path, query: { environment, release, event: shown }, signal }),
    [project.id, incident_id, environment, release, shown], { keep: true });
  const reload = () => (newest.reload(), oldest.reload(), counts.reload());
  /** Also before it is known which one that is. @param {Step} step @param {{ id: string | null } | null} known */
  const to = async (step, known) => show(known ? known.id : await nearest(path, { ...narrowed, ...step }, new AbortController().signal).catch(() => null));
  return {
    narrowed, shown, newest: newest.data, oldest: oldest.data, older: older.data, newer: newer.data, counts: counts.data, error: newest.error, reload,
    toOlder: () => shown && to({ order: 'newest', beyond: shown }, older.data),
    toNewer: () => shown && to({ order: 'oldest', beyond: shown }, newer.data),
    toOldest: () => to({ order: 'oldest' }, oldest.data),
    toNewest: () => newest.data?.id && go(withQuery({ event: null }), { replace: true, keepScroll: true }),
  };
}

/** @param {string | null | undefined} id */
const show = (id) => id && go(withQuery({ event: id }), { replace: true, keepScroll: true });

/** @param {any} props */
export function Stepper({ steps, incident, event, spread }) {
  const { narrowed, shown, newest, oldest, older, newer, counts } = steps;
  useKeys([
    { keys: '[', label: 'Older event', act: steps.toOlder },
    { keys: ']', label: 'Newer event', act: steps.toNewer },
    { keys: '{', label: 'Oldest event', act: steps.toOldest },
    { keys: '}', label: 'Newest event', act: steps.toNewest },
  ]);
  const person = personOf(event?.payload?.user);
  return html`<div class="stepper">
    <div class="event-name"><h2>Event</h2> ${event && html`<code title=${event.event_id}>${event.event_id.slice(0, 8)}</code> <span class="muted"><${Time} iso=${event.occurred_at} /></span>`}
      ${event?.environment && html`<span>${event.environment}</span>`} ${event?.release && html`<span class="release">${event.release}</span>`}</div>
    <div class="steps">
      <${Narrow} label="Environment" name="env" value=${narrowed.environment} options=${counts ? valuesOf(counts.environment) : incident.environments} />
      <${Narrow} label="Release" name="release" value=${narrowed.release} options=${valuesOf(counts?.release)} />
      <${Narrow} label="Tag" name="tag" value=${narrowed.tag} options=${tagsOf(spread)} />
      <${Narrow} label="Person" name="user" value=${narrowed.user} options=${person ? [person, ''] : []} />
      <div class="tabs" role="group" aria-label="Step between events">
        <button onClick=${steps.toOldest} disabled=${!oldest?.id || shown === oldest.id} aria-label="Oldest event">Oldest</button>
        <button onClick=${steps.toOlder} disabled=${older?.id === null} aria-label="Older event" title="Older">‹</button>
        <${Position} narrowed=${narrowed} counts=${counts} />
        <button onClick=${steps.toNewer} disabled=${newer?.id === null} aria-label="Newer event" title="Newer">›</button>
        <button onClick=${steps.toNewest} disabled=${!newest?.id || shown === newest.id} aria-label="Newest event">Newest</button>
      </div>
    </div>
  </div>`;
}

/** @param {{ value: string }[] | undefined} values */
const valuesOf = (values) => (values ?? []).map((one) => one.value);

/** Tags that tell the newest events apart: what all of them have narrows nothing. @param {any} spread */
const tagsOf = (spread) => (spread?.items ?? []).filter((/** @type {any} */ one) => one.value_count > 1)
  .flatMap((/** @type {any} */ one) => one.values.map((/** @type {any} */ { value }) => `${one.tag}=${value}`));

/** As whom events can be looked for: what names a person, where redaction left it. @param {any} user */
function personOf(user) {
  const named = user && typeof user === 'object' ? user.id ?? user.email ?? user.username : '';
  return ['string', 'number'].includes(typeof named) && !String(named).includes('[redacted') ? String(named) : '';
}

/** Which one it is, the oldest being the first. By tag or person they are not counted. @param {{ narrowed: Narrowed, counts: any }} props */
function Position({ narrowed, counts }) {
  if (!counts || counts.newer_count === null || narrowed.tag || narrowed.user) return null;
  const number = counts.event_count - counts.newer_count;
  return number > 0 && html`<span class="position">${exactly(number)} of ${exactly(counts.event_count)}</span>`;
}

/** Events of one value alone; nothing to choose from, nothing to see. @param {{ label: string, name: string, value: string, options: string[] }} props */
function Narrow({ label, name, value, options }) {
  if (options.length < 2 && !value) return null;
  return html`<select aria-label=${`Events of ${label.toLowerCase()}`} value=${value} onChange=${(/** @type {any} */ event) => go(withQuery({ [name]: event.target.value, event: null }), { replace: true, keepScroll: true })}>
    <option value="">any ${label.toLowerCase()}</option>${[...new Set([...options, value])].filter(Boolean).map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>`;
}
