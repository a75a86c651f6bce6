"""Call an app as its server does, without an HTTP client between: for tests of thousands of requests (httpx costs 1 ms each)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import orjson
from starlette.applications import Starlette

from local.lifespan import Lifespan
from tests.api import answers

AT_ONCE = 32


class Post(NamedTuple):
    """A request. `path` may have a query."""

    path: str
    body: bytes
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """What was answered to it."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read strictly: raises where it is no JSON."""
        return orjson.loads(self.body)


class Instance:
    """One instance of a function."""

    def __init__(self, app: Starlette, state: Mapping[str, Any]) -> None:
        self._app = app
        self._state = state

    async def call(self, method: str, post: Post) -> Answer:
        """One request."""
        path, _, query = post.path.partition("?")
        scope: MutableMapping[str, Any] = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "https", "path": path,
            "raw_path": path.encode(), "root_path": "", "query_string": query.encode(), "client": ("127.0.0.1", 1),
            "server": ("sensra.test", 443), "state": dict(self._state),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in post.headers.items()],
        }  # fmt: skip
        received = [{"type": "http.request", "body": post.body, "more_body": False}]
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return received.pop() if received else await asyncio.Future()

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        if operation := answers.operation_of(self._app, scope):
            answers.check_sent(operation, sent)
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(message["body"] for message in sent[1:]))

    async def post_all(self, posts: Iterable[Post]) -> list[Answer]:
        """All of them, AT_ONCE at a time; answers in order."""
        return await self._all("POST", list(posts))

    async def get_all(self, paths: Iterable[str], headers: Mapping[str, str]) -> list[Answer]:
        """All of them, AT_ONCE at a time; answers in order."""
        return await self._all("GET", [Post(path, b"", headers) for path in paths])

    async def _all(self, method: str, posts: list[Post]) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(posts), AT_ONCE):
            answers += await asyncio.gather(*(self.call(method, post) for post in posts[start : start + AT_ONCE]))
        return answers


@asynccontextmanager
async def instance(app: Starlette) -> AsyncIterator[Instance]:
    """An instance of this app for as long as it lasts; call it where the `stage` fixture has set the environment."""
    async with Lifespan(app) as lifespan:
        yield Instance(app, lifespan.state)
