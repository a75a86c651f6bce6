// ⌘K: every page, every project and every search in one list.
import { html, useEffect, useMemo, useRef, useState } from './lib/html.js';
import { call } from './lib/api.js';
import { Dialog } from './lib/parts.js';
import { go } from './lib/router.js';
import { pages } from './shell.js';

/** @typedef {{ label: string, hint: string, href: string }} Item */

/** @param {any} account @param {any} project @returns {Item[]} */
function places(account, project) {
  const projects = (account?.workspaces ?? []).flatMap((/** @type {any} */ workspace) =>
    workspace.projects.map((/** @type {any} */ one) => ({ label: one.name, hint: `project in ${workspace.name}`, href: `/projects/${one.id}/incidents` })));
  return [...pages(project).map(({ label, href }) => ({ label, hint: 'page', href })), ...projects];
}

/** @param {{ account: any, project: any, onClose: () => void }} props */
export function Palette({ account, project, onClose }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const [incidents, setIncidents] = useState(/** @type {Item[]} */ ([]));
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    setAt(0);
    if (!project || text.trim().length < 2) return setIncidents([]);
    const controller = new AbortController();
    const timer = setTimeout(() => {
      call('listIncidents', { path: { project_id: project.id }, query: { text: text.trim(), limit: 6 }, signal: controller.signal }).then(
        (page) => setIncidents(page.items.map((/** @type {any} */ one) => ({ label: one.title, hint: `incident #${one.id}`, href: `/projects/${project.id}/incidents/${one.id}` }))),
        () => {},
      );
    }, 120);
    return () => (clearTimeout(timer), controller.abort());
  }, [text, project?.id]);
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    const near = places(account, project).filter((one) => one.label.toLowerCase().includes(wanted));
    const search = wanted && project
      ? [{ label: `Search incidents for “${text.trim()}”`, hint: 'search', href: `/projects/${project.id}/incidents?q=${encodeURIComponent(text.trim())}` }] : [];
    return [...near, ...incidents, ...search];
  }, [text, incidents, account, project]);
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setAt((at + step + shown.length) % Math.max(1, shown.length));
    }
    const chosen = shown[at];
    if (event.key === 'Enter' && chosen) (onClose(), go(chosen.href));
  };
  useEffect(() => void list.current?.children[at]?.scrollIntoView({ block: 'nearest' }), [at]);
  return html`<${Dialog} title="Go to" onClose=${onClose}>
    <input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-label="Page, project or incident"
      aria-activedescendant=${shown.length ? `palette-${at}` : undefined} placeholder="Page, project or incident" autocomplete="off"
      value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)} onKeyDown=${pressed} />
    <div id="palette-list" role="listbox" aria-label="Places" class="palette" ref=${list}>
      ${shown.map((one, index) => html`<a key=${one.href} id=${`palette-${index}`} role="option" tabindex="-1" aria-selected=${index === at}
        href=${one.href} onClick=${onClose}><span class="ellipsis">${one.label}</span><span class="muted">${one.hint}</span></a>`)}
    </div>
  <//>`;
}
