"""What health says, and what requests answer, when something is missing."""

from __future__ import annotations

import pytest

import api.ingest
from lib import settings
from tests.api.conftest import Stage


async def test_a_healthy_deployment_says_so(stage: Stage) -> None:
    report = (await stage.health.get("/api/health")).json()
    assert report["status"] == "ok"
    assert report["database"]["schema"]["found"] == report["database"]["schema"]["required"]
    assert report["redis"] == {"state": "ok"}
    assert (await stage.health.get("/api/health/live")).json() == {"status": "ok"}
    assert (await stage.health.get("/api/health/ready")).status_code == 200


async def test_without_redis_it_is_degraded_and_events_are_still_taken(stage: Stage) -> None:
    tenant = await stage.tenant()
    stage.redis.upstash.mode = "hang"
    answer = await stage.ingest.post("/api/ingest", json={"message": "still here"}, headers=tenant.bearer)
    assert answer.status_code == 200
    assert (await stage.health.get("/api/health")).json()["status"] == "degraded"


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
    ready = await stage.health.get("/api/health/ready")
    assert ready.status_code == 503
    assert (await stage.health.get("/api/health")).json()["status"] == "down"


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
