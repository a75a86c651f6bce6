// Buttons for what people do to an incident, or to several at once.
import { html, useState } from '../lib/html.js';
import { call } from '../lib/api.js';
import { Menu } from '../lib/parts.js';
import { sayFailed } from '../lib/toasts.js';

const HOUR = 3_600_000;
export const UNTIL = /** @type {[string, number][]} */ ([['for an hour', HOUR], ['until tomorrow', 24 * HOUR], ['for a week', 168 * HOUR], ['for a month', 720 * HOUR]]);
const COUNTS = [10, 100, 1000];

/** Resolve and ignore, each with what it can be bound to. @param {{ onChange: (change: import('../lib/incident_actions.js').Change) => void, disabled?: boolean, primary?: boolean }} props */
export const StatusButtons = ({ onChange, disabled = false, primary = false }) => html`
  <div class="split-button"><button class=${primary ? 'primary' : ''} disabled=${disabled} onClick=${() => onChange({ status: 'resolved' })}>Resolve</button>
    <${Menu} label="▾" title="Resolve otherwise"><button onClick=${() => onChange({ status: 'resolved', in_next_release: true })}>in the next release</button><//></div>
  <${Menu} label="Ignore">
    <button onClick=${() => onChange({ status: 'ignored' })}>for good</button>
    ${UNTIL.map(([label, span]) => html`<button key=${label} onClick=${() => onChange({ status: 'ignored', ignored_until: new Date(Date.now() + span).toISOString() })}>${label}</button>`)}
    ${COUNTS.map((number) => html`<button key=${number} onClick=${() => onChange({ status: 'ignored', ignored_events: number })}>until ${number} more events</button>`)}
  <//>`;

/** @param {any} account */
export const meOf = (account) => account.data?.person && { id: account.data.person.id, name: account.data.person.name ?? account.data.person.email };

/** To whom: to oneself, to nobody, to any member; whoever has it already is left out. @param {{ account: any, project: any, label: string, now?: any, onAssign: (person: any) => void }} props */
export function AssignMenu({ account, project, label, now, onAssign }) {
  const [people, setPeople] = useState(/** @type {any[]} */ ([]));
  const me = meOf(account);
  const members = () => people.length || call('listMembers', { path: { workspace_id: project.workspace.id }, query: { limit: 100 } }).then((page) => setPeople(page.items), sayFailed);
  const others = people.filter((one) => one.person_id !== me?.id && one.person_id !== now?.id);
  return html`<${Menu} label=${label} onOpen=${members}>
    ${me && me.id !== now?.id && html`<button onClick=${() => onAssign(me)}>to me</button>`}
    ${now !== null && html`<button onClick=${() => onAssign(null)}>to nobody</button>`}
    ${others.map((one) => html`<button key=${one.person_id} onClick=${() => onAssign({ id: one.person_id, name: one.name ?? one.email })}>to ${one.name ?? one.email}</button>`)}
  <//>`;
}
