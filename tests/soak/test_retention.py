"""Retention while events come at full speed: nothing that has not expired goes, nobody deadlocks, and events hardly notice."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from bench import instance
from bench.load import Target
from lib import db, pruning
from tests.api import read_back
from tests.lib.rows import ask, counts, make_project
from tests.soak.conftest import Durable
from tests.soak.load import Load
from tests.soak.test_kills import make_tenant, serving, wait_until_it_goes_on

CLIENTS = 12
# Of each kind, in turn, and one more without: each that removes is held against its neighbours, since a machine has moods.
WINDOWS = 40
WINDOW_SECONDS = 1.5
EXPIRED_DAYS = 3
EXPIRED_EVENTS = 30_000  # of each day
# In a window that removes, a run begins each so many seconds: the cron begins one twice a day.
BETWEEN_RUNS_SECONDS = 1.0
SHARE_MIN = 0.9
EXPIRE = """
    SELECT make_partitions(today() - 500, today() - 500, array[today() - %(day)s]);
    INSERT INTO events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level)
    SELECT %(project)s, gen_random_uuid(), (today() - 500)::timestamp at time zone 'UTC' + n * interval '1 s', gen_random_uuid(),
           now(), today() - %(day)s, 'error' FROM generate_series(1, %(events)s) n;
    INSERT INTO event_ids (project_id, event_id, received_at, fingerprint)
    SELECT project_id, event_id, received_at, fingerprint FROM events
     WHERE project_id = %(project)s AND expires_on = today() - %(day)s;
    INSERT INTO event_payloads (project_id, received_at, event_id, expires_on, dictionary, payload)
    SELECT project_id, received_at, event_id, expires_on, 0, decode(repeat(md5(event_id::text), 63), 'hex')
      FROM events WHERE project_id = %(project)s AND expires_on = today() - %(day)s"""


def expire(url: str, project_id: int, days: range) -> None:
    """Days whose payloads have expired, of another project."""
    with psycopg.connect(url, autocommit=True) as conn:
        for day in days:
            for statement in EXPIRE.split(";"):
                known = {"day": day, "project": project_id, "events": EXPIRED_EVENTS}
                conn.execute(statement.encode(), known)


class Remover:
    """Runs retention again and again while it is let, in a thread of its own; `reports` are what the runs did."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._let, self._over = threading.Event(), threading.Event()
        self._running = threading.Lock()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="retention")
        self.reports: list[dict[str, Any]] = []
        self._thread.start()

    async def _run(self) -> None:
        async with await db.connect(self._url) as conn:
            while not self._over.is_set():
                with self._running:
                    if self._let.is_set():
                        self.reports.append(await pruning.run(conn, 60))
                await asyncio.sleep(BETWEEN_RUNS_SECONDS if self._let.is_set() else 0.02)

    def let(self, yes: bool) -> None:
        """Whether it may begin runs; where not, the last one has ended."""
        if yes:
            self._let.set()
        else:
            self._let.clear()
            with self._running:
                pass

    def stop(self) -> None:
        """Wait until it has ended."""
        self._over.set()
        self._thread.join()


@pytest.mark.timeout(600)
def test_retention_takes_nothing_that_stays_and_little_of_the_speed(durable: Durable, tell: Any) -> None:
    tenant = asyncio.run(make_tenant(durable.url))
    old = asyncio.run(make_project(durable.url))
    expire(durable.url, old, range(1, 1 + EXPIRED_DAYS))
    speeds: dict[bool, list[float]] = {True: [], False: []}
    with serving(durable.url) as (_, port):
        load = Load(Target(instance.HOST, port, tenant.key, str(tenant.project_id)), CLIENTS)
        remover = Remover(durable.url)
        try:
            with load.running():
                wait_until_it_goes_on(load)
                refused = load.statuses[0]  # connections, before the instances listened
                for number in range(2 * WINDOWS + 1):
                    removing = bool(number % 2)
                    remover.let(removing)
                    before, began = len(load.promised), time.monotonic()
                    time.sleep(WINDOW_SECONDS)
                    speeds[removing].append((len(load.promised) - before) / (time.monotonic() - began))
                    if removing:  # something to do again, made while nothing is measured
                        remover.let(False)
                        expire(durable.url, old, range(1, 2))
        finally:
            remover.stop()
    asyncio.run(pruned(durable.url))
    stored = set(asyncio.run(read_back.stored(durable.url, tenant)))
    found = asyncio.run(counts(durable.url, tenant.project_id))
    [(left,)] = asyncio.run(ask(durable.url, "SELECT count(*) FROM event_payloads WHERE project_id = %s", old))
    [(deadlocks,)] = asyncio.run(ask(durable.url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
    around = [(before + after) / 2 for before, after in pairwise(speeds[False])]
    share = statistics.median(one / other for one, other in zip(speeds[True], around, strict=True))
    tell({
        "events": len(stored), "runs": len(remover.reports), "share_of_speed": round(share, 3), "deadlocks": deadlocks,
        "removed_payloads": sum(one.get("payloads", {}).get("rows", 0) for one in remover.reports),
        "removed_events": sum(one.get("events", {}).get("rows", 0) for one in remover.reports),
        "events_per_second": {name: [round(one) for one in speeds[yes]] for name, yes in (("with", True), ("without", False))},
        "slowest_answer_seconds": round(load.slowest_seconds, 2), "statuses": dict(load.statuses),
    })  # fmt: skip
    assert load.promised <= stored, "a promise was broken"
    assert set(found.values()) == {len(stored)}, found
    assert set(load.statuses) <= {0, 200}
    assert load.statuses[0] == refused
    assert deadlocks == 0
    assert left == 0
    assert [one["failed"] for one in remover.reports if one["failed"]] == []
    assert share >= SHARE_MIN


async def pruned(url: str) -> None:
    """Whatever is left is removed."""
    async with await db.connect(url) as conn:
        assert (await pruning.run(conn, 60))["failed"] == []
