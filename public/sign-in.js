// The only page on which Clerk's script runs. Opened by other pages in a hidden frame (?keep) it renews the session for them.

/** @typedef {{ publishable_key: string | null, script_url: string | null, sign_in_url: string | null }} Config */

const parameters = new URLSearchParams(location.search);
const wanted = parameters.get('return') ?? '/';
// A path of this site, never another one's address.
const back = /^\/(?![/\\])/.test(wanted) ? wanted : '/';

/** @returns {{ variables: Record<string, string> }} Clerk's form in this site's colours (style/base.css), light or dark as it is now */
function appearance() {
  const style = getComputedStyle(document.documentElement);
  // Their values: in Clerk's own elements a variable --accent is another one.
  const variables = {
    colorPrimary: '--accent', colorPrimaryForeground: '--accent-text', colorBackground: '--ground', colorForeground: '--text',
    colorMuted: '--raised', colorMutedForeground: '--muted', colorNeutral: '--text', colorInput: '--ground',
    colorInputForeground: '--text', colorDanger: '--error', colorRing: '--accent', fontFamily: '--sans',
  };
  return { variables: Object.fromEntries(Object.entries(variables).map(([theirs, ours]) => [theirs, style.getPropertyValue(ours)])) };
}

/** @param {string} text @param {string} [kind] */
function say(text, kind = 'p') {
  const element = document.createElement(kind);
  element.textContent = text;
  document.getElementById('sign-in')?.replaceChildren(element);
}

/** @param {Config} config @returns {Promise<any>} Clerk's own object, ready */
async function clerk(config) {
  const script = document.createElement('script');
  script.src = config.script_url ?? '';
  script.crossOrigin = 'anonymous';
  script.dataset.clerkPublishableKey = config.publishable_key ?? '';
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error('Clerk’s script could not be loaded. Check your connection, and whether a blocker stops it.'));
    document.head.append(script);
  });
  const found = /** @type {any} */ (window).Clerk;
  await found.load();
  return found;
}

/** @param {Config} config */
async function withClerk(config) {
  const found = await clerk(config);
  if (parameters.has('keep')) {
    // Clerk's script goes on renewing the cookie as long as this frame is there.
    const token = await found.session?.getToken();
    parent.postMessage(token ? 'session' : 'none', location.origin);
  } else if (parameters.has('out')) {
    await found.signOut();
    location.replace('/sign-in');
  } else if (found.user && (await found.session?.getToken())) {
    location.replace(back);
  } else {
    document.querySelector('h1')?.remove();  // Clerk's form has a heading of its own
    document.getElementById('sign-in')?.replaceChildren();
    found.mountSignIn(document.getElementById('sign-in'), { forceRedirectUrl: back, signUpForceRedirectUrl: back, appearance: appearance() });
  }
}

async function start() {
  const answer = await fetch('/api/account/config');
  const config = /** @type {Config} */ (await answer.json());
  if (config.publishable_key) await withClerk(config);
  else if (!config.sign_in_url) say('Sign-in is not set up: set NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY for this deployment (docs/deploy.md).');
  else if (parameters.has('out')) location.replace(config.sign_in_url.replace(/sign-in$/, 'sign-out'));
  else location.replace(`${config.sign_in_url}?return=${encodeURIComponent(back)}`);
}

start().catch((error) => {
  say(error instanceof Error ? error.message : String(error));
  if (parameters.has('keep')) parent.postMessage('none', location.origin);
});
