"""Clerk's script in the little that our sign-in page uses of it, beside an issuer: it keeps who one is and renews the cookie."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from lib.sign_in import SCRIPT
from local.clerk import Issuer, create_app

# Tokens are believed five seconds longer than they say.
TOKEN_SECONDS = 1
CORS = {"access-control-allow-origin": "*"}
SOURCE = """
(() => {
  const host = new URL(document.currentScript.src).origin;
  const renewed = async () => {
    const answer = await fetch(`${host}/short?email=${encodeURIComponent(localStorage.getItem('clerk-person'))}`);
    const { token } = await answer.json();
    document.cookie = `__session=${token}; path=/; samesite=lax`;
    return token;
  };
  const signedIn = () => localStorage.getItem('clerk-person');
  window.Clerk = {
    load: async () => { if (signedIn()) await renewed(); },
    get user() { return signedIn() ? {} : null; },
    get session() { return signedIn() ? { getToken: renewed } : null; },
    signOut: async () => { localStorage.removeItem('clerk-person'); document.cookie = '__session=; path=/; max-age=0'; },
    mountSignIn: (place, { forceRedirectUrl }) => {
      const button = document.createElement('button');
      button.textContent = 'Sign in with Clerk';
      button.onclick = async () => {
        localStorage.setItem('clerk-person', 'owner@example.com');
        await renewed();
        location.assign(forceRedirectUrl);
      };
      place.replaceChildren(button);
    },
  };
})();
"""


def beside(issuer: Issuer) -> Starlette:
    """The issuer's pages, the script, and tokens that soon end."""

    async def script(_: Request) -> Response:
        return Response(SOURCE, media_type="text/javascript", headers=CORS)

    async def short(request: Request) -> Response:
        return JSONResponse({"token": issuer.token(request.query_params["email"], seconds=TOKEN_SECONDS)}, headers=CORS)

    return Starlette(routes=[Route(SCRIPT, script), Route("/short", short), Mount("/", create_app(issuer))])
