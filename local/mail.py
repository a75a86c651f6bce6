"""A mail outbox that speaks Resend's HTTP API, can be told to fail, and shows what it took.

POST /emails as resend.com/docs/api-reference has it, with its idempotency keys, kept for 24 hours: the same key with the same
body answers the first mail's id and sends no second one, with another body 409. GET /local/mail lists the mails, newest first,
/local/mail.json the same for programs, /local/mail/{id} shows one, its HTML in a frame without scripts.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from local.failing import Failing

KEY_SECONDS = 24 * 3600
KEY_CHARS_MAX = 256
MAILS_MAX = 500
RETRY_AFTER_SECONDS = 7
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # a mail's links open pages that work; its scripts do not run
ADDRESS = re.compile(r"(?:[^<>@\r\n]* <)?[^<>@\s,]+@[^<>@\s,]+\.[^<>@\s,]+>?")
# What Resend calls its refusals; 409 is the one of two tries at once, since the other comes of itself.
NAMES = {
    400: "validation_error",
    401: "missing_api_key",
    403: "invalid_api_key",
    409: "concurrent_idempotent_requests",
    422: "missing_required_field",
    429: "rate_limit_exceeded",
}
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title} · Sensra on this machine</title>
<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}
iframe{{width:100%;height:60rem;border:1px solid #8886;border-radius:8px}}li{{margin:.5rem 0}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}}</style></head>
<body><main><h1>{title}</h1>
{body}</main></body></html>
"""


@dataclass(frozen=True)
class Mail:
    """One that was taken, as it was sent. key: its idempotency key."""

    id: str
    at: str
    key: str | None
    sender: str
    to: list[str]
    subject: str
    text: str
    html: str
    headers: dict[str, str]


class Outbox:
    """The mails behind `app`. `failing` lets it fail; a clock in seconds may be given."""

    def __init__(self, api_key: str, clock: Callable[[], float] = time.time) -> None:
        self.api_key = api_key
        self.mails: list[Mail] = []
        self._clock = clock
        self._keys: dict[str, tuple[float, str, str]] = {}  # key → (when, digest of the body, id)
        routes = [
            Route("/emails", self._send, methods=["POST"]),
            Route("/local/mail", self._list_page),
            Route("/local/mail.json", self._list),
            Route("/local/mail/{id}", self._mail_page),
        ]
        self.failing = Failing(Starlette(routes=routes), refusal)
        self.app = self.failing

    def clear(self) -> None:
        """Forget everything, and work again."""
        self.mails.clear()
        self._keys.clear()
        self.failing.mend()

    async def _send(self, request: Request) -> Response:
        body = await request.body()
        key = request.headers.get("idempotency-key")
        refused = self._unauthorized(request) or _invalid(body, key)
        if refused:
            return refused
        digest = hashlib.sha256(body).hexdigest()
        earlier = self._earlier(key)
        if earlier and earlier[1] != digest:
            return refusal(HTTPStatus.CONFLICT, "invalid_idempotent_request")
        found = earlier[2] if earlier else self._take(json.loads(body), key)
        if key and not earlier:
            self._keys[key] = self._clock(), digest, found
        return JSONResponse({"id": found})

    def _unauthorized(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            return refusal(HTTPStatus.UNAUTHORIZED)
        same = secrets.compare_digest(given.encode(), self.api_key.encode())
        return None if same else refusal(HTTPStatus.FORBIDDEN)

    def _earlier(self, key: str | None) -> tuple[float, str, str] | None:
        found = self._keys.get(key) if key else None
        return found if found and self._clock() - found[0] < KEY_SECONDS else None

    def _take(self, content: dict[str, Any], key: str | None) -> str:
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        to = content["to"] if isinstance(content["to"], list) else [content["to"]]
        made = Mail(
            str(uuid.uuid4()), at, key, content["from"], to, content["subject"],
            content.get("text", ""), content.get("html", ""), content.get("headers", {}),
        )  # fmt: skip
        self.mails.append(made)
        del self.mails[:-MAILS_MAX]
        return made.id

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"items": [asdict(mail) for mail in self.mails]})

    async def _list_page(self, _: Request) -> Response:
        items = "".join(
            f'<li><a href="/local/mail/{mail.id}">{html.escape(mail.subject)}</a><br>'
            f"<small>{mail.at} · to {html.escape(', '.join(mail.to))}</small></li>"
            for mail in reversed(self.mails)
        )
        body = f"<ul>{items}</ul>" if items else "<p>No mail yet. What would leave through Resend is shown here instead.</p>"
        return HTMLResponse(PAGE.format(title="Outbox", body=body))

    async def _mail_page(self, request: Request) -> Response:
        mail = next((one for one in self.mails if one.id == request.path_params["id"]), None)
        if mail is None:
            return HTMLResponse(PAGE.format(title="No such mail", body=""), HTTPStatus.NOT_FOUND)
        told = {"From": mail.sender, "To": ", ".join(mail.to), "At": mail.at, **mail.headers}
        rows = "".join(f"<br><small>{html.escape(name)}: {html.escape(value)}</small>" for name, value in told.items())
        shown = html.escape(mail.html.replace("<head>", '<head><base target="_blank">', 1), quote=True)
        frame = f'<iframe sandbox="{SANDBOX}" title="The mail" srcdoc="{shown}"></iframe>'
        body = f'<p><a href="/local/mail">Outbox</a>{rows}</p>{frame}<h2>As plain text</h2><pre>{html.escape(mail.text)}</pre>'
        return HTMLResponse(PAGE.format(title=html.escape(mail.subject), body=body))


def refusal(status: int, name: str | None = None) -> Response:
    """A refusal of Resend's form."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    told = name or NAMES.get(status, "application_error")
    return JSONResponse({"statusCode": status, "name": told, "message": "The stand-in refuses this."}, status, headers)


def _invalid(body: bytes, key: str | None) -> Response | None:
    """The refusal of what Resend would not take."""
    if key is not None and not 1 <= len(key) <= KEY_CHARS_MAX:
        return refusal(HTTPStatus.BAD_REQUEST, "invalid_idempotency_key")
    try:
        content = json.loads(body)
    except ValueError:
        return refusal(HTTPStatus.BAD_REQUEST)
    if (
        not content.get("from")
        or not content.get("to")
        or not content.get("subject")
        or not (content.get("html") or content.get("text"))
    ):
        return refusal(HTTPStatus.UNPROCESSABLE_ENTITY)
    addresses = [content["from"], *(content["to"] if isinstance(content["to"], list) else [content["to"]])]
    headers = content.get("headers", {})
    lines = [content["subject"], *headers, *headers.values()]
    if not all(map(ADDRESS.fullmatch, addresses)) or any("\r" in line or "\n" in line for line in lines):
        return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error")
    return None
