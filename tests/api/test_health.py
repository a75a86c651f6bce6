"""What health says, and what requests answer, when something is missing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

import api.health
import api.ingest
from lib import db, health, settings
from tests.api.conftest import Stage
from tests.conftest import OutboxStandIn


async def test_a_healthy_deployment_says_so(stage: Stage) -> None:
    report = (await stage.health.get("/api/health")).json()
    assert report["status"] == "ok"
    assert report["database"]["schema"]["found"] == report["database"]["schema"]["required"]
    assert report["redis"].pop("ms") > 0
    assert report["redis"] == {"state": "ok", "limits": "shared"}
    assert (await stage.health.get("/api/health/live")).json() == {"status": "ok"}
    assert (await stage.health.get("/api/health/ready")).status_code == 200


@pytest.mark.parametrize(
    ("missing", "state"), [(None, "configured"), ("RESEND_API_KEY", "not_configured"), ("MAIL_FROM", "not_configured")]
)
async def test_it_tells_whether_mails_can_leave(
    stage: Stage, outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch, missing: str | None, state: str
) -> None:
    if missing:
        monkeypatch.delenv(missing)
        settings.current.cache_clear()
    assert (await stage.health.get("/api/health")).json()["mail"] == {"state": state}


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (None, "they wait for the next request"),
        ("PUBLIC_URL", "Set PUBLIC_URL"),
        ("CRON_SECRET", "Set PUBLIC_URL and CRON_SECRET"),
    ],
)
async def test_it_says_what_is_best_effort_where_the_cron_runs_once_a_day(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, missing: str | None, told: str
) -> None:
    for name, value in {"PUBLIC_URL": "https://sensra.test", "CRON_SECRET": "secret"}.items():
        monkeypatch.setenv(name, "" if name == missing else value)
    settings.current.cache_clear()
    waking = (await stage.health.get("/api/health")).json()["waking"]
    assert waking["state"] == ("not_configured" if missing else "configured")
    assert told in waking["detail"]


async def test_without_redis_it_is_degraded_and_events_are_still_taken(stage: Stage) -> None:
    tenant = await stage.tenant()
    stage.redis.upstash.mode = "hang"
    answer = await stage.ingest.post("/api/ingest", json={"message": "still here"}, headers=tenant.bearer)
    assert answer.status_code == 200
    report = (await stage.health.get("/api/health")).json()
    assert report["status"] == "degraded"
    assert report["redis"] == {"state": "failing", "limits": "per_instance"}


async def test_without_the_database_nothing_is_accepted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    settings.current.cache_clear()
    client = await stage.client(api.ingest.app)
    answer = await client.post("/api/ingest", json={"message": "lost?"}, headers=tenant.bearer)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    sentry = await client.post(f"/api/{tenant.project_id}/store/", json={"message": "lost?"}, headers=tenant.sentry_auth)
    assert sentry.status_code == 503
    assert set(sentry.json()) == {"detail"}
    other = await stage.client(api.health.app)
    ready = await other.get("/api/health/ready")
    assert ready.status_code == 503
    assert (await other.get("/api/health")).json()["status"] == "down"


async def test_until_the_schema_fits_requests_say_what_to_run(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.rows("UPDATE schema_migrations SET version = version - 1000")
    try:
        client = await stage.client(api.ingest.app)
        answer = await client.post("/api/ingest", json={"message": "too early"}, headers=tenant.bearer)
        assert answer.status_code == 503
        assert "make migrate" in answer.json()["detail"]
        assert (await stage.health.get("/api/health")).json()["database"]["state"] == "schema_outdated"
    finally:
        await stage.rows("UPDATE schema_migrations SET version = version + 1000")


async def test_questions_of_strangers_open_no_connection_each(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = 0
    connect = db.connect

    async def counted() -> db.Connection:
        nonlocal opened
        opened += 1
        return await connect()

    monkeypatch.setattr(db, "connect", counted)
    monkeypatch.setattr(health, "REPORT_SECONDS", 0.3)
    paths = ["/api/health", "/api/health/ready", "/api/health/live"] * 30
    answers = await asyncio.gather(*(stage.health.get(path) for path in paths))
    assert {answer.status_code for answer in answers} == {200}
    await stage.health.get("/api/health")
    assert opened == 1
    await asyncio.sleep(0.35)
    await stage.health.get("/api/health")
    assert opened == 2
    await stage.health.get("/api/health/live")
    assert opened == 2


async def test_missing_partitions_of_either_table_are_named(stage: Stage) -> None:
    await stage.tenant(retention_days=90)
    partitions = (await stage.health.get("/api/health")).json()["database"]["partitions"]
    assert {name: found["missing"] for name, found in partitions.items()} == {"events": [], "event_payloads": []}
    day = datetime.now(UTC).date() + timedelta(days=91)
    await stage.rows(f"ALTER TABLE event_payloads DETACH PARTITION event_payloads_{day:%Y%m%d}")
    try:
        other = await stage.client(api.health.app)
        partitions = (await other.get("/api/health")).json()["database"]["partitions"]
        assert {name: found["missing"] for name, found in partitions.items()} == {
            "events": [], "event_payloads": [day.isoformat()],
        }  # fmt: skip
    finally:
        span = f"FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        await stage.rows(f"ALTER TABLE event_payloads ATTACH PARTITION event_payloads_{day:%Y%m%d} {span}")


async def test_it_tells_how_long_the_oldest_message_is_overdue(stage: Stage) -> None:
    tenant = await stage.tenant()
    insert = (
        "INSERT INTO deliveries (workspace_id, id, purpose, kind, content, idempotency_key, next_try_at)"
        " SELECT workspace_id, gen_random_uuid(), 'test', 'slack', '{}', 'overdue/' || n, now() - n * interval '1 hour'"
        " FROM projects, unnest(array[-1, 1, 5]) n WHERE id = %s"
    )
    await stage.rows(insert, tenant.project_id)
    try:
        found = (await health.database())["deliveries"]
        assert found["oldest_due_seconds"] >= 5 * 3_600
        assert found["waiting"] >= 3
    finally:
        await stage.rows("DELETE FROM deliveries WHERE idempotency_key LIKE %s", "overdue/%")
