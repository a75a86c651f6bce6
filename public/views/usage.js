// Where events went, and what was used.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Chart } from '../lib/chart.js';
import { Field, typed, useAction } from '../lib/forms.js';
import { bytes, counted, exactTime, exactly } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton, Time, useTitle } from '../lib/parts.js';
import { go, withQuery } from '../lib/router.js';

const SPANS = new Map([['24', '24 h'], ['168', '7 d'], ['720', '30 d']]);
const HOUR = 3_600_000;
const MEANING = new Map([
  ['accepted', 'stored'], ['duplicate', 'sent again, stored once'], ['sampled', 'counted, payload not kept'],
  ['rate_limited', 'refused: too many at once'], ['over_quota', 'refused: the month’s quota is used up'], ['invalid', 'refused: could not be read'],
  ['filtered', 'refused by a rule'], ['too_large', 'refused: too large'], ['sdk_dropped', 'dropped by the SDK itself'],
]);

/** @param {any} props */
export default function Usage({ project, place }) {
  useTitle(`Usage of ${project.name}`);
  const asked = place.query.get('hours') ?? '';
  const hours = SPANS.has(asked) ? asked : '168';
  const path = { project_id: project.id };
  const outcomes = useLoad((signal) => call('readOutcomes', { path, query: { hours }, signal }), [project.id, hours], { keep: true });
  const usage = useLoad((signal) => call('readUsage', { path, signal }), [project.id]);
  return html`<div class="page wide">
    <header class="page-head"><h1>Usage and outcomes</h1><div class="tabs" role="group" aria-label="How far back">
      ${[...SPANS].map(([name, label]) => html`<button key=${name} aria-pressed=${hours === name} onClick=${() => go(withQuery({ hours: name }), { replace: true, keepScroll: true })}>${label}</button>`)}</div></header>
    ${outcomes.error ? html`<${Problem} error=${outcomes.error} retry=${outcomes.reload} />` : outcomes.data ? html`<${Outcomes} found=${outcomes.data} hours=${Number(hours)} />` : html`<${Skeleton} rows=${5} />`}
    <${Where} project=${project} />
    <${Quota} workspace=${project.workspace} />
    ${usage.data && html`<${Months} months=${usage.data.months} />`}
  </div>`;
}

/** @param {{ found: any, hours: number }} props */
function Outcomes({ found, hours }) {
  const totals = Object.entries(found.totals).filter(([, number]) => number);
  const all = totals.reduce((sum, [, number]) => sum + Number(number), 0);
  return html`<section class="part"><h2>Where events went</h2>
    <${Chart} bars=${barsOf(found, hours)} label="Events that came" />
    ${totals.length === 0 ? html`<p class="muted">Nothing came in this time. <a href="start">Send a first event</a></p>` : html`<dl class="totals">${totals.map(([name, number]) => html`<div key=${name}><dt>${MEANING.get(name) ?? name}</dt><dd><b>${exactly(Number(number))}</b> <span class="muted">${((100 * Number(number)) / all).toFixed(1)} %</span></dd></div>`)}</dl>`}
    ${found.reasons.length > 0 && html`<div class="table-scroll" tabindex="0" role="region" aria-label="Why"><table><caption>Why, and under which key</caption>
      <thead><tr><th>Outcome</th><th>Reason</th><th>Key</th><th class="right">Events</th><th>Last</th></tr></thead>
      <tbody>${found.reasons.map((/** @type {any} */ one, /** @type {number} */ index) => html`<tr key=${index}><td>${one.outcome.replaceAll('_', ' ')}</td><td>${one.reason.replaceAll('_', ' ')}</td><td>${one.key_name ?? html`<span class="muted">none</span>`}</td><td class="right">${exactly(one.event_count)}</td><td><${Hour} iso=${one.last_hour} /></td></tr>`)}</tbody></table></div>`}
    ${found.recent.length > 0 && html`<details class="recent"><summary>The newest that were not stored</summary><ul>${found.recent.map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index}><${Time} iso=${one.at} /> <b>${one.outcome.replaceAll('_', ' ')}</b> ${one.detail ?? one.reason} <span class="muted">${counted(one.event_count, 'event')}</span></li>`)}</ul></details>`}
  </section>`;
}

/** Outcomes are counted by hours: of the one that runs nobody knows when. @param {{ iso: string }} props */
const Hour = ({ iso }) => (Date.now() - new Date(iso).getTime() < HOUR ? html`<span title=${`since ${exactTime(iso)}`}>this hour</span>` : html`<${Time} iso=${iso} />`);

/** A bar an hour, or a day where there would be too many. @param {any} found @param {number} hours */
function barsOf(found, hours) {
  const wide = hours > 200 ? 86_400 : hours > 24 ? 10_800 : 3600;
  const since = new Date(found.since).getTime();
  const counts = Array.from({ length: Math.ceil((hours * 3600) / wide) + 1 }, () => 0);
  for (const { hour, outcomes } of found.hours) {
    const at = Math.max(0, Math.min(counts.length - 1, Math.floor((new Date(hour).getTime() - since) / 1000 / wide)));
    for (const number of Object.values(outcomes)) counts[at] = (counts[at] ?? 0) + Number(number);
  }
  return { since: found.since, bar_seconds: wide, counts };
}

/** Where did my event go? Its id, as the SDK told it, leads to its incident. @param {{ project: any }} props */
function Where({ project }) {
  const [id, setId] = useState('');
  const [found, setFound] = useState(/** @type {any} */ (null));
  const looking = useAction(async () => {
    setFound(null);
    setFound(await call('readEvent', { path: { project_id: project.id, event_id: id.trim() } }));
  });
  return html`<section class="part"><h2>Where did my event go?</h2>
    <form class="row-form" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), looking.run())}>
      <${Field} label="Event id"><input type="text" class="mono" autocomplete="off" spellcheck=${false} placeholder="32 hexadecimal characters" value=${id} onInput=${typed(setId)} /><//>
      <button disabled=${looking.busy || !id.trim()}>Find it</button></form>
    <div aria-live="polite">
      ${found && html`<p>It arrived <${Time} iso=${found.received_at} ago />, and is in incident <a href=${`/projects/${project.id}/incidents/${found.incident_id}?event=${found.event_id}`}>#${found.incident_id}</a>${found.sampled ? '; it is counted, and its payload was not kept: there were too many like it' : ''}.</p>`}
      ${looking.error && html`<p class="field-problem">${looking.error.status === 404 ? 'No event with this id is stored in this project. If it was sent, what became of it stands above under its key: refused, filtered by its origin, sent to another project, or dropped by the SDK.' : looking.error.message}</p>`}
    </div></section>`;
}

/** @param {{ workspace: any }} props */
function Quota({ workspace }) {
  const path = { workspace_id: workspace.id };
  const limits = useLoad((signal) => call('readWorkspaceLimits', { path, signal }), [workspace.id]);
  const used = useLoad((signal) => call('readWorkspaceUsage', { path, signal }), [workspace.id]);
  if (!limits.data || !used.data) return null;
  const most = limits.data.effective;
  const { event_count } = used.data;
  return html`<section class="part"><h2>Quota of ${workspace.name}</h2>
    ${most === null ? html`<p class="muted">There is none: events are not limited by the month. ${exactly(event_count)} came in this one, over all projects.</p>`
      : html`<p>${exactly(event_count)} of ${exactly(most)} events of this month <span class="muted">(${Math.round((100 * event_count) / Math.max(1, most))} %, over all projects)</span></p>
        <meter class="quota" min="0" max=${most} high=${0.9 * most} value=${event_count} aria-label="Used of the quota"></meter>
        ${event_count >= most && html`<p class="field-problem">It is used up: events are refused until the month ends, or an owner raises it.</p>`}`}
  </section>`;
}

/** @param {{ months: any[] }} props */
const Months = ({ months }) => html`<section class="part"><h2>What was used</h2>
  ${months.length === 0 ? html`<p class="muted">Nothing yet.</p>` : html`<div class="table-scroll" tabindex="0" role="region" aria-label="Months"><table><thead><tr><th>Month</th><th class="right">Events</th><th class="right">Payloads</th><th class="right">Analyses</th><th class="right">Mails</th></tr></thead>
    <tbody>${months.map((one) => html`<tr key=${one.month}><td>${one.month}</td><td class="right">${exactly(one.event_count)}</td><td class="right">${bytes(one.payload_bytes)}</td><td class="right">${exactly(one.analysis_count)}</td><td class="right">${exactly(one.mail_count)}</td></tr>`)}</tbody></table></div>`}
</section>`;
