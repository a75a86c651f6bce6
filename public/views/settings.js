// What a project decides itself: its name, its limits, and rules of its own with a dry run.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Field, Refusal, typed, useAction } from '../lib/forms.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton, useTitle } from '../lib/parts.js';
import { can } from '../lib/roles.js';
import { say } from '../lib/toasts.js';
import { EndOfProject, Retention } from './retention.js';
import { GroupingRules, RedactionRules } from './rules.js';

/** @param {any} props */
export default function Settings({ account, project }) {
  useTitle(`Settings of ${project.name}`);
  const mayChange = can(project.workspace.role, 'admin');
  return html`<div class="page settings">
    <h1>Settings of ${project.name}</h1>
    ${!mayChange && html`<p class="note">You can read these. Changing them needs the role admin.</p>`}
    <${Name} account=${account} project=${project} mayChange=${mayChange} />
    <${Retention} project=${project} mayChange=${mayChange} />
    <${Limits} project=${project} mayChange=${mayChange} />
    <${RedactionRules} project=${project} mayChange=${mayChange} />
    <${GroupingRules} project=${project} mayChange=${mayChange} />
    <${EndOfProject} project=${project} mayChange=${mayChange} />
  </div>`;
}

/** @param {any} props */
function Name({ account, project, mayChange }) {
  const [name, setName] = useState(project.name);
  const action = useAction(async () => {
    await call('changeProject', { path: { project_id: project.id }, body: { name } });
    account.reload();
    say('Renamed');
  });
  return html`<section class="part"><h2>Name</h2><form class="row-form" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Name"><input type="text" required maxlength="120" disabled=${!mayChange} value=${name} onInput=${typed(setName)} /><//>
    <button disabled=${!mayChange || action.busy || !name.trim() || name === project.name}>Rename</button>
    <${Refusal} error=${action.error} /></form></section>`;
}

const LIMITS = /** @type {[string, string, string][]} */ ([
  ['events_per_minute_max', 'Events a minute', 'Of all keys together. What comes beyond is refused with the time to come back.'],
  ['fingerprints_per_minute_max', 'New kinds a minute', 'Fingerprints never seen before. What comes beyond joins one incident.'],
  ['payloads_per_day', 'Payloads a day', 'Of each fingerprint, kept whatever comes; of the rest a sample. Counts stay exact.'],
  ['spike_factor', 'Spike', 'An hour with so many times the usual events is a spike. Empty: none is.'],
]);

/** @param {any} props */
function Limits({ project, mayChange }) {
  const path = { project_id: project.id };
  const limits = useLoad((signal) => call('readLimits', { path, signal }), [project.id]);
  const [changed, setChanged] = useState(/** @type {Record<string, string>} */ ({}));
  const action = useAction(async () => {
    const body = Object.fromEntries(Object.entries(changed).map(([name, text]) => [name, text === '' ? null : Number(text)]));
    const now = await call('changeLimits', { path, body });
    limits.set(() => now);
    setChanged({});
    say('The limits hold within a minute');
  });
  if (limits.error) return html`<${Problem} error=${limits.error} retry=${limits.reload} />`;
  if (!limits.data) return html`<${Skeleton} rows=${4} />`;
  return html`<section class="part"><h2>Limits</h2><form class="stack" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    ${LIMITS.map(([name, label, hint]) => html`<${Field} key=${name} label=${label} hint=${hint}><input type="number" min="1" disabled=${!mayChange} value=${changed[name] ?? limits.data[name] ?? ''}
      onInput=${typed((text) => setChanged({ ...changed, [name]: text }))} /><//>`)}
    <${Refusal} error=${action.error} />
    <div><button class="primary" disabled=${!mayChange || action.busy || !Object.keys(changed).length}>Save limits</button></div>
  </form></section>`;
}
