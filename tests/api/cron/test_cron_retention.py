"""The retention cron over HTTP: only its secret starts it, and health tells what it did."""

from __future__ import annotations

import secrets

import httpx
import pytest

import api.cron.retention
from lib import settings
from local.folders import ROOT
from local.routing import Router
from tests.api.conftest import Stage
from tests.lib.expiring import record_expired

PATH = "/api/cron/retention"


@pytest.fixture
def secret(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> str:
    made = secrets.token_hex(16)
    monkeypatch.setenv("CRON_SECRET", made)
    settings.current.cache_clear()
    return made


@pytest.fixture
async def cron(stage: Stage, secret: str) -> httpx.AsyncClient:
    return await stage.client(api.cron.retention.app)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_run_removes_what_has_expired_and_health_tells(
    stage: Stage, cron: httpx.AsyncClient, secret: str, method: str
) -> None:
    tenant = await stage.tenant()
    await record_expired(stage.database_url, tenant.project_id)
    answer = await cron.request(method, PATH, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert answer.json()["payloads"]["rows"] >= 3
    assert await stage.rows("SELECT 1 FROM event_payloads WHERE project_id = %s", tenant.project_id) == []
    [told] = [one for one in (await stage.health.get("/api/health")).json()["database"]["crons"] if one["job"] == "retention"]
    assert told["report"] == answer.json()
    assert told["finished_at"] >= told["started_at"]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {secret}", "{secret}", "Bearer {secret}x", "Bearer {secret} {secret}"],
)
async def test_nobody_starts_a_job_without_its_secret(
    stage: Stage, cron: httpx.AsyncClient, secret: str, header: str | None
) -> None:
    tenant = await stage.tenant()
    await record_expired(stage.database_url, tenant.project_id)
    headers = {} if header is None else {"Authorization": header.format(secret=secret)}
    answer = await cron.get(PATH, headers=headers)
    assert answer.status_code == 401
    assert secret not in answer.text
    assert len(await stage.rows("SELECT 1 FROM event_payloads WHERE project_id = %s", tenant.project_id)) == 3


@pytest.mark.parametrize("header", ["Bearer ", "Bearer None"])
async def test_without_a_secret_in_the_settings_nobody_starts_a_job(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.delenv("CRON_SECRET", raising=False)
    settings.current.cache_clear()
    client = await stage.client(api.cron.retention.app)
    answer = await client.get(PATH, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["title"]) == (503, "Not configured")


def test_the_local_host_serves_crons_where_vercel_does() -> None:
    found = Router(ROOT).find(PATH, "")
    assert found
    assert found.file == ROOT / "api" / "cron" / "retention.py"


async def test_a_deleted_projects_key_and_pages_end(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.rows("UPDATE projects SET deleted_at = now() WHERE id = %s", tenant.project_id)
    sent = await stage.ingest.post("/api/ingest", json={"message": "too late"}, headers=tenant.bearer)
    assert sent.status_code == 401
    read = await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents", headers=stage.alice())
    assert read.status_code == 404
