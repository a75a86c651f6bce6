// A project's own grouping rules: a form for each, or all of them as JSON; tried on what is stored before they are set.
import { html, useMemo, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Field, Refusal, typed, useAction, useDraft } from '../lib/forms.js';
import { counted } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton } from '../lib/parts.js';
import { FIELDS, FRAME_FIELDS, blank, condition, drafts, parsed, rulesOf } from '../lib/rule_forms.js';
import { say } from '../lib/toasts.js';
import { Buttons, looked } from './rules.js';

/** Without what was never set. @param {any} rule */
const stripped = (rule) => Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== null));
/** @param {any[]} rules */
const written = (rules) => (rules.length ? JSON.stringify(rules, null, 2) : '');

/** @typedef {{ version: number, list: import('../lib/rule_forms.js').Draft[], text: string | null }} RulesDraft text: while it is edited as JSON */

/** @param {{ version: number, rules: any[] }} saved @returns {RulesDraft} */
const draftOf = ({ version, rules }) => ({ version, list: drafts(rules.map(stripped)), text: null });
/** @param {RulesDraft} draft */
const told = ({ list, text }) => text ?? written(rulesOf(list));

/** @param {any} props */
export function GroupingRules({ project, mayChange }) {
  const path = { project_id: project.id };
  const rules = useLoad((signal) => call('readGroupingRules', { path, signal }), [project.id]);
  const saved = useMemo(() => rules.data && draftOf(rules.data), [rules.data]);
  const { draft, change: setDraft, changed, forget } = useDraft(`grouping of ${project.id}`, saved, told);
  const { version, list, text } = draft ?? draftOf({ version: 0, rules: [] });
  const [trial, setTrial] = useState(/** @type {any} */ (null));
  /** @param {Partial<RulesDraft>} part */
  const set = (part) => setDraft({ version, list, text, ...part });
  /** @param {import('../lib/rule_forms.js').Draft[]} list */
  const setList = (list) => set({ list });
  const body = () => ({ rules: text === null ? rulesOf(list) : parsed(text) });
  const trying = useAction(async () => setTrial(await call('tryGroupingRules', { path, body: body() })));
  const saving = useAction(async () => {
    const now = await call('replaceGroupingRules', { path, body: { ...body(), version } });
    forget();
    rules.set(() => now);
    say('These hold for events from now on, within a minute');
  });
  const turning = useAction(async () => {
    if (text === null) set({ text: written(rulesOf(list)) });
    else set({ list: drafts(parsed(text)), text: null });
  });
  if (rules.error) return html`<${Problem} error=${rules.error} retry=${rules.reload} />`;
  if (!rules.data) return html`<${Skeleton} rows=${5} />`;
  /** @param {number} index @param {Partial<import('../lib/rule_forms.js').Draft>} change */
  const change = (index, change) => setList(list.map((one, at) => (at === index ? { ...one, ...change } : one)));
  /** @param {number} index @param {number} to */
  const move = (index, to) => {
    const rest = list.filter((_, at) => at !== index);
    const moved = list[index];
    if (moved) setList([...rest.slice(0, to), moved, ...rest.slice(to)]);
  };
  return html`<section class="part"><div class="section-head"><h2>Grouping</h2><button class="small" type="button" onClick=${() => turning.run()}>${text === null ? 'Edit as JSON' : 'Edit as a form'}</button></div>
    <p class="muted">Rules are read from the top: the first that fits and sets a fingerprint decides. Incidents that are there stay as they are. In patterns * stands for anything.</p>
    <form class="stack rules" aria-label="Grouping rules" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), saving.run())}>
      ${text === null
        ? html`<ol class="rule-list">${list.map((rule, index) => html`<li key=${rule.id}><${Rule} rule=${rule} number=${index + 1} mayChange=${mayChange} onChange=${(/** @type {any} */ one) => change(index, one)}
              onUp=${index > 0 ? () => move(index, index - 1) : null} onDown=${index < list.length - 1 ? () => move(index, index + 1) : null} onRemove=${() => setList(list.filter((_, at) => at !== index))} /></li>`)}</ol>
            ${!list.length && html`<p class="muted">No rule: events are grouped by their crash alone.</p>`}
            <div><button type="button" disabled=${!mayChange} onClick=${() => setList([...list, blank()])}>Add a rule</button></div>`
        : html`<${Field} label="Rules, as JSON" hint="match: type, message, module, path, function, logger, level or tag.<name>, * for anything; then fingerprint, or ignore_frames."><textarea rows="12" spellcheck=${false} disabled=${!mayChange}
            placeholder=${'[\n  {"name": "Database timeouts", "match": {"type": "*Timeout*"}, "fingerprint": ["db-timeout"]}\n]'} value=${text} onInput=${typed((text) => set({ text }))} /><//>`}
      <${Refusal} error=${turning.error ?? saving.error ?? trying.error} />
      <${Buttons} project=${project} mayChange=${mayChange} trying=${trying} saving=${saving} changed=${changed} />
    </form>
    ${trial && html`<div class="trial" aria-live="polite"><p>${looked(trial)} ${trial.changed ? `${counted(trial.changed, 'event')} would move.` : 'Nothing would move.'}</p>
      <ul class="paths">${trial.joins.map((/** @type {any} */ one) => html`<li>${one.incident_ids.map((/** @type {number} */ id) => html`<a href=${`incidents/${id}`}>#${id}</a> `)} would join, ${counted(one.event_count, 'event')}</li>`)}
      ${trial.parts.map((/** @type {any} */ one) => html`<li><a href=${`incidents/${one.incident_id}`}>#${one.incident_id}</a> would part into ${one.into.length}</li>`)}</ul></div>`}
  </section>`;
}

/** @param {any} props */
function Rule({ rule, number, mayChange, onChange, onUp, onDown, onRemove }) {
  return html`<fieldset class="rule" disabled=${!mayChange}><legend>Rule ${number}</legend>
    <div class="rule-head"><${Field} label="Name"><input type="text" maxlength="80" placeholder="Database timeouts" value=${rule.name} onInput=${typed((name) => onChange({ name }))} /><//>
      <div class="row-actions"><button type="button" class="small" disabled=${!onUp} aria-label=${`Move rule ${number} up`} onClick=${onUp}>↑</button><button type="button" class="small" disabled=${!onDown} aria-label=${`Move rule ${number} down`} onClick=${onDown}>↓</button>
        <button type="button" class="small danger" aria-label=${`Remove rule ${number}`} onClick=${onRemove}>Remove</button></div></div>
    <${Conditions} label=${`Events of which, rule ${number}`} title="Events of which" fields=${FIELDS} list=${rule.conditions} onChange=${(/** @type {any} */ conditions) => onChange({ conditions })} />
    <${Field} label="What it does"><select value=${rule.does} onChange=${typed((does) => onChange({ does }))}><option value="fingerprint">puts them into one incident</option><option value="ignore_frames">leaves frames out of the grouping</option></select><//>
    ${rule.does === 'fingerprint'
      ? html`<${Field} label="Fingerprint" hint="One part a line; events with the same parts are one incident. {{ default }} stands for what it would be without this rule, {{ type }}, {{ module }}, {{ transaction }} and others for what the event says."><textarea rows="2" spellcheck=${false} required value=${rule.parts} onInput=${typed((parts) => onChange({ parts }))} /><//>`
      : html`<${Conditions} label=${`Frames of which, rule ${number}`} title="Frames of which" fields=${FRAME_FIELDS} list=${rule.frames} onChange=${(/** @type {any} */ frames) => onChange({ frames })} />`}
  </fieldset>`;
}

/** All of them have to fit. @param {any} props */
function Conditions({ label, title, fields, list, onChange }) {
  /** @param {number} index @param {any} change */
  const set = (index, change) => onChange(list.map((/** @type {any} */ one, /** @type {number} */ at) => (at === index ? { ...one, ...change } : one)));
  return html`<div class="conditions" role="group" aria-label=${label}><span class="muted">${title}</span>
    ${list.map((/** @type {any} */ one, /** @type {number} */ index) => html`<div class="condition" key=${index}>
      <select aria-label="What" value=${one.field} onChange=${typed((field) => set(index, { field }))}>${fields.map((/** @type {string} */ field) => html`<option key=${field}>${field}</option>`)}</select>
      ${one.field === 'tag' && html`<input type="text" aria-label="Name of the tag" placeholder="name" required value=${one.tag} onInput=${typed((tag) => set(index, { tag }))} />`}
      <span class="muted">is like</span><input type="text" aria-label="Pattern" placeholder="*Timeout*" spellcheck=${false} value=${one.pattern} onInput=${typed((pattern) => set(index, { pattern }))} />
      <button type="button" class="small" aria-label="Remove this condition" onClick=${() => onChange(list.filter((/** @type {any} */ _, /** @type {number} */ at) => at !== index))}>×</button></div>`)}
    <div><button type="button" class="link" onClick=${() => onChange([...list, condition(fields)])}>${list.length ? 'and…' : 'Add a condition (now: all of them)'}</button></div></div>`;
}
