// Who is told what: rules, channels, and what became of each message.
import { html, useState } from '../lib/html.js';
import { LISTS } from '../lib/alert_drafts.js';
import { call } from '../lib/api.js';
import { Confirm } from '../lib/forms.js';
import { useEvery, useLoad } from '../lib/load.js';
import { Empty, Menu, Problem, Skeleton, Time, useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { say, sayFailed } from '../lib/toasts.js';
import { ChannelDialog, RuleDialog } from './alert_forms.js';
import { Deliveries } from './deliveries.js';

const DAY = 86_400_000;
const SECONDS = 10;
/** Why something waits. @type {Record<string, string>} */
const WAITS = { quiet_hours: 'for the end of quiet hours', hourly_max: 'since this hour’s messages have left', digest: 'for the next digest', sweep: 'to be told in a moment' };
/** Why something was not told. @type {Record<string, string>} */
const DROPS = { channel_off: 'the channel was off', channel_muted: 'the channel was muted', rule: 'no rule wanted it told any more', ignored: 'its incident was ignored', resolved: 'its incident was resolved meanwhile' };

/** @param {any} props */
export default function Alerts({ project, place }) {
  useTitle(`Alerts of ${project.name}`);
  const path = { project_id: project.id };
  const rules = useLoad((signal) => call('listRules', { path, signal }), [project.id], { keep: true });
  const channels = useLoad((signal) => call('listChannels', { path, signal }), [project.id], { keep: true });
  const left = useLoad((signal) => call('listWaitingAlerts', { path, signal }), [project.id], { keep: true });
  useEvery(left.reload, SECONDS, [left.reload]);
  const [asking, setAsking] = useState(/** @type {any} */ (null));
  const mayChange = may(project.workspace, 'alerts:write');
  const close = () => setAsking(null);
  const reload = () => (rules.reload(), channels.reload());
  /** @param {any} rule @param {any} body @param {string} text */
  const change = (rule, body, text) => call('changeRule', { path: { ...path, rule_id: rule.id }, body }).then(() => (rules.reload(), say(text)), sayFailed);
  /** @param {any} one @param {any} body @param {string} text */
  const changeChannel = (one, body, text) => call('changeChannel', { path: { ...path, channel_id: one.id }, body }).then(() => (channels.reload(), say(text)), sayFailed);
  /** @param {any} one */
  const askAgain = (one) => call('askChannel', { path: { ...path, channel_id: one.id } }).then(() => say(`${one.target} is asked once more`), sayFailed);
  /** @param {any} one */
  const resume = (one) => call('resumeChannel', { path: { ...path, channel_id: one.id } }).then(() => (channels.reload(), say(`Mails of ${one.name} go to you again`)), sayFailed);
  /** @param {any} channel */
  const test = (channel) => call('testChannel', { path: { ...path, channel_id: channel.id } }).then(() => say(`A test is on its way over ${channel.name}; what becomes of it stands below`), sayFailed);
  const error = rules.error ?? channels.error;
  if (error) return html`<${Problem} error=${error} retry=${reload} />`;
  return html`<div class="page wide">
    <header class="page-head"><h1>Alerts</h1>${mayChange && html`<div class="row-actions"><button onClick=${() => setAsking({ channel: true })}>New channel</button><button class="primary" disabled=${!channels.data} onClick=${() => setAsking({ rule: true })}>New rule</button></div>`}</header>
    <section class="part"><h2>Rules</h2>
      ${!rules.data || !channels.data ? html`<${Skeleton} rows=${3} kind="list" />` : !rules.data.items.length ? html`<${Empty} title="No rule"><p>Nobody is told of anything. Make a rule.</p><//>`
        : html`<ul class="listed">${rules.data.items.map((/** @type {any} */ rule) => html`<li key=${rule.id}>
          <div><b>${rule.name}</b> ${!rule.enabled && html`<span class="badge">off</span>`} ${isMuted(rule) && html`<span class="badge">muted until ${new Date(rule.muted_until).toLocaleString()}</span>`}
            <div class="muted small-text">${conditionText(rule.conditions)}${filterText(rule.filters)}. To ${names(channels.data.items, rule.channel_ids)}.${quietText(rule.quiet_hours)}</div></div>
          ${mayChange && html`<div class="row-actions">
            <button class="small" onClick=${() => setAsking({ rule })}>Edit</button>
            <${Menu} label="More"><button onClick=${() => change(rule, { muted_until: new Date(Date.now() + DAY).toISOString() }, `${rule.name} is silent for a day`)}>Mute for a day</button>
              ${rule.muted_until && html`<button onClick=${() => change(rule, { muted_until: null }, `${rule.name} speaks again`)}>Unmute</button>`}
              <button onClick=${() => change(rule, { enabled: !rule.enabled }, `${rule.name} is ${rule.enabled ? 'off' : 'on'}`)}>${rule.enabled ? 'Switch off' : 'Switch on'}</button>
              <button class="danger" onClick=${() => setAsking({ deleteRule: rule })}>Delete…</button><//></div>`}</li>`)}</ul>`}
    </section>
    <section class="part"><h2>Channels</h2>
      ${!channels.data ? html`<${Skeleton} rows=${2} kind="list" />` : html`<ul class="listed">${channels.data.items.map((/** @type {any} */ one) => html`<li key=${one.id}>
        <div><b>${one.name}</b> <span class="badge">${one.kind}</span> ${!one.confirmed ? html`<span class="badge escalated">waits for consent</span>` : isUnheard(one) && html`<span class="badge regressed">nobody receives it</span>`} ${one.disabled_at && html`<span class="badge regressed">off</span>`} ${isMuted(one) && html`<span class="badge">muted until ${new Date(one.muted_until).toLocaleString()}</span>`}
          <div class="muted small-text">${one.target}. At once, then at most every ${one.digest_minutes} min; ${one.hourly_max} an hour at most. ${one.disabled_reason ?? ''} ${one.failing_since && html`Fails since <${Time} iso=${one.failing_since} />.`}</div>
          ${one.ended_by_you ? html`<div class="small-text">You have ended its mails. <button class="link" onClick=${() => resume(one)}>Get them again</button></div>` : isUnheard(one) && html`<div class="small-text">${isAsked(one) ? `${one.target} has ended its mails, or has not begun them. Ask once more, or name another address.` : 'No owner is left who gets its mails: each has ended them, or has no address.'}</div>`}
          <${Left} found=${left.data} channel=${one} /></div>
        ${mayChange && html`<div class="row-actions"><button class="small" onClick=${() => test(one)}>Send a test</button><button class="small" onClick=${() => setAsking({ channel: one })}>Edit</button>
          <${Menu} label="More">${isAsked(one) && html`<button onClick=${() => askAgain(one)}>Ask once more</button>`}
            <button onClick=${() => changeChannel(one, { enabled: Boolean(one.disabled_at) }, `${one.name} is ${one.disabled_at ? 'on' : 'off'}`)}>${one.disabled_at ? 'Switch on' : 'Switch off'}</button>
            ${isMuted(one) ? html`<button onClick=${() => changeChannel(one, { muted_until: null }, `${one.name} speaks again`)}>Unmute</button>` : html`<button onClick=${() => changeChannel(one, { muted_until: new Date(Date.now() + DAY).toISOString() }, `${one.name} is silent for a day`)}>Mute for a day</button>`}
            <button class="danger" onClick=${() => setAsking({ deleteChannel: one })}>Delete…</button><//></div>`}</li>`)}</ul>`}
    </section>
    <${Deliveries} project=${project} place=${place} channels=${channels.data?.items ?? []} mayChange=${mayChange} />
    ${asking?.rule && html`<${RuleDialog} project=${project} rule=${asking.rule === true ? null : asking.rule} channels=${channels.data.items} onDone=${reload} onClose=${close} />`}
    ${asking?.channel && html`<${ChannelDialog} project=${project} channel=${asking.channel === true ? null : asking.channel} onDone=${reload} onClose=${close} />`}
    ${asking?.deleteRule && html`<${Confirm} title=${`Delete ${asking.deleteRule.name}`} label="Delete" onClose=${close} onYes=${() => call('deleteRule', { path: { ...path, rule_id: asking.deleteRule.id } }).then(reload)}><p>What waits to be told by it is not told any more.</p><//>`}
    ${asking?.deleteChannel && html`<${Confirm} title=${`Delete ${asking.deleteChannel.name}`} label="Delete" onClose=${close} onYes=${() => call('deleteChannel', { path: { ...path, channel_id: asking.deleteChannel.id } }).then(reload)}><p>What waits for it is cancelled, and rules that led only to it tell nobody.</p><//>`}
  </div>`;
}

/** What waits for a channel, and what it was not told. @param {{ found: any, channel: any }} props */
function Left({ found, channel }) {
  /** @param {any[] | undefined} lines @returns {any[]} */
  const own = (lines) => (lines ?? []).filter((one) => one.channel_id === channel.id);
  const texts = [
    ...own(found?.waiting).map((one) => `${waitText(one.count)} ${WAITS[one.reason] ?? one.reason}${one.until ? `, until ${new Date(one.until).toLocaleString()}` : ''}.`),
    ...own(found?.dropped).map((one) => `Not told within a day: ${one.count}, as ${DROPS[one.reason] ?? one.reason}.`),
  ];
  return texts.map((text) => html`<div class="muted small-text" key=${text}>${text}</div>`);
}

/** @param {number} count */
const waitText = (count) => (count === 1 ? '1 alert waits' : `${count} alerts wait`);

/** @param {any} quiet hours of a rule, or nothing */
const quietText = (quiet) => (quiet ? ` Quiet from ${quiet.from} to ${quiet.to} (${quiet.time_zone})${quiet.days?.length ? `, from ${quiet.days.join(', ')}` : ''}.` : '');

/** @param {any} one a rule or a channel */
const isMuted = (one) => Boolean(one.muted_until) && new Date(one.muted_until) > new Date();

/** Whether nobody gets a channel's mails, though they may go. @param {any} one */
const isUnheard = (one) => one.confirmed && one.receiver_count === 0;

/** Whether its address can be asked: it gets nothing, for it has not agreed, or has ended it. @param {any} one */
const isAsked = (one) => one.receiver_count === 0 && one.target.includes('@');

/** @param {any[]} channels @param {number[]} ids */
const names = (channels, ids) => ids.map((id) => channels.find((one) => one.id === id)?.name ?? `#${id}`).join(', ') || 'nobody';

/** @param {any} given */
function conditionText(given) {
  const found = [];
  if (given.transitions?.length) found.push(`incidents that are ${given.transitions.join(' or ')}`);
  if (given.frequency) found.push(`more than ${given.frequency.more_than} events in ${given.frequency.minutes} min`);
  if (given.unusual) found.push(`${given.unusual.times} times the usual in ${given.unusual.minutes} min`);
  if (given.people) found.push(`more than ${given.people.more_than} people`);
  if (given.milestones) found.push('10, 100, 1,000 … events');
  return found.join('; ');
}

/** @param {any} filters */
function filterText(filters) {
  const tags = Object.entries(filters?.tags ?? {}).map(([name, pattern]) => `${name}:${pattern}`).sort().join(' and ');
  const texts = [...['levels', ...LISTS].map((name) => [name, (filters?.[name] ?? []).join(' or ')]), ['tags', tags]];
  const found = texts.filter(([, text]) => text).map(([name = '', text]) => `${name.replace(/s$/, '')} is ${text}`);
  return found.length ? `, where ${found.join(' and ')}` : '';
}
