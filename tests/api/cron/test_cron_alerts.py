"""The alerts cron over HTTP: only its secret starts it, it may overlap itself, and functions wake it after their answers."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator

import httpx
import pytest

import api.cron.alerts
import api.health
import api.ingest
from lib import db, deliveries, settings, waking
from local import serving
from local.folders import ROOT
from local.routing import Router
from tests.api.conftest import Stage
from tests.conftest import SinkStandIn

PATH = "/api/cron/alerts"


@pytest.fixture
def secret(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> str:
    made = secrets.token_hex(16)
    monkeypatch.setenv("CRON_SECRET", made)
    settings.current.cache_clear()
    return made


@pytest.fixture
async def cron(stage: Stage, secret: str) -> httpx.AsyncClient:
    client = await stage.client(api.cron.alerts.app)
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


async def settle(stage: Stage) -> None:
    """Let nothing wait that other tests left."""
    await stage.rows(
        "UPDATE transitions SET handled_at = coalesce(handled_at, now()), considered_at = now()"
        " WHERE considered_at IS NULL OR handled_at IS NULL"
    )
    for table in ("deliveries", "alerts", "alert_watches", "notices"):
        await stage.rows(f"DELETE FROM {table}")


async def enqueue(stage: Stage, sink: SinkStandIn) -> None:
    """One delivery to the sink, and nothing else that waits."""
    await settle(stage)
    tenant = await stage.tenant()
    await stage.rows(
        "INSERT INTO channels (project_id, kind, name, target) VALUES (%s, 'webhook', 'Ops',"
        " jsonb_build_object('url', %s::text, 'secret', %s::text))",
        tenant.project_id, f"{sink.url}/local/sink/webhook", sink.secret,
    )  # fmt: skip
    await stage.rows(
        "INSERT INTO deliveries (workspace_id, id, project_id, channel_id, purpose, kind, content, idempotency_key)"
        " SELECT %s, gen_random_uuid(), project_id, id, 'test', 'webhook', '{\"body\": {}}', 'k'"
        " FROM channels WHERE project_id = %s AND kind = 'webhook'",
        tenant.workspace_id, tenant.project_id,
    )  # fmt: skip


async def arrivals(sink: SinkStandIn, number: int, seconds: float = 5) -> None:
    """Return once so many posts came, or the time is up."""
    deadline = time.monotonic() + seconds
    while len(sink.posts) < number and time.monotonic() < deadline:  # noqa: ASYNC110 - they come in another thread
        await asyncio.sleep(0.02)


async def over(stage: Stage) -> None:
    """Return once no run is under way."""
    for _ in range(500):
        if await stage.rows("SELECT 1 FROM cron_runs WHERE job = 'alerts' AND finished_at >= started_at"):
            return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_run_sends_what_is_due_and_health_tells(
    stage: Stage, cron: httpx.AsyncClient, sink: SinkStandIn, method: str
) -> None:
    await enqueue(stage, sink)
    await stage.rows("UPDATE deliveries SET next_try_at = now() - interval '1 day'")  # no cron came for so long
    other = await stage.client(api.health.app)
    before = (await other.get("/api/health")).json()["database"]["deliveries"]
    assert before["waiting"] == 1
    assert 86_400 <= before["oldest_due_seconds"] < 90_000
    answer = await cron.request(method, PATH)
    assert (answer.status_code, answer.json()["sent"]) == (200, 1)
    assert len(sink.posts) == 1
    other = await stage.client(api.health.app)
    database = (await other.get("/api/health")).json()["database"]
    assert database["alerts"] == {"waiting": 0, "oldest_due_seconds": None}
    assert database["deliveries"] == {"waiting": 0, "oldest_due_seconds": None, "dead_within_a_day": 0}
    [told] = [one for one in database["crons"] if one["job"] == "alerts"]
    assert told["finished_at"] >= told["started_at"]
    assert told["report"]["sent"] == 1


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic {secret}", "{secret}", "Bearer {secret}x"])
@pytest.mark.parametrize("path", [PATH, f"{PATH}?answer=first"])
async def test_nobody_starts_it_without_its_secret(
    stage: Stage, cron: httpx.AsyncClient, sink: SinkStandIn, secret: str, header: str | None, path: str
) -> None:
    await enqueue(stage, sink)
    cron.headers.pop("Authorization")
    answer = await cron.get(path, headers={} if header is None else {"Authorization": header.format(secret=secret)})
    assert answer.status_code == 401
    assert secret not in answer.text
    assert not sink.posts


async def test_without_a_secret_it_says_what_is_missing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRON_SECRET", raising=False)
    settings.current.cache_clear()
    client = await stage.client(api.cron.alerts.app)
    answer = await client.get(PATH, headers={"Authorization": "Bearer "})
    assert (answer.status_code, answer.json()["title"]) == (503, "Not configured")


async def test_runs_that_overlap_send_once(stage: Stage, cron: httpx.AsyncClient, sink: SinkStandIn) -> None:
    await enqueue(stage, sink)
    answers = await asyncio.gather(*(cron.get(PATH) for _ in range(5)))
    assert sum(answer.json().get("sent", 0) for answer in answers) == 1
    assert len(sink.posts) == 1


def test_the_scheduler_reaches_it() -> None:
    found = Router(ROOT).find(PATH, "answer=first")
    assert found is not None
    assert found.file == ROOT / "api" / "cron" / "alerts.py"


@pytest.fixture
def follow_up(stage: Stage, secret: str, sink: SinkStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The cron function behind a port, where functions wake it."""
    fresh = waking.Waker()
    monkeypatch.setattr(waking, "want", fresh.want)
    monkeypatch.setattr(waking, "see_to_it", fresh.see_to_it)
    monkeypatch.setattr(waking, "ROUTINE_SECONDS", 1e9)
    with serving.in_thread(api.cron.alerts.app) as url:
        monkeypatch.setenv("PUBLIC_URL", url)
        settings.current.cache_clear()
        yield url


async def test_it_answers_first_where_it_is_woken(stage: Stage, follow_up: str, secret: str, sink: SinkStandIn) -> None:
    await enqueue(stage, sink)
    sink.failing.coming.append("hang")
    async with httpx.AsyncClient(base_url=follow_up, headers={"Authorization": f"Bearer {secret}"}) as client:
        began = time.monotonic()
        assert [(await client.post(waking.PATH)).status_code for _ in range(3)] == [202] * 3
        assert time.monotonic() - began < 8  # the first sends to a receiver that hangs for ten seconds


async def test_an_event_that_makes_an_incident_wakes_it_and_one_that_does_not_leaves_it_alone(
    stage: Stage, follow_up: str, sink: SinkStandIn
) -> None:
    tenant = await stage.tenant()
    # The sweep itself writes nothing then; here it shares a process, and so a waker, with what wakes it.
    await stage.rows("DELETE FROM alert_rules WHERE project_id = %s", tenant.project_id)
    for expected in (1, 0):
        await enqueue(stage, sink)
        posts = len(sink.posts)
        answer = await stage.ingest.post("/api/ingest", json={"message": "the same"}, headers=tenant.bearer)
        assert answer.status_code == 200
        await arrivals(sink, posts + 1, 5 if expected else 0.5)
        assert len(sink.posts) - posts == expected, expected
        await over(stage)


async def test_a_delivery_that_a_function_writes_wakes_it(stage: Stage, follow_up: str, sink: SinkStandIn) -> None:
    """An invitation does not wait for the cron."""
    await enqueue(stage, sink)
    tenant = await stage.tenant()
    async with await db.connect(stage.database_url) as conn:
        await deliveries.enqueue_mail(conn, tenant.workspace_id, None, "a@example.com", "invitation", {}, idempotency_key="i")
    answer = await stage.ingest.get("/api/nothing")
    assert answer.status_code == 404
    await arrivals(sink, 1)
    assert len(sink.posts) == 1
