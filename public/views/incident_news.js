// What becomes of an incident while somebody reads it: its figures and its status follow, events are announced and move nothing.
import { html, useEffect, useRef, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { counted } from '../lib/format.js';
import { tell } from '../lib/kept_lists.js';
import { useEvery } from '../lib/load.js';
import { say } from '../lib/toasts.js';

const SECONDS = 10;

/**
 * Ask again and again as long as somebody can see the page.
 * @param {{ project_id: number, incident_id: string }} path
 * @param {any} incident as it is shown, null while it is loading
 * @returns {{ arrived: number, round: number, read: () => void }} events that came since they were read; how often that was
 */
export function useNews(path, incident) {
  const shown = useRef(incident);
  shown.current = incident;
  const [known, setKnown] = useState({ round: 0, event_count: Infinity });
  const read = () => setKnown(({ round }) => ({ round: round + 1, event_count: shown.current.event_count }));
  useEffect(() => setKnown({ round: 0, event_count: incident?.event_count ?? Infinity }), [incident?.id]);
  useEvery(async () => {
    const before = shown.current;
    const now = before && (await call('readIncident', { path }).catch(() => null));
    // What was done here meanwhile is newer than this answer.
    if (!now || shown.current !== before || JSON.stringify(now) === JSON.stringify(before)) return;
    tell([now]);
    if (now.status !== before.status) say(`#${now.id} is ${now.status} now`);
  }, SECONDS, [path.project_id, path.incident_id]);
  return { arrived: Math.max(0, (incident?.event_count ?? 0) - known.event_count), round: known.round, read };
}

/** @param {{ arrived: number, onShow: () => void }} props */
export const Arrived = ({ arrived, onShow }) => html`<div class="arrived" role="status">
  ${arrived > 0 && html`<button onClick=${onShow}>${counted(arrived, 'new event')}. Show</button>`}
</div>`;
