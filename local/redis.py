"""The REST protocol of Upstash Redis over fakeredis: POST / (one command), /pipeline, /multi-exec.

Upstash documents it at upstash.com/docs/redis/features/restapi: a command is a JSON array, the answer `{"result": …}` or
`{"error": …}`, strings in base64 where the request says `Upstash-Encoding: base64`. Commands run one at a time, as in Redis.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Literal

import fakeredis
import redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Mode = Literal["work", "slow", "hang", "fail"]
# Just within what a client waits for.
SLOW_SECONDS = 0.2
Encode = Callable[[Any], Any]
# redis-py cuts the code off the errors it has a class for; Upstash sends it, and clients look for NOSCRIPT.
CODES = {redis.exceptions.NoScriptError: "NOSCRIPT", redis.exceptions.ExecAbortError: "EXECABORT"}


class Upstash:
    """A database of its own behind `app`. `mode` lets tests take it away; `commands` counts what Upstash would bill."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.mode: Mode = "work"
        self.commands = 0
        self._redis: Any = fakeredis.FakeRedis(server=fakeredis.FakeServer(), protocol=2)
        self._redis.response_callbacks.clear()  # Upstash answers as Redis does, not with Python's dicts and bools
        routes = [Route("/", self._one), Route("/pipeline", self._pipeline), Route("/multi-exec", self._multi_exec)]
        for route in routes:
            route.methods = {"POST"}
        self.app = Starlette(routes=routes)

    def flush(self) -> None:
        """Forget all data, and work again."""
        self._redis.execute_command("FLUSHALL")
        self.mode, self.commands = "work", 0

    async def _one(self, request: Request) -> Response:
        refusal = await self._refusal(request)
        if refusal:
            return refusal
        answer = self._execute(await request.json(), _encoding(request))
        return JSONResponse(answer, status_code=HTTPStatus.BAD_REQUEST if "error" in answer else HTTPStatus.OK)

    async def _pipeline(self, request: Request) -> Response:
        refusal = await self._refusal(request)
        if refusal:
            return refusal
        encode = _encoding(request)
        return JSONResponse([self._execute(command, encode) for command in await request.json()])

    async def _multi_exec(self, request: Request) -> Response:
        """No other command comes between, since nothing here awaits; one that fails does not undo the others."""
        return await self._pipeline(request)

    async def _refusal(self, request: Request) -> Response | None:
        while self.mode == "hang":  # noqa: ASYNC110 — the mode changes in the test's thread, out of reach of an asyncio.Event
            await asyncio.sleep(0.02)
        if self.mode == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        if self.mode == "fail":
            return JSONResponse({"error": "ERR the stand-in was told to fail"}, status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return JSONResponse({"error": "WRONGPASS invalid or missing auth token"}, status_code=HTTPStatus.UNAUTHORIZED)
        return None

    def _execute(self, command: list[Any], encode: Encode) -> dict[str, Any]:
        self.commands += 1
        try:
            return {"result": encode(self._redis.execute_command(*_readable(command)))}
        except redis.exceptions.ResponseError as error:
            return {"error": _with_code(error)}


def _readable(command: list[Any]) -> list[Any]:
    """The command as fakeredis takes it: scripts without their `#!lua …` line, true and false as JSON has them."""
    words = [word if isinstance(word, str | int | float) and not isinstance(word, bool) else json.dumps(word) for word in command]
    if len(words) > 1 and str(words[0]).upper() == "EVAL":
        words[1] = _without_shebang(str(words[1]))
    if len(words) > 2 and [str(word).upper() for word in words[:2]] == ["SCRIPT", "LOAD"]:
        words[2] = _without_shebang(str(words[2]))
    return words


def _without_shebang(script: str) -> str:
    """The line stays, empty, so that line numbers in errors hold."""
    return script[script.find("\n") :] if script.startswith("#!") and "\n" in script else script


def _with_code(error: redis.exceptions.ResponseError) -> str:
    code = CODES.get(type(error), "" if str(error).split(" ", 1)[0].isupper() else "ERR")
    return f"{code} {error}".strip()


def _encoding(request: Request) -> Encode:
    return _as_base64 if request.headers.get("upstash-encoding") == "base64" else _as_text


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _as_base64(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_base64(item) for item in value]
    if not isinstance(value, bytes):
        return value
    return "OK" if value == b"OK" else base64.b64encode(value).decode()
