"""Whose time it is: instances' own clocks may differ, and what is due or leased must not."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from lib import db

Clock = Callable[[], datetime]


async def of_database(conn: db.Connection) -> Clock:
    """The database's time from here on, asked once."""
    row = await db.fetch_one(conn, "cron_find_now")
    assert row  # noqa: S101 - it answers one row
    began_at, began = row["now"], time.monotonic()

    def clock() -> datetime:
        now: datetime = began_at + timedelta(seconds=time.monotonic() - began)
        return now

    return clock
