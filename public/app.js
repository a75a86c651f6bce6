// The start: who is signed in, which page the address names, and the frame around it.
import { html, render, useEffect, useState } from './lib/html.js';
import { call } from './lib/api.js';
import { listen } from './lib/keyboard.js';
import { Problem, Skeleton } from './lib/parts.js';
import { go, interceptLinks, match, usePlace } from './lib/router.js';
import { useLoad } from './lib/load.js';
import { Toasts } from './lib/toasts.js';
import { Shell } from './shell.js';
import { VIEWS } from './views.js';
import { invitationToken } from './lib/invitation_token.js';

/** @param {string} path */
function found(path) {
  for (const view of VIEWS) {
    const parts = match(view.path, path);
    if (parts) return { view, parts };
  }
  return null;
}

/** The project that the address names, else the one that was looked at last. @param {any} account @param {Record<string, string>} parts */
function projectOf(account, parts) {
  const all = account.workspaces.flatMap((/** @type {any} */ workspace) =>
    workspace.projects.map((/** @type {any} */ project) => ({ ...project, workspace })));
  const named = parts.project_id ?? localStorage.getItem('project');
  const own = parts.workspace_id ? all.filter((/** @type {any} */ one) => String(one.workspace.id) === parts.workspace_id) : all;
  return own.find((/** @type {any} */ one) => String(one.id) === named) ?? (parts.project_id ? null : own[0] ?? null);
}

function App() {
  const place = usePlace();
  const account = useLoad((signal) => call('readAccount', { signal }), []);
  const target = found(place.path);
  const project = account.data && projectOf(account.data, target?.parts ?? {});
  useEffect(() => {
    if (project) localStorage.setItem('project', String(project.id));
  }, [project?.id]);
  useEffect(() => {
    if (place.path === '/' && project) go(`/projects/${project.id}/incidents`, { replace: true });
  }, [place.path, project?.id]);
  if (account.error) return html`<main class="alone"><${Problem} error=${account.error} retry=${account.reload} /></main>`;
  return html`<${Shell} account=${account.data} project=${project} place=${place} current=${target?.view.name}>
    ${account.data
      ? html`<${Page} target=${target} account=${account} project=${project} place=${place} />`
      : html`<${Skeleton} rows=${10} kind="list" />`}
  <//>`;
}

/** @param {any} props */
function Page({ target, account, project, place }) {
  const [loaded, setLoaded] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const name = target?.view.name;
  useEffect(() => {
    let stale = false;
    setError(null);
    target?.view.load().then(
      (/** @type {any} */ module) => !stale && setLoaded({ name, View: module.default }),
      () => !stale && setError(new Error('This page could not be loaded. Check your connection and reload it.')),
    );
    return () => void (stale = true);
  }, [name]);
  if (!target) return html`<${Problem} error=${{ title: 'Not found', message: 'There is no such page. Choose one from the menu.' }} />`;
  if (target.view.needsProject && !project) return html`<${NoProject} account=${account.data} named=${target.parts.project_id} />`;
  if (error) return html`<${Problem} error=${error} retry=${() => location.reload()} />`;
  if (loaded?.name !== name) return html`<${Skeleton} rows=${10} kind="list" />`;
  return html`<${loaded.View} key=${name + (project?.id ?? '')} account=${account} project=${project} parts=${target.parts} place=${place} />`;
}

/** @param {any} props */
const NoProject = ({ account, named }) =>
  html`<${Problem} error=${named
    ? { title: 'Not found', message: 'There is no such project, or it is not yours to see. Choose one of yours from the menu.' }
    : { title: 'No project yet', message: account.workspaces.length
      ? 'Your workspace has no project yet. An admin can make one.'
      : 'You are signed in, and in no workspace yet. Ask an owner to invite you.' }} />
    ${!named && account.workspaces.length > 0 && html`<p><a class="button" href="/projects/new">Make a project</a></p>`}`;

listen();
interceptLinks();
// What stands behind the # is lost on the way through sign-in.
if (location.pathname === '/invitation') invitationToken();
const root = document.getElementById('app');
if (root) render(html`<${App} /><${Toasts} />`, root);
