// The session of the signed-in person. Clerk's tokens live for a minute; its script, which renews them, runs on /sign-in only,
// whose policy allows it. The other pages keep that page in a hidden frame and wait for it when a token has run out.

const FRAME_SECONDS_MAX = 12;

/** @type {Promise<boolean> | null} */
let renewing = null;

/** @typedef {{ publishable_key: string | null, script_url: string | null, sign_in_url: string | null }} SignInConfig */

/** @type {SignInConfig | null} */
let config = null;

/** How people sign in here; asked once. @returns {Promise<SignInConfig>} */
export async function signInConfig() {
  if (!config) {
    const answer = await fetch('/api/account/config');
    if (!answer.ok) throw new Error(`/api/account/config answered ${answer.status}`);
    config = /** @type {SignInConfig} */ (await answer.json());
  }
  return config;
}

/** Have the session renewed. @returns {Promise<boolean>} whether there is one now */
export function renew() {
  renewing ??= renewOnce().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function renewOnce() {
  const { publishable_key } = await signInConfig();
  if (!publishable_key) return false; // the issuer's own page sets its cookie for hours, and nothing renews it
  document.getElementById('session-frame')?.remove();
  const frame = document.createElement('iframe');
  frame.id = 'session-frame';
  frame.hidden = true;
  frame.title = 'Keeps the session';
  frame.src = '/sign-in?keep=1';
  return new Promise((resolve) => {
    /** @param {boolean} found */
    const done = (found) => {
      clearTimeout(timer);
      removeEventListener('message', heard);
      resolve(found);
    };
    /** @param {MessageEvent} event */
    const heard = (event) => {
      if (event.origin === location.origin && event.source === frame.contentWindow) done(event.data === 'session');
    };
    const timer = setTimeout(() => done(false), FRAME_SECONDS_MAX * 1000);
    addEventListener('message', heard);
    document.body.append(frame);
  });
}

/** Go to the sign-in page, and come back here afterwards. */
export function signIn() {
  const back = location.pathname + location.search;
  location.assign(back === '/' ? '/sign-in' : `/sign-in?return=${encodeURIComponent(back)}`);
}

/** End the session. */
export function signOut() {
  location.assign('/sign-in?out=1');
}
