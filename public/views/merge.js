// What is merged into what. Nothing is merged before one has seen both.
import { html, useEffect, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { typed } from '../lib/forms.js';
import { counted } from '../lib/format.js';
import { Dialog, Level, Time } from '../lib/parts.js';
import { Text } from '../lib/text.js';

const FOUND_MAX = 6;
const WAIT_MILLISECONDS = 150;

/** Of some incidents, the one that stays: the first seen, unless said otherwise. @param {{ project: any, incidents: any[], onMerge: (incidents: any[]) => void, onClose: () => void }} props */
export function MergeChosen({ project, incidents, onMerge, onClose }) {
  const [first, ...later] = [...incidents].sort((one, other) => one.first_seen.localeCompare(other.first_seen));
  const [into, setInto] = useState(first.id);
  const others = [first, ...later].filter((one) => one.id !== into);
  return html`<${Asking} title=${`Merge ${counted(incidents.length, 'incident')}`} label=${`Merge ${others.length === 1 ? `#${others[0].id}` : others.length} into #${into}`}
    onYes=${() => onMerge([incidents.find((one) => one.id === into), ...others])} onClose=${onClose}>
    <p>Into which one? It keeps its number and its status. Events of the others, future ones too, will lead to it. This can be undone exactly.</p>
    <${Choices} project=${project} incidents=${[first, ...later]} chosen=${into} onChoose=${setInto} />
  <//>`;
}

/** For one incident, another one to merge it into: likely ones first, else those with these words or this number. @param {{ project: any, incident: any, onMerge: (incidents: any[]) => void, onClose: () => void }} props */
export function MergeInto({ project, incident, onMerge, onClose }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const found = useOthers(project.id, incident.id, text.trim());
  const target = found?.find((one) => one.id === chosen) ?? found?.find((one) => one.id === numberIn(text));
  return html`<${Asking} title="Merge into another incident" label=${target ? `Merge #${incident.id} into #${target.id}` : 'Merge'}
    onYes=${target && (() => onMerge([target, incident]))} onClose=${onClose}>
    <p>Events of #${incident.id}, future ones too, will lead to the other incident. It keeps its status. This can be undone exactly.</p>
    <label>The other incident <input type="text" placeholder="words of its title, or its number" autocomplete="off" spellcheck=${false} value=${text} onInput=${typed(setText)} /></label>
    <p class="muted" aria-live="polite">${!found ? 'Looking' : text.trim() ? (found.length ? '' : 'No other incident has that.') : found.length ? 'Likely the same bug:' : 'None looks like the same bug.'}</p>
    <${Choices} project=${project} incidents=${found ?? []} chosen=${target?.id} onChoose=${setChosen} />
  <//>`;
}

/** @param {string} text */
const numberIn = (text) => Number(/^#?(\d{1,18})$/.exec(text.trim())?.[1] ?? 0);

/** Incidents to merge into; null while they are looked for. @param {number} project_id @param {number} incident_id @param {string} text @returns {any[] | null} */
function useOthers(project_id, incident_id, text) {
  const [found, setFound] = useState(/** @type {any[] | null} */ (null));
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const ask = async () => {
      const number = numberIn(text);
      const [named, page] = await Promise.all([
        number ? call('readIncident', { path: { project_id, incident_id: number }, signal }).catch(() => null) : null,
        text
          ? call('listIncidents', { path: { project_id }, query: { text, limit: FOUND_MAX }, signal })
          : call('listSuggestions', { path: { project_id, incident_id }, signal }),
      ]);
      const listed = page.items.map((/** @type {any} */ one) => ({ ...one, id: one.id ?? one.incident_id }));
      const all = new Map([named, ...listed].filter((one) => one && !one.merged_into && one.id !== incident_id).map((one) => [one.id, one]));
      if (!signal.aborted) setFound([...all.values()].slice(0, FOUND_MAX));
    };
    const timer = setTimeout(() => ask().catch(() => signal.aborted || setFound([])), text ? WAIT_MILLISECONDS : 0);
    return () => (clearTimeout(timer), controller.abort());
  }, [project_id, incident_id, text]);
  return found;
}

/** @param {{ project: any, incidents: any[], chosen?: number, onChoose: (id: number) => void }} props */
const Choices = ({ project, incidents, chosen, onChoose }) => html`<div class="choices" role="radiogroup" aria-label="Merge into">
  ${incidents.map((one) => html`<label key=${one.id} class="choice">
    <input type="radio" name="into" checked=${one.id === chosen} onChange=${() => onChoose(one.id)} />
    <span class="choice-title ellipsis" title=${one.title}><${Text} text=${one.title} /></span>
    <span class="details"><a href=${`/projects/${project.id}/incidents/${one.id}`} target="_blank" title="Look at it in another tab">#${one.id}</a> <${Level} level=${one.level} /> <span>${one.status}</span>
      <span>${counted(one.event_count, 'event')}</span> <span>last <${Time} iso=${one.last_seen} /></span> <span>first <${Time} iso=${one.first_seen} /></span> ${one.culprit && html`<span class="culprit">${one.culprit}</span>`}</span>
  </label>`)}</div>`;

/** @param {{ title: string, label: string, onYes?: () => void, onClose: () => void, children?: any }} props */
function Asking({ title, label, onYes, onClose, children }) {
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    if (onYes) (onClose(), onYes());
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>${children}
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${!onYes}>${label}</button></div>
  </form><//>`;
}
