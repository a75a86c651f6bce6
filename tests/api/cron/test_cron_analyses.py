"""The alerts cron explains incidents too: beside the alerts, and never before them."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import Counter

import httpx
import pytest

import api.cron.alerts
import api.health
from lib import clock, db, deliveries, settings
from lib.alerts import sending, telling
from lib.analysis import jobs
from lib.analysis.sweeping import ANALYSIS_MAX
from local.folders import ROOT
from tests.api.conftest import Stage, Tenant
from tests.api.cron.test_cron_alerts import PATH, arrivals, settle
from tests.api.test_incidents import send
from tests.conftest import ModelStandIn, SinkStandIn


@pytest.fixture
async def cron(stage: Stage, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    """The function, where the model is set up and nothing of other tests waits."""
    secret = secrets.token_hex(16)
    for name, value in {
        "CRON_SECRET": secret, "OPENAI_BASE_URL": model_stand_in.url, "OPENAI_API_KEY": model_stand_in.key,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    await settle(stage)
    await stage.rows("TRUNCATE analyses, analysis_watch, analysis_months, analysis_spending")
    client = await stage.client(api.cron.alerts.app)
    client.headers["Authorization"] = f"Bearer {secret}"
    return client


async def enqueue(stage: Stage, sink: SinkStandIn) -> None:
    """One delivery to the sink."""
    tenant = await stage.tenant()
    await stage.rows(
        "WITH made AS (INSERT INTO channels (project_id, kind, name, target)"
        "  VALUES (%s, 'webhook', 'Ops', jsonb_build_object('url', %s::text, 'secret', %s::text)) RETURNING project_id, id)"
        " INSERT INTO deliveries (workspace_id, id, project_id, channel_id, purpose, kind, content, idempotency_key)"
        " SELECT %s, gen_random_uuid(), project_id, id, 'test', 'webhook', '{\"body\": {}}', 'k' FROM made",
        tenant.project_id, f"{sink.url}/local/sink/webhook", sink.secret, tenant.workspace_id,
    )  # fmt: skip


async def states(stage: Stage, tenant: Tenant) -> list[str]:
    rows = await stage.rows("SELECT state FROM analyses WHERE project_id = %s ORDER BY id", tenant.project_id)
    return [row["state"] for row in rows]


async def test_a_run_explains_what_is_new_and_health_and_usage_tell(stage: Stage, cron: httpx.AsyncClient) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    answer = await cron.get(PATH)
    assert (answer.status_code, answer.json()["analyses"]["done"]) == (200, 1)
    assert await states(stage, tenant) == ["done"]
    other = await stage.client(api.health.app)
    report = (await other.get("/api/health")).json()
    assert report["analysis"] == {"state": "configured"}
    assert report["database"]["analyses"] == {"waiting": 0, "oldest_due_seconds": None, "provider_paused": False}
    [told] = [one for one in report["database"]["crons"] if one["job"] == "analyses"]
    assert told["report"]["done"] == 1
    usage = await stage.projects.get(f"/api/projects/{tenant.project_id}/usage", headers=stage.alice())
    assert usage.json()["months"][0]["analysis_count"] == 1


@pytest.mark.parametrize(
    ("ends_after", "tail"),
    [
        (api.cron.alerts.ALERTS_SECONDS, sending.SEND_TIMEOUT_SECONDS),
        (api.cron.alerts.ANALYSES_SECONDS, 0),
        (api.cron.alerts.LAST_SECONDS, sending.SEND_TIMEOUT_SECONDS),
    ],
)
def test_all_is_over_before_the_function_is_and_a_lease_outlives_both(ends_after: float, tail: float) -> None:
    lives = json.loads((ROOT / "vercel.json").read_text())["functions"]["api/cron/alerts.py"]["maxDuration"]
    assert ends_after + tail + 10 <= lives
    assert deliveries.LEASE.total_seconds() > lives + sending.SEND_TIMEOUT_SECONDS
    assert jobs.LEASE.total_seconds() > lives
    after_alerts = api.cron.alerts.ALERTS_SECONDS + sending.SEND_TIMEOUT_SECONDS
    assert api.cron.alerts.ANALYSES_SECONDS - after_alerts > ANALYSIS_MAX.total_seconds(), (
        "receivers that hang starve no analysis"
    )


async def test_what_a_run_waited_for_is_of_the_time_that_it_has(stage: Stage) -> None:
    given: list[float] = []

    async def sweep_once(_database: db.Database, _at: clock.Clock, seconds: float) -> Counter[str]:
        given.append(seconds)
        await asyncio.sleep(0.2)
        return Counter()

    database = db.Database(stage.database_url)
    sweeper = api.cron.alerts.Sweeper(database, "test", 25.0, sweep_once)
    came_at = time.monotonic() - 5
    await asyncio.gather(sweeper.run(came_at), sweeper.run(came_at))
    await database.close()
    assert given[0] <= 20
    assert given[1] <= given[0] - 0.2


async def test_runs_that_overlap_explain_once(stage: Stage, cron: httpx.AsyncClient, model_stand_in: ModelStandIn) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    await asyncio.gather(*(cron.get(PATH) for _ in range(5)))
    assert await states(stage, tenant) == ["done"]
    assert len(model_stand_in.model.asked) == 1


async def test_a_model_that_hangs_holds_up_no_alert(
    stage: Stage, cron: httpx.AsyncClient, sink: SinkStandIn, model_stand_in: ModelStandIn
) -> None:
    model_stand_in.model.mode = "hang"
    tenant = await stage.tenant()
    await send(stage, tenant)
    first = asyncio.create_task(cron.get(PATH))
    while not model_stand_in.model.asked:  # noqa: ASYNC110 - it is asked in another thread
        await asyncio.sleep(0.02)
    await enqueue(stage, sink)
    second = asyncio.create_task(cron.get(PATH))
    await arrivals(sink, 1)
    assert len(sink.posts) == 1
    assert not first.done()
    model_stand_in.model.mode = "work"
    assert [answer.status_code for answer in await asyncio.gather(first, second)] == [200, 200]


async def test_a_person_who_asks_wakes_it(stage: Stage, cron: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib import waking

    wanted: list[bool] = []
    monkeypatch.setattr(waking, "want", lambda: wanted.append(True))
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    wanted.clear()
    answer = await stage.incidents.post(f"/api/projects/{tenant.project_id}/incidents/{incident}/analysis", headers=stage.bob())
    assert answer.status_code == 201
    assert wanted == [True]


async def test_a_message_tells_what_the_analysis_says(stage: Stage, cron: httpx.AsyncClient) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    await cron.get(PATH)
    alert = {"incident_id": incident, "kind": "new", "reason": "new", "event_id": None, "environment": None, "release": None}
    async with await db.connect(stage.database_url) as conn:
        [item], _ = await telling.items_of(conn, tenant.project_id, [alert])
    assert item.explained
    assert item.explained.summary.startswith("Payment failed is raised in")
