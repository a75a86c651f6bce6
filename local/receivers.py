"""What takes the product's messages on this machine: the mail outbox and the receiver of webhooks, behind one app.

`make dev` serves them from its own process, so that they keep what they took when the serving processes are replaced; those
forward /local/mail and /local/sink to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from local import serving
from local.host import App, Receive, Scope, Send
from local.mail import Outbox
from local.sink import Sink

MAIL_FROM = "Sensra <alerts@sensra.example>"
PREFIXES = ("/local/mail", "/local/sink")
FORWARDED = {"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"}


def create_app(outbox: Outbox, sink: Sink) -> App:
    """Both in one."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = sink.app if scope.get("path", "").startswith("/local/sink") else outbox.app
        await chosen(scope, receive, send)

    return app


@contextmanager
def started(environment: dict[str, str]) -> Iterator[None]:
    """Serve both. Mails go there unless `environment` names a Resend account; webhooks may be called on this machine."""
    outbox = Outbox("re_" + secrets.token_hex(16))
    with serving.in_thread(create_app(outbox, Sink())) as url:
        environment["LOCAL_RECEIVERS_URL"] = url
        environment.setdefault("OUTBOUND_PRIVATE_ALLOWED", "1")
        if not environment.get("RESEND_API_KEY"):
            environment |= {"RESEND_API_KEY": outbox.api_key, "RESEND_API_URL": url, "MAIL_FROM": MAIL_FROM}
        yield


def with_receivers(host: App, url: str) -> App:
    """`host`, with the pages of the receivers at `url` in front of it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIXES):
            await (await _forward(Request(scope, receive), url))(scope, receive, send)
        else:
            await host(scope, receive, send)

    return app


async def _forward(request: Request, url: str) -> Response:
    headers = {name: value for name, value in request.headers.items() if name in FORWARDED}
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.request(
                request.method, f"{url}{request.url.path}", content=await request.body(), headers=headers
            )
    except httpx.HTTPError:
        return PlainTextResponse("The stand-in does not answer.\n", 502)
    return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))
