"""Fill a database quickly with events as record_events takes them: light columns as real traffic has them, tiny payloads.

Every tenth event opens a new incident; the others fall on known ones, most of them on few. They happened evenly over the last
30 days, under 60 releases that follow one another and three environments. Several connections record batches side by side.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bench.stage import Tenant
from lib import db, queries, releases

BATCH_EVENTS = 500
CONNECTIONS = 3
EVENTS_PER_INCIDENT = 10
DAYS = 30
RELEASES = 60
PAYLOAD_BYTES = 100
# The share of the hottest incidents: with 3, a tenth of the incidents gets almost half of the events.
SKEW = 3
TYPES = (
    "ValueError",
    "KeyError",
    "TypeError",
    "TimeoutError",
    "ConnectionError",
    "PermissionError",
    "IndexError",
    "RuntimeError",
)
PLACES = ("checkout", "basket", "search", "invoice", "profile", "import", "export", "webhook", "login", "report")


class Filler:
    """Records events number by number; `recorded` is how many there are."""

    def __init__(self, url: str, tenant: Tenant, total: int) -> None:
        self._url = url
        self._project_id = tenant.project_id
        self._total = total
        self._random = random.Random(7)
        self._start = datetime.now(UTC) - timedelta(days=DAYS)
        self.recorded = 0

    async def fill(self, target: int) -> float:
        """Record until there are `target` events; answers events a second."""
        began, before = time.perf_counter(), self.recorded
        batches = self._batches(target)
        await asyncio.gather(*(self._record(batches) for _ in range(CONNECTIONS)))
        return (target - before) / (time.perf_counter() - began)

    def _batches(self, target: int) -> Iterator[range]:
        while self.recorded < target:
            numbers = range(self.recorded, min(self.recorded + BATCH_EVENTS, target))
            self.recorded = numbers.stop
            yield numbers

    async def _record(self, batches: Iterator[range]) -> None:
        async with await db.connect(self._url) as conn:
            for numbers in batches:
                rows = [self.row(number, ord_) for ord_, number in enumerate(numbers, 1)]
                payloads = [self._random.randbytes(PAYLOAD_BYTES) for _ in rows]
                await conn.execute(queries.get("record_events"), {"batch": orjson.dumps(rows).decode(), "payloads": payloads})

    def row(self, number: int, ord_: int) -> dict[str, Any]:
        """An event as record_events takes it."""
        incident = self._incident(number)
        progress = number / self._total
        release = f"shop@1.{int(progress * RELEASES)}.0"
        kind, place = TYPES[incident % len(TYPES)], PLACES[incident // len(TYPES) % len(PLACES)]
        return {
            "ord": ord_,
            "project_id": self._project_id,
            "event_id": uuid.UUID(int=self._random.getrandbits(128)).hex,
            "fingerprint": uuid.uuid5(uuid.NAMESPACE_OID, str(incident)).hex,
            "version": 1,
            "rule": "stack",
            "reason": "the frames of the crash that are the application's own",
            "parts": [kind, f"shop.{place}", f"step_{incident}"],
            "title": f"{kind}: {place} failed at step {incident}",
            "culprit": f"step_{incident} in shop.{place}",
            "kind": kind,
            "level": "error" if incident % 5 else "warning",
            "platform": "python",
            "release": release,
            "release_key": releases.sort_key(release),
            "environment": ("production", "production", "staging", "test")[number % 4],
            "service": None,
            "route": f"/{place}",
            "occurred_at": self._start + timedelta(days=DAYS * progress),
            "retention_days": 90,
            "user_hash": None,
            "removed_count": 0,
            "dictionary": 0,
        }

    def _incident(self, number: int) -> int:
        known, opens = divmod(number, EVENTS_PER_INCIDENT)
        return known if not opens else int((known + 1) * self._random.random() ** SKEW)
