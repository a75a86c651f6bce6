"""PostgreSQL and the function are killed again and again in the middle of load: what was promised is there, once."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from bench import instance
from bench.load import Target
from db import migrate
from lib import keys
from local import children
from local.folders import ROOT
from tests.api import read_back
from tests.api.conftest import Tenant
from tests.lib.rows import counts, make_project
from tests.soak.conftest import Durable
from tests.soak.load import Load

CLIENTS = 16
INSTANCES = 2
ROUNDS = 8  # of four kills each
BETWEEN_SECONDS = (0.4, 1.6)
RECOVERED_EVENTS = 50
RECOVERY_SECONDS_MAX = 30.0
RATE_PER_MINUTE = 60_000_000
BACKENDS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


class Instances:
    """Several instances of ingest on one port, as Vercel would run them."""

    def __init__(self, url: str, port: int) -> None:
        self._command = [sys.executable, "-m", "bench.instance", "api.ingest:app", str(port)]
        environment = os.environ | {"DATABASE_URL": url, "UPSTASH_REDIS_REST_URL": "", "KV_REST_API_URL": ""}
        self._options: dict[str, Any] = {"cwd": ROOT, "env": environment, "stdout": subprocess.DEVNULL}
        self._processes = [self._spawn() for _ in range(INSTANCES)]

    def _spawn(self) -> subprocess.Popen[bytes]:
        return children.spawn(self._command, **self._options)

    def kill_one(self) -> None:
        """kill -9, and another takes its place."""
        process = self._processes.pop(0)
        process.kill()
        process.wait()
        self._processes.append(self._spawn())

    def stop(self) -> None:
        """Leave nothing running."""
        for process in self._processes:
            children.stop(process, signal.SIGTERM)


@contextmanager
def serving(url: str) -> Iterator[tuple[Instances, int]]:
    with instance.reserve() as reserved:
        port = reserved.getsockname()[1]
        instances = Instances(url, port)
        try:
            yield instances, port
        finally:
            instances.stop()


async def make_tenant(url: str) -> Tenant:
    await migrate.migrate(url)
    project_id = await make_project(url, events_per_minute_max=RATE_PER_MINUTE, payloads_per_day=1_000_000)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as conn:
        key = await keys.issue(conn, project_id, "soak", rate_per_minute=RATE_PER_MINUTE)
    return Tenant(0, project_id, key.key_id, key.secret)


def kill_backend(url: str) -> None:
    """One of the server's processes: PostgreSQL then ends all others and recovers, as after a crash in C code."""
    with psycopg.connect(url, autocommit=True) as conn:
        pids = [pid for (pid,) in conn.execute(BACKENDS)]
    for pid in pids[:1]:
        os.kill(pid, signal.SIGKILL)


def wait_until_it_goes_on(load: Load) -> None:
    """Return when some more events are taken."""
    began, before = time.monotonic(), len(load.promised)
    while len(load.promised) < before + RECOVERED_EVENTS:
        assert time.monotonic() - began < RECOVERY_SECONDS_MAX, load.statuses
        time.sleep(0.01)


def restart(durable: Durable) -> None:
    durable.kill()
    durable.start()


@pytest.mark.timeout(600)
def test_what_was_promised_is_there_once_whatever_was_killed(durable: Durable, tell: Any) -> None:
    tenant = asyncio.run(make_tenant(durable.url))
    chance = random.Random(3)
    with serving(durable.url) as (instances, port):
        load = Load(Target(instance.HOST, port, tenant.key, str(tenant.project_id)), CLIENTS)
        kills = [lambda: restart(durable), instances.kill_one, lambda: kill_backend(durable.url), instances.kill_one]
        recoveries = []
        with load.running():
            wait_until_it_goes_on(load)
            for kill in itertools.chain(*[kills] * ROUNDS):
                time.sleep(chance.uniform(*BETWEEN_SECONDS))
                began = time.monotonic()
                kill()
                wait_until_it_goes_on(load)
                recoveries.append(time.monotonic() - began)
    found = asyncio.run(check(durable.url, tenant, load))
    tell({"kills": len(recoveries), "slowest_recovery_seconds": round(max(recoveries), 2), **found})


async def check(url: str, tenant: Tenant, load: Load) -> dict[str, Any]:
    """Nothing lost, nothing doubled, nothing by halves."""
    stored = set(await read_back.stored(url, tenant))
    assert load.promised <= stored, "a promise was broken"
    assert stored <= load.sent
    found = await counts(url, tenant.project_id)
    assert set(found.values()) == {len(stored)}, found
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        wrong = await (await conn.execute(INCIDENTS_THAT_DIFFER)).fetchall()
        news = await (await conn.execute(NEWS)).fetchall()
    assert wrong == []
    assert news == [(0,)], "each incident was announced once"
    assert set(load.statuses) <= {0, 200, 503}, load.statuses
    return {
        "sent": len(load.sent), "promised": len(load.promised), "stored": len(stored), "statuses": dict(load.statuses),
        "slowest_answer_seconds": round(load.slowest_seconds, 2),
    }  # fmt: skip


INCIDENTS_THAT_DIFFER = b"""
    SELECT i.id, i.event_count, count(e.event_id)
      FROM incidents i
      JOIN incident_fingerprints f ON f.project_id = i.project_id AND f.incident_id = i.id
      LEFT JOIN events e ON e.project_id = f.project_id AND e.fingerprint = f.fingerprint
     GROUP BY i.project_id, i.id, i.event_count
    HAVING i.event_count <> count(e.event_id)"""
NEWS = b"""
    SELECT count(*)
      FROM incidents i
     WHERE 1 <> (SELECT count(*) FROM transitions t
                  WHERE t.project_id = i.project_id AND t.incident_id = i.id AND t.kind = 'new')"""
