// Send a first event: a platform, a snippet that works, and the moment it arrives.
import { html, useEffect, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useEvery, useLoad } from '../lib/load.js';
import { CopyButton, Time, useTitle } from '../lib/parts.js';
import { go, withQuery } from '../lib/router.js';
import { SNIPPETS, filled } from '../lib/snippets.js';
import { useAction, Refusal } from '../lib/forms.js';
import { may } from '../lib/permissions.js';
import { Text } from '../lib/text.js';

const SECONDS = 2;
// Incidents among which an arrival is looked for, and is shown.
const LOOKED_AT = 50;
const SHOWN = 5;
const NO_KEY = 'YOUR_INGEST_KEY';

/** @param {any} props */
export default function Start({ project, place }) {
  useTitle(`Send events to ${project.name}`);
  const [key, setKey] = useState('');
  const making = useAction(async () => {
    const made = await call('createKey', { path: { project_id: project.id }, body: { name: 'First events', kind: 'ingest' } });
    setKey(made.key);
  });
  const snippet = SNIPPETS.find((one) => one.id === place.query.get('platform')) ?? SNIPPETS[0];
  if (!snippet) return null;
  const given = { url: location.origin, project_id: project.id, key: key.trim() || NO_KEY };
  return html`<div class="page start">
    <h1>Send events to ${project.name}</h1>
    <p class="lead">Any Sentry SDK works unmodified, and plain JSON does too. Choose a platform.</p>
    <div class="tabs wrap" role="group" aria-label="Platform">
      ${SNIPPETS.map((one) => html`<button key=${one.id} aria-pressed=${one.id === snippet.id}
        onClick=${() => go(withQuery({ platform: one.id }), { replace: true, keepScroll: true })}>${one.name}</button>`)}
    </div>
    ${may(project.workspace, 'keys:write') && !key && html`<div><button class="primary" disabled=${making.busy} onClick=${() => making.run()}>Create a key</button> <span class="muted">and put it into the snippet below</span><${Refusal} error=${making.error} /></div>`}
    <label class="key-field">Ingest key <input type="text" autocomplete="off" spellcheck=${false} placeholder=${NO_KEY} value=${key}
      onInput=${(/** @type {any} */ event) => setKey(event.target.value)} /><span class="muted">Shown once, when it was made. It stays in this page.</span></label>
    ${snippet.install && html`<${Block} label="Install" text=${snippet.install} />`}
    ${snippet.files.map(({ label, code }) => html`<${Block} key=${label} label=${label} text=${filled(code, given)} />`)}
    ${snippet.note && html`<p class="muted">${snippet.note}</p>`}
    <${Arrival} project=${project} />
  </div>`;
}

/** @param {{ label: string, text: string }} props */
const Block = ({ label, text }) => html`<div class="block"><header><span class="muted">${label}</span><${CopyButton} text=${text} what=${label === 'Install' ? 'Command' : 'Snippet'} /></header><pre tabindex="0"><code>${text}</code></pre></div>`;

/** What has come in since this page was opened, told by counts: clocks differ. @param {{ project: any }} props */
function Arrival({ project }) {
  const [before, setBefore] = useState(/** @type {Map<number, number> | null} */ (null));
  const page = useLoad((signal) => call('listIncidents', { path: { project_id: project.id }, query: { limit: LOOKED_AT }, signal }), [project.id], { keep: true });
  useEvery(page.reload, SECONDS, [page.reload]);
  const items = page.data?.items ?? [];
  useEffect(() => {
    if (page.data && !before) setBefore(new Map(items.map((/** @type {any} */ one) => [one.id, one.event_count])));
  }, [page.data]);
  const arrived = before ? items.filter((/** @type {any} */ one) => one.event_count > (before.get(one.id) ?? 0)).slice(0, SHOWN) : [];
  return html`<section class="arrival" aria-live="polite">
    <h2>${arrived.length ? 'It has arrived' : 'Waiting for an event'}</h2>
    ${arrived.length
      ? html`<ul>${arrived.map((/** @type {any} */ one) => html`<li key=${one.id}><a href=${`/projects/${project.id}/incidents/${one.id}`}><${Text} text=${one.title} /></a> <span class="muted"><${Time} iso=${one.last_seen} /></span></li>`)}</ul>`
      : html`<p class="muted">Run the snippet; what arrives shows here at once.${page.error ? ` ${page.error.message}` : ''}</p>`}
  </section>`;
}
