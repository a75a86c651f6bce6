// What an incident did, and what people did to it: the newest in a sentence, all of it as a list.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { counted } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Time } from '../lib/parts.js';

const ACTORS = new Map([['key', 'An api key'], ['cron', 'Sensra'], ['link', 'Somebody with a link from a mail']]);

/** @param {any} project @param {any} incident */
export function useActivity(project, incident) {
  const path = { project_id: project.id, incident_id: incident?.id };
  // Anew with each answer of the API, not with what is shown before that.
  const of = [project.id, incident?.id, incident?.fingerprints];
  return useLoad(async (signal) => (incident ? call('listActivity', { path, signal }) : null), of, { keep: true });
}

/** @param {any} act */
const where = (act) => [act.release && html` in <span class="release">${act.release}</span>`, act.environment && ` (${act.environment})`];

/** @param {any} act */
function done({ before, after }) {
  if (after?.status === 'resolved') return 'resolved it';
  if (after?.status === 'ignored') return after.ignored_until ? html`ignored it until ${new Date(after.ignored_until).toLocaleString()}` : after.ignored_until_count ? `ignored it until it has ${after.ignored_until_count} events` : 'ignored it';
  return before?.status === 'ignored' ? 'took it up again' : 'reopened it';
}

/** What one entry says. @param {any} act */
export function said(act) {
  const who = act.actor_name ?? ACTORS.get(act.actor_kind) ?? 'Somebody';
  switch (act.kind) {
    case 'new': return html`Seen for the first time${where(act)}`;
    case 'regressed': return html`Came back after it was resolved${where(act)}`;
    case 'appeared': return html`Reached ${act.environment ?? 'production'}${act.release && html` in <span class="release">${act.release}</span>`}`;
    case 'escalated': return html`Escalated: it happens more than before${where(act)}`;
    case 'incident.status': return html`${who} ${done(act)}`;
    case 'incident.assign': return html`${who} ${act.after?.assignee_id ? `gave it to ${act.assignee_name ?? 'somebody'}` : 'gave it back'}`;
    case 'incident.merge': return html`${who} merged ${counted(Math.max(1, (act.after?.incidents?.length ?? 2) - 1), 'incident')} into it`;
    case 'incident.split': return html`${who} split fingerprints off`;
    default: return html`${who}: ${act.kind.replace('incident.', '')}`;
  }
}

/** The last thing that changed, in a sentence. @param {{ acts: any[] }} props */
export function Newest({ acts }) {
  const [act] = acts;
  if (!act) return null;
  return html`<p class=${`changed ${act.kind}`}>${said(act)}, <${Time} iso=${act.at} ago /></p>`;
}

/** @param {{ acts: any[] }} props */
export const Activity = ({ acts }) => html`<section class="part" aria-labelledby="activity-title"><h2 id="activity-title">Activity</h2>
  <ol class="acts">${acts.map((act, index) => html`<li key=${index} class=${act.kind}><span>${said(act)}</span> <span class="muted"><${Time} iso=${act.at} /></span></li>`)}</ol></section>`;
