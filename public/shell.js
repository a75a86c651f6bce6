// The frame around every page: where one is, where one can go, and the keys that work everywhere.
import { html, useEffect, useState } from './lib/html.js';
import { bindings, single, useKeys } from './lib/keyboard.js';
import { Dialog, Menu } from './lib/parts.js';
import { signOut } from './lib/session.js';
import { Palette } from './palette.js';

/** The pages of the menu. @param {any} project */
export function pages(project) {
  if (!project) return [{ name: 'health', label: 'Health', href: '/health' }];
  const base = `/projects/${project.id}`;
  return [
    { name: 'incidents', label: 'Incidents', href: `${base}/incidents` },
    { name: 'alerts', label: 'Alerts', href: `${base}/alerts` },
    { name: 'usage', label: 'Usage', href: `${base}/usage` },
    { name: 'start', label: 'Send events', href: `${base}/start` },
    { name: 'keys', label: 'Keys', href: `${base}/keys` },
    { name: 'settings', label: 'Settings', href: `${base}/settings` },
    { name: 'members', label: 'Members', href: `/workspaces/${project.workspace.id}/members` },
    { name: 'audit', label: 'Audit log', href: `/workspaces/${project.workspace.id}/audit` },
    { name: 'data', label: 'Data', href: `/workspaces/${project.workspace.id}/data` },
    { name: 'health', label: 'Health', href: '/health' },
  ];
}

/** @param {string} theme 'light', 'dark' or '' for the system's */
function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  if (theme) localStorage.setItem('theme', theme);
  else localStorage.removeItem('theme');
}

/** @param {any} props */
export function Shell({ account, project, place, current, children }) {
  const [open, setOpen] = useState('');
  const [narrow, setNarrow] = useState(false);
  useKeys([
    { keys: 'mod+k', label: 'Go anywhere', act: () => setOpen('palette'), always: true },
    { keys: '?', label: 'What the keys do', act: () => setOpen('help') },
  ]);
  useEffect(() => setNarrow(false), [place.path]);
  // A dialog's end is told late: another one may be open by then.
  /** @param {string} name */
  const closer = (name) => () => setOpen((/** @type {string} */ now) => (now === name ? '' : now));
  return html`
    <a class="skip" href="#main">Skip to the page</a>
    <header class="top">
      <button class="quiet burger" aria-expanded=${narrow} aria-controls="nav" onClick=${() => setNarrow(!narrow)}>Menu</button>
      <a class="brand" href="/" aria-label="Sensra, home"><${Mark} /><span>Sensra</span></a>
      <${ProjectMenu} account=${account} project=${project} />
      <span class="grow" />
      <button class="quiet palette-button" onClick=${() => setOpen('palette')}>Go to… <kbd>${isMac() ? '⌘' : 'Ctrl'} K</kbd></button>
      <${PersonMenu} account=${account} onHelp=${() => setOpen('help')} />
    </header>
    <nav id="nav" class=${narrow ? 'side open' : 'side'} aria-label="Pages">
      ${pages(project).map((page) => html`<a key=${page.name} href=${page.href}
        aria-current=${page.name === current || (current === 'incident' && page.name === 'incidents') ? 'page' : undefined}>${page.label}</a>`)}
    </nav>
    <main id="main" tabindex="-1">${children}</main>
    ${open === 'palette' && html`<${Palette} account=${account} project=${project} onClose=${closer('palette')} />`}
    ${open === 'help' && html`<${Help} onClose=${closer('help')} />`}
  `;
}

const isMac = () => /Mac|iPhone|iPad/.test(navigator.userAgent);

const Mark = () => html`<svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7" fill="var(--mark)" />
  <path d="M7 20h4.5l2.6-9.5 4 13L21 16h4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" /></svg>`;

/** @param {any} props */
function ProjectMenu({ account, project }) {
  if (!account) return html`<span class="bone short" />`;
  const many = account.workspaces.length > 1;
  return html`<${Menu} class="project" label=${project ? html`<span class="muted workspace">${project.workspace.name} / </span>${project.name}` : 'Choose a project'} title="Switch project">
    ${account.workspaces.map((/** @type {any} */ workspace) => html`
      ${many && html`<div class="menu-title">${workspace.name}</div>`}
      ${workspace.projects.map((/** @type {any} */ one) => html`<a key=${one.id} href=${`/projects/${one.id}/incidents`}
        aria-current=${one.id === project?.id ? 'true' : undefined}>${one.name}</a>`)}`)}
    <hr /><a href="/projects/new">New project…</a>
  <//>`;
}

/** @param {any} props */
function PersonMenu({ account, onHelp }) {
  const person = account?.person;
  const name = person?.name || person?.email || 'You';
  return html`<${Menu} class="person" label=${html`<span class="initial" aria-hidden="true">${[...name][0]}</span><span class="hidden">${name}</span>`} title=${name}>
    <div class="menu-title">${person?.email ?? name}</div>
    <a href="/account">Your data</a>
    <button onClick=${onHelp}>What the keys do</button>
    <div class="menu-title">Theme</div>
    <button onClick=${() => setTheme('')}>As the system</button>
    <button onClick=${() => setTheme('light')}>Light</button>
    <button onClick=${() => setTheme('dark')}>Dark</button>
    <hr />
    <button onClick=${signOut}>Sign out</button>
  <//>`;
}

/** @param {{ onClose: () => void }} props */
function Help({ onClose }) {
  const [on, setOn] = useState(single.on);
  const shown = bindings().filter((one) => one.label);
  return html`<${Dialog} title="What the keys do" onClose=${onClose}>
    <dl class="keys">${shown.map((one) => html`<div key=${one.keys}><dt><kbd>${shownKey(one.keys)}</kbd></dt><dd>${one.label}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${on} onChange=${() => ((single.on = !on), setOn(!on))} /> Single keys do something</label>
  <//>`;
}

/** @param {string} keys */
const shownKey = (keys) => keys.replace('mod+', isMac() ? '⌘ ' : 'Ctrl ').replace(/\b[a-z]\b/g, (letter) => letter.toUpperCase());

