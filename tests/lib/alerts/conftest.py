"""The stage of alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lib import db, settings
from lib.recording import Recorder
from tests.conftest import OutboxStandIn, SinkStandIn
from tests.lib.alerts.stage import Alerting


@pytest.fixture
async def alerting(
    database_url: str, sink: SinkStandIn, outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Alerting]:
    monkeypatch.setenv("PUBLIC_URL", "https://sensra.test")
    settings.current.cache_clear()
    database, recorder = db.Database(database_url), Recorder(lambda: db.connect(database_url))
    made = Alerting(database_url, database, recorder, outbox, sink)
    await made.begin()
    yield made
    await recorder.close()
    await database.close()
    settings.current.cache_clear()
