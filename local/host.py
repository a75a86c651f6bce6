"""The function host: serves api/**/*.py and public/ on one port as Vercel does.

Each function file exports an ASGI `app`. Its lifespan runs once, its requests share one event loop, and it sees the path
the client asked for, whatever rewrite led to it. On Vercel each function has its own processes; here all share one.
"""

from __future__ import annotations

import importlib.util
import secrets
import sys
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, PlainTextResponse, Response

from local.lifespan import Lifespan
from local.routing import Found, Router

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_BYTES_MAX = 4_718_592  # 4.5 MB: the platform refuses more before a function sees it
NOT_FOUND = "The page could not be found.\n\nNOT_FOUND\n"
TOO_LARGE = "Request Entity Too Large\n\nFUNCTION_PAYLOAD_TOO_LARGE\n"


class Function:
    """One file of api/. A file that cannot be imported or started answers 500 with its traceback; the others still work."""

    def __init__(self, name: str, file: Path) -> None:
        self.name, self.file = name, file
        self.error = ""
        self.state: dict[str, Any] = {}
        self.app: App = self._broken
        try:
            self.app = _load(name, file)
        except BaseException:  # noqa: BLE001 — whatever a file does while it is imported
            self._fail()

    async def start(self, stack: AsyncExitStack) -> None:
        """Run the lifespan's startup; its shutdown joins `stack`."""
        try:
            self.state = (await stack.enter_async_context(Lifespan(self.app))).state
        except Exception:  # noqa: BLE001 — told to the one who asks, as above
            self._fail()

    def _fail(self) -> None:
        self.error = traceback.format_exc()
        self.app = self._broken
        print(f"\n{self.name} is broken:\n{self.error}", file=sys.stderr, flush=True)

    async def _broken(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            text = f"{self.name} is broken, and answers 500 FUNCTION_INVOCATION_FAILED on Vercel:\n\n{self.error}"
            await PlainTextResponse(text, HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send)


class Host:
    """The ASGI app over all functions and files of the project in `root`."""

    def __init__(self, root: Path) -> None:
        self.router = Router(root)
        self.functions = {file: Function(name, file) for name, file in self.router.functions.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an HTTP request, or run the lifespans of all functions."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, self._with_headers(scope, send))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            for function in self.functions.values():
                await function.start(stack)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _raw_path(scope)
        found = self.router.find(path, scope["query_string"].decode("latin-1"))
        if not found:
            await self._not_found(path)(scope, receive, send)
        elif not found.is_function:
            await _static(found.file, scope["method"])(scope, receive, send)
        else:
            await self._invoke(found, scope, receive, send)

    async def _invoke(self, found: Found, scope: Scope, receive: Receive, send: Send) -> None:
        bounded = await _bounded(scope, receive)
        if not bounded:
            await PlainTextResponse(TOO_LARGE, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)(scope, receive, send)
            return
        function = self.functions[found.file]
        own = {"query_string": found.query.encode("latin-1"), "headers": _forwarded(scope), "state": dict(function.state)}
        await function.app({**scope, **own}, bounded, send)

    def _not_found(self, path: str) -> Response:
        page = self.router.public / "404.html"
        if page.is_file() and not path.startswith("/api"):
            return FileResponse(page, HTTPStatus.NOT_FOUND)
        return PlainTextResponse(NOT_FOUND, HTTPStatus.NOT_FOUND)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        added = list(self.router.headers_for(_raw_path(scope)))
        if not added:
            return send

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in added}
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in names]
                message = {**message, "headers": [*kept, *added]}
            await send(message)

        return send_with


def _load(name: str, file: Path) -> App:
    """Import a function's file under its dotted name, as Vercel's runtime does; raises whatever the import raises."""
    module_name = name.strip("/").replace("/", ".")
    spec = importlib.util.spec_from_file_location(module_name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    app: App = module.app
    return app


def _raw_path(scope: Scope) -> str:
    """The path as sent: `%2F` is no slash for routing."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1").partition("?")[0] if raw else str(scope["path"])


def _static(file: Path, method: str) -> Response:
    if method not in {"GET", "HEAD"}:
        return PlainTextResponse("Method Not Allowed", HTTPStatus.METHOD_NOT_ALLOWED)
    return FileResponse(file, headers={"cache-control": "public, max-age=0, must-revalidate"})


def _forwarded(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The request's headers with those that Vercel sets itself: a client cannot forge them."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    client = (scope.get("client") or ("127.0.0.1", 0))[0].encode()
    host = next((value for name, value in headers if name == b"host"), b"")
    ours = {
        b"x-real-ip": client,
        b"x-forwarded-for": client,
        b"x-vercel-forwarded-for": client,
        b"x-forwarded-host": host,
        b"x-forwarded-proto": scope["scheme"].encode(),
        b"x-vercel-id": b"dev1::" + secrets.token_hex(8).encode(),
    }
    return [pair for pair in headers if pair[0] not in ours] + list(ours.items())


async def _bounded(scope: Scope, receive: Receive) -> Receive | None:
    """A `receive` whose body fits the platform's limit, or None where it does not."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    if lengths:
        return receive if int(lengths[0]) <= BODY_BYTES_MAX else None
    messages: list[Message] = []
    size, more = 0, True
    while more and size <= BODY_BYTES_MAX:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
        more = messages[-1].get("more_body", False)
    if size > BODY_BYTES_MAX:
        return None
    pending = iter(messages)

    async def replay() -> Message:
        return next(pending, None) or await receive()

    return replay
