// Why the events of an incident are together, and how to part them.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { counted } from '../lib/format.js';
import { merge, split } from '../lib/incident_actions.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton, Time } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { Text } from '../lib/text.js';
import { sayFailed } from '../lib/toasts.js';

/** @param {any} props */
export function Grouping({ project, incident, onChanged }) {
  const [open, setOpen] = useState(false);
  return html`<details class="grouping" onToggle=${(/** @type {any} */ event) => setOpen(event.target.open)}>
    <summary><h2>Why these events are together</h2> <span class="muted">${counted(incident.fingerprints.length, 'fingerprint')}</span></summary>
    ${open && html`<${Explained} project=${project} incident=${incident} onChanged=${onChanged} />`}
  </details>`;
}

/** @param {any} props */
function Explained({ project, incident, onChanged }) {
  const path = { project_id: project.id, incident_id: incident.id };
  const page = useLoad((signal) => call('explainGrouping', { path, query: { limit: 100 }, signal }), [project.id, incident.id, incident.fingerprints.length]);
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  if (page.error) return html`<${Problem} error=${page.error} retry=${page.reload} />`;
  if (!page.data) return html`<${Skeleton} rows=${3} />`;
  const maySplit = page.data.items.length > 1 && may(project.workspace, 'incidents:write');
  /** @param {string} one */
  const toggle = (one) => setChosen((now) => (now.includes(one) ? now.filter((other) => other !== one) : [...now, one]));
  const splitOff = async () => {
    await split(project.id, incident.id, chosen, onChanged);
    setChosen([]);
  };
  return html`<ul class="fingerprints">
    ${page.data.items.map((/** @type {any} */ item) => html`<li key=${item.fingerprint}>
      ${maySplit && html`<input type="checkbox" aria-label=${`Choose fingerprint ${item.fingerprint.slice(0, 8)}`} checked=${chosen.includes(item.fingerprint)} onChange=${() => toggle(item.fingerprint)} />`}
      <div><p>${item.reason}</p>
        <ul class="hashed">${item.parts.map((/** @type {any} */ part, /** @type {number} */ index) => html`<li key=${index}><code>${typeof part === 'string' ? part : JSON.stringify(part)}</code></li>`)}</ul>
        <p class="muted">${counted(item.event_count, 'event')}, last <${Time} iso=${item.last_seen} />. ${item.origin.text} <span title=${item.fingerprint}>Version ${item.version}, ${item.fingerprint.slice(0, 8)}.</span></p></div>
    </li>`)}
  </ul>
  ${maySplit && html`<button disabled=${!chosen.length || chosen.length === page.data.items.length} onClick=${splitOff}>Split off the chosen ones</button>`}`;
}

/** Incidents that are likely the same bug. Nothing merges by itself. @param {any} props */
export function Suggestions({ project, incident, onChanged }) {
  const path = { project_id: project.id, incident_id: incident.id };
  const found = useLoad((signal) => call('listSuggestions', { path, signal }), [project.id, incident.id]);
  if (!found.data?.items.length) return null;
  const mayChange = may(project.workspace, 'incidents:write');
  const again = () => (found.reload(), onChanged());
  /** @param {any} one */
  const dismiss = async (one) => {
    found.set((now) => ({ ...now, items: now.items.filter((/** @type {any} */ other) => other !== one) }));
    await call('dismissSuggestions', { path, body: { incident_ids: [one.incident_id] } }).catch((error) => (sayFailed(error), found.reload()));
  };
  return html`<section class="part" aria-labelledby="likely-title"><h2 id="likely-title">Likely the same bug</h2>
    <ul class="suggestions">${found.data.items.map((/** @type {any} */ one) => html`<li key=${one.incident_id}>
      <div><a href=${`/projects/${project.id}/incidents/${one.incident_id}`}><${Text} text=${one.title} /></a> <span class="muted">${Math.round(one.score * 100)} %: ${one.evidence.join('; ')}</span></div>
      ${mayChange && html`<div class="row-actions"><button class="small" onClick=${() => merge(project.id, [incident, { id: one.incident_id }], again)}>Merge here</button><button class="small" onClick=${() => dismiss(one)}>It is not</button></div>`}</li>`)}</ul></section>`;
}
