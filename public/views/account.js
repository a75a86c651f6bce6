// One's own data: what is held of the person, correction, export and the end of the account.
import { html, useState } from '../lib/html.js';
import { addressOf, call } from '../lib/api.js';
import { Confirm, Field, Refusal, typed, useAction } from '../lib/forms.js';
import { useLoad } from '../lib/load.js';
import { useTitle } from '../lib/parts.js';
import { say } from '../lib/toasts.js';

const WORDS = 'delete my account';

/** @param {any} props */
export default function Account({ account }) {
  useTitle('Your data');
  const { person, workspaces } = account.data;
  const [name, setName] = useState(person.name ?? '');
  const [ending, setEnding] = useState(false);
  const action = useAction(async () => {
    await call('changeAccount', { body: { name: name.trim() } });
    account.reload();
    say('Your name is corrected');
  });
  return html`<div class="page settings"><h1>Your data</h1>
    <section class="part"><h2>What is held about you</h2>
      <dl class="pairs"><div><dt>E-mail</dt><dd>${person.email ?? 'not told by the sign-in service'}</dd></div>
        <div><dt>Workspaces</dt><dd>${workspaces.map((/** @type {any} */ one) => `${one.name} (${one.role})`).join(', ') || 'none'}</dd></div></dl>
      <p class="muted">Your address is changed in the sign-in service’s own profile. What you did stands in the audit log of each workspace.</p>
      <form class="row-form" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), action.run())}><${Field} label="Name"><input type="text" required maxlength="120" value=${name} onInput=${typed(setName)} /><//>
        <button disabled=${action.busy || !name.trim() || name === person.name}>Correct</button></form><${Refusal} error=${action.error} />
      <div><a class="button" download href=${addressOf('exportAccount')}>Export all of it</a></div></section>
    <section class="part"><h2>Delete your account</h2><p class="muted">You are told first what it means for each workspace. What is deleted does not come back.</p>
      <div><button class="danger" onClick=${() => setEnding(true)}>Delete your account…</button></div></section>
    ${ending && html`<${End} onClose=${() => setEnding(false)} />`}
  </div>`;
}

const OUTCOMES = new Map([['leave', 'you leave it'], ['hand_over', 'it is handed over to'], ['delete', 'it is deleted with all its projects']]);

/** @param {{ onClose: () => void }} props */
function End({ onClose }) {
  const found = useLoad((signal) => call('previewAccountDeletion', { signal }), []);
  return html`<${Confirm} title="Delete your account" label="Delete" word=${WORDS} onClose=${onClose} onYes=${async () => { await call('deleteAccount', { body: { confirm: WORDS } }); location.assign('/sign-in?out=1'); }}>
    <ul>${(found.data?.workspaces ?? []).map((/** @type {any} */ one) => html`<li key=${one.workspace_id}><b>${one.name}</b>: ${OUTCOMES.get(one.outcome) ?? one.outcome} ${one.heir?.name ?? ''}</li>`)}</ul>
  <//>`;
}
