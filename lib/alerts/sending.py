"""Sending what is due: claim, send, write down what became of it, many at a time, until nothing is due or the time is up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import datetime

from lib import channels, db, deliveries, log
from lib.alerts import disabling
from lib.channels import ChannelError, Kind, Sent
from lib.channels.outcome import HeldBackError, OtherTakenError
from lib.clock import Clock
from lib.deliveries import Claimed
from lib.errors import Problem

# Of mails, and of everything else.
UNDER_WAY_MAX = 32
# One claim for several that are free, rather than a round trip for each.
CLAIM_MIN = 8
# What the provider asks for beyond that is left to the next sweep.
PAUSE_WAITED_MAX = 3.0
# lib/channels ends by itself before that.
SEND_TIMEOUT_SECONDS = 15.0
TOO_OLD = ChannelError(
    "Tried for a day; trying again could send it twice. Send it again by hand where it has not come.", permanent=True
)
CHANNEL_GONE = ChannelError("The channel is gone.", permanent=True)
UNEXPECTED = ChannelError("Something unexpected happened on our side.")
NO_ANSWER = ChannelError(f"There was no answer within {SEND_TIMEOUT_SECONDS:.0f} seconds.")
OUTCOMES = {Sent: "sent", HeldBackError: "held_back"}


class Lane:
    """Kinds that are sent beside others, and how fast: as many at a time as the other side has taken at one go."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = kinds
        self.at_once = UNDER_WAY_MAX
        self._taken = 0
        self._paused_until = 0.0

    def room(self, under_way: int) -> int:
        """How many may be claimed now; none where that is not worth a claim."""
        free = self.at_once - under_way
        return free if free >= min(CLAIM_MIN, self.at_once) and not self.pause_seconds() else 0

    def pause_seconds(self) -> float:
        """How long nothing may be sent yet."""
        return max(0.0, self._paused_until - time.monotonic())

    def learn(self, result: Sent | ChannelError) -> None:
        """All mail goes over one account: where it is asked to wait, more of it would only be refused."""
        if isinstance(result, Sent):
            self._taken += 1
        elif result.retry_after_seconds:
            if not self.pause_seconds():
                self.at_once, self._taken = min(max(1, self._taken), UNDER_WAY_MAX), 0
            self._paused_until = max(self._paused_until, time.monotonic() + result.retry_after_seconds)


class Sender:
    """Sends for one sweep."""

    def __init__(self, database: db.Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.counts: Counter[str] = Counter()

    async def run(self, ends_at: datetime) -> None:
        """Send what is due. After `ends_at` nothing is claimed any more; what is under way takes SEND_TIMEOUT_SECONDS more."""
        lanes = Lane("email"), Lane("webhook", "slack", "discord")
        disabled = -1
        while disabled < self.counts["disabled"]:  # once more where mails were written about a channel
            disabled = self.counts["disabled"]
            ended = await asyncio.gather(*(self._run(lane, ends_at) for lane in lanes), return_exceptions=True)
            for error in filter(None, ended):
                raise error

    async def _run(self, lane: Lane, ends_at: datetime) -> None:
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                if (room := lane.room(len(under_way))) and self._clock() < ends_at:
                    claimed = await self._claim(lane, room)
                    under_way |= {asyncio.create_task(self._deliver(lane, one)) for one in claimed}
                if under_way:
                    _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                elif 0 < (pause := lane.pause_seconds()) <= PAUSE_WAITED_MAX and self._clock() < ends_at:
                    await asyncio.sleep(pause)
                else:
                    return
        finally:
            # Where claiming failed: what is under way still ends, and is written down.
            await asyncio.gather(*under_way)

    async def _claim(self, lane: Lane, limit: int) -> list[Claimed]:
        async with self._database.connection() as conn:
            return await deliveries.claim(conn, self._clock(), limit, lane.kinds)

    async def _deliver(self, lane: Lane, claimed: Claimed) -> None:
        result = await self._send(claimed)
        try:
            async with self._database.transaction() as conn:
                now = self._clock()
                ended = await deliveries.finish(conn, claimed, result, now)
                if isinstance(result, ChannelError) and ended and disabling.is_due(ended, result, now):
                    self.counts["disabled"] += await disabling.disable(conn, claimed, ended, result, now)
        except Problem as problem:
            # Nobody knows now that it was sent. The lease ends, and whoever sends it again does so under the same key.
            self.counts["unwritten"] += 1
            log.write("delivery_unwritten", delivery=claimed.id, **log.where(problem))
            return
        if claimed.kind == "email":
            lane.learn(result)
        outcome = "stale" if ended is None else OUTCOMES.get(type(result), "failed")
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
            return error
        except TimeoutError:
            return NO_ANSWER
        except Exception as error:  # noqa: BLE001 - a bug shall cost one try, not the sweep
            log.write("delivery_unexpected", delivery=claimed.id, **log.where(error))
            return UNEXPECTED
