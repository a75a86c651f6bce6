"""Waking the follow-up: after the answer, seldom, and never in anybody's way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import http, settings, waking
from local import serving


class Woken:
    """What the follow-up is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.hangs = False
        self.status = 202
        self.app = Starlette(routes=[Route("/api/cron/alerts", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        self.asked.append((request.url.query, request.headers["authorization"]))
        while self.hangs:  # noqa: ASYNC110 - told from another thread
            await asyncio.sleep(0.02)
        return Response(status_code=self.status)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Woken]:
    made = Woken()
    with serving.in_thread(made.app) as url:
        monkeypatch.setenv("PUBLIC_URL", url + "/")
        monkeypatch.setenv("CRON_SECRET", "cron-secret")
        monkeypatch.setattr(waking, "PAUSE_SECONDS", 0.2)
        settings.current.cache_clear()
        yield made
        made.hangs = False
    settings.current.cache_clear()


@pytest.fixture
def waker(monkeypatch: pytest.MonkeyPatch) -> waking.Waker:
    made = waking.Waker()
    monkeypatch.setattr(waking, "want", made.want)
    monkeypatch.setattr(waking, "see_to_it", made.see_to_it)
    return made


async def test_what_is_wanted_wakes_once_with_the_secret(woken: Woken, waker: waking.Waker) -> None:
    for _ in range(100):
        waker.want()
    await asyncio.gather(*(waker.see_to_it() for _ in range(100)))
    await waker.see_to_it()
    assert woken.asked == [("answer=first", "Bearer cron-secret")]


async def test_what_is_wanted_during_a_wake_or_its_pause_wakes_once_more_by_itself(woken: Woken, waker: waking.Waker) -> None:
    waker.want()
    await waker.see_to_it()
    began = time.monotonic()
    waker.want()
    await waker.see_to_it()
    assert len(woken.asked) == 2
    assert time.monotonic() - began > 0.1
    running = asyncio.ensure_future(waker.see_to_it())
    assert running
    waker.want()
    await running
    assert len(woken.asked) == 3


async def test_without_news_it_is_asked_once_a_minute_where_there_is_traffic(
    woken: Woken, waker: waking.Waker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(10):
        await waker.see_to_it()
    assert len(woken.asked) == 1
    monkeypatch.setattr(waking, "ROUTINE_SECONDS", 0.0)
    await waker.see_to_it()
    assert len(woken.asked) == 2


@pytest.mark.parametrize("missing", ["PUBLIC_URL", "CRON_SECRET"])
async def test_where_it_is_not_set_up_nobody_is_woken(
    woken: Woken, waker: waking.Waker, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(missing)
    settings.current.cache_clear()
    waker.want()
    await waker.see_to_it()
    assert woken.asked == []


async def test_an_answer_waits_for_no_wake_however_that_ends(
    woken: Woken, waker: waking.Waker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a real server: an ASGI transport would wait for the background too."""

    async def answer(_request: Request) -> Response:
        waking.want()
        return http.json({"ok": True})

    app = http.create_app([Route("/", answer)])
    monkeypatch.setattr(waking, "TIMEOUT_SECONDS", 50)  # longer than the client waits
    monkeypatch.setattr(waking, "PAUSE_SECONDS", 0.0)
    with serving.in_thread(app) as url:
        async with httpx.AsyncClient(base_url=url, timeout=20) as client:
            for woken.hangs, woken.status in ((True, 202), (False, 401), (False, 500)):
                for _ in range(5):
                    assert (await client.get("/")).json() == {"ok": True}
        monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:1")
        settings.current.cache_clear()
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/")).json() == {"ok": True}


async def test_what_itself_follows_up_wakes_nobody(woken: Woken, waker: waking.Waker) -> None:
    async def answer(_request: Request) -> Response:
        waking.want()
        return http.json({})

    app = http.create_app([Route("/", answer)], wakes=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sensra.test") as client:
        assert (await client.get("/")).status_code == 200
    assert woken.asked == []
