"""Admission: may a key send now? Permits are reserved from Redis in blocks, so that most events need no call at all.

Without Redis every instance goes on under a cap of its own, the key's rate: never open, never shut.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from lib import log
from lib.errors import RateLimited
from lib.keys import Key
from lib.redis import Redis, RedisUnavailableError

# A block is one second's worth of the key's rate: small limits stay exact, large ones cost few calls.
BLOCK_SECONDS = 1.0
# Permits that were not used by then are let go, so that an idle instance holds nothing back and nothing over.
BLOCK_LIFETIME_SECONDS = 5.0
# What a key may send at once after a silence.
BURST_SECONDS = 60.0
KEYS_HELD_MAX = 2_000

# A token bucket by Redis's own clock. Takes capacity, rate per second, wanted, least; answers {granted, milliseconds until
# `least` are there}. Grants nothing, and counts nothing, where fewer than `least` are there.
TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local wanted, least = tonumber(ARGV[3]), tonumber(ARGV[4])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or capacity
local at = tonumber(bucket[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * rate)
if tokens < least then
  return {0, math.ceil((least - tokens) / rate * 1000)}
end
local granted = math.min(wanted, math.floor(tokens))
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens - granted), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(capacity / rate) + 60)
return {granted, 0}
"""


@dataclass(slots=True)
class Held:
    """What an instance holds for one key."""

    permits: int = 0
    let_go_at: float = 0.0
    # So many events at once, or more, are refused until then without a question.
    refused_events: int = 0
    refused_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    # The bucket of its own, for when Redis is away.
    tokens: float = math.inf
    tokens_at: float = 0.0


class Admission:
    """Decides for one instance."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
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

    def check(self, key: Key) -> None:
        """Raises RateLimited where it is known already that not even one event would be admitted: before any other work."""
        held = self._held.get((key.project_id, key.key_id))
        if held and held.refused_events <= 1 and held.refused_until > self._clock() and not held.permits:
            raise RateLimited(math.ceil(held.refused_until - self._clock()))

    def _holding(self, key: Key) -> Held:
        identity = (key.project_id, key.key_id)
        held = self._held.get(identity)
        if held is None:
            held = self._held[identity] = Held()
            while len(self._held) > KEYS_HELD_MAX:
                self._held.popitem(last=False)
        return held

    def _take(self, held: Held, events: int) -> bool:
        now = self._clock()
        if held.refused_until > now and events >= held.refused_events:
            raise RateLimited(math.ceil(held.refused_until - now))
        if now >= held.let_go_at:
            held.permits = 0
        if held.permits < events:
            return False
        held.permits -= events
        return True

    async def _reserve(self, key: Key, held: Held, events: int) -> None:
        rate = key.rate_per_minute / 60
        capacity = max(key.rate_per_minute * BURST_SECONDS / 60, 1.0)
        if events > capacity:
            raise RateLimited(60, f"{events} events at once are more than this key's limit of {key.rate_per_minute} a minute.")
        # What is left of the last block counts; it is set aside, since others may come while Redis is asked.
        kept, held.permits = held.permits, 0
        try:
            granted, wait_ms = await self._ask(key, held, capacity, rate, events - kept)
        except BaseException:
            held.permits += kept
            raise
        now = self._clock()
        if kept + granted < events:
            held.permits += kept
            held.refused_events, held.refused_until = events, now + wait_ms / 1000
            raise RateLimited(max(1, math.ceil(wait_ms / 1000)))
        held.permits += kept + granted - events
        held.let_go_at = now + BLOCK_LIFETIME_SECONDS

    async def _ask(self, key: Key, held: Held, capacity: float, rate: float, least: int) -> tuple[int, int]:
        """(permits, milliseconds until there are enough): at least `least` of them, a block where there is one, or none."""
        wanted = max(least, math.floor(rate * BLOCK_SECONDS))
        name = f"admission:{key.project_id}:{key.key_id}"
        try:
            granted, wait_ms = await self._redis.run(TAKE, [name], [str(capacity), str(rate), str(wanted), str(least)])
        except RedisUnavailableError:
            log.note(admission="fallback")
            return self._own_bucket(held, rate, capacity, wanted, least)
        return int(granted), int(wait_ms)

    def _own_bucket(self, held: Held, rate: float, capacity: float, wanted: int, least: int) -> tuple[int, int]:
        """The same bucket as TAKE, in this process."""
        now = self._clock()
        tokens = min(capacity, held.tokens + (now - held.tokens_at) * rate)
        if tokens < least:
            return 0, math.ceil((least - tokens) / rate * 1000)
        granted = min(wanted, math.floor(tokens))
        held.tokens, held.tokens_at = tokens - granted, now
        return granted, 0
