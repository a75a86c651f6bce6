// What a link in a message wants of an incident. It is asked here first: whoever scans mails follows each link in them.
import { html } from '../lib/html.js';
import { setStatus } from '../lib/incident_actions.js';
import { Dialog } from '../lib/parts.js';
import { may } from '../lib/permissions.js';
import { go, withQuery } from '../lib/router.js';
import { UNTIL } from './status_buttons.js';

/** @typedef {import('../lib/incident_actions.js').Change} Change */

const WANTED = /** @type {Record<string, { title: string, status: string, meaning: string }>} */ ({
  resolve: { title: 'Resolve this incident?', status: 'resolved', meaning: 'You are told again if it comes back.' },
  mute: { title: 'Mute this incident?', status: 'ignored', meaning: 'Its events are counted as before, and nobody is told of them.' },
});

/** @param {any} props */
export function Asked({ project, incident, place, apply }) {
  const wanted = WANTED[place.query.get('then') ?? ''];
  if (!wanted || incident.merged_into) return null;
  const close = () => go(withQuery({ then: null }), { replace: true, keepScroll: true });
  /** @param {Change} change */
  const act = (change) => (close(), setStatus(project.id, [incident], change, apply));
  const already = incident.status === wanted.status;
  const mayChange = may(project.workspace, 'incidents:write');
  const offered = mayChange && !already;
  return html`<${Dialog} title=${wanted.title} onClose=${close}><div class="page">
    <p class="message">${incident.title}</p>
    <p>${already ? `#${incident.id} is ${incident.status} already.` : mayChange ? wanted.meaning : 'You can look at it. Changing it needs the role member.'}</p>
    <div class="dialog-actions"><button onClick=${close}>${offered ? 'Cancel' : 'Close'}</button>
      ${offered && wanted.status === 'resolved' && html`<button class="primary" onClick=${() => act({ status: 'resolved' })}>Resolve #${incident.id}</button>`}
      ${offered && wanted.status === 'ignored' && html`${UNTIL.map(([label, span]) => html`<button key=${label} onClick=${() => act({ status: 'ignored', ignored_until: new Date(Date.now() + span).toISOString() })}>${label}</button>`)}
        <button class="primary" onClick=${() => act({ status: 'ignored' })}>for good</button>`}
    </div>
  </div><//>`;
}
