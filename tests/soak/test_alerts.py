"""Alerts for long: a hundred kills, how many deliveries leave a second, and ingest beside it all."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bench import instance
from bench.load import Connection, Target, prepare
from lib import deliveries, keys
from lib.alerts import sweep
from tests.api.served import serve
from tests.lib.alerts.conftest import alerting
from tests.lib.alerts.kills import survive
from tests.lib.alerts.stage import Alerting
from tests.lib.rows import ask, make_project
from tests.soak.load import event

__all__ = ["alerting"]  # the fixture

DELIVERIES = 3_000
WORKSPACES = 60
PER_SECOND_MIN = 30
CLIENTS = 4
MEASURED_SECONDS = 12.0
NEW_SHARE = 0.05  # of the events, each a new incident
P95_TIMES_MAX, P95_MORE_MS_MAX = 2.0, 15.0


@pytest.mark.timeout(600)
async def test_a_hundred_kills_lose_nothing_and_double_nothing(alerting: Alerting) -> None:
    await survive(alerting, kills=100, mails=500)


@pytest.mark.timeout(300)
async def test_how_many_deliveries_leave_a_second(
    alerting: Alerting,
    tmp_path: Path,
    tell: Any,
) -> None:
    with serve("tests.soak.receiver:app", tmp_path) as receiver:
        target = {"url": f"{receiver.url}/quick", "secret": alerting.sink.secret}
        began = time.monotonic()
        async with alerting.database.transaction() as conn:
            for number in range(WORKSPACES):
                place = await channel(alerting.url, await make_project(alerting.url), target)
                for _ in range(DELIVERIES // WORKSPACES):
                    new = deliveries.New(*place, "test", "webhook", None, {"body": {"n": number}}, uuid.uuid4().hex)
                    await deliveries.enqueue(conn, new, now=alerting.now)
        made_seconds = time.monotonic() - began
        began = time.monotonic()
        found = await sweep.run(alerting.database, lambda: alerting.now)
        sent_seconds = time.monotonic() - began
    per_second = round(DELIVERIES / sent_seconds)
    tell({"deliveries": DELIVERIES, "made_per_second": round(DELIVERIES / made_seconds), "sent_per_second": per_second})
    assert found["sent"] == DELIVERIES
    assert per_second > PER_SECOND_MIN


async def channel(url: str, project_id: int, target: dict[str, str]) -> tuple[int, int, int]:
    """(workspace, project, channel) of a webhook that gets everything new, in production or not."""
    [(workspace_id, channel_id)] = await ask(
        url,
        "INSERT INTO channels (project_id, kind, name, digest_minutes, hourly_max, target)"
        " SELECT id, 'webhook', 'Ops', 0, 120, jsonb_build_object('url', %s::text, 'secret', %s::text) FROM projects"
        " WHERE id = %s"
        " RETURNING (SELECT workspace_id FROM projects WHERE id = project_id), id",
        target["url"], target["secret"], project_id,
    )  # fmt: skip
    return workspace_id, project_id, channel_id


class Clients:
    """Clients that send one event after the other, some of them never seen before, and measure each answer."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._chance = random.Random(5)

    async def p95_ms(self, seconds: float) -> float:
        """Over so long."""
        ends, taken = time.monotonic() + seconds, []

        async def send() -> None:
            connection = Connection(self._target)
            while time.monotonic() < ends:
                known = self._chance.randrange(60)
                number = known if self._chance.random() > NEW_SHARE else self._chance.randrange(10**9)
                [prepared] = prepare(self._target, [event(number)])
                began = time.perf_counter()
                assert await connection.send(prepared.request) == 200
                taken.append(1_000 * (time.perf_counter() - began))
            connection.close()

        await asyncio.gather(*(send() for _ in range(CLIENTS)))
        return round(sorted(taken)[int(0.95 * len(taken))], 1)


@pytest.mark.timeout(300)
async def test_ingest_is_what_it_was_while_alerts_run_and_their_receivers_hang(
    alerting: Alerting,
    tmp_path: Path,
    tell: Any,
) -> None:
    for name in ("receiver", "cron", "plain", "waking"):
        (tmp_path / name).mkdir()
    async with await psycopg.AsyncConnection.connect(alerting.url, autocommit=True, row_factory=dict_row) as conn:
        key = await keys.issue(conn, alerting.project_id, "soak", rate_per_minute=60_000_000)
    await ask(alerting.url, "UPDATE projects SET fingerprints_per_minute_max = 1000000 WHERE id = %s", alerting.project_id)
    secret = secrets.token_hex(16)
    database = {"DATABASE_URL": alerting.url, "UPSTASH_REDIS_REST_URL": "", "KV_REST_API_URL": ""}
    with serve("tests.soak.receiver:app", tmp_path / "receiver") as receiver:
        target = {"url": f"{receiver.url}/hanging", "secret": alerting.sink.secret}
        _, project_id, channel_id = await channel(alerting.url, alerting.project_id, target)
        insert = "INSERT INTO alert_rule_channels SELECT project_id, id, %s FROM alert_rules WHERE project_id = %s"
        await ask(alerting.url, insert, channel_id, project_id)
        with serve("api.ingest:app", tmp_path / "plain", **database, CRON_SECRET="", PUBLIC_URL="") as plain:
            before = Clients(Target(instance.HOST, plain.port, key.secret, str(project_id)))
            await before.p95_ms(2)
            before_ms = await before.p95_ms(MEASURED_SECONDS)
        cron_environment = {**database, "CRON_SECRET": secret, "OUTBOUND_PRIVATE_ALLOWED": "1"}
        with serve("api.cron.alerts:app", tmp_path / "cron", **cron_environment) as cron:
            environment = {**database, "CRON_SECRET": secret, "PUBLIC_URL": cron.url}
            with serve("api.ingest:app", tmp_path / "waking", **environment) as woken:
                during = Clients(Target(instance.HOST, woken.port, key.secret, str(project_id)))
                await during.p95_ms(2)
                during_ms = await during.p95_ms(MEASURED_SECONDS)
            swept = [line for line in cron.log() if line.get("event") == "request" and line["status"] == 202]
    [(followed, tried)] = await ask(
        alerting.url,
        "SELECT (SELECT count(*) FROM transitions WHERE handled_at IS NOT NULL AND project_id = %s),"
        " (SELECT count(*) FROM attempts a JOIN deliveries d ON d.workspace_id = a.workspace_id AND d.id = a.delivery_id"
        "   WHERE d.project_id = %s)",
        project_id, project_id,
    )  # fmt: skip
    tell({
        "p95_ms_without_alerts": before_ms, "p95_ms_with_alerts": during_ms, "sweeps": len(swept), "tries": tried,
        "transitions_followed": followed,
    })  # fmt: skip
    assert swept
    assert followed
    assert tried
    assert during_ms < P95_TIMES_MAX * before_ms + P95_MORE_MS_MAX
