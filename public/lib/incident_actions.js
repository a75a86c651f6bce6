// What people do to incidents: shown at once, told to the API, taken back where it refuses, and undone on demand.
import { call } from './api.js';
import { counted } from './format.js';
import { say, sayFailed } from './toasts.js';

/** @typedef {{ status: string, in_next_release?: boolean, ignored_until?: string, ignored_events?: number }} Change */

const DONE = /** @type {Record<string, string>} */ ({ open: 'Reopened', resolved: 'Resolved', ignored: 'Ignored' });

/**
 * Change the status of some incidents. `apply` shows it before the API has answered, and shows what was where it refused.
 * @param {number} project_id
 * @param {any[]} incidents
 * @param {Change} change
 * @param {(incidents: any[]) => void} apply
 */
export async function setStatus(project_id, incidents, change, apply) {
  if (!incidents.length) return;
  apply(incidents.map((one) => ({ ...one, status: change.status })));
  try {
    const body = { ...change, incident_ids: incidents.map((one) => one.id) };
    const answer = incidents.length === 1
      ? { items: [await call('patchIncident', { path: { project_id, incident_id: incidents[0].id }, body: change })] }
      : await call('patchIncidents', { path: { project_id }, body });
    apply(answer.items);
  } catch (error) {
    apply(incidents);
    return sayFailed(error);
  }
  const before = incidents.filter((one) => one.status !== change.status);
  const undo = before.length ? () => restore(project_id, before, apply) : undefined;
  say(`${DONE[change.status]} ${incidents.length === 1 ? `#${incidents[0].id}` : counted(incidents.length, 'incident')}`, { undo });
}

/** @param {number} project_id @param {any[]} incidents as they were @param {(incidents: any[]) => void} apply */
async function restore(project_id, incidents, apply) {
  try {
    const asked = incidents.map(({ id, status, ignored_until, resolved_in_next_release }) => {
      /** @type {Change} */
      const body = { status };
      if (status === 'ignored' && ignored_until && new Date(ignored_until) > new Date()) body.ignored_until = ignored_until;
      if (status === 'resolved' && resolved_in_next_release) body.in_next_release = true;
      return call('patchIncident', { path: { project_id, incident_id: id }, body });
    });
    apply(await Promise.all(asked));
  } catch (error) {
    sayFailed(error);
  }
}

/**
 * Say who looks after an incident.
 * @param {number} project_id
 * @param {any} incident
 * @param {{ id: number, name: string | null } | null} person null: nobody
 * @param {(incidents: any[]) => void} apply
 */
export async function assign(project_id, incident, person, apply) {
  const before = incident.assignee;
  apply([{ ...incident, assignee: person }]);
  try {
    apply([await call('assignIncident', { path: { project_id, incident_id: incident.id }, body: { person_id: person?.id ?? null } })]);
    say(person ? `#${incident.id} is with ${person.name ?? 'you'} now` : `#${incident.id} is with nobody now`, {
      undo: () => assign(project_id, { ...incident, assignee: person }, before, apply),
    });
  } catch (error) {
    apply([incident]);
    sayFailed(error);
  }
}

/**
 * Let other incidents' events lead to the first one; undone by splitting exactly what moved.
 * @param {number} project_id
 * @param {any[]} incidents the first one stays
 * @param {() => void} changed
 */
export async function merge(project_id, incidents, changed) {
  const [first, ...others] = incidents;
  try {
    const moved = await Promise.all(others.map((one) => call('explainGrouping', { path: { project_id, incident_id: one.id }, query: { limit: 100 } })));
    await call('mergeIncidents', { path: { project_id, incident_id: first.id }, body: { incident_ids: others.map((one) => one.id) } });
    changed();
    const fingerprints = moved.flatMap((page) => page.items.map((/** @type {any} */ item) => item.fingerprint));
    say(`Merged ${counted(others.length, 'incident')} into #${first.id}`, { undo: () => split(project_id, first.id, fingerprints, changed) });
  } catch (error) {
    sayFailed(error);
  }
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
    changed();
    say(`Split off ${[...new Set(answer.split.map((/** @type {any} */ one) => `#${one.incident_id}`))].join(', ')}`);
  } catch (error) {
    sayFailed(error);
  }
}
