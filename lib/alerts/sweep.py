"""The sweep: everything that waits to be followed up, in bounded steps. May overlap itself, stop anywhere, and be run again.

Each step is one transaction that takes what nobody else has, and does all of it or nothing: transitions become alerts, alerts
become deliveries, and only deliveries leave the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from lib import db, keeping, queries
from lib.alerts import following, noticing, telling, watching
from lib.alerts.sending import Sender
from lib.clock import Clock

SWEEP_SECONDS = 25
# How long what was sent, or told, is kept.
KEPT = timedelta(days=keeping.MESSAGE_DAYS)
REMOVED_MAX = 1_000


async def run(database: db.Database, clock: Clock, seconds: float = SWEEP_SECONDS, *, is_last: bool = False) -> Counter[str]:
    """Follow up until nothing is due, for so many seconds of `clock`; answers what was done, by kind. What is under way then
    takes SEND_TIMEOUT_SECONDS more. is_last: as lib.alerts.telling has it.
    """
    one = Sweep(database, clock, clock() + timedelta(seconds=seconds), is_last=is_last)
    await one.run()
    return +one.counts


class Sweep:
    """One run."""

    def __init__(self, database: db.Database, clock: Clock, ends_at: datetime, *, is_last: bool) -> None:
        self._database = database
        self._clock = clock
        self._ends_at = ends_at
        self._tell = partial(telling.tell, is_last=is_last)
        self._sender = Sender(database, clock)
        self.counts = self._sender.counts

    async def run(self) -> None:
        """Everything, in the order in which one thing makes the next."""
        await self._watch()
        await self._repeat("transitions", following.follow)
        await self._repeat("notices", noticing.notice)
        await self._repeat("deliveries", self._tell)
        await self._sender.run(self._ends_at)
        await self._forget()

    async def _repeat(self, name: str, step: Callable[[db.Connection, datetime], Awaitable[int | None]]) -> None:
        """A step again and again, each in a transaction of its own, until it finds nothing (None) or the time is up."""
        while self._clock() < self._ends_at:
            async with self._database.transaction() as conn:
                done = await step(conn, self._clock())
            if done is None:
                return
            self.counts[name] += done

    async def _watch(self) -> None:
        while self._clock() < self._ends_at:
            async with self._database.transaction() as conn:
                projects = await watching.due(conn, self._clock())
            for project_id in projects:
                async with self._database.transaction() as conn:
                    self.counts["found"] += await watching.look(conn, project_id, self._clock())
            if not projects:
                return

    async def _forget(self) -> None:
        """A bounded part of what is old; the next sweep takes the next."""
        old = {"before": self._clock() - KEPT, "limit": REMOVED_MAX}
        async with self._database.connection() as conn:
            await conn.execute(queries.get("alert_delete_old"), old)
            await conn.execute(queries.get("delivery_delete_old"), old)
