"""Redis refused, hanging, slow, failing or flushed: ingest goes on, under limits, and in time; health says so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

import api.ingest
from lib import key_cache, permits, settings
from local import serving
from tests.api import calls
from tests.api.calls import Instance, Post
from tests.api.conftest import Stage, Tenant

AWAY = ("hang", "fail", "refuse", "slow")
LATER_SECONDS_MAX = 0.3


def post(tenant: Tenant) -> Post:
    return Post("/api/ingest", b'{"message": "m"}', tenant.bearer)


async def p99_seconds(ingest: Instance, tenant: Tenant) -> float:
    """Of 880 requests, eight at a time, all taken: the eight that notice that Redis is away are fewer than one of a hundred."""
    seconds: list[float] = []

    async def client() -> None:
        for _ in range(110):
            began = time.perf_counter()
            assert (await ingest.call("POST", post(tenant))).status == 200
            seconds.append(time.perf_counter() - began)

    await asyncio.gather(*(client() for _ in range(8)))
    return sorted(seconds)[int(len(seconds) * 0.99)]


def take_away(stage: Stage, mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, for instances that know Redis and for those that start."""
    if mode != "refuse":
        stage.redis.upstash.mode = mode
        return
    with serving.listen() as listener:
        monkeypatch.setenv("UPSTASH_REDIS_REST_URL", serving.url_of(listener))
    settings.current.cache_clear()


async def test_ingest_is_hardly_later(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    late = {}
    async with calls.instance(api.ingest.app) as whole:
        await p99_seconds(whole, tenant)
        bound = await p99_seconds(whole, tenant) + LATER_SECONDS_MAX
        for mode in AWAY:
            if mode != "refuse":  # an instance that is under way when it happens
                take_away(stage, mode, monkeypatch)
                late[f"under way, {mode}"] = await p99_seconds(whole, tenant)
            take_away(stage, mode, monkeypatch)
            async with calls.instance(api.ingest.app) as fresh:
                await fresh.call("POST", post(tenant))  # a cold one waits for its first connection once
                late[f"fresh, {mode}"] = await p99_seconds(fresh, tenant)
            stage.redis.upstash.mode = "work"
    assert {name: seconds for name, seconds in late.items() if seconds > bound} == {}


async def limited(stage: Stage, limit: str) -> Tenant:
    """A tenant whose limit of this name is 20 events."""
    tenant = await stage.tenant(rate_per_minute=20 if limit == "key" else 600)
    if limit == "project":
        await stage.rows("UPDATE projects SET events_per_minute_max = 20 WHERE id = %s", tenant.project_id)
    if limit == "month":
        await stage.rows("UPDATE workspaces SET events_per_month_max = 20 WHERE id = %s", tenant.workspace_id)
    return tenant


@pytest.mark.parametrize("mode", AWAY)
async def test_every_limit_holds(stage: Stage, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never open: the rates by the instance itself, the month by PostgreSQL's account."""
    monkeypatch.setattr(key_cache, "KEY_CACHE_SECONDS_MAX", 0.0)
    monkeypatch.setattr(permits, "FULL_ACCOUNT_SECONDS", 0.0)
    tenants = {limit: await limited(stage, limit) for limit in ("key", "project", "month")}
    take_away(stage, mode, monkeypatch)

    async def overrun(limit: str) -> None:
        began = time.monotonic()
        async with calls.instance(api.ingest.app) as ingest:
            statuses = Counter([(await ingest.call("POST", post(tenants[limit]))).status for _ in range(60)])
        refilled = 0 if limit == "month" else int((time.monotonic() - began) / 3) + 1
        assert set(statuses) == {200, 429}, limit
        assert 20 <= statuses[200] <= 20 + refilled, limit

    await asyncio.gather(*map(overrun, tenants))


async def test_a_flush_under_load_costs_no_request_and_no_limit(stage: Stage) -> None:
    tenant = await stage.tenant(rate_per_minute=60_000)
    await stage.rows("UPDATE workspaces SET events_per_month_max = 300 WHERE id = %s", tenant.workspace_id)
    async with calls.instance(api.ingest.app) as ingest:
        statuses: Counter[int] = Counter()

        async def client() -> None:
            for _ in range(50):
                statuses[(await ingest.call("POST", post(tenant))).status] += 1

        async def flush() -> None:
            for _ in range(3):
                await asyncio.sleep(0.1)
                stage.redis.flush()

        await asyncio.gather(flush(), *(client() for _ in range(10)))
    assert set(statuses) == {200, 429}
    # What was under way at a flush may come on top.
    assert 300 <= statuses[200] <= 300 + 3 * 10
