"""Sending what is due: claim, send, write down what became of it, many at a time, until nothing is due or the time is up."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from lib import channels, db, deliveries, log
from lib.alerts import disabling
from lib.channels import ChannelError, Kind, Sent
from lib.channels.outcome import OtherTakenError
from lib.clock import Clock
from lib.deliveries import Claimed
from lib.errors import Problem

UNDER_WAY_MAX = 32
# One claim for several that are free, rather than a round trip for each.
CLAIM_MIN = 8
# lib/channels ends by itself before that.
SEND_TIMEOUT_SECONDS = 15.0
TOO_OLD = ChannelError(
    "Tried for a day; trying again could send it twice. Send it again by hand where it has not come.", permanent=True
)
CHANNEL_GONE = ChannelError("The channel is gone.", permanent=True)
UNEXPECTED = ChannelError("Something unexpected happened on our side.")
NO_ANSWER = ChannelError(f"There was no answer within {SEND_TIMEOUT_SECONDS:.0f} seconds.")


class Sender:
    """Sends for one sweep."""

    def __init__(self, database: db.Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._paused: dict[Kind, datetime] = {}
        self.counts: Counter[str] = Counter()

    async def run(self, ends_at: datetime) -> None:
        """Send what is due. After `ends_at` nothing is claimed any more; what is under way takes SEND_TIMEOUT_SECONDS more."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                if UNDER_WAY_MAX - len(under_way) >= CLAIM_MIN and self._clock() < ends_at:
                    claimed = await self._claim(UNDER_WAY_MAX - len(under_way))
                    under_way |= {asyncio.create_task(self._deliver(one)) for one in claimed}
                if not under_way:
                    return
                _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Where claiming failed: what is under way still ends, and is written down.
            await asyncio.gather(*under_way)

    async def _claim(self, limit: int) -> list[Claimed]:
        now = self._clock()
        paused = [kind for kind, until in self._paused.items() if until > now]
        async with self._database.connection() as conn:
            return await deliveries.claim(conn, now, limit, paused)

    async def _deliver(self, claimed: Claimed) -> None:
        result = await self._send(claimed)
        try:
            async with self._database.transaction() as conn:
                now = self._clock()
                ended = await deliveries.finish(conn, claimed, result, now)
                if isinstance(result, ChannelError) and ended and disabling.is_due(ended, now):
                    self.counts["disabled"] += await disabling.disable(conn, claimed, ended, result.detail, now)
        except Problem as problem:
            # Nobody knows now that it was sent. The lease ends, and whoever sends it again does so under the same key.
            self.counts["unwritten"] += 1
            log.write("delivery_unwritten", delivery=claimed.id, **log.where(problem))
            return
        outcome = "stale" if ended is None else "sent" if isinstance(result, Sent) else "failed"
        self.counts[outcome] += 1
        if outcome != "sent":
            log.write("delivery_" + outcome, delivery=claimed.id, kind=claimed.kind, number=claimed.number)

    async def _send(self, claimed: Claimed) -> Sent | ChannelError:
        mailbox = {"address": claimed.recipient, "sender": claimed.sender}
        target = mailbox if claimed.kind == "email" else claimed.target
        if target is None:
            return CHANNEL_GONE
        if deliveries.is_too_old(claimed, self._clock()):
            return TOO_OLD
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                return await channels.send(claimed.kind, claimed.content, target, idempotency_key=str(claimed.id))
        except OtherTakenError as error:
            # It was taken before somebody was erased from it, and the answer was lost.
            return Sent(None) if claimed.erased_at else error
        except ChannelError as error:
            self._hold_back(claimed.kind, error)
            return error
        except TimeoutError:
            return NO_ANSWER
        except Exception as error:  # noqa: BLE001 - a bug shall cost one try, not the sweep
            log.write("delivery_unexpected", delivery=claimed.id, **log.where(error))
            return UNEXPECTED

    def _hold_back(self, kind: Kind, error: ChannelError) -> None:
        """All mail goes over one account: where it is asked to wait, more of it would only be refused."""
        if kind == "email" and error.retry_after_seconds:
            self._paused[kind] = self._clock() + timedelta(seconds=error.retry_after_seconds)
