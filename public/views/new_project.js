// A first or a further project.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Field, Refusal, typed, useAction } from '../lib/forms.js';
import { useTitle } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { go } from '../lib/router.js';

/** @param {any} props */
export default function NewProject({ account, place }) {
  useTitle('New project');
  const places = account.data.workspaces.filter((/** @type {any} */ one) => may(one, 'projects:write'));
  const [name, setName] = useState('');
  const [workspace, setWorkspace] = useState(place.query.get('workspace') ?? String(places[0]?.id ?? ''));
  const action = useAction(async () => {
    const made = await call('createProject', { path: { workspace_id: workspace }, body: { name } });
    account.reload();
    go(`/projects/${made.id}/start`);
  });
  if (!places.length) return html`<div class="page"><h1>New project</h1><p class="note">Making a project needs the role admin. Ask an owner of your workspace.</p></div>`;
  return html`<div class="page"><h1>New project</h1>
    <p class="lead">One project for each application: it has keys, rules and limits of its own.</p>
    <form class="stack" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}>
      <${Field} label="Name"><input type="text" required maxlength="120" placeholder="Shop" value=${name} onInput=${typed(setName)} /><//>
      ${places.length > 1 && html`<${Field} label="Workspace"><select value=${workspace} onChange=${typed(setWorkspace)}>${places.map((/** @type {any} */ one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select><//>`}
      <${Refusal} error=${action.error} />
      <div><button class="primary" disabled=${action.busy || !name.trim()}>Make the project</button></div>
    </form></div>`;
}
