// Everything in a workspace, in parts that are each a ZIP.
import { html, useState } from '../lib/html.js';
import { addressOf, call } from '../lib/api.js';
import { Refusal, useAction } from '../lib/forms.js';
import { counted } from '../lib/format.js';
import { useLoad } from '../lib/load.js';
import { CopyButton } from '../lib/parts.js';
import { sayFailed } from '../lib/toasts.js';

/** @param {any} props */
export function Exports({ workspace }) {
  const path = { workspace_id: workspace.id };
  const list = useLoad((signal) => call('listExports', { path, signal }), [workspace.id], { keep: true });
  const [shown, setShown] = useState(/** @type {any} */ (null));
  const making = useAction(async () => {
    setShown(await call('createExport', { path }));
    list.reload();
  });
  /** @param {any} one */
  const open = (one) => call('readExport', { path: { ...path, export_id: one.id } }).then(setShown, sayFailed);
  /** @param {any} one */
  const end = async (one) => {
    await call('endExport', { path: { ...path, export_id: one.id } }).catch(sayFailed);
    if (shown?.id === one.id) setShown(null);
    list.reload();
  };
  return html`<section class="part"><h2>Take everything along</h2>
    <p class="muted">Events as they are stored, incidents, settings, members and the audit log. For a day it can be downloaded, in parts that are each a ZIP.</p>
    <div><button disabled=${making.busy} onClick=${() => making.run()}>${making.busy ? 'Planning' : 'Export the workspace'}</button></div><${Refusal} error=${making.error} />
    ${shown && html`<div class="trial"><ul class="paths">${shown.parts.map((/** @type {any} */ one) => html`<li key=${one.number}><a download href=${addressOf('downloadPart', { path: { ...path, export_id: shown.id, number: one.number } })}>${one.name}</a> <span class="muted">${counted(one.rows, 'row')}</span></li>`)}</ul>
      ${shown.link && html`<p>For a program, until ${new Date(shown.expires_at).toLocaleString()}: <code>${shown.link}</code> <${CopyButton} text=${shown.link} what="Link" /> It is shown this once.</p>`}</div>`}
    ${list.data?.items.length > 0 && html`<ul class="listed">${list.data.items.map((/** @type {any} */ one) => html`<li key=${one.id}><span>Export ${one.id}, ${counted(one.part_count, 'part')} <span class="muted">until ${new Date(one.expires_at).toLocaleString()}</span></span>
      <span class="row-actions"><button class="small" onClick=${() => open(one)}>Show parts</button><button class="small danger" onClick=${() => end(one)}>End</button></span></li>`)}</ul>`}
  </section>`;
}
