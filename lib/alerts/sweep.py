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
# At which part of its time each step ends at the latest: however much is to be looked at, what was found is told, and however
# much is to be told, what is due is sent.
TURNS = {"watching": 0.3, "transitions": 0.5, "notices": 0.55, "deliveries": 0.7}
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
        self._began_at, self._ends_at = clock(), ends_at
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
        """A step again and again, each in a transaction of its own, until it finds nothing (None) or its turn is over."""
        until = self._until(name)
        while self._clock() < until:
            async with self._database.transaction() as conn:
                done = await step(conn, self._clock())
            if done is None:
                return
            self.counts[name] += done

    async def _watch(self) -> None:
        until = self._until("watching")
        while self._clock() < until:
            async with self._database.transaction() as conn:
                projects = await watching.due(conn, self._clock())
            if projects is None:
                return
            for place, project in enumerate(projects):
                if self._clock() >= until:
                    async with self._database.connection() as conn:
                        await watching.put_back(conn, projects[place:])
                    return
                async with self._database.transaction() as conn:
                    self.counts["found"] += await watching.look(conn, project.project_id, self._clock())

    def _until(self, name: str) -> datetime:
        return self._began_at + TURNS[name] * (self._ends_at - self._began_at)

    async def _forget(self) -> None:
        """A bounded part of what is old; the next sweep takes the next."""
        old = {"before": self._clock() - KEPT, "limit": REMOVED_MAX}
        async with self._database.connection() as conn:
            await conn.execute(queries.get("alert_delete_old"), old)
            await conn.execute(queries.get("delivery_delete_old"), old)
