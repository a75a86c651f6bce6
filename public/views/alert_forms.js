// A rule and a channel to fill in; a rule shows what it would have found in the last week.
import { html, useEffect, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Field, Refusal, lines, typed, useAction } from '../lib/forms.js';
import { Dialog, Time } from '../lib/parts.js';
import { LEVELS } from '../lib/search.js';
import { Text } from '../lib/text.js';
import { say } from '../lib/toasts.js';

const TRANSITIONS = ['new', 'regressed', 'escalated'];
const KINDS = ['email', 'slack', 'discord', 'webhook'];
const PREVIEW_MILLISECONDS = 400;

/** @param {any[]} list @param {any} one */
const toggled = (list, one) => (list.includes(one) ? list.filter((other) => other !== one) : [...list, one]);

/** @param {any} props */
export function RuleDialog({ project, rule, channels, onDone, onClose }) {
  const path = { project_id: project.id };
  const given = rule?.conditions ?? { transitions: ['new', 'regressed'] };
  const [name, setName] = useState(rule?.name ?? '');
  const [transitions, setTransitions] = useState(/** @type {string[]} */ (given.transitions ?? []));
  const [more, setMore] = useState(String(given.frequency?.more_than ?? ''));
  const [minutes, setMinutes] = useState(String(given.frequency?.minutes ?? 10));
  const [times, setTimes] = useState(String(given.unusual?.times ?? ''));
  const [span, setSpan] = useState(String(given.unusual?.minutes ?? 60));
  const [people, setPeople] = useState(String(given.people?.more_than ?? ''));
  const [milestones, setMilestones] = useState(Boolean(given.milestones));
  const quiet = rule?.quiet_hours;
  const zone = quiet?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const [from, setFrom] = useState(quiet?.from ?? '');
  const [until, setUntil] = useState(quiet?.to ?? '');
  const [levels, setLevels] = useState(/** @type {string[]} */ (rule?.filters?.levels ?? []));
  const [environments, setEnvironments] = useState((rule?.filters?.environments ?? []).join('\n'));
  const [to, setTo] = useState(/** @type {number[]} */ (rule?.channel_ids ?? channels.slice(0, 1).map((/** @type {any} */ one) => one.id)));
  const [preview, setPreview] = useState(/** @type {any} */ (null));
  const conditions = () => ({
    transitions,
    milestones,
    frequency: more ? { more_than: Number(more), minutes: Number(minutes) } : null,
    unusual: times ? { times: Number(times), minutes: Number(span) } : null,
    people: people ? { more_than: Number(people) } : null,
  });
  const filters = () => ({ ...(rule?.filters ?? {}), levels, environments: lines(environments) });
  const empty = !transitions.length && !more && !times && !people && !milestones;
  useEffect(() => {
    if (empty) return setPreview(null);
    const controller = new AbortController();
    const timer = setTimeout(() => call('previewRule', { path, body: { conditions: conditions(), filters: filters() }, signal: controller.signal }).then(setPreview, () => {}), PREVIEW_MILLISECONDS);
    return () => (clearTimeout(timer), controller.abort());
  }, [transitions, more, minutes, times, span, people, milestones, levels, environments]);
  const action = useAction(async () => {
    const quiet_hours = from && until ? { time_zone: zone, from, to: until, days: quiet?.days ?? [] } : null;
    const body = { name, conditions: conditions(), filters: filters(), channel_ids: to, quiet_hours };
    if (rule) await call('changeRule', { path: { ...path, rule_id: rule.id }, body });
    else await call('createRule', { path, body });
    onDone();
    onClose();
    say(`${name} is set`);
  });
  return html`<${Dialog} title=${rule ? `Rule ${rule.name}` : 'New rule'} wide onClose=${onClose}><form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Name"><input type="text" required maxlength="80" placeholder="New errors in production" value=${name} onInput=${typed(setName)} /><//>
    <fieldset><legend>Tell of incidents that are</legend><div class="checks">${TRANSITIONS.map((one) => html`<label class="check" key=${one}><input type="checkbox" checked=${transitions.includes(one)} onChange=${() => setTransitions(toggled(transitions, one))} />${one}</label>`)}</div></fieldset>
    <div class="two"><${Field} label="or have more events than" hint="Empty: not told of"><input type="number" min="1" value=${more} onInput=${typed(setMore)} /><//><${Field} label="within minutes"><input type="number" min="1" max="1440" value=${minutes} onInput=${typed(setMinutes)} /><//></div>
    <div class="two"><${Field} label="or so many times the usual" hint="Empty: not told of"><input type="number" min="2" max="1000" value=${times} onInput=${typed(setTimes)} /><//><${Field} label="within so many minutes"><input type="number" min="1" max="1440" value=${span} onInput=${typed(setSpan)} /><//></div>
    <div class="two"><${Field} label="or more people than" hint="Empty: not told of"><input type="number" min="0" value=${people} onInput=${typed(setPeople)} /><//><label class="check"><input type="checkbox" checked=${milestones} onChange=${() => setMilestones(!milestones)} />or 10, 100, 1,000 … events</label></div>
    <fieldset><legend>Only of level (none chosen: any)</legend><div class="checks">${LEVELS.map((one) => html`<label class="check" key=${one}><input type="checkbox" checked=${levels.includes(one)} onChange=${() => setLevels(toggled(levels, one))} />${one}</label>`)}</div></fieldset>
    <${Field} label="Only in environments" hint="One a line, * for anything. Empty: any"><textarea rows="2" value=${environments} onInput=${typed(setEnvironments)} /><//>
    <div class="two"><${Field} label="Quiet from" hint=${`In ${zone}. What is found meanwhile is told at the end`}><input type="time" value=${from} onInput=${typed(setFrom)} /><//><${Field} label="until"><input type="time" value=${until} onInput=${typed(setUntil)} /><//></div>
    <fieldset><legend>Over</legend><div class="checks">${channels.map((/** @type {any} */ one) => html`<label class="check" key=${one.id}><input type="checkbox" checked=${to.includes(one.id)} onChange=${() => setTo(toggled(to, one.id))} />${one.name}</label>`)}</div></fieldset>
    ${preview && html`<div class="trial" aria-live="polite"><p>${preview.items.length ? `In the last week it would have told ${preview.complete ? '' : 'at least '}${preview.items.length} times.` : 'In the last week it would have told nothing.'}${preview.approximate && preview.items.length ? ' Told by whole hours, so perhaps not exactly.' : ''}${preview.not_covered.length ? ` Not counted: ${preview.not_covered.join(', ')}.` : ''}</p>
      <ul class="paths">${preview.items.slice(0, 6).map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index}><${Time} iso=${one.at} /> <${Text} text=${one.title} /> <span class="muted">${one.reason}</span></li>`)}</ul></div>`}
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy || !name.trim() || empty}>Save</button></div>
  </form><//>`;
}

/** @param {any} props */
export function ChannelDialog({ project, channel, onDone, onClose }) {
  const path = { project_id: project.id };
  const [name, setName] = useState(channel?.name ?? '');
  const [kind, setKind] = useState(channel?.kind ?? 'email');
  const [target, setTarget] = useState('');
  const [digest, setDigest] = useState(String(channel?.digest_minutes ?? 10));
  const [secret, setSecret] = useState('');
  const action = useAction(async () => {
    const where = target.trim() ? { target: kind === 'email' ? { address: target.trim() } : { url: target.trim() } } : {};
    const body = { name, digest_minutes: Number(digest), ...where };
    if (channel) await call('changeChannel', { path: { ...path, channel_id: channel.id }, body });
    const made = channel ? null : await call('createChannel', { path, body: { ...body, kind } });
    onDone();
    if (made?.secret) setSecret(made.secret);
    else onClose();
  });
  if (secret) return html`<${Dialog} title="Keep this secret" onClose=${onClose}><p>Messages of this webhook are signed with it. It is not shown again.</p><p class="issued"><code>${secret}</code></p><//>`;
  return html`<${Dialog} title=${channel ? `Channel ${channel.name}` : 'New channel'} onClose=${onClose}><form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Name"><input type="text" required maxlength="80" value=${name} onInput=${typed(setName)} /><//>
    ${!channel && html`<${Field} label="Kind"><select value=${kind} onChange=${typed(setKind)}>${KINDS.map((one) => html`<option key=${one}>${one}</option>`)}</select><//>`}
    <${Field} label=${kind === 'email' ? 'E-mail address' : 'Address of the webhook'} hint=${channel ? `Now ${channel.target}. Empty: it stays` : kind === 'email' ? 'Empty: the workspace’s owners. An address that is no member’s is asked first' : 'https, and reachable from outside'}><input type=${kind === 'email' ? 'email' : 'url'} required=${!channel && kind !== 'email'} value=${target} onInput=${typed(setTarget)} /><//>
    <${Field} label="Minutes between messages" hint="The first goes at once; what comes meanwhile goes in one digest"><input type="number" min="0" max="1440" value=${digest} onInput=${typed(setDigest)} /><//>
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy || !name.trim()}>Save</button></div>
  </form><//>`;
}
