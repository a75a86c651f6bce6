// Searches that the project's members keep under a name.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { useLoad } from '../lib/load.js';
import { Dialog, Menu } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { say, sayFailed } from '../lib/toasts.js';

/** @param {{ project: any, line: string, sort: string }} props */
export function Views({ project, line, sort }) {
  const path = { project_id: project.id };
  const views = useLoad((signal) => call('listViews', { path, signal }), [project.id], { keep: true });
  const [asking, setAsking] = useState(false);
  const items = views.data?.items ?? [];
  const current = items.find((/** @type {any} */ one) => one.query === line && one.sort === sort);
  /** @param {any} view */
  const forget = async (view) => {
    try {
      await call('deleteView', { path: { ...path, view_id: view.id } });
      views.reload();
      say(`“${view.name}” is forgotten`, { undo: () => keep(view.name, view.query, view.sort) });
    } catch (error) {
      sayFailed(error);
    }
  };
  /** @param {string} name @param {string} query @param {string} order */
  const keep = async (name, query, order) => {
    try {
      await call('createView', { path, body: { name, query, sort: order } });
      views.reload();
      say(`“${name}” is kept for everybody in ${project.name}`);
    } catch (error) {
      sayFailed(error);
    }
  };
  const mayKeep = may(project.workspace, 'incidents:write');
  if (!mayKeep && !items.length) return null;
  return html`<${Menu} label=${current?.name ?? 'Views'}>
    ${items.map((/** @type {any} */ one) => html`<a key=${one.id} href=${hrefOf(one)} aria-current=${one === current ? 'true' : undefined}>${one.name}</a>`)}
    ${mayKeep && items.length > 0 && html`<hr />`}
    ${!mayKeep ? null : current ? html`<button onClick=${() => forget(current)}>Forget “${current.name}”</button>` : html`<button onClick=${() => setAsking(true)}>Keep this search…</button>`}
  <//>${asking && html`<${Keep} line=${line} onKeep=${(/** @type {string} */ name) => keep(name, line, sort)} onClose=${() => setAsking(false)} />`}`;
}

/** @param {any} view */
function hrefOf(view) {
  const query = new URLSearchParams({ q: view.query });
  if (view.sort !== 'last_seen') query.set('sort', view.sort);
  return `${location.pathname}?${query}`;
}

/** @param {{ line: string, onKeep: (name: string) => void, onClose: () => void }} props */
function Keep({ line, onKeep, onClose }) {
  const [name, setName] = useState('');
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    onKeep(name.trim());
    onClose();
  };
  return html`<${Dialog} title="Keep this search" onClose=${onClose}>
    <form onSubmit=${submit}>
      <p><code>${line || 'every incident'}</code></p>
      <label>Name <input type="text" maxlength="80" value=${name} onInput=${(/** @type {any} */ event) => setName(event.target.value)} /></label>
      <div class="dialog-actions"><button type="button" onClick=${onClose}>Cancel</button><button class="primary" disabled=${!name.trim()}>Keep</button></div>
    </form>
  <//>`;
}
