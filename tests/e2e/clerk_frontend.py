"""What Clerk's own script asks of a deployment's Clerk host (its Frontend API), answered for one person with a password.

The script is Clerk's, unmodified (tools.py); only the host that it speaks to is ours. Requests of a browser to `HOST` end
here, so the script runs from the address, and under the policy, that it has in production.
"""

from __future__ import annotations

import base64
import json
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.clerk import Issuer
from tests.e2e import tools

HOST = "clerk.example.com"
URL = f"https://{HOST}"
# A key of a production instance: its host is all that it says.
PUBLISHABLE_KEY = "pk_live_" + base64.b64encode(f"{HOST}$".encode()).decode()
EMAIL = "owner@example.com"
SESSION = "sess_1"
SESSION_SECONDS = 7 * 86_400
# Tokens are believed five seconds longer than they say.
TOKEN_SECONDS = 1
ENVIRONMENT = json.loads(Path(__file__).with_name("clerk_environment.json").read_text())
PERSON = {"first_name": "Olga", "last_name": "Owner", "image_url": "", "has_image": False}


class Frontend:
    """One browser's client: nobody, somebody who named an address, or somebody signed in."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._signing_in: dict[str, Any] | None = None
        self._signed_in = False

    async def attach(self, page: Any) -> None:
        """Answer every request to the host from this page, its frames and those that it opens."""
        await page.context.route(f"{URL}/**", self._answer)

    async def _answer(self, route: Any) -> None:
        request = route.request
        address = urlsplit(request.url)
        cors = {"access-control-allow-origin": request.headers.get("origin", "*"), "access-control-allow-credentials": "true"}
        if address.path.startswith("/npm/"):
            file = tools.clerk_script() / Path(address.path).name
            await route.fulfill(path=file, headers={**cors, "content-type": "text/javascript"})
            return
        # Its script sends everything as GET or POST and says in the query what it means.
        method = parse_qs(address.query).get("_method", [request.method])[0]
        status, body = self._outcome(method, address.path.removeprefix("/v1/"))
        await route.fulfill(status=status, body=json.dumps(body), headers={**cors, "content-type": "application/json"})

    def _outcome(self, method: str, path: str) -> tuple[int, Any]:
        """method: what is meant, e.g. DELETE. path: below /v1/."""
        match method, path:
            case _, "environment":
                return HTTPStatus.OK, ENVIRONMENT
            case "GET", "client":
                return HTTPStatus.OK, {"response": self._client(), "client": None}
            case "POST", "client/sign_ins":
                self._signing_in = _sign_in("needs_first_factor")
                return self._with_client(self._signing_in)
            case "POST", "client/sign_ins/sia_1/attempt_first_factor":
                self._signing_in, self._signed_in = None, True
                return self._with_client(_sign_in("complete"))
            case "POST", "client/sessions/sess_1/touch" if self._signed_in:
                return self._with_client(self._session())
            case "POST", "client/sessions/sess_1/tokens" if self._signed_in:
                return HTTPStatus.OK, self._token()
            case "DELETE", "client/sessions":
                self._signed_in = False
                return HTTPStatus.OK, {"response": self._client(), "client": None}
        return HTTPStatus.NOT_FOUND, {"errors": [{"code": "resource_not_found", "message": f"not here: {method} {path}"}]}

    def _with_client(self, response: dict[str, Any]) -> tuple[int, Any]:
        return HTTPStatus.OK, {"response": response, "client": self._client()}

    def _token(self) -> dict[str, Any]:
        return {"object": "token", "jwt": self._issuer.token(EMAIL, seconds=TOKEN_SECONDS)}

    def _client(self) -> dict[str, Any]:
        return {
            "object": "client", "id": "client_1", "sessions": [self._session()] if self._signed_in else [],
            "sign_in": self._signing_in, "sign_up": None, "cookie_expires_at": None,
            "last_active_session_id": SESSION if self._signed_in else None, **_made(),
        }  # fmt: skip

    def _session(self) -> dict[str, Any]:
        ends = _now() + SESSION_SECONDS * 1000
        return {
            "object": "session", "id": SESSION, "status": "active", "expire_at": ends, "abandon_at": ends, "actor": None,
            "last_active_at": _now(), "last_active_organization_id": None, "last_active_token": self._token(), "tasks": None,
            "user": _user(), "public_user_data": {**PERSON, "identifier": EMAIL}, "factor_verification_age": [0, -1], **_made(),
        }  # fmt: skip


def _sign_in(status: str) -> dict[str, Any]:
    """status: `needs_first_factor` or `complete`."""
    return {
        "object": "sign_in", "id": "sia_1", "status": status, "identifier": EMAIL, "user_data": PERSON,
        "supported_identifiers": ["email_address"], "supported_first_factors": [{"strategy": "password"}],
        "supported_second_factors": None, "first_factor_verification": None, "second_factor_verification": None,
        "created_session_id": SESSION if status == "complete" else None,
    }  # fmt: skip


def _user() -> dict[str, Any]:
    address = {"id": "idn_1", "object": "email_address", "email_address": EMAIL, "linked_to": [],
               "verification": {"status": "verified", "strategy": "ticket"}}  # fmt: skip
    lists = ("phone_numbers", "web3_wallets", "external_accounts", "enterprise_accounts", "passkeys", "organization_memberships")
    return {
        "object": "user", "id": "user_1", **PERSON, "primary_email_address_id": "idn_1", "email_addresses": [address],
        "password_enabled": True, "two_factor_enabled": False, "public_metadata": {}, "unsafe_metadata": {},
        **{name: [] for name in lists}, **_made(),
    }  # fmt: skip


def _made() -> dict[str, int]:
    return {"created_at": _now(), "updated_at": _now()}


def _now() -> int:
    """Milliseconds since 1970, as Clerk counts."""
    return int(time.time() * 1000)
