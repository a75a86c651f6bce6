"""What the retention cron does: bounded steps, each complete by itself, so that a run may end anywhere and overlap another.

What day it is, PostgreSQL says. A step that fails costs no other step its turn; the report names it, the next run tries again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from lib import db, log

# A function of this job lives for 300 s (vercel.json); a step under way may take as long as the rest.
RUN_SECONDS = 240.0
RECEIVED_DAYS_AHEAD = 14
EXPIRING_DAYS_AHEAD = 100
# How often a partition's lock is asked for; each time, events wait 100 ms at most (db/migrations/0050_retention.sql).
DROP_TRIES = 30
DROP_PAUSE_SECONDS = 0.3


class Run:
    """One run: how long it may go on, and what it has done. report: step → what it removed or made."""

    def __init__(self, conn: db.Connection, seconds: float = RUN_SECONDS) -> None:
        self.conn = conn
        self._until = time.monotonic() + seconds
        self.report: dict[str, Any] = {}

    @property
    def over(self) -> bool:
        """Whether no further step may begin."""
        return time.monotonic() >= self._until

    def add(self, step: str, **counts: int) -> None:
        """Count what a step did."""
        told = self.report.setdefault(step, {})
        for name, count in counts.items():
            told[name] = told.get(name, 0) + count


async def run(conn: db.Connection, seconds: float = RUN_SECONDS) -> dict[str, Any]:
    """Every step in turn, for as long as there is time; answers the report. conn: in autocommit."""
    one = Run(conn, seconds)
    failed = [name for name, step in STEPS.items() if not await _succeeds(one, name, step)]
    return {**one.report, "failed": failed, "complete": not one.over and not failed}


async def _succeeds(one: Run, name: str, step: Callable[[Run], Awaitable[None]]) -> bool:
    try:
        await step(one)
    except psycopg.Error as error:
        log.write("retention_step_failed", step=name, sqlstate=error.sqlstate, **log.where(error))
        return False
    return True


async def make_partitions(one: Run) -> None:
    """Those that events of the coming days need; ingest makes what is missing, but an event waits for it."""
    row = await db.fetch_one(
        one.conn, "retention_upsert_partitions", received_days=RECEIVED_DAYS_AHEAD, expiring_days=EXPIRING_DAYS_AHEAD
    )
    one.add("partitions", made=row["made"] if row else 0)


async def prune_payloads(one: Run) -> None:
    """Drop the payloads of each day that is over, the oldest first."""
    for expired in await db.fetch_all(one.conn, "retention_list_expired"):
        if one.over:
            return
        dropped = await _when_free(one, "retention_delete_payloads", day=expired["day"])
        if dropped:
            one.add("payloads", days=1, rows=dropped["row_count"], bytes=dropped["bytes"])


async def _when_free(one: Run, query: str, **params: Any) -> dict[str, Any] | None:
    """What the query answers once it has its locks. Raises LockNotAvailable where others hold them at each of DROP_TRIES."""
    for _ in range(DROP_TRIES - 1):
        try:
            return await db.fetch_one(one.conn, query, **params)
        except psycopg.errors.LockNotAvailable:
            if one.over:
                raise
            # At random, so that two runs, or a run and a regular reader, do not keep meeting.
            await asyncio.sleep(DROP_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    return await db.fetch_one(one.conn, query, **params)


async def plan(conn: db.Connection) -> dict[str, Any]:
    """What a run would remove now; changes nothing."""
    expired = await db.fetch_all(conn, "retention_list_expired")
    return {"payloads": [{**row, "day": row["day"].isoformat()} for row in expired]}


STEPS: dict[str, Callable[[Run], Awaitable[None]]] = {
    "partitions": make_partitions,
    "payloads": prune_payloads,
}
