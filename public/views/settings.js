// What a project decides itself: its name, its limits, and rules of its own with a dry run.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Field, Refusal, typed, useAction } from '../lib/forms.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton, useTitle } from '../lib/parts.js';
import { repositoryOf } from '../lib/markdown.js';
import { may } from '../lib/permissions.js';
import { say } from '../lib/toasts.js';
import { GroupingRules } from './grouping_rules.js';
import { EndOfProject, Retention } from './retention.js';
import { RedactionRules } from './rules.js';

/** @param {any} props */
export default function Settings({ account, project }) {
  useTitle(`Settings of ${project.name}`);
  const { workspace } = project;
  const mayChange = may(workspace, 'project:write');
  const mayRule = may(workspace, 'rules:write');
  return html`<div class="page settings">
    <h1>Settings of ${project.name}</h1>
    ${!mayChange && html`<p class="note">You can read these. Changing them needs the role admin.</p>`}
    <${Name} account=${account} project=${project} mayChange=${mayChange} />
    <${Repository} account=${account} project=${project} mayChange=${mayChange} />
    <${Retention} project=${project} mayChange=${mayChange} />
    <${Limits} project=${project} mayChange=${may(workspace, 'limits:write')} />
    <${RedactionRules} project=${project} mayChange=${mayRule} />
    <${GroupingRules} project=${project} mayChange=${mayRule} />
    <${EndOfProject} project=${project} mayChange=${may(workspace, 'projects:write')} />
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

/** Where an incident's new issue is written. @param {any} props */
function Repository({ account, project, mayChange }) {
  const [text, setText] = useState(project.repository ?? '');
  const repository = text.trim() ? repositoryOf(text) : null;
  const wrong = Boolean(text.trim()) && !repository;
  const action = useAction(async () => {
    await call('changeProject', { path: { project_id: project.id }, body: { repository } });
    setText(repository ?? '');
    account.reload();
    say(repository ? `New issues go to ${repository}` : 'No repository is named any more');
  });
  return html`<section class="part"><h2>GitHub repository</h2><form class="row-form" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Repository" hint=${wrong ? 'Name it as owner/name, or paste its address on github.com.' : 'For “New GitHub issue” of an incident. Sensra itself has no access to it.'}><input type="text" placeholder="owner/name" disabled=${!mayChange} value=${text} onInput=${typed(setText)} /><//>
    <button disabled=${!mayChange || action.busy || wrong || repository === (project.repository ?? null)}>Save repository</button>
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
    <div class="two">${LIMITS.map(([name, label, hint]) => html`<${Field} key=${name} label=${label} hint=${hint}><input type="number" min="1" disabled=${!mayChange} value=${changed[name] ?? limits.data[name] ?? ''}
      onInput=${typed((text) => setChanged({ ...changed, [name]: text }))} /><//>`)}</div>
    <${Refusal} error=${action.error} />
    <div><button class="primary" disabled=${!mayChange || action.busy || !Object.keys(changed).length}>Save limits</button></div>
  </form></section>`;
}
