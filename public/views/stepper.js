// Which event of an incident is shown, and the way to others: newest, newer, older, oldest, of one environment or release.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useKeys } from '../lib/keyboard.js';
import { useLoad } from '../lib/load.js';
import { Time } from '../lib/parts.js';
import { go, withQuery } from '../lib/router.js';

// A narrowed page looks at 20,000 events and may hold none: so many pages are asked for before giving up.
const PAGES_MAX = 20;

/** @typedef {{ order?: 'newest' | 'oldest', beyond?: string }} Step */
/** @typedef {{ environment: string, release: string }} Narrowed */

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
  const narrowed = { environment: place.query.get('env') ?? '', release: place.query.get('release') ?? '' };
  const of = [project.id, incident_id, narrowed.environment, narrowed.release];
  /** @param {Step} step @param {unknown[]} more @param {boolean} [needed] */
  const find = (step, more, needed = true) =>
    useLoad(async (signal) => (needed ? { id: await nearest(path, { ...narrowed, ...step }, signal) } : null), [...of, ...more]);
  const newest = find({ order: 'newest' }, []);
  const oldest = find({ order: 'oldest' }, []);
  const shown = place.query.get('event') ?? newest.data?.id ?? null;
  const older = find({ order: 'newest', beyond: shown ?? '' }, [shown], Boolean(shown));
  const newer = find({ order: 'oldest', beyond: shown ?? '' }, [shown], Boolean(shown));
  const reload = () => (newest.reload(), oldest.reload());
  /** Also before it is known which one that is. @param {Step} step @param {{ id: string | null } | null} known */
  const to = async (step, known) => show(known ? known.id : await nearest(path, { ...narrowed, ...step }, new AbortController().signal).catch(() => null));
  return {
    narrowed, shown, newest: newest.data, oldest: oldest.data, older: older.data, newer: newer.data, error: newest.error, reload,
    toOlder: () => shown && to({ order: 'newest', beyond: shown }, older.data),
    toNewer: () => shown && to({ order: 'oldest', beyond: shown }, newer.data),
    toOldest: () => to({ order: 'oldest' }, oldest.data),
    toNewest: () => newest.data?.id && go(withQuery({ event: null }), { replace: true, keepScroll: true }),
  };
}

/** @param {string | null | undefined} id */
const show = (id) => id && go(withQuery({ event: id }), { replace: true, keepScroll: true });

/** @param {any} props */
export function Stepper({ steps, incident, event }) {
  const { narrowed, shown, newest, oldest, older, newer } = steps;
  useKeys([
    { keys: '[', label: 'Older event', act: steps.toOlder },
    { keys: ']', label: 'Newer event', act: steps.toNewer },
    { keys: '{', label: 'Oldest event', act: steps.toOldest },
    { keys: '}', label: 'Newest event', act: steps.toNewest },
  ]);
  const releases = [...new Set([incident.last_release, event?.release, incident.first_release, narrowed.release])].filter(Boolean);
  return html`<div class="stepper">
    <div class="event-name"><h2>Event</h2> ${event && html`<code title=${event.event_id}>${event.event_id.slice(0, 8)}</code> <span class="muted"><${Time} iso=${event.occurred_at} /></span>`}
      ${event?.environment && html`<span>${event.environment}</span>`} ${event?.release && html`<span class="release">${event.release}</span>`}</div>
    <div class="steps">
      <${Narrow} label="Environment" name="env" value=${narrowed.environment} options=${incident.environments} />
      <${Narrow} label="Release" name="release" value=${narrowed.release} options=${releases} />
      <div class="tabs" role="group" aria-label="Step between events">
        <button onClick=${steps.toNewest} disabled=${!newest?.id || shown === newest.id} aria-label="Newest event">Newest</button>
        <button onClick=${steps.toNewer} disabled=${newer?.id === null} aria-label="Newer event">‹</button>
        <button onClick=${steps.toOlder} disabled=${older?.id === null} aria-label="Older event">›</button>
        <button onClick=${steps.toOldest} disabled=${!oldest?.id || shown === oldest.id} aria-label="Oldest event">Oldest</button>
      </div>
    </div>
  </div>`;
}

/** Events of one environment or release alone; nothing to choose from, nothing to see. @param {{ label: string, name: string, value: string, options: string[] }} props */
function Narrow({ label, name, value, options }) {
  if (options.length < 2 && !value) return null;
  return html`<select aria-label=${`Events of ${label.toLowerCase()}`} value=${value} onChange=${(/** @type {any} */ event) => go(withQuery({ [name]: event.target.value, event: null }), { replace: true, keepScroll: true })}>
    <option value="">any ${label.toLowerCase()}</option>${[...new Set([...options, value])].filter(Boolean).map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>`;
}
