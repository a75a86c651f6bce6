"""The sweep: everything that waits to be followed up, in bounded steps. May overlap itself, stop anywhere, and be run again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from lib import db
from lib.alerts.sending import Sender
from lib.clock import Clock

# A function lives 60 s (vercel.json); what is under way when the time is up takes 15 s more.
SWEEP_SECONDS = 40


async def run(database: db.Database, clock: Clock, seconds: float = SWEEP_SECONDS) -> Counter[str]:
    """Follow up until nothing is due, for so many seconds of `clock` at most; answers what was done, by kind."""
    ends_at = clock() + timedelta(seconds=seconds)
    sender = Sender(database, clock)
    await sender.run(ends_at)
    return sender.counts
