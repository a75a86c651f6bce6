"""The functions over a database of this folder's own, so that its people are nobody else's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import api.cron.alerts
import api.cron.retention
from lib import settings
from local import testing
from tests.api.conftest import Stage, stage
from tests.lib import rows
from tests.lib.test_archives import endpoint, s3

__all__ = ["endpoint", "s3", "stage"]


@pytest.fixture(scope="session")
def database_url(server_url: str, worker_id: str) -> Iterator[str]:
    """A migrated database of this folder."""
    with testing.database(server_url, f"policy_{worker_id}") as url:
        yield url
    rows.close_idle()


class Crons:
    """Runs what Vercel would run."""

    def __init__(self, alerts: httpx.AsyncClient, retention: httpx.AsyncClient) -> None:
        self._alerts, self._retention = alerts, retention

    async def alerts(self) -> dict[str, Any]:
        """What one run sent."""
        answer = await self._alerts.get("/api/cron/alerts")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def retention(self) -> dict[str, Any]:
        """What one run removed."""
        answer = await self._retention.get("/api/cron/retention")
        assert answer.status_code == 200, answer.text
        assert answer.json()["failed"] == []
        return dict(answer.json())


@pytest.fixture
async def crons(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Crons:
    """The scheduled jobs, with their secret."""
    secret = secrets.token_hex(16)
    monkeypatch.setenv("CRON_SECRET", secret)
    settings.current.cache_clear()
    clients = [await stage.client(app) for app in (api.cron.alerts.app, api.cron.retention.app)]
    for client in clients:
        client.headers["Authorization"] = f"Bearer {secret}"
    return Crons(*clients)
