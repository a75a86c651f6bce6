"""What one request or one project does to the others of an instance."""

from __future__ import annotations

import asyncio
import gzip
import time
from typing import Any

import psycopg

from api import ingest
from lib import recording
from tests.api.conftest import Stage


async def test_a_thousand_costly_events_in_one_request_do_not_hold_up_another(stage: Stage) -> None:
    busy, other = await stage.tenant(), await stage.tenant()
    await stage.ingest.post("/api/ingest", json={"message": "warm"}, headers=other.bearer)
    words = " ".join(f"k{n}=v{n * 7919}" for n in range(60))
    items: list[dict[str, Any]] = [
        {"error": {"type": "K", "message": f"{n} {words}"}, "metadata": {f"m{m}": f"u{n}x{m}@mail.example" for m in range(20)}}
        for n in range(300)
    ]
    large = asyncio.create_task(stage.ingest.post("/api/ingest", json=items, headers=busy.bearer))
    waits: list[float] = []
    while not large.done():
        began = time.perf_counter()
        assert (await stage.ingest.post("/api/ingest", json={"message": "small"}, headers=other.bearer)).status_code == 200
        waits.append(time.perf_counter() - began)
    assert (await large).status_code == 200
    # Without turns there is one wait, as long as the whole request.
    assert len(waits) > 5
    assert sorted(waits)[len(waits) // 2] < sum(waits) / 4


async def test_a_row_that_one_project_holds_costs_the_others_nothing(stage: Stage) -> None:
    held, other = await stage.tenant(), await stage.tenant()
    for tenant in (held, other):
        await stage.ingest.post("/api/ingest", json={"message": "first"}, headers=tenant.bearer)
    async with await psycopg.AsyncConnection.connect(stage.database_url) as conn:
        await conn.execute("SELECT FROM incidents WHERE project_id = %s FOR NO KEY UPDATE", [held.project_id])
        stuck = asyncio.create_task(stage.ingest.post("/api/ingest", json={"message": "first"}, headers=held.bearer))
        await asyncio.sleep(2 * recording.WRITER_SLOW_SECONDS)
        answer = await stage.ingest.post("/api/ingest", json={"message": "first"}, headers=other.bearer)
        assert answer.status_code == 200
        assert not stuck.done()
        refused = await stuck
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
    again = await stage.ingest.post("/api/ingest", json={"message": "first"}, headers=held.bearer)
    assert again.json()["items"][0]["outcome"] == "accepted"


async def test_a_project_that_is_held_up_costs_its_batch_mates_seconds_and_no_event(stage: Stage) -> None:
    held, other = await stage.tenant(), await stage.tenant()
    for tenant in (held, other):
        await stage.ingest.post("/api/ingest", json={"message": "first"}, headers=tenant.bearer)
    async with await psycopg.AsyncConnection.connect(stage.database_url) as conn:
        await conn.execute("SELECT FROM incidents WHERE project_id = %s FOR NO KEY UPDATE", [held.project_id])
        # Three at once: the first is written alone, the other two wait for it and share the next batch.
        posts = [stage.ingest.post("/api/ingest", json={"message": "first"}, headers=t.bearer) for t in (other, held, other)]
        answers = await asyncio.gather(*posts)
    assert [answer.status_code for answer in answers] == [200, 503, 200]


async def test_what_nobody_foresaw_is_answered_in_the_protocols_own_form(stage: Stage, monkeypatch: Any) -> None:
    tenant = await stage.tenant()

    def broken(*_: Any) -> None:
        raise RuntimeError("canary-7f3a")

    monkeypatch.setattr("lib.intake.prepare", broken)
    sentry = await stage.ingest.post(f"/api/{tenant.project_id}/store/", json={"message": "x"}, headers=tenant.sentry_auth)
    plain = await stage.ingest.post("/api/ingest", json={"message": "x"}, headers=tenant.bearer)
    for answer in (sentry, plain):
        assert answer.status_code == 500
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "canary" not in answer.text
    assert set(sentry.json()) == {"detail"}
    assert sentry.headers["x-sentry-error"]
    assert plain.headers["content-type"] == "application/problem+json"


async def test_an_envelope_for_another_project_is_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    dsn = f"https://{tenant.key}@sensra.test/{tenant.project_id + 999_999}"
    body = b'{"dsn":"%b"}\n{"type":"event"}\n{"message":"x"}\n' % dsn.encode()
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=body, headers=tenant.sentry_auth)
    assert answer.status_code == 403


async def test_a_key_at_its_limit_is_refused_before_its_body_is_looked_at(stage: Stage) -> None:
    tenant = await stage.tenant(rate_per_minute=1)
    path = f"/api/{tenant.project_id}/envelope/"
    body = b'{}\n{"type":"event"}\n{"message":"x"}\n'
    assert (await stage.ingest.post(path, content=body, headers=tenant.sentry_auth)).status_code == 200
    assert (await stage.ingest.post(path, content=body, headers=tenant.sentry_auth)).status_code == 429
    broken = {**tenant.sentry_auth, "Content-Encoding": "gzip"}
    assert (await stage.ingest.post(path, content=b"no gzip" * 1_000, headers=broken)).status_code == 429
    # What is as small as a client report is opened, but no further than one.
    bomb = gzip.compress(b" " * 500_000)
    assert len(bomb) < ingest.REPORT_BYTES_MAX
    assert (await stage.ingest.post(path, content=bomb, headers=broken)).status_code == 429
