// What people do to incidents: shown at once, told to the API, taken back where it refuses, and undone on demand.
import { call } from './api.js';
import { counted } from './format.js';
import { forgetLists } from './kept_lists.js';
import { doing, say, sayFailed } from './toasts.js';

/** @typedef {{ status: string, in_next_release?: boolean, ignored_until?: string, ignored_events?: number }} Change */
/** @typedef {{ fingerprint: string, incident_id: number }} Moved */
/** @typedef {{ id: number, name: string | null }} Person */

const DONE = /** @type {Record<string, string>} */ ({ open: 'Reopened', resolved: 'Resolved', ignored: 'Ignored' });

/**
 * Change the status of some incidents. `apply` shows it before the API has answered, and shows what was where it refused.
 * @param {number} project_id
 * @param {any[]} incidents
 * @param {Change} change
 * @param {(incidents: any[]) => void} apply
 */
export function setStatus(project_id, incidents, change, apply) {
  if (!incidents.length) return;
  doing(put(project_id, incidents, change, apply));
}

/** @param {number} project_id @param {any[]} incidents @param {Change} change @param {(incidents: any[]) => void} apply */
async function put(project_id, incidents, change, apply) {
  apply(incidents.map((one) => ({ ...one, status: change.status })));
  try {
    const body = { ...change, incident_ids: incidents.map((one) => one.id) };
    const { items } = incidents.length === 1
      ? { items: [await call('patchIncident', { path: { project_id, incident_id: incidents[0].id }, body: change })] }
      : await call('patchIncidents', { path: { project_id }, body });
    apply(items);
    const which = incidents.length === 1 ? `#${incidents[0].id}` : counted(incidents.length, 'incident');
    say(`${DONE[change.status]} ${which}`, { undo: () => restore(project_id, items, apply) });
  } catch (error) {
    apply(incidents);
    sayFailed(error);
  }
}

/** Put back what the API says it was, those alike at once. @param {number} project_id @param {any[]} changed @param {(incidents: any[]) => void} apply */
async function restore(project_id, changed, apply) {
  /** @type {Map<string, number[]>} */
  const alike = new Map();
  for (const { id, was } of changed) {
    const body = JSON.stringify(changeTo(was));
    alike.set(body, [...(alike.get(body) ?? []), id]);
  }
  try {
    const asked = [...alike].map(([body, incident_ids]) => call('patchIncidents', { path: { project_id }, body: { ...JSON.parse(body), incident_ids } }));
    apply((await Promise.all(asked)).flatMap((answer) => answer.items));
  } catch (error) {
    sayFailed(error);
  }
}

/** The change that leads to a status and all that it was bound to. @param {any} was */
function changeTo({ status, resolved_release, resolved_in_next_release, ignored_until, ignored_until_count }) {
  if (status === 'resolved') return { status, in_next_release: resolved_in_next_release, resolved_release };
  if (status !== 'ignored') return { status };
  // An end that has passed meanwhile means that the next event reopens it, as a count that is reached does.
  return ignored_until && new Date(ignored_until) <= new Date() ? { status, ignored_until_count: 1 } : { status, ignored_until, ignored_until_count };
}

/**
 * Say who looks after some incidents.
 * @param {number} project_id
 * @param {any[]} incidents
 * @param {Person | null} person null: nobody
 * @param {(incidents: any[]) => void} apply
 */
export function assign(project_id, incidents, person, apply) {
  if (incidents.length) doing(give(project_id, incidents, person, apply));
}

/** @param {number} project_id @param {any[]} incidents @param {Person | null} person @param {(incidents: any[]) => void} apply */
async function give(project_id, incidents, person, apply) {
  apply(incidents.map((one) => ({ ...one, assignee: person })));
  try {
    apply(await given(project_id, incidents, person));
    const which = incidents.length === 1 ? `#${incidents[0].id} is` : `${counted(incidents.length, 'incident')} are`;
    say(`${which} with ${person ? person.name ?? 'you' : 'nobody'} now`, { undo: () => giveBack(project_id, incidents, apply) });
  } catch (error) {
    apply(incidents);
    sayFailed(error);
  }
}

/** @param {number} project_id @param {any[]} incidents @param {Person | null} person @returns {Promise<any[]>} */
const given = async (project_id, incidents, person) =>
  (await call('assignIncidents', { path: { project_id }, body: { incident_ids: incidents.map((one) => one.id), person_id: person?.id ?? null } })).items;

/** To whoever had each. @param {number} project_id @param {any[]} incidents as they were @param {(incidents: any[]) => void} apply */
async function giveBack(project_id, incidents, apply) {
  const people = new Map(incidents.map((one) => [one.assignee?.id, one.assignee]));
  try {
    const asked = [...people].map(([id, person]) => given(project_id, incidents.filter((one) => one.assignee?.id === id), person));
    apply((await Promise.all(asked)).flat());
  } catch (error) {
    sayFailed(error);
  }
}

/**
 * Let other incidents' events lead to the first one; undone by splitting exactly what moved.
 * @param {number} project_id
 * @param {any[]} incidents the first one stays
 * @param {() => void} changed
 * @param {() => void} [undone]
 */
export async function merge(project_id, incidents, changed, undone = changed) {
  const [first, ...others] = incidents;
  try {
    const { moved } = await call('mergeIncidents', { path: { project_id, incident_id: first.id }, body: { incident_ids: others.map((one) => one.id) } });
    forgetLists();
    changed();
    say(`Merged ${counted(others.length, 'incident')} into #${first.id}`, { undo: moved.length ? () => unmerge(project_id, first.id, moved, undone) : undefined });
  } catch (error) {
    sayFailed(error);
  }
}

/** Take out again what a merge moved. @param {number} project_id @param {number} incident_id @param {Moved[]} moved @param {() => void} undone */
async function unmerge(project_id, incident_id, moved, undone) {
  try {
    const back = await call('splitIncident', { path: { project_id, incident_id }, body: { fingerprints: moved.map((one) => one.fingerprint) } });
    // Each goes back to the incident it was born with; what had been merged from there before is merged once more.
    const led = new Map(moved.map((one) => [one.fingerprint, one.incident_id]));
    for (const to of new Set(led.values())) {
      const strayed = back.split.filter((/** @type {Moved} */ one) => led.get(one.fingerprint) === to && one.incident_id !== to);
      const incident_ids = [...new Set(strayed.map((/** @type {Moved} */ one) => one.incident_id))];
      if (incident_ids.length) await call('mergeIncidents', { path: { project_id, incident_id: to }, body: { incident_ids } });
    }
    say(`Split off ${[...new Set(led.values())].map((id) => `#${id}`).join(', ')}`);
  } catch (error) {
    sayFailed(error);
  }
  forgetLists();
  undone();
}

/**
 * Take fingerprints out of an incident; each goes back to the one it was born with.
 * @param {number} project_id
 * @param {number} incident_id
 * @param {string[]} fingerprints
 * @param {() => void} changed
 */
export async function split(project_id, incident_id, fingerprints, changed) {
  try {
    const answer = await call('splitIncident', { path: { project_id, incident_id }, body: { fingerprints } });
    forgetLists();
    changed();
    say(`Split off ${[...new Set(answer.split.map((/** @type {any} */ one) => `#${one.incident_id}`))].join(', ')}`);
  } catch (error) {
    sayFailed(error);
  }
}
