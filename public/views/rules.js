// A project's own rules of redaction, tried on what is stored before they are set.
import { html, useMemo, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Field, Refusal, lines, typed, useAction, useDraft } from '../lib/forms.js';
import { counted, exactly } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { say } from '../lib/toasts.js';

const LISTS = /** @type {[string, string, string][]} */ ([
  ['extra_keys', 'Names whose values are removed', 'One a line: customer code fits customerCode and CUSTOMER_CODE too.'],
  ['extra_patterns', 'Patterns that are removed from any text', 'One a line, RE2 syntax.'],
  ['safe_fields', 'Fields that are left alone', 'One a line, dotted, * for one step: extra.order, exception.values.*.value.'],
]);
const TREATMENTS = /** @type {[string, string, string[]][]} */ ([
  ['email', 'E-mail addresses', ['remove', 'hash', 'keep']], ['ip', 'IP addresses', ['remove', 'hash', 'keep']], ['phone', 'Telephone numbers', ['remove', 'keep']],
]);

/** @param {any} props */
export function RedactionRules({ project, mayChange }) {
  const path = { project_id: project.id };
  const rules = useLoad((signal) => call('readRedactionRules', { path, signal }), [project.id]);
  const saved = useMemo(() => rules.data && Object.fromEntries([['version', rules.data.version], ...LISTS.map(([name]) => [name, rules.data[name].join('\n')]), ...TREATMENTS.map(([name]) => [name, rules.data[name]])]), [rules.data]);
  const { draft, change: setDraft, changed, forget } = useDraft(`redaction of ${project.id}`, saved);
  const [trial, setTrial] = useState(/** @type {any} */ (null));
  const body = () => Object.fromEntries([...LISTS.map(([name]) => [name, lines(draft[name])]), ...TREATMENTS.map(([name]) => [name, draft[name]])]);
  const trying = useAction(async () => setTrial(await call('tryRedactionRules', { path, body: body() })));
  const saving = useAction(async () => {
    const now = await call('replaceRedactionRules', { path, body: { ...body(), version: draft.version } });
    forget();
    rules.set(() => now);
    say('These hold for events from now on, within a minute');
  });
  if (rules.error) return html`<${Problem} error=${rules.error} retry=${rules.reload} />`;
  if (!draft) return html`<${Skeleton} rows=${5} />`;
  /** @param {string} name */
  const change = (name) => typed((text) => setDraft({ ...draft, [name]: text }));
  return html`<section class="part"><h2>Redaction</h2>
    <p class="muted">Secrets and personal data are always removed. These rules come on top; what is stored stays as it is.</p>
    <form class="stack" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), saving.run())}>
      ${LISTS.map(([name, label, hint]) => html`<${Field} key=${name} label=${label} hint=${hint}><textarea rows="2" spellcheck=${false} disabled=${!mayChange} value=${draft[name]} onInput=${change(name)} /><//>`)}
      <div class="row-form">${TREATMENTS.map(([name, label, values]) => html`<${Field} key=${name} label=${label}><select disabled=${!mayChange} value=${draft[name]} onChange=${change(name)}>${values.map((value) => html`<option key=${value}>${value}</option>`)}</select><//>`)}</div>
      <${Refusal} error=${saving.error ?? trying.error} />
      <${Buttons} project=${project} mayChange=${mayChange} trying=${trying} saving=${saving} changed=${changed} />
    </form>
    ${trial && html`<div class="trial" aria-live="polite"><p>${looked(trial)} ${Object.keys(trial.removed_by_rule).length ? `These rules would still remove ${Object.entries(trial.removed_by_rule).map(([rule, number]) => `${exactly(Number(number))} by ${rule}`).join(', ')}.` : 'These rules would remove nothing more of it.'}</p>
      <ul class="paths">${trial.removed.slice(0, 20).map((/** @type {any} */ one) => html`<li><code>${one.path}</code> <span class="muted">${one.rule}, ${counted(one.count, 'value')} in ${counted(one.events, 'event')}</span></li>`)}
      ${trial.kept.slice(0, 20).map((/** @type {any} */ one) => html`<li><code>${one.exception}</code> <span class="muted">would have left ${counted(one.count, 'value')} that ${one.rule} removed</span></li>`)}</ul></div>`}
  </section>`;
}

/** @param {any} trial */
export const looked = (trial) => `Looked at the newest ${counted(trial.events, 'event')}${trial.complete ? '' : ', as many as the time allowed'}.`;

/** @param {any} props */
export const Buttons = ({ project, mayChange, trying, saving, changed }) => html`<div class="dialog-actions start">
  <button type="button" disabled=${trying.busy || !may(project.workspace, 'rules:try')} onClick=${() => trying.run()}>${trying.busy ? 'Looking' : 'Try on recent events'}</button>
  <button class="primary" disabled=${!mayChange || saving.busy || !changed}>Save</button>
  ${changed && html`<span class="muted">Not saved yet</span>`}</div>`;
