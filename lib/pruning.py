"""What the retention cron does: bounded steps, each complete by itself, so that a run may end anywhere and overlap another.

What day it is, PostgreSQL says. A step that fails costs no other step its turn; the report names it, the next run tries again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import psycopg

from lib import db, keeping, log, settings

# A function of this job lives for 300 s (vercel.json); a step under way may take as long as the rest.
RUN_SECONDS = 240.0
RECEIVED_DAYS_AHEAD = 14
EXPIRING_DAYS_AHEAD = 100
# How often a partition's lock is asked for; each time, events wait 100 ms at most (db/migrations/0050_retention.sql).
DROP_TRIES = 30
DROP_PAUSE_SECONDS = 0.3
# How much one statement does: a few hundred milliseconds' worth.
MOVED_ROWS = 1_000
EVENT_ROWS = 10_000
COUNT_ROWS = 20_000
INCIDENT_ROWS = 200
AUDIT_ROWS = 2_000


class Run:
    """One run: how long it may go on, and what it has done. report: step → what it removed or made."""

    def __init__(self, conn: db.Connection, seconds: float = RUN_SECONDS) -> None:
        self.conn = conn
        self._until = time.monotonic() + seconds
        self.report: dict[str, Any] = {}
        self.keep = keeping.read(settings.current().keep_days)

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
    """Every step in turn, for as long as there is time; answers the report. conn: in autocommit.

    Raises NotConfigured where a setting cannot be read: then nothing is removed.
    """
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


async def apply_changes(one: Run) -> None:
    """Let changes of projects' retention reach what is stored, those first that wait longest."""
    for change in await db.fetch_all(one.conn, "retention_list_changes"):
        moved: int | None = 0
        while moved is not None and not one.over:
            row = await db.fetch_one(
                one.conn, "retention_update_payloads", project_id=change["project_id"], max_rows=MOVED_ROWS
            )  # fmt: skip
            moved = row["moved"] if row else None
            one.add("changes", rows=moved or 0)


async def prune_payloads(one: Run) -> None:
    """Drop the payloads of each day that is over, the oldest first; held ones are moved aside before."""
    for expired in await db.fetch_all(one.conn, "retention_list_expired"):
        if one.over:
            return
        if dropped := await _drop_unless_held(one, expired["day"]):
            one.add("payloads", days=1, rows=dropped["row_count"], bytes=dropped["bytes"])


async def _drop_unless_held(one: Run, day: date) -> dict[str, Any] | None:
    while True:
        await _repeat(one, "held", "retention_update_held", day=day, max_rows=MOVED_ROWS)
        try:
            return await _when_free(one, "retention_delete_payloads", day=day)
        except psycopg.errors.ObjectInUse:  # a hold was placed since, or there was no time to move all
            if one.over:
                return None


async def release_kept(one: Run) -> None:
    """Remove payloads whose hold has ended, or that were brought back for a time that is over."""
    await _repeat(one, "kept", "retention_delete_kept", max_rows=MOVED_ROWS)


async def prune_events(one: Run) -> None:
    """Remove light rows of days that are older than is kept, the oldest day first."""
    for received in await db.fetch_all(one.conn, "retention_list_received", days=one.keep.events):
        removed: int | None = 1
        while removed and not one.over:
            row = await _when_free(one, "retention_delete_events", day=received["day"], max_rows=EVENT_ROWS)
            removed = row["removed"] if row else None
            one.add("events", rows=removed or 0)


async def prune_counts(one: Run) -> None:
    """Remove hourly counts older than is kept; looks at every row, in the order of their key, over as many runs as it takes."""
    seen = 1
    while seen and not one.over:
        row = await db.fetch_one(one.conn, "retention_delete_counts", days=one.keep.counts, max_rows=COUNT_ROWS)
        seen = row["seen"] if row else 0
        one.add("counts", rows=row["removed"] if row else 0)


async def prune_incidents(one: Run) -> None:
    """Remove incidents that have not been seen for longer than is kept."""
    await _repeat(one, "incidents", "retention_delete_incidents", days=one.keep.incidents, max_rows=INCIDENT_ROWS)


async def prune_audit(one: Run) -> None:
    """Remove entries of the trail older than is kept."""
    await _repeat(one, "audit", "retention_delete_audit", days=one.keep.audit, max_rows=AUDIT_ROWS)


async def _repeat(one: Run, step: str, query: str, **params: Any) -> None:
    """Until the query, which answers how many rows it touched, finds none, or there is no more time."""
    removed = 1
    while removed and not one.over:
        row = await db.fetch_one(one.conn, query, **params)
        removed = row["removed"] if row else 0
        one.add(step, rows=removed)


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
    keep = keeping.read(settings.current().keep_days)
    return {
        "keep_days": keep._asdict(),
        "changes": await db.fetch_all(conn, "retention_list_changes"),
        "payloads": await db.fetch_all(conn, "retention_list_expired"),
        "events": await db.fetch_all(conn, "retention_list_received", days=keep.events),
    }


STEPS: dict[str, Callable[[Run], Awaitable[None]]] = {
    "partitions": make_partitions,
    "changes": apply_changes,
    "payloads": prune_payloads,
    "kept": release_kept,
    "events": prune_events,
    "counts": prune_counts,
    "incidents": prune_incidents,
    "audit": prune_audit,
}
