// What a link in a mail invites to. The token stands behind the #, which no server is sent.
import { html } from '../lib/html.js';
import { call } from '../lib/api.js';
import { forgetInvitation, invitationToken } from '../lib/invitation_token.js';
import { Refusal, useAction } from '../lib/forms.js';
import { useLoad } from '../lib/load.js';
import { Problem, Skeleton, useTitle } from '../lib/parts.js';

const TOKEN_CHARS_MIN = 20; // as the API has it: a shorter one was cut off on its way

/** @param {any} props */
export default function Invitation({ account }) {
  useTitle('Invitation');
  const token = invitationToken();
  if (token.length < TOKEN_CHARS_MIN) {
    return html`<div class="page"><h1>This link is not whole</h1><p>Open it in the mail again, or ask whoever invited you for another one.</p></div>`;
  }
  return html`<${Offer} account=${account} token=${token} />`;
}

/** @param {any} props */
function Offer({ account, token }) {
  const found = useLoad((signal) => call('readInvitation', { body: { token }, signal }), [token]);
  const action = useAction(async () => {
    await call('acceptInvitation', { body: { token } });
    forgetInvitation();
    location.assign('/');
  });
  if (found.error) return html`<${Problem} error=${found.error} />`;
  if (!found.data) return html`<${Skeleton} rows=${3} />`;
  const { workspace_name, role, email, invited_by } = found.data;
  return html`<div class="page"><h1>Join ${workspace_name}</h1>
    <p>${invited_by ?? 'Somebody'} invites ${email} to be ${role} of ${workspace_name}. You are signed in as ${account.data.person.email ?? account.data.person.name}.</p>
    <${Refusal} error=${action.error} />
    <div><button class="primary" disabled=${action.busy} onClick=${() => action.run()}>Accept</button></div></div>`;
}
