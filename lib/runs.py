"""One run of the retention cron: how long it may go on, what it has done, and how a step repeats itself."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from lib import db, keeping, settings
from lib.objects import Store

# A function of this job lives for 300 s (vercel.json); a step under way may take as long as the rest.
RUN_SECONDS = 240.0
# After a step in rows, while others are at work in the database: so many times what it took. They share its processors.
REST_SHARE = 3.0
# How often a partition's lock is asked for; each time, events wait 100 ms at most (db/migrations/0050_retention.sql).
DROP_TRIES = 30
DROP_PAUSE_SECONDS = 0.3


class Run:
    """One run: how long it may go on, and what it has done. report: step → what it removed or made."""

    def __init__(self, conn: db.Connection, seconds: float = RUN_SECONDS) -> None:
        self.conn = conn
        self._until = time.monotonic() + seconds
        # Seconds spent on waiting for others' locks.
        self.waited = 0.0
        self.report: dict[str, Any] = {}
        self.store = Store()
        self.keep = keeping.read(settings.current().keep_days)

    @property
    def over(self) -> bool:
        """Whether no further step may begin."""
        return self.left <= 0

    @property
    def left(self) -> float:
        """Seconds in which a step may begin."""
        return max(0.0, self._until - time.monotonic())

    def add(self, step: str, **counts: int) -> None:
        """Count what a step did."""
        told = self.report.setdefault(step, {})
        for name, count in counts.items():
            told[name] = told.get(name, 0) + count


@asynccontextmanager
async def gently(one: Run) -> AsyncIterator[None]:
    """A step in rows, and a rest after it where somebody else is at work: for its work, not for what it waited for locks."""
    began, waited = time.monotonic(), one.waited
    yield
    took = time.monotonic() - began - (one.waited - waited)
    row = await db.fetch_one(one.conn, "cron_count_others")
    if row and row["active"]:
        await asyncio.sleep(min(REST_SHARE * took, one.left))


async def repeat(one: Run, step: str, query: str, **params: Any) -> None:
    """Until the query, which answers how many rows it touched, finds none, or there is no more time."""
    removed = 1
    while removed and not one.over:
        async with gently(one):
            row = await db.fetch_one(one.conn, query, **params)
        removed = row["removed"] if row else 0
        one.add(step, rows=removed)


async def when_free(one: Run, query: str, **params: Any) -> dict[str, Any] | None:
    """What the query answers once it has its locks. Raises LockNotAvailable where others hold them at each of DROP_TRIES."""
    for _ in range(DROP_TRIES - 1):
        began = time.monotonic()
        try:
            return await db.fetch_one(one.conn, query, **params)
        except psycopg.errors.LockNotAvailable:
            if one.over:
                raise
            # At random, so that two runs, or a run and a regular reader, do not keep meeting.
            await asyncio.sleep(DROP_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            one.waited += time.monotonic() - began
    return await db.fetch_one(one.conn, query, **params)
