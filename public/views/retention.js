// For how long payloads are kept, with what another number would do; and the end of a project.
import { html, useEffect, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Confirm, Field, Refusal, typed, useAction } from '../lib/forms.js';
import { bytes, counted } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { say } from '../lib/toasts.js';

const WAIT_MILLISECONDS = 400;

/** @param {any} props */
export function Retention({ project, mayChange }) {
  const path = { project_id: project.id };
  const now = useLoad((signal) => call('readRetention', { path, signal }), [project.id]);
  const [days, setDays] = useState('');
  const [effect, setEffect] = useState(/** @type {any} */ (null));
  const wanted = Number(days);
  const changed = Boolean(days) && wanted !== now.data?.retention_days;
  useEffect(() => {
    setEffect(null);
    if (!changed || !(wanted > 0)) return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => call('readRetentionEffect', { path, query: { retention_days: wanted }, signal: controller.signal }).then(setEffect, () => {}), WAIT_MILLISECONDS);
    return () => (clearTimeout(timer), controller.abort());
  }, [days]);
  const action = useAction(async () => {
    const set = await call('replaceRetention', { path, body: { retention_days: wanted } });
    now.set(() => set);
    setDays('');
    say('What is stored follows within a day');
  });
  if (!now.data) return null;
  return html`<section class="part"><h2>Retention</h2><form class="stack" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="Days that payloads are kept" hint=${effect ? `Of ${counted(effect.stored.rows, 'payload')} (${bytes(effect.stored.bytes)}) this would remove ${counted(effect.removed.rows, 'payload')} (${bytes(effect.removed.bytes)}).` : now.data.applied ? 'Counts and incidents stay.' : 'What is stored is still being brought to it.'}>
      <input type="number" min="1" max="3650" disabled=${!mayChange} value=${days || now.data.retention_days} onInput=${typed(setDays)} /><//>
    <${Refusal} error=${action.error} />
    <div><button class="primary" disabled=${!mayChange || !changed || action.busy}>Save retention</button></div></form></section>`;
}

/** @param {any} props */
export function EndOfProject({ project, mayChange }) {
  const [asking, setAsking] = useState(false);
  if (!mayChange) return null;
  return html`<section class="part"><h2>Delete the project</h2><p class="muted">It takes no more events from that moment on. It can be brought back for seven days; then it is gone for good.</p>
    <div><button class="danger" onClick=${() => setAsking(true)}>Delete ${project.name}…</button></div>
    ${asking && html`<${Confirm} title=${`Delete ${project.name}`} label="Delete" word=${project.slug} onClose=${() => setAsking(false)} onYes=${async () => { await call('deleteProject', { path: { project_id: project.id } }); location.assign('/'); }}>
      <p>Its keys are refused within a minute.</p><//>`}</section>`;
}
