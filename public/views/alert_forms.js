// A rule and a channel to fill in; a rule shows what it would have found in the last week.
import { html, useEffect, useState } from '../lib/html.js';
import { TRANSITIONS, bodyOf, draftOf, isEmpty, isNarrow, tryOf } from '../lib/alert_drafts.js';
import { call } from '../lib/api.js';
import { Field, Refusal, typed, useAction } from '../lib/forms.js';
import { Dialog, Time } from '../lib/parts.js';
import { LEVELS } from '../lib/search.js';
import { Text } from '../lib/text.js';
import { say } from '../lib/toasts.js';

const KINDS = ['email', 'slack', 'discord', 'webhook'];
const PREVIEW_MILLISECONDS = 400;

/** @param {any[]} list @param {any} one */
const toggled = (list, one) => (list.includes(one) ? list.filter((other) => other !== one) : [...list, one]);

/** @param {any} props */
export function RuleDialog({ project, rule, channels, onDone, onClose }) {
  const path = { project_id: project.id };
  const [draft, setDraft] = useState(() => draftOf(rule, channels));
  const [narrow] = useState(() => isNarrow(draft));
  const trial = useTrial(path, draft);
  /** @param {string} name @returns {(value: any) => void} */
  const set = (name) => (value) => setDraft((/** @type {any} */ last) => ({ ...last, [name]: value }));
  /** @param {string} name */
  const text = (name) => ({ value: draft[name], onInput: typed(set(name)) });
  /** @param {string} name @param {{ value: any, label: string }[]} choices */
  const checks = (name, choices) => html`<div class="checks">${choices.map(({ value, label }) => html`<label class="check" key=${value}><input type="checkbox" checked=${draft[name].includes(value)} onChange=${() => set(name)(toggled(draft[name], value))} />${label}</label>`)}</div>`;
  const action = useAction(async () => {
    const body = bodyOf(draft);
    if (rule) await call('changeRule', { path: { ...path, rule_id: rule.id }, body });
    else await call('createRule', { path, body });
    onDone();
    onClose();
    say(`${draft.name} is set`);
  });
  return html`<${Dialog} title=${rule ? `Rule ${rule.name}` : 'New rule'} wide onClose=${onClose}><form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Name"><input type="text" required maxlength="80" placeholder="New errors in production" ...${text('name')} /><//>
    <fieldset><legend>Tell of incidents that are</legend>${checks('transitions', TRANSITIONS.map(plain))}</fieldset>
    <div class="two"><${Field} label="or have more events than" hint="Empty: not told of"><input type="number" min="1" ...${text('more')} /><//><${Field} label="within minutes"><input type="number" min="1" max="1440" ...${text('minutes')} /><//></div>
    <div class="two"><${Field} label="or so many times the usual" hint="Empty: not told of"><input type="number" min="2" max="1000" ...${text('times')} /><//><${Field} label="within so many minutes"><input type="number" min="1" max="1440" ...${text('span')} /><//></div>
    <div class="two"><${Field} label="or more people than" hint="Empty: not told of"><input type="number" min="0" ...${text('people')} /><//><label class="check"><input type="checkbox" checked=${draft.milestones} onChange=${() => set('milestones')(!draft.milestones)} />or 10, 100, 1,000 … events</label></div>
    <fieldset><legend>Only of level (none chosen: any)</legend>${checks('levels', LEVELS.map(plain))}</fieldset>
    <${Field} label="Only in environments" hint="One a line, * for anything; new is what is new there. Empty: any"><textarea rows="2" ...${text('environments')} /><//>
    <details class="narrow" open=${narrow}><summary>Only of releases, services, routes or tags</summary>
      <div class="two"><${Field} label="Releases" hint="One a line, as shop@2.*"><textarea rows="2" ...${text('releases')} /><//><${Field} label="Services" hint="One a line"><textarea rows="2" ...${text('services')} /><//></div>
      <div class="two"><${Field} label="Routes" hint="One a line, as /checkout/*"><textarea rows="2" ...${text('routes')} /><//><${Field} label="Tags" hint="One a line, as customer:acme-*. All must fit"><textarea rows="2" ...${text('tags')} /><//></div>
    </details>
    <div class="two"><${Field} label="Quiet from" hint=${`In ${draft.zone}. What is found meanwhile is told at the end`}><input type="time" ...${text('from')} /><//><${Field} label="until"><input type="time" ...${text('until')} /><//></div>
    <fieldset><legend>Over</legend>${checks('to', channels.map((/** @type {any} */ one) => ({ value: one.id, label: one.name })))}</fieldset>
    <${Trial} ...${trial} />
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy || !draft.name.trim() || isEmpty(draft)}>Save</button></div>
  </form><//>`;
}

/** A choice that is called what it is. @param {string} value */
const plain = (value) => ({ value, label: value });

/** What it would have found, asked anew when the typing pauses. @param {any} path @param {any} draft @returns {{ found: any, error: any }} */
function useTrial(path, draft) {
  const [trial, setTrial] = useState(/** @type {{ found: any, error: any }} */ ({ found: null, error: null }));
  const body = isEmpty(draft) ? null : tryOf(draft);
  useEffect(() => {
    if (!body) return setTrial({ found: null, error: null });
    const controller = new AbortController();
    const ask = () => call('previewRule', { path, body, signal: controller.signal })
      .then((found) => setTrial({ found, error: null }), (error) => controller.signal.aborted || setTrial({ found: null, error }));
    const timer = setTimeout(ask, PREVIEW_MILLISECONDS);
    return () => (clearTimeout(timer), controller.abort());
  }, [JSON.stringify(body)]);
  return trial;
}

/** @param {{ found: any, error: any }} props */
function Trial({ found, error }) {
  if (error) return html`<${Refusal} error=${error} />`;
  if (!found) return null;
  const { items, complete, approximate, not_covered: missing } = found;
  return html`<div class="trial" aria-live="polite"><p>${items.length ? `In the last week it would have told ${complete ? '' : 'at least '}${items.length} times.` : 'In the last week it would have told nothing.'}${approximate && items.length ? ' Told by whole hours, so perhaps not exactly.' : ''}${missing.length ? ` Not covered: ${missing.join('; ')}.` : ''}</p>
    <ul class="paths">${items.slice(0, 6).map((/** @type {any} */ one, /** @type {number} */ index) => html`<li key=${index}><${Time} iso=${one.at} /> <${Text} text=${one.title} /> <span class="muted">${one.reason}</span></li>`)}</ul></div>`;
}

/** @param {any} props */
export function ChannelDialog({ project, channel, onDone, onClose }) {
  const path = { project_id: project.id };
  const [name, setName] = useState(channel?.name ?? '');
  const [kind, setKind] = useState(channel?.kind ?? 'email');
  const [target, setTarget] = useState('');
  const [digest, setDigest] = useState(String(channel?.digest_minutes ?? 10));
  const [most, setMost] = useState(String(channel?.hourly_max ?? 20));
  const [secret, setSecret] = useState('');
  const action = useAction(async () => {
    const where = target.trim() ? { target: kind === 'email' ? { address: target.trim() } : { url: target.trim() } } : {};
    const body = { name, digest_minutes: Number(digest), hourly_max: Number(most), ...where };
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
    <div class="two"><${Field} label="Minutes between messages" hint="The first goes at once; what comes meanwhile goes in one digest"><input type="number" required min="0" max="1440" value=${digest} onInput=${typed(setDigest)} /><//>
      <${Field} label="Messages an hour at most" hint="What is more waits for the next hour"><input type="number" required min="1" max="120" value=${most} onInput=${typed(setMost)} /><//></div>
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy || !name.trim()}>Save</button></div>
  </form><//>`;
}
