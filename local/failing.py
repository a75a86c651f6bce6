"""Providers fail in few ways. A stand-in behind `Failing` fails in those, when told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from starlette.responses import Response

from local.host import App, Message, Receive, Scope, Send

# A status is answered without doing anything; "hang" never answers; "reset" does it, then breaks the connection off.
Mode = Literal["work", "hang", "reset"] | int


class Failing:
    """ASGI middleware: POSTs fail as `coming` says, one after the other, then as `mode` says; pages can always be read."""

    def __init__(self, app: App, refusal: Callable[[int], Response]) -> None:
        self.mode: Mode = "work"
        self.coming: deque[Mode] = deque()
        self._app = app
        self._refusal = refusal

    def mend(self) -> None:
        """Work again."""
        self.mode = "work"
        self.coming.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or fail to."""
        mode: Mode = "work"
        if scope["type"] == "http" and scope["method"] == "POST":
            mode = self.coming.popleft() if self.coming else self.mode
        if isinstance(mode, int):
            await self._refusal(mode)(scope, receive, send)
        elif mode == "hang":
            await _until_disconnected(receive)
        elif mode == "reset":
            await self._app(scope, receive, _unheard)
            _transport_of(send).abort()
        else:
            await self._app(scope, receive, send)


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unheard(_message: Message) -> None:
    return


def _transport_of(send: Send) -> Any:
    """Uvicorn's connection: `send` is a method of the cycle that serves this request."""
    return send.__self__.transport  # type: ignore[attr-defined]
