"""A model endpoint that speaks OpenAI's responses API: it answers by the schema that it is sent, the same to the same question.

`mode` makes it misbehave as real ones do; `obey` says whatever the data in the prompt wants said: the worst one there is.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import codecs
import hashlib
import html
import json
import re
import time
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Mode = Literal[
    "work", "refusal", "400", "401", "413", "422", "429", "500", "slow", "hang", "garbage", "truncated", "invalid", "obey"
]
KEY = "local-model"
SLOW_SECONDS = 1.0
DOCUMENT = re.compile(r"^BEGIN UNTRUSTED DATA (\S+)\n(.*)\nEND UNTRUSTED DATA \1$", re.MULTILINE | re.DOTALL)
# What looks as if somebody wanted something of whoever reads it.
INSTRUCTION = re.compile(
    r"(?i)inject|ignore|instruct|system|assistant|tool|https?:|\]\(|<|canary|忽略|игнор|ignor|%3[ac]|&#|\\u00|[A-Za-z0-9+/]{40}"
)
ENCODED = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}|(?:[0-9a-f]{2}){12,}")


class Model:
    """`app` is the endpoint, for a base URL that ends in /v1. `asked` keeps the prompts: those with the data in them.

    `stored` keeps whether each call wanted to be stored.
    """

    def __init__(self) -> None:
        self.mode: Mode = "work"
        self.modes: list[Mode] = []
        """Those of the next calls; `mode` after them."""
        self.asked: list[str] = []
        self.stored: list[object] = []
        self.at_once_max = self._at_once = 0
        self.app = Starlette(routes=[Route("/v1/responses", self._respond, methods=["POST"])])

    def reset(self) -> None:
        """Forget, and work again."""
        self.mode = "work"
        self.modes.clear()
        self.asked.clear()
        self.stored.clear()
        self.at_once_max = 0

    async def _respond(self, request: Request) -> Response:
        mode = self.modes.pop(0) if self.modes else self.mode
        asked = await request.json()
        self.asked.append(asked["input"])
        self.stored.append(asked.get("store", True))  # as OpenAI takes it where nothing is said
        self._at_once += 1
        self.at_once_max = max(self.at_once_max, self._at_once)
        try:
            return await self._answer(mode, asked, request)
        finally:
            self._at_once -= 1

    async def _answer(self, mode: Mode, asked: dict[str, Any], request: Request) -> Response:
        while mode == "hang" and self.mode == "hang":  # noqa: ASYNC110 — the mode changes in the test's thread
            await asyncio.sleep(0.02)
        if mode == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if mode.isdigit() or request.headers.get("authorization") != f"Bearer {KEY}":
            return JSONResponse({"error": {"message": "told to fail", "code": mode}}, int(mode) if mode.isdigit() else 401)
        if mode == "garbage":
            return Response("<html>bad gateway</html>", HTTPStatus.OK, media_type="text/html")
        return JSONResponse(response(mode, asked))


def response(mode: Mode, asked: dict[str, Any]) -> dict[str, Any]:
    """The body of a 200."""
    text = "{}" if mode == "invalid" else json.dumps(answer(asked, obey=mode == "obey"))
    content: dict[str, Any] = {"type": "output_text", "text": text, "annotations": []}
    if mode == "refusal":
        content = {"type": "refusal", "refusal": "I cannot help with that."}
    if mode == "truncated":
        content["text"] = text[: len(text) // 2]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [content]}
    read, written = len(json.dumps(asked)) // 4, len(content.get("text", "")) // 4 + 1
    return {
        "id": f"resp_{uuid.uuid4().hex}", "object": "response", "created_at": int(time.time()), "model": asked["model"],
        "status": "incomplete" if mode == "truncated" else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if mode == "truncated" else None,
        "output": [*(_tool_calls() if mode == "obey" else ()), message],
        "parallel_tool_calls": False, "tool_choice": "none", "tools": [], "error": None,
        "usage": {
            "input_tokens": read, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": read + written,
        },
    }  # fmt: skip


def _tool_calls() -> list[dict[str, Any]]:
    """An obedient model calls tools that it was never given."""
    arguments = json.dumps({"incident_id": 1, "status": "resolved"})
    return [{"type": "function_call", "id": "fc_1", "call_id": "c_1", "name": "resolve_incident", "arguments": arguments}]


def answer(asked: dict[str, Any], *, obey: bool) -> Any:
    """What the schema in the request asks for, filled from its prompt."""
    found = DOCUMENT.search(asked["input"])
    document = json.loads(found[2]) if found else {}
    schema = asked["text"]["format"]["schema"]
    return _Filler(schema, document, obey=obey).fill(schema, "")


class _Filler:
    def __init__(self, root: dict[str, Any], document: dict[str, Any], *, obey: bool) -> None:
        self._root, self._document, self._obey = root, document, obey
        self._frames = [frame for one in document.get("exceptions", []) for frame in one.get("frames", [])]
        self._number = int.from_bytes(hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()[:4])
        self._said = "\n".join(_obeyed(document)) if obey else ""

    def fill(self, schema: dict[str, Any], name: str, at: int = 0) -> Any:
        """A value of this schema. name: the field's; at: its place in a list."""
        if "$ref" in schema:
            return self.fill(self._root["$defs"][schema["$ref"].rpartition("/")[2]], name, at)
        if "enum" in schema:
            return schema["enum"][self._number % len(schema["enum"])]
        match schema.get("type"):
            case "object":
                return {key: self.fill(part, key, at) for key, part in schema["properties"].items()}
            case "array":
                return [self.fill(schema["items"], name, at) for at in range(min(len(self._frames), 2) or 1)]
            case "number":
                return 1.0 if self._obey else 0.5 + self._number % 50 / 100
            case "integer" | "boolean":
                return 0
            case _:
                return self._text(name, at)

    def _text(self, name: str, at: int) -> str:
        if name == "frame":
            return self._frames[at]["id"] if at < len(self._frames) else "F1"
        if self._obey:
            return self._said
        title = self._document.get("incident", {}).get("title", "an error")
        frame = self._frames[at] if at < len(self._frames) else {}
        place = f"{frame.get('function', 'the program')} in {frame.get('file', 'an unknown file')}"
        return {
            "summary": f"{title} is raised in {place}.",
            "likely_cause": f"{place} does not expect the value that it was given. (This is the local stand-in of a model.)",
            "suggested_fix": f"Check the value before line {frame.get('line', '?')} of {place} uses it.",
            "shows": f"{frame.get('function', 'it')} is where it crashed.",
        }.get(name, name)


def _obeyed(document: Any) -> Iterator[str]:
    """Every text that seems to want something, as it stands and decoded."""
    texts = list(_texts(document))
    for text in [one for one in texts if INSTRUCTION.search(one)] or texts:
        yield text
        yield from (decoded for decoded in (unquote(text), html.unescape(text), codecs.decode(text, "rot13")) if decoded != text)
        for found in ENCODED.findall(text):
            yield from _decoded(found)


def _decoded(text: str) -> Iterator[str]:
    for decode in (base64.b64decode, binascii.unhexlify):
        try:
            yield decode(text).decode()
        except ValueError:
            continue


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(child)
    if isinstance(value, dict):
        yield from (key for key in value if INSTRUCTION.search(key))
