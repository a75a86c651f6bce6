"""A project's newest events as they are stored, for looking at what rules would have done with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from lib import db, payloads

EVENTS_MAX = 1_000
SECONDS_MAX = 8.0
PAGE_EVENTS = 50
# So that one person's question does not hold up everybody else's for longer than some milliseconds.
EVENTS_BETWEEN_PAUSES = 5

Connect = Callable[[], AbstractAsyncContextManager[db.Connection]]


class StoredEvent(NamedTuple):
    """removals: `{"path", "rule", "count"}` of what was removed before it was stored."""

    event_id: str
    received_at: datetime
    incident_id: int
    payload: dict[str, Any]
    removals: list[dict[str, Any]]


@dataclass
class Newest:
    """The newest events of a project, at most EVENTS_MAX and for at most SECONDS_MAX; counts what it gave."""

    connect: Connect
    project_id: int
    events: int = 0
    since: datetime | None = None
    complete: bool = True
    """False: the time ran out before the events did."""

    async def __aiter__(self) -> AsyncIterator[StoredEvent]:
        """Newest first. No connection is held between pages."""
        until = time.monotonic() + SECONDS_MAX
        after: dict[str, Any] = {"after": None, "after_id": None}
        while self.events < EVENTS_MAX:
            async with self.connect() as conn:
                rows = await db.fetch_all(
                    conn, "event_list_payloads", project_id=self.project_id, limit=PAGE_EVENTS, **after
                )  # fmt: skip
            for row in rows:
                if time.monotonic() > until:
                    self.complete = False
                    return
                yield self._read(row)
                if self.events % EVENTS_BETWEEN_PAUSES == 0:
                    await asyncio.sleep(0)
            if len(rows) < PAGE_EVENTS:
                return
            after = {"after": rows[-1]["received_at"], "after_id": rows[-1]["event_id"]}

    def _read(self, row: dict[str, Any]) -> StoredEvent:
        self.events += 1
        self.since = row["received_at"]
        body = orjson.loads(payloads.decompress(row["dictionary"], row["payload"]))
        return StoredEvent(row["event_id"].hex, row["received_at"], row["incident_id"], body["payload"], body["removals"])

    def seen(self) -> dict[str, Any]:
        """What an answer says about what was looked at."""
        return {"events": self.events, "since": self.since, "complete": self.complete}
