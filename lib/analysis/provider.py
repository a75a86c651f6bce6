"""How the provider of the model has been lately. After some failures in a row everybody leaves it alone for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from lib import db

FAILURES_MAX = 3
PAUSE_FIRST = timedelta(minutes=1)
PAUSE_MAX = timedelta(hours=1)


async def room(conn: db.Connection, now: datetime, most: int) -> int:
    """How many calls may be made at once: none while it is left alone, then one to try, otherwise `most`."""
    row = await state(conn)
    if row["paused_until"] and row["paused_until"] > now:
        return 0
    return 1 if row["failures"] >= FAILURES_MAX else most


async def state(conn: db.Connection) -> dict[str, Any]:
    """`{"failures", "paused_until", "last_failure"}`; failures in a row."""
    row = await db.fetch_one(conn, "analysis_find_provider")
    return dict(row or {"failures": 0, "paused_until": None, "last_failure": None})


async def failed(conn: db.Connection, failure: str, now: datetime) -> None:
    """Count a failure; from FAILURES_MAX on each pause is twice as long, up to PAUSE_MAX."""
    row = await db.fetch_one(conn, "analysis_update_provider_failed", failure=failure)
    failures = row["failures"] if row else 0
    if failures >= FAILURES_MAX:
        pause = min(PAUSE_FIRST * 2 ** min(failures - FAILURES_MAX, 10), PAUSE_MAX)
        await db.run(conn, "analysis_update_provider_paused", paused_until=now + pause)


async def answered(conn: db.Connection) -> None:
    """It answered: the count starts anew."""
    await db.run(conn, "analysis_update_provider_well")
