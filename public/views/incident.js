// One incident: what it is, what became of it, and one of its events at a time.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { counted, exactly, titled } from '../lib/format.js';
import { listAddress, tell, useTold, useWayBack } from '../lib/kept_lists.js';
import { useLoad } from '../lib/load.js';
import { Level, Problem, Skeleton, Time, Transitions, useTitle } from '../lib/parts.js';
import { go, withQuery } from '../lib/router.js';
import { Text } from '../lib/text.js';
import { Activity, Newest, useActivity } from './activity.js';
import { Analysis } from './analysis.js';
import { Actions } from './incident_actions.js';
import { Asked } from './incident_asked.js';
import { Breadcrumbs, Contexts, Dropped, Raw, Removals, RequestPart, Tags } from './event_parts.js';
import { Grouping, Suggestions } from './grouping.js';
import { TagSpread, Trend, useTagSpread } from './incident_about.js';
import { Arrived, useNews } from './incident_news.js';
import { Story } from './stack.js';
import { Stepper, useSteps } from './stepper.js';

/** Of one incident nothing stays for the next: neither its event, which the other has not, nor what keys would do to it. @param {any} props */
export default function Incident(props) {
  return html`<${Page} key=${props.parts.incident_id} ...${props} />`;
}

/** @param {any} props */
function Page({ account, project, parts, place }) {
  const incident_id = parts.incident_id;
  const path = { project_id: project.id, incident_id };
  const incident = useLoad((signal) => call('readIncident', { path, signal }), [project.id, incident_id], { keep: true });
  const steps = useSteps(project, incident_id, place);
  const event = useLoad(
    async (signal) => (steps.shown ? call('readEvent', { path: { project_id: project.id, event_id: steps.shown }, signal }) : null),
    [project.id, steps.shown],
    { keep: true },
  );
  const activity = useActivity(project, incident.data);
  useTitle(incident.data?.title ?? `Incident ${incident_id}`);
  useWayBack(project.id, incident_id);
  useTold((incidents) => incident.set((now) => ({ ...now, ...incidents.find((one) => one.id === now.id) })), [incident.set]);
  const news = useNews(path, incident.data);
  const spread = useTagSpread(project, incident_id, news.round);
  const reload = () => (incident.reload(), steps.reload());
  const showNewest = () => (news.read(), steps.reload(), go(withQuery({ event: null }), { replace: true, keepScroll: true }));

  if (incident.error) return html`<${Problem} error=${incident.error} retry=${incident.reload} />`;
  if (!incident.data) return html`<${Skeleton} rows=${14} kind="page" />`;
  return html`<div class="incident">
    <${Arrived} arrived=${news.arrived} onShow=${showNewest} />
    <${Headline} project=${project} incident=${incident.data} acts=${activity.data?.items ?? []} />
    <${Actions} account=${account} project=${project} incident=${incident.data} event=${event.data} apply=${tell} />
    <${Asked} project=${project} incident=${incident.data} place=${place} apply=${tell} />
    <div class="columns">
      <div class="main-column">
        <${Trend} project=${project} incident_id=${incident_id} place=${place} round=${news.round} />
        <${Analysis} project=${project} incident_id=${incident_id} />
        <${Stepper} steps=${steps} incident=${incident.data} event=${steps.shown && event.data} spread=${spread.data} />
        <${Shown} steps=${steps} event=${event} />
        <${Suggestions} project=${project} incident=${incident.data} onChanged=${reload} />
        <${Grouping} project=${project} incident=${incident.data} onChanged=${reload} />
      </div>
      <aside class="side-column" aria-label="About this incident">
        <${Facts} incident=${incident.data} />
        <${TagSpread} project=${project} spread=${spread.data} />
        ${activity.data && html`<${Activity} acts=${activity.data.items} />`}
        ${event.data?.payload && html`<${Tags} payload=${event.data.payload} /><${Removals} event=${event.data} />`}
      </aside>
    </div>
  </div>`;
}

/** @param {any} props */
function Headline({ project, incident, acts }) {
  const { kind, message } = titled(incident);
  const back = `/projects/${project.id}/incidents`;
  return html`<header class="incident-head">
    <p class="trail"><a href=${listAddress(project.id)} rel="prev">Incidents</a> <span class="muted">#${incident.id}</span></p>
    <h1>${kind && html`<b>${kind}</b>`}${kind && message && ' '}<span><${Text} text=${message} /></span></h1>
    <p class="details"><${Level} level=${incident.level} />
      ${incident.culprit && html`<span class="culprit">${incident.culprit}</span>`}
      <span>${incident.platform}</span>
      <${Transitions} incident=${incident} />
    </p>
    <${Newest} acts=${acts} />
    ${incident.merged_into && html`<p class="note">This incident was merged into <a href=${`${back}/${incident.merged_into}`}>#${incident.merged_into}</a>; its events are there.</p>`}
  </header>`;
}

/** @param {{ incident: any }} props */
function Facts({ incident }) {
  return html`<section class="facts" aria-label="Figures">
    <div class="figure"><b>${exactly(incident.event_count)}</b><span>${incident.event_count === 1 ? 'event' : 'events'}</span>${incident.people_count > 0 && html`<b>${exactly(incident.people_count)}</b><span>${incident.people_count === 1 ? 'person' : 'people'}</span>`}</div>
    <dl class="pairs tight">
      <div><dt>Last seen</dt><dd><${Time} iso=${incident.last_seen} />${incident.last_release && html` in <span class="release">${incident.last_release}</span>`}</dd></div>
      <div><dt>First seen</dt><dd><${Time} iso=${incident.first_seen} />${incident.first_release && html` in <span class="release">${incident.first_release}</span>`}</dd></div>
      ${incident.regressed_at && html`<div><dt>Regressed</dt><dd><${Time} iso=${incident.regressed_at} /></dd></div>`}
      ${incident.escalated_at && html`<div><dt>Escalated</dt><dd><${Time} iso=${incident.escalated_at} /></dd></div>`}
      <div><dt>Environments</dt><dd>${incident.environments.join(', ') || html`<span class="muted">none named</span>`}</dd></div>
      <div><dt>With</dt><dd>${incident.assignee?.name ?? html`<span class="muted">nobody</span>`}</dd></div>
      <div><dt>Status</dt><dd>${statusText(incident)}</dd></div>
    </dl>
  </section>`;
}

/** @param {any} incident */
function statusText(incident) {
  const { status, status_changed_at, resolved_release, resolved_in_next_release, ignored_until, ignored_until_count } = incident;
  const since = status_changed_at && html` <span class="muted">since <${Time} iso=${status_changed_at} /></span>`;
  if (status === 'resolved' && resolved_in_next_release) return html`resolved in the release after ${resolved_release}${since}`;
  if (status === 'ignored' && ignored_until) return html`ignored until <time datetime=${ignored_until}>${new Date(ignored_until).toLocaleString()}</time>${since}`;
  if (status === 'ignored' && ignored_until_count) return html`ignored until ${counted(ignored_until_count, 'event')}${since}`;
  return html`${status}${since}`;
}

/** The event, or why there is none. @param {any} props */
function Shown({ steps, event }) {
  const error = steps.error ?? event.error;
  if (error) return html`<${Problem} error=${error} retry=${() => (steps.reload(), event.reload())} />`;
  if (steps.shown && event.data) return html`<${EventBody} event=${event.data} />`;
  if (steps.shown || !steps.newest) return html`<${Skeleton} rows=${12} kind="page" />`;
  const narrowed = Object.values(steps.narrowed).filter(Boolean);
  return narrowed.length > 0
    ? html`<p class="note">No event of this incident that is still kept is of ${narrowed.join(' and ')}. <button class="link" onClick=${() => go(withQuery({ env: null, release: null, user: null, tag: null, event: null }), { replace: true, keepScroll: true })}>Show all events</button></p>`
    : html`<p class="note">No event of this incident is kept any more. Its counts stay.</p>`;
}

/** @param {{ event: any }} props */
function EventBody({ event }) {
  const { payload } = event;
  if (!payload) return html`<p class="note">${event.sampled ? 'Of a flood of events only samples of what they said are kept. This one is counted like any other; step to another one to see what it said.' : 'What this event said has expired; when, where and how often it happened is kept.'}</p>`;
  return html`
    <${Dropped} payload=${payload} />
    <${Message} payload=${payload} />
    <${Story} payload=${payload} />
    <${Breadcrumbs} payload=${payload} />
    <${RequestPart} payload=${payload} />
    <${Contexts} payload=${payload} />
    <${Raw} event=${event} />`;
}

/** @param {{ payload: any }} props */
function Message({ payload }) {
  const entry = payload.logentry;
  if (!entry) return null;
  return html`<section class="part"><h2>Message</h2><p class="message"><${Text} text=${String(entry.formatted ?? entry.message)} /></p></section>`;
}
