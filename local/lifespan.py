"""The ASGI lifespan of one app as a context manager (asgi.readthedocs.io/en/latest/specs/lifespan.html)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Self

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class Lifespan:
    """Startup on entering, shutdown on leaving. An app that knows no lifespan (it raises or returns) has none.

    `state` is what the app put there; each request's scope gets a copy. Entering raises RuntimeError where the app
    reports that its startup failed.
    """

    def __init__(self, app: App) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.ensure_future(self._app(scope, self._to_app.get, self._from_app.put))
        answer = await self._exchange("lifespan.startup")
        if answer and answer["type"] == "lifespan.startup.failed":
            await self._end()
            raise RuntimeError(answer.get("message") or "the function's startup failed")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exchange("lifespan.shutdown")
        await self._end()

    async def _end(self) -> None:
        """An exception that the app raises was reported before, or means that it has no lifespan."""
        await asyncio.gather(self._task, return_exceptions=True)

    async def _exchange(self, type_: str) -> Message | None:
        """Tell the app and wait for its answer; None where it ended instead."""
        await self._to_app.put({"type": type_})
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait([answer, self._task], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None
