// What a model made of an incident: plain text with where it comes from, how sure it is, and what people say of it.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useAction, Field, Refusal, typed } from '../lib/forms.js';
import { useEvery, useLoad } from '../lib/load.js';
import { Dialog, Time } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { Text } from '../lib/text.js';
import { Earlier } from './analysis_history.js';
import { Origin, Said } from './analysis_parts.js';
import { say, sayFailed } from '../lib/toasts.js';

const POLL_SECONDS = 3;

/** @param {any} props */
export function Analysis({ project, incident_id }) {
  const path = { project_id: project.id, incident_id };
  const found = useLoad((signal) => call('readAnalysis', { path, signal }), [project.id, incident_id], { keep: true });
  const [correcting, setCorrecting] = useState(false);
  const asking = useAction(async () => {
    await call('requestAnalysis', { path });
    found.reload();
  });
  const latest = found.data?.latest;
  const pending = ['waiting', 'running'].includes(latest?.state);
  // One that waits for its turn or for the budget of an hour is written at once where somebody asks for it.
  const writing = pending && (latest.state === 'running' || latest.cause === 'person');
  useEvery(() => pending && found.reload(), POLL_SECONDS, [pending, found.reload]);
  if (!found.data) return null;
  const { analysis: one, detail, configured } = found.data;
  const mayAsk = may(project.workspace, 'incidents:write');
  /** @param {boolean} helpful */
  const rate = async (helpful) => {
    try {
      const analysis = await call('rateAnalysis', { path: { ...path, analysis_id: one.id }, body: { helpful } });
      found.set((now) => ({ ...now, analysis }));
      say('Thank you');
    } catch (error) {
      sayFailed(error);
    }
  };
  if (!one) {
    return html`<section class="part" aria-labelledby="analysis-title"><div class="section-head"><h2 id="analysis-title">Analysis</h2>
      ${mayAsk && configured && html`<button class="small" disabled=${asking.busy || writing} onClick=${() => asking.run()}>${writing ? 'Being written' : 'Explain this'}</button>`}</div>
      <p class="muted">${detail}</p><${Refusal} error=${asking.error} /></section>`;
  }
  return html`<section class="part analysis" aria-labelledby="analysis-title">
    <div class="section-head"><h2 id="analysis-title">Analysis</h2><p class="judged">${one.severity && html`<span class="badge">${one.severity} severity, as it sees it</span>`}<${Confidence} of=${one} /></p></div>
    <${Said} of=${one} />
    ${one.correction && html`<p class="note">Corrected by a person: <${Text} text=${one.correction.text} /></p>`}
    ${found.data.latest?.id !== one.id && html`<p class="muted">${detail}</p>`}
    <${Origin} of=${one} />
    <${Earlier} key=${one.id} path=${path} before=${one.id} />
    <div class="analysis-foot muted"><span>${one.provenance?.text} <${Time} iso=${one.finished_at ?? one.created_at} /></span>
      ${mayAsk && html`<span class="row-actions">${[true, false].map((helpful) => html`<button key=${helpful} class="small" aria-pressed=${one.rating?.helpful === helpful} onClick=${() => rate(helpful)}>${helpful ? 'Helpful' : 'Not helpful'}</button>`)}
        <button class="small" onClick=${() => setCorrecting(true)}>Correct it…</button><button class="small" disabled=${asking.busy || writing} onClick=${() => asking.run()}>${writing ? 'Being written' : 'Again'}</button></span>`}</div>
    <${Refusal} error=${asking.error} />
    ${correcting && html`<${Correct} path=${{ ...path, analysis_id: one.id }} text=${one.correction?.text ?? ''} onDone=${found.reload} onClose=${() => setCorrecting(false)} />`}
  </section>`;
}

/** How sure it is, and what that means. @param {{ of: any }} props */
function Confidence({ of: { confidence, confidence_in_words: words } }) {
  if (confidence === null) return null;
  const [name, meaning] = words.split(': ');
  return html`<span class="badge">confidence ${confidence.toFixed(2)}, ${name}</span> <span class="muted">${meaning}</span>`;
}

/** @param {any} props */
function Correct({ path, text: before, onDone, onClose }) {
  const [text, setText] = useState(before);
  const action = useAction(async () => {
    await call('correctAnalysis', { path, body: { text: text.trim() || null } });
    onDone();
    onClose();
  });
  return html`<${Dialog} title="What it really was" onClose=${onClose}><form onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
    <${Field} label="In your words" hint="The next analysis of this incident is told. Empty takes it back."><textarea rows="5" maxlength="4000" value=${text} onInput=${typed(setText)} /><//>
    <${Refusal} error=${action.error} />
    <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${action.busy}>Save</button></div></form><//>`;
}
