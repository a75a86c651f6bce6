"""Admission: may a key send now? Permits are reserved in blocks (lib/permits.py), so that most events ask nobody at all."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from lib.errors import OverQuota, ProjectRateLimited, RateLimited
from lib.keys import Key
from lib.permits import BURST_SECONDS, Permits, Used, nothing_used
from lib.redis import Redis

# A block is one second's worth of the rate: small limits stay exact, large ones cost few calls.
BLOCK_SECONDS = 1.0
# Permits that were not used by then are let go, so that an idle instance holds nothing back and nothing over.
BLOCK_LIFETIME_SECONDS = 5.0
KEYS_HELD_MAX = 2_000
# What a client is told where the month's quota is used up; it may be raised at any time.
QUOTA_RETRY_SECONDS = 300


@dataclass(slots=True)
class Held:
    """What an instance holds for one key."""

    key: Key
    permits: int = 0
    # Let go, and told to Redis with the next question.
    unused: int = 0
    let_go_at: float = 0.0
    # So many events at once, or more, are refused until then without a question.
    refused_events: int = 0
    refused_until: float = 0.0
    refusal: type[RateLimited] = RateLimited
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Admission:
    """Decides for one instance."""

    def __init__(
        self, redis: Redis, used: Used = nothing_used, clock: Callable[[], float] = time.monotonic, permits: Permits | None = None
    ) -> None:
        self._clock = clock
        self._permits = permits or Permits(redis, used, clock)
        self._held: OrderedDict[tuple[int, int], Held] = OrderedDict()

    async def admit(self, key: Key, events: int = 1) -> None:
        """Take permits for so many events; raises RateLimited, with nothing counted, where they are not to be had."""
        held = self._holding(key)
        if self._take(held, events):
            return
        async with held.lock:
            # Whoever waited for the lock finds what the one before it has brought.
            if not self._take(held, events):
                await self._reserve(key, held, events)

    def refusal(self, key: Key) -> RateLimited | None:
        """The refusal, where it is known already that not even one event would be admitted: before any other work."""
        held = self._held.get((key.project_id, key.key_id))
        if held is None or held.permits or held.refused_events > 1 or _limits(held.key) != _limits(key):
            return None
        seconds = held.refused_until - self._clock()
        return _refusal(held, seconds) if seconds > 0 else None

    def check(self, key: Key) -> None:
        """Raises that refusal."""
        if refusal := self.refusal(key):
            raise refusal

    def _holding(self, key: Key) -> Held:
        identity = (key.project_id, key.key_id)
        held = self._held.get(identity)
        if held is None:
            held = self._held[identity] = Held(key)
            while len(self._held) > KEYS_HELD_MAX:
                self._held.popitem(last=False)
        elif held.key is not key:
            if _limits(held.key) != _limits(key):
                held.refused_until = 0.0  # what was refused under other limits says nothing
            held.key = key
        return held

    def _take(self, held: Held, events: int) -> bool:
        self._require_unrefused(held, events)
        if held.permits and self._clock() >= held.let_go_at:
            held.unused, held.permits = held.unused + held.permits, 0
        if held.permits < events:
            return False
        held.permits -= events
        return True

    def _require_unrefused(self, held: Held, events: int) -> None:
        seconds = held.refused_until - self._clock()
        if seconds > 0 and events >= held.refused_events:
            raise _refusal(held, seconds)

    async def _reserve(self, key: Key, held: Held, events: int) -> None:
        _require_possible(key, events)
        # What is left of the last block counts; it is set aside, since others may come while Redis is asked.
        kept, held.permits = held.permits, 0
        unused, held.unused = held.unused, 0
        least = events - kept
        block = math.floor(min(key.rate_per_minute, key.events_per_minute_max) / 60 * BLOCK_SECONDS)
        try:
            grant = await self._permits.take(key, max(least, block), least, unused)
        except BaseException:
            held.permits += kept
            raise
        now = self._clock()
        if grant.refusal:
            held.permits += kept
            held.refused_events, held.refused_until, held.refusal = events, now + grant.wait_seconds, grant.refusal
            raise _refusal(held, grant.wait_seconds)
        held.permits += kept + grant.permits - events
        held.let_go_at = now + BLOCK_LIFETIME_SECONDS

    async def close(self) -> None:
        """Give back what is held and counts against a quota; the rates let it go by themselves."""
        counting = [held for held in self._held.values() if held.key.events_per_month_max is not None]
        back = [self._permits.take(one.key, 0, 0, one.permits + one.unused) for one in counting if one.permits + one.unused]
        self._held.clear()
        await asyncio.gather(*back)


def _limits(key: Key) -> tuple[int | None, ...]:
    return key.rate_per_minute, key.events_per_minute_max, key.events_per_month_max


def _refusal(held: Held, seconds: float) -> RateLimited:
    return held.refusal(QUOTA_RETRY_SECONDS if held.refusal is OverQuota else max(1, math.ceil(seconds)))


def _require_possible(key: Key, events: int) -> None:
    """Raises RateLimited, with words, for more events at once than may ever be sent at once."""
    for per_minute, refusal, whose in (
        (key.rate_per_minute, RateLimited, "key"),
        (key.events_per_minute_max, ProjectRateLimited, "project"),
    ):
        if events > max(per_minute * BURST_SECONDS / 60, 1.0):
            raise refusal(60, f"{events} events at once are more than this {whose}'s limit of {per_minute} a minute.")
