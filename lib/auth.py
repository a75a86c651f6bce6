"""Who is asking: session tokens of Clerk (or of the local issuer, by the same verification), and api keys.

https://clerk.com/docs/backend-requests/handling/manual-jwt: RS256 only; `exp`, `nbf`, `iss` and `azp` are checked, a session
that still has tasks to do (`sts` = pending) is refused. The token comes as Bearer or in the cookie `__session`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request

from lib import http, keys, log, settings
from lib.errors import Forbidden, NotConfigured, Unauthenticated, Unavailable

SESSION_COOKIE = "__session"
LEEWAY_SECONDS = 5
TOKEN_CHARACTERS_MAX = 8_000
JWKS_TIMEOUT_SECONDS = 3.0
JWKS_LIFETIME_SECONDS = 3_600.0
# However many unknown key ids are presented, the issuer is asked once in this time.
JWKS_COOLDOWN_SECONDS = 30.0
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
EMAIL_CHARACTERS_MAX = 320
NAME_CHARACTERS_MAX = 200
SUBJECT_CHARACTERS_MAX = 200


class User(NamedTuple):
    """A signed-in person, as the token names them.

    email: only where the token says that the address is verified; name: as far as the token tells it. as_of: when it was issued.
    """

    clerk_user_id: str
    email: str | None
    name: str | None
    as_of: datetime


class ApiKey(NamedTuple):
    """A management key as it was sent; its form and checksum hold, the database has not been asked yet."""

    secret: str


Who = User | ApiKey


class SigningKeys:
    """The issuer's public keys, kept for an hour, and kept longer while the issuer does not answer."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fresh_until = self._next_fetch_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, key_id: str) -> jwt.PyJWK:
        """The key of this id. Raises Unauthenticated where the issuer has none, Unavailable where it was never reached."""
        # While one request asks for new ones, those whose key is known go on with it.
        if key_id not in self._keys or (self._clock() >= self._fresh_until and not self._lock.locked()):
            async with self._lock:
                if (key_id not in self._keys or self._clock() >= self._fresh_until) and self._clock() >= self._next_fetch_at:
                    await self._fetch()
        if key_id in self._keys:
            return self._keys[key_id]
        if not self._keys:
            raise Unavailable("The sign-in service's keys cannot be fetched. Try again.")
        raise Unauthenticated("The session token is signed with a key that the sign-in service does not have.")

    async def _fetch(self) -> None:
        self._next_fetch_at = self._clock() + JWKS_COOLDOWN_SECONDS
        try:
            async with httpx.AsyncClient(timeout=JWKS_TIMEOUT_SECONDS) as client:
                answer = (await client.get(self._url)).raise_for_status()
            found = jwt.PyJWKSet.from_dict(answer.json()).keys
        except (httpx.HTTPError, jwt.PyJWTError, ValueError, LookupError, TypeError, AttributeError) as error:
            log.write("jwks_not_fetched", **log.where(error))
            if not self._keys:
                # Nothing to fall back on: the next request may try again soon.
                self._next_fetch_at = self._clock() + 1
            return
        self._keys = {key.key_id: key for key in found if key.key_id}
        self._fresh_until = self._clock() + JWKS_LIFETIME_SECONDS


class Verifier:
    """Verifies session tokens for one instance."""

    def __init__(self, config: settings.Settings | None = None) -> None:
        self._settings = config or settings.current()
        url = self._settings.clerk_jwks_url
        self._keys = SigningKeys(url) if url else None

    async def who(self, request: Request) -> Who:
        """The signed-in person, or an api key. Raises Unauthenticated, Forbidden (a foreign page's cookie), NotConfigured."""
        token, from_cookie = _token(request)
        if from_cookie and request.method not in SAFE_METHODS:
            _require_own_origin(request)
        if token.startswith(keys.MARK):
            return _api_key(token)
        return _user(await self._claims(token))

    async def _claims(self, token: str) -> dict[str, Any]:
        if not self._settings.clerk_issuer:
            raise NotConfigured("Sign-in is not set up: set NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY.")
        try:
            header = _header(token)
            if header.get("alg") != "RS256":
                raise Unauthenticated("The session token is not signed with RS256.")
            claims: dict[str, Any] = jwt.decode(
                token, await self._key(header), algorithms=["RS256"], issuer=self._settings.clerk_issuer, leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "sub"], "verify_aud": False},
            )  # fmt: skip
        except jwt.ExpiredSignatureError as error:
            raise Unauthenticated("The session has expired. Sign in again.") from error
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            raise Unauthenticated("The session token is not valid. Sign in again.") from error
        party = claims.get("azp")
        if party is not None and not (isinstance(party, str) and party in self._settings.authorized_parties):
            raise Unauthenticated("The session token was made for another site (azp). See CLERK_AUTHORIZED_PARTIES.")
        if claims.get("sts") == "pending":
            raise Unauthenticated("The sign-in is not complete yet.")
        if not 0 < len(claims["sub"]) <= SUBJECT_CHARACTERS_MAX or not _storable(claims["sub"]):
            raise Unauthenticated("The session token names nobody.")
        # What PostgreSQL cannot hold of what people choose themselves is as if it were not told.
        return {name: told for name, told in claims.items() if not isinstance(told, str) or _storable(told)}

    async def _key(self, header: dict[str, Any]) -> Any:
        if self._settings.clerk_jwt_key:
            return _public_key(self._settings.clerk_jwt_key)
        key_id = header.get("kid")
        if not isinstance(key_id, str) or self._keys is None:
            raise Unauthenticated("The session token does not name its key.")
        return (await self._keys.get(key_id)).key


@lru_cache(maxsize=1)
def _public_key(pem: str) -> rsa.RSAPublicKey:
    """CLERK_JWT_KEY, which may have its line breaks written as \\n. Raises NotConfigured."""
    try:
        key = jwt.get_algorithm_by_name("RS256").prepare_key(pem.replace("\\n", "\n"))
    except (jwt.InvalidKeyError, ValueError, TypeError) as error:
        raise NotConfigured("CLERK_JWT_KEY is not a public key as PEM.") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise NotConfigured("CLERK_JWT_KEY is not the public part of an RSA key.")
    return key


def _header(token: str) -> dict[str, Any]:
    """The header, before its signature is looked at. Raises ValueError where header or claims could be read in two ways.

    A member that stands twice is one thing to this reader and another to the next.
    """
    header, claims = (json.loads(jwt.utils.base64url_decode(part), object_pairs_hook=_once) for part in token.split(".")[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("the token's header or claims are not as they should be")
    return header


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """These members of an object, none of which may stand twice."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member stands twice")
    return found


def _storable(text: str) -> bool:
    """Whether PostgreSQL can hold it: neither U+0000 nor half a character."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _user(claims: dict[str, Any]) -> User:
    """E-mail and name are no default claims of Clerk's: docs/deploy.md says how a deployment adds them."""
    email, name = claims.get("email"), claims.get("name")
    verified = isinstance(email, str) and claims.get("email_verified") is True and 0 < len(email) <= EMAIL_CHARACTERS_MAX
    told = name[:NAME_CHARACTERS_MAX] if isinstance(name, str) and name else None
    return User(claims["sub"], email if verified else None, told, datetime.fromtimestamp(claims["iat"], UTC))


def _api_key(secret: str) -> ApiKey:
    if not keys.well_formed(secret):
        raise Unauthenticated("The key is malformed: its checksum does not hold. Was it copied whole?")
    if not secret.startswith(f"{keys.MARK}api_"):
        raise Unauthenticated("This is an ingest key: it sends events and can do nothing else. Make an api key for this.")
    return ApiKey(secret)


def _token(request: Request) -> tuple[str, bool]:
    """(the token, whether it came as a cookie). Raises Unauthenticated where there is none."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else request.cookies.get(SESSION_COOKIE, "")
    if not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise Unauthenticated
    return token, scheme.lower() != "bearer"


def _require_own_origin(request: Request) -> None:
    """A browser sends cookies along with a foreign page's request too, but cannot lie about Origin.

    A page that came without TLS may be anybody's, so it is not ours where we were asked over TLS. The other way round a proxy
    ends TLS in front of us and nobody set TRUST_PROXY.
    """
    own = http.own_origin(request)
    if request.headers.get("origin") not in {own, own.replace("http://", "https://", 1)}:
        raise Forbidden("A change asked for with a cookie must come from Sensra's own pages.")
