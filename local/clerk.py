"""A local issuer in the place of Clerk: the same kind of tokens (RS256, 60 s), a JWKS, and a sign-in page without passwords.

The product verifies its tokens exactly as it verifies Clerk's; only CLERK_ISSUER and CLERK_JWKS_URL differ. Whoever reaches
it is whoever they say, so it listens on loopback only and refuses to exist where VERCEL is set.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
import re
import secrets
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.clerk_directory import Directory

TOKEN_SECONDS = 60  # as Clerk's
SESSION_SECONDS = 12 * 3600  # Clerk's script renews its cookie every minute; nothing does that here
COOKIE = "__session"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
PATH = re.compile(r"/(?![/\\])[!-~]*")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Sensra on this machine</title>
<link rel="stylesheet" href="/style/base.css">
</head>
<body>
<main class="sign-in">
<h1>Sign in</h1>
<p>This page stands in for Clerk on this machine: no password is asked.</p>
{problem}<ul>{people}</ul>
<form method="get">
<input type="hidden" name="return" value="{wanted}">
<p><label for="email">Somebody else’s e-mail address</label><br>
<input id="email" name="email" type="email" autocomplete="email" required></p>
<p><button class="primary">Sign in</button></p>
</form>
</main>
</body>
</html>
"""


class Issuer:
    """Signs tokens with the key in `key_file` (made if missing), so that sessions outlive a restart.

    `url` becomes `iss`, `origin` becomes `azp`. Raises RuntimeError where VERCEL is set.
    """

    def __init__(self, key_file: Path, url: str, origin: str) -> None:
        if os.environ.get("VERCEL"):
            raise RuntimeError("the local issuer believes everybody: it does not run on Vercel")
        self.issuer, self.origin = url, origin
        self.jwks_url = f"{url}/.well-known/jwks.json"
        self._key = _load_or_make(key_file)
        self.directory = Directory(key_file.with_name("clerk-people.json"))
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self._key_id = hashlib.sha256(public["n"].encode()).hexdigest()[:16]
        self.jwks = {
            "keys": [{"kty": "RSA", "n": public["n"], "e": public["e"], "use": "sig", "alg": "RS256", "kid": self._key_id}]
        }

    def token(self, email: str, *, seconds: int = TOKEN_SECONDS, **claims: Any) -> str:
        """A session token of this person; `claims` replace its claims, None removes one.

        `email`, `email_verified` and `name` are no default claims of Clerk's: docs/deploy.md says how a deployment adds them.
        """
        now = int(time.time())
        subject = self.subject(email)
        standard = {
            "iss": self.issuer,
            "azp": self.origin,
            "sub": subject,
            "sid": "sess_" + secrets.token_hex(12),
            "iat": now,
            "nbf": now - 10,
            "exp": now + seconds,
            "email": email,
            "email_verified": True,
            "name": self.directory.name_of(subject) or email.partition("@")[0].title(),
        }
        kept = {name: value for name, value in (standard | claims).items() if value is not None}
        return jwt.encode(kept, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def subject(self, email: str) -> str:
        """The id under which this address signs in now: another one after each deletion of the account."""
        subject, number = subject_of(email), 0
        while self.directory.is_deleted(subject):
            number += 1
            subject = subject_of(f"{email}#{number}")
        return subject


def subject_of(email: str) -> str:
    """The person's id, `sub` in tokens: always the same for one address, whatever its case."""
    digest = hashlib.sha256(email.strip().lower().encode()).digest()
    return "user_" + base64.b32encode(digest).decode().lower()[:27]


def create_app(issuer: Issuer, people: tuple[str, ...] = ()) -> Starlette:
    """JWKS, a part of the Backend API, `GET /token?email=` and `GET /sign-in[?email=]`.

    The page offers `people`, and anybody else by a form.
    """

    async def jwks(_: Request) -> Response:
        return JSONResponse(issuer.jwks)

    async def token(request: Request) -> Response:
        email = request.query_params.get("email", "")
        if not EMAIL.fullmatch(email):
            return JSONResponse({"error": "say who: ?email=owner@example.com"}, status_code=HTTPStatus.BAD_REQUEST)
        return JSONResponse({"token": issuer.token(email)}, headers={"cache-control": "no-store"})

    async def sign_in(request: Request) -> Response:
        email = request.query_params.get("email", "")
        if not EMAIL.fullmatch(email):
            wanted = request.query_params.get("return", "")
            return HTMLResponse(_page(email, people, wanted), status_code=HTTPStatus.BAD_REQUEST if email else HTTPStatus.OK)
        wanted = request.query_params.get("return", "")
        # A path of this site: `//host` and `/\\host` are none.
        response = RedirectResponse(wanted if PATH.fullmatch(wanted) else "/", HTTPStatus.SEE_OTHER)
        session = issuer.token(email, seconds=SESSION_SECONDS)
        response.set_cookie(COOKIE, session, max_age=SESSION_SECONDS, httponly=True, samesite="lax")
        return response

    async def sign_out(_: Request) -> Response:
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE)
        return response

    routes = {"/.well-known/jwks.json": jwks, "/token": token, "/sign-in": sign_in, "/sign-out": sign_out}
    pages = [Route(path, handler) for path, handler in routes.items()]
    return Starlette(routes=[*pages, *issuer.directory.routes()])


def _page(email: str, people: tuple[str, ...], wanted: str) -> str:
    problem = f"<p role=alert>“{html.escape(email)}” is no e-mail address.</p>\n" if email else ""
    back = f"&amp;return={quote(wanted)}" if wanted else ""
    links = "".join(f'<li><a href="?email={quote(person)}{back}">{html.escape(person)}</a></li>' for person in people)
    return PAGE.format(problem=problem, people=links, wanted=html.escape(wanted))


def _load_or_make(key_file: Path) -> rsa.RSAPrivateKey:
    if not key_file.exists():
        make_key(key_file)
    loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def make_key(key_file: Path) -> None:
    """Write a new key, readable by its owner only. Of several processes that do so at once, the first one's is kept."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name first (mkstemp: 0600): nobody ever reads half a key.
    descriptor, whole = tempfile.mkstemp(dir=key_file.parent, prefix=f"{key_file.name}.")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 — a descriptor
            file.write(pem)
        with contextlib.suppress(FileExistsError):
            os.link(whole, key_file)
    finally:
        Path(whole).unlink()
