"""How people sign in: what the pages are told of it, and the one page on which Clerk's own script runs.

That page's policy is wider than the others' (vercel.json), by what https://clerk.com/docs/security/clerk-csp asks for: the
deployment's own Clerk host, bot protection, and styles that Clerk's script writes itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from lib.settings import Settings

SCRIPT = "/npm/@clerk/clerk-js@5/dist/clerk.browser.js"
CHALLENGES = "https://challenges.cloudflare.com"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Sensra</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style/base.css">
<script src="/theme.js"></script>
<script type="module" src="/sign-in.js"></script>
</head>
<body>
<main class="sign-in"><h1>Sign in to Sensra</h1><div id="sign-in" aria-live="polite"></div>
<p class="muted"><a href="/privacy">What becomes of your data here</a></p></main>
</body>
</html>
"""


def config(settings: Settings) -> dict[str, Any]:
    """`{publishable_key, script_url, sign_in_url}`: with a key Clerk's script signs in, otherwise the issuer's own page does."""
    key, issuer = settings.clerk_publishable_key, settings.clerk_issuer
    return {
        "publishable_key": key,
        "script_url": f"{issuer}{SCRIPT}" if key and issuer else None,
        "sign_in_url": f"{issuer}/sign-in" if issuer and not key else None,
    }


def policy(settings: Settings) -> str:
    """The Content-Security-Policy of the sign-in page."""
    parts = urlsplit(settings.clerk_issuer or "")
    host = f"{parts.scheme}://{parts.netloc}" if settings.clerk_publishable_key and parts.netloc else ""
    wider = {
        "script-src": f"{host} {CHALLENGES}",
        "connect-src": host,
        "img-src": "https://img.clerk.com data:",
        "style-src": "'unsafe-inline'",
        "frame-src": CHALLENGES,
        "worker-src": "blob:",
    }
    sources = {name: f"{name} 'self' {sources}" for name, sources in wider.items()} if host else {}
    plain = {name: f"{name} 'self'" for name in ("script-src", "connect-src", "img-src", "style-src")}
    allowed = "; ".join((plain | sources).values())
    # Other pages keep this one in a frame, where Clerk's script renews the session.
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
