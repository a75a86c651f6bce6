"""A receiver of webhooks, signed ones and those of Slack's and Discord's form, which can be told to fail.

POST /local/sink/webhook, /local/sink/slack, /local/sink/discord; GET /local/sink shows what came, /local/sink.json the same
for programs. It refuses what the real ones refuse: a wrong signature or an old one, and messages beyond their limits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local.failing import Failing

POSTS_MAX = 500
TOLERANCE_SECONDS = 300
RETRY_AFTER_SECONDS = 7
# https://docs.slack.dev/reference/block-kit/blocks
# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
SLACK_BLOCKS_MAX, SLACK_TEXT_MAX, SLACK_HEADER_MAX, SLACK_SECTION_MAX, SLACK_FIELD_MAX = 50, 40_000, 150, 3_000, 2_000
DISCORD_EMBEDS_MAX, DISCORD_FIELDS_MAX, DISCORD_CHARS_MAX = 10, 25, 6_000
DISCORD_MAX = {"title": 256, "description": 4_096, "name": 256, "value": 1_024}
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Webhooks · Sensra on this machine</title>
<style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}}</style></head>
<body><main><h1>Webhooks</h1>
<p>What was posted to <code>/local/sink/webhook</code>, <code>slack</code> and <code>discord</code> here, newest first.</p>
{posts}</main></body></html>
"""


@dataclass(frozen=True)
class Post:
    """One that was taken. kind: webhook, slack or discord. verified: None where nobody knows the secret."""

    kind: str
    at: str
    headers: dict[str, str]
    body: Any
    verified: bool | None


class Sink:
    """What came in, behind `app`. secret: what webhooks must be signed with; `failing` lets it fail."""

    def __init__(self, secret: str | None = None, clock: Callable[[], float] = time.time) -> None:
        self.secret = secret
        self.posts: deque[Post] = deque(maxlen=POSTS_MAX)
        self._clock = clock
        routes = [
            Route("/local/sink/{kind}", self._take, methods=["POST"]),
            Route("/local/sink", self._page),
            Route("/local/sink.json", self._list),
        ]
        self.failing = Failing(Starlette(routes=routes), _refusal)
        self.app = self.failing

    def clear(self) -> None:
        """Forget everything, and work again."""
        self.posts.clear()
        self.failing.mend()

    async def _take(self, request: Request) -> Response:
        kind, body = request.path_params["kind"], await request.body()
        verified = self._verified(request, body) if kind == "webhook" and self.secret else None
        if verified is False:
            return PlainTextResponse("wrong signature", HTTPStatus.UNAUTHORIZED)
        try:
            content = json.loads(body)
        except ValueError:
            return PlainTextResponse("invalid_payload", HTTPStatus.BAD_REQUEST)
        problem = CHECKS[kind](content) if kind in CHECKS else ""
        if problem:
            return PlainTextResponse(problem, HTTPStatus.BAD_REQUEST)
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
        self.posts.append(Post(kind, at, dict(request.headers), content, verified))
        return Response(status_code=HTTPStatus.NO_CONTENT) if kind == "discord" else PlainTextResponse("ok")

    def _verified(self, request: Request, body: bytes) -> bool:
        """As docs/alerts.md tells receivers to do it, written once more."""
        headers = request.headers
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not timestamp.isdecimal() or abs(self._clock() - int(timestamp)) > TOLERANCE_SECONDS:
            return False
        key = base64.b64decode((self.secret or "").removeprefix("whsec_"))
        digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        return any(hmac.compare_digest(wanted, given) for given in headers.get("webhook-signature", "").split(" "))

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(PAGE.format(posts="".join(map(_shown, reversed(self.posts))) or "<p>Nothing yet.</p>"))

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"items": [asdict(post) for post in self.posts]})


def _shown(post: Post) -> str:
    text = json.dumps(post.body, indent=2, ensure_ascii=False)
    words = {True: " · signature verified", False: " · signature wrong", None: ""}[post.verified]
    return f"<h2>{html.escape(post.kind)} <small>{post.at}{words}</small></h2><pre>{html.escape(text)}</pre>"


def _refusal(status: int) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return PlainTextResponse("the stand-in was told to fail", status, headers)


def _slack_problem(content: Any) -> str:
    """What Slack answers 400 to, or an empty string."""
    blocks = content.get("blocks", [])
    if not content.get("text") or len(content["text"]) > SLACK_TEXT_MAX:
        return "no_text"
    lengths_max = {"header": SLACK_HEADER_MAX, "section": SLACK_SECTION_MAX}
    for block in blocks:
        texts = [(block.get("text"), lengths_max.get(block["type"], 0))]
        texts += [(text, SLACK_FIELD_MAX) for text in (*block.get("fields", ()), *block.get("elements", ()))]
        if any(text is not None and not 1 <= len(text["text"]) <= longest for text, longest in texts):
            return "invalid_blocks"
    return "invalid_blocks" if len(blocks) > SLACK_BLOCKS_MAX else ""


def _discord_problem(content: Any) -> str:
    """What Discord answers 400 to, or an empty string."""
    embeds = content.get("embeds", [])
    total = 0
    for embed in embeds:
        texts = [(name, embed[name]) for name in ("title", "description") if name in embed]
        texts += [(name, field[name]) for field in embed.get("fields", []) for name in ("name", "value")]
        total += sum(len(text) for _, text in texts) + len(embed.get("footer", {}).get("text", ""))
        if len(embed.get("fields", [])) > DISCORD_FIELDS_MAX or any(
            not 1 <= len(text) <= DISCORD_MAX[name] for name, text in texts
        ):
            return "invalid form body"
    return "" if 1 <= len(embeds) <= DISCORD_EMBEDS_MAX and total <= DISCORD_CHARS_MAX else "invalid form body"


CHECKS: dict[str, Callable[[Any], str]] = {"slack": _slack_problem, "discord": _discord_problem}
