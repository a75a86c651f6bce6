// One incident in a list.
import { html } from '../lib/html.js';
import { count, exactly, tellsMore, titled } from '../lib/format.js';
import { Level, Sparkline, Time, Transitions } from '../lib/parts.js';
import { Text } from '../lib/text.js';

/** @param {any} props */
export function IncidentRow({ project, incident, current, chosen, onChoose, onFocus, window }) {
  const { kind, message } = titled(incident);
  return html`<div role="listitem" class=${`row${current ? ' current' : ''}${chosen ? ' chosen' : ''} ${incident.status}`}>
    <label class="choose">${onChoose && html`<input type="checkbox" checked=${chosen} onClick=${(/** @type {MouseEvent} */ event) => onChoose(incident.id, event.shiftKey)}
      aria-label=${`Choose incident ${incident.id}`} />`}</label>
    <div class="what">
      <div class="headline">
        <a class="title" href=${`/projects/${project.id}/incidents/${incident.id}`} onFocus=${onFocus} title=${incident.title}>
          ${kind && html`<b>${kind}</b>`}${kind && message && ' '}${message && html`<span><${Text} text=${message} /></span>`}</a>
        <${Transitions} incident=${incident} />
        ${incident.status !== 'open' && html`<span class="badge">${incident.status}</span>`}
      </div>
      <div class="details">
        <${Level} level=${incident.level} />
        ${incident.culprit && html`<span class="culprit" title=${incident.culprit}>${incident.culprit}</span>`}
        ${incident.last_release && html`<span class="release" title="Last release it was seen in">${incident.last_release}</span>`}
        ${incident.assignee && html`<span title="Looks after it">${incident.assignee.name}</span>`}
        ${incident.environments.length > 0 && html`<span title="Environments">${incident.environments.slice(0, 3).join(', ')}</span>`}
      </div>
      ${incident.analysis && tellsMore(incident.analysis, incident) && html`<p class="explained ellipsis" title=${incident.analysis}><${Text} text=${incident.analysis} /></p>`}
    </div>
    <div class="trend">${incident.trend && html`<${Sparkline} counts=${incident.trend} label=${`Events in the last ${window === '24h' ? '24 hours' : '14 days'}`} />`}</div>
    <div class="number" title=${`${exactly(incident.event_count)} events`}><b>${count(incident.event_count)}</b><span class="unit">${incident.event_count === 1 ? 'event' : 'events'}</span></div>
    <div class="number people" title=${`${exactly(incident.people_count)} people`}><b>${count(incident.people_count)}</b><span class="unit">people</span></div>
    <div class="when"><span class="seen"><${Time} iso=${incident.last_seen} /></span><span class="unit"><${Time} iso=${incident.first_seen} prefix="since " /></span></div>
  </div>`;
}
