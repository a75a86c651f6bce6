"""Where permits to send events come from: the rate of a key, the rate of its project and the month's quota of its workspace, all
taken by ONE script in Redis, or none of them.

Redis holds no truth: PostgreSQL's exact account of the month seeds the quota, again after a flush and every few minutes, so that
permits which were reserved and never used come back. Without Redis an instance goes on under the same rates by itself, and under
what that account says: never open, never shut.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import NamedTuple, TypeVar

from lib import log
from lib.errors import OverQuota, Problem, ProjectRateLimited, RateLimited
from lib.keys import Key
from lib.redis import Redis, RedisUnavailableError

# What may be sent at once after a silence.
BURST_SECONDS = 60.0
# How long an account that Redis or an instance was told is believed: while there is room, and when there seems to be none.
ACCOUNT_SECONDS = 600
FULL_ACCOUNT_SECONDS = 30
# Longer than a block lives and its last event takes to be recorded: what was reserved within it, or in the same span before it,
# may be missing in the account, and is added to it.
UNDER_WAY_SECONDS = 20
# A block is a part of what the quota has left: what instances hold unused is little, and none at the end.
QUOTA_BLOCKS = 20
HELD_MAX = 2_000
Name = TypeVar("Name")
Value = TypeVar("Value")

# ARGV: wanted, least, given back; capacity and rate per second of the key, of the project; quota, used according to the account
# (the last two empty where there is none, or where it was not asked). Answers {granted, milliseconds until `least` may be there,
# limit}: at least `least`, as many as `wanted` where they are there, or nothing counted. limit 1: the key's, 2: the project's,
# 3: the quota; 4: ask for the account, then come again. By Redis's own clock.
TAKE = f"""
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local wanted, least, back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local granted, wait, limit = wanted, 0, 0
local tokens = {{}}
for n = 1, 2 do
  local capacity, rate = tonumber(ARGV[2 + 2 * n]), tonumber(ARGV[3 + 2 * n])
  local bucket = redis.call('HMGET', KEYS[n], 'tokens', 'at')
  local at = tonumber(bucket[2]) or now
  tokens[n] = math.min(capacity, (tonumber(bucket[1]) or capacity) + back + math.max(0, now - at) * rate)
  granted = math.min(granted, math.floor(tokens[n]))
  local missing = (least - tokens[n]) / rate * 1000
  if missing > wait then wait, limit = missing, n end
end
local quota, told = tonumber(ARGV[8]), tonumber(ARGV[9])
local used, seeded, slot, current, before
if quota then
  local account = redis.call('HMGET', KEYS[3], 'used', 'seeded', 'slot', 'current', 'before', 'asked')
  used, seeded, slot = tonumber(account[1]), tonumber(account[2]) or 0, math.floor(now / {UNDER_WAY_SECONDS})
  current, before = tonumber(account[4]) or 0, tonumber(account[5]) or 0
  local behind = slot - (tonumber(account[3]) or 0)
  if behind == 1 then current, before = 0, current elseif behind > 1 then current, before = 0, 0 end
  current = math.max(0, current - back)
  if told then used, seeded = told + current + before, now elseif used then used = used - back end
  local age = now - seeded
  local stale = used and (age >= {ACCOUNT_SECONDS} or (quota - used < least and age >= {FULL_ACCOUNT_SECONDS}))
  if not used or (stale and now - (tonumber(account[6]) or 0) >= 5) then
    if used then redis.call('HSET', KEYS[3], 'asked', now) end
    return {{0, 0, 4}}
  end
  granted = math.min(granted, math.max(least, math.floor((quota - used) / {QUOTA_BLOCKS})))
  if quota - used < least then wait, limit = math.max(1, {FULL_ACCOUNT_SECONDS} - age) * 1000, 3 end
end
if limit > 0 then granted = 0 end
if granted > 0 or back > 0 then
  for n = 1, 2 do
    redis.call('HSET', KEYS[n], 'tokens', string.format('%.6f', tokens[n] - granted), 'at', string.format('%.6f', now))
    redis.call('EXPIRE', KEYS[n], math.ceil(ARGV[2 + 2 * n] / ARGV[3 + 2 * n]) + 60)
  end
end
if quota and (granted > 0 or back > 0 or told) then
  redis.call('HSET', KEYS[3], 'used', string.format('%.0f', used + granted), 'seeded', string.format('%.6f', seeded),
             'slot', slot, 'current', current + granted, 'before', before)
  redis.call('EXPIRE', KEYS[3], 172800)
end
return {{granted, math.ceil(wait), limit}}
"""
ASK = 4
REFUSALS: dict[int, type[RateLimited]] = {1: RateLimited, 2: ProjectRateLimited, 3: OverQuota}

Used = Callable[[int, date], Awaitable[int]]
"""The events that a workspace has had recorded in the month that begins on this day."""


class Grant(NamedTuple):
    """Permits; none where fewer than were needed are there: then which limit says so, and when to look again."""

    permits: int
    wait_seconds: float = 0.0
    refusal: type[RateLimited] | None = None


class Bucket:
    """A token bucket of this process."""

    __slots__ = ("at", "tokens")

    def __init__(self) -> None:
        self.tokens = math.inf
        self.at = 0.0

    def refill(self, now: float, capacity: float, rate: float) -> float:
        """The tokens that are there now."""
        self.tokens, self.at = min(capacity, self.tokens + (now - self.at) * rate), now
        return self.tokens


class Account:
    """What a workspace has used of its month: as PostgreSQL told, and what this instance has admitted since."""

    __slots__ = ("admitted", "asked_at", "used")

    def __init__(self, used: int, asked_at: float) -> None:
        self.used = used
        self.asked_at = asked_at
        self.admitted = 0


class Permits:
    """The permits of one instance's keys."""

    def __init__(self, redis: Redis, used: Used, clock: Callable[[], float], today: Callable[[], date] | None = None) -> None:
        self.redis = redis
        self._used = used
        self._clock = clock
        self._today = today or (lambda: datetime.now(UTC).date())
        self._buckets: OrderedDict[tuple[int, ...], Bucket] = OrderedDict()
        self._accounts: OrderedDict[tuple[int, date], Account] = OrderedDict()

    async def take(self, key: Key, wanted: int, least: int, given_back: int = 0) -> Grant:
        """At least `least` permits, as many as `wanted` where they are there, or none and nothing counted."""
        try:
            return await self._of_redis(key, wanted, least, given_back)
        except RedisUnavailableError:
            log.note(admission="fallback")
            return await self._of_this_instance(key, wanted, least)

    async def _of_redis(self, key: Key, wanted: int, least: int, given_back: int) -> Grant:
        tenant = f"{{w{key.workspace_id}}}"  # in braces: the three lie together wherever keys are spread over nodes
        names = [f"{tenant}:key:{key.project_id}:{key.key_id}", f"{tenant}:project:{key.project_id}"]
        if key.events_per_month_max is not None:
            names.append(f"{tenant}:month:{self._month():%Y-%m}")
        numbers = [wanted, least, given_back, *_shape(key.rate_per_minute), *_shape(key.events_per_minute_max)]
        quota = "" if key.events_per_month_max is None else str(key.events_per_month_max)
        given = [*map(str, numbers), quota]
        granted, wait_ms, limit = await self.redis.run(TAKE, names, [*given, ""])
        if limit == ASK:
            told = await self._account_of(key)
            if told is None:
                return await self._of_this_instance(key, wanted, least)
            granted, wait_ms, limit = await self.redis.run(TAKE, names, [*given, str(told.used)])
        self._follow(key, int(granted))
        return Grant(int(granted), wait_ms / 1000, REFUSALS.get(limit))

    async def _of_this_instance(self, key: Key, wanted: int, least: int) -> Grant:
        account = await self._account_of(key, FULL_ACCOUNT_SECONDS)
        now = self._clock()
        granted = float(wanted)
        for bucket, per_minute, refusal in self._own(key):
            capacity, rate = _shape(per_minute)
            tokens = bucket.refill(now, capacity, rate)
            if tokens < least:
                return Grant(0, (least - tokens) / rate, refusal)
            granted = min(granted, math.floor(tokens))
        if account and key.events_per_month_max is not None:
            left = key.events_per_month_max - account.used - account.admitted
            if left < least:
                return Grant(0, max(1.0, FULL_ACCOUNT_SECONDS - (now - account.asked_at)), OverQuota)
            granted = min(granted, left)
            account.admitted += int(granted)
        for bucket, _, _ in self._own(key):
            bucket.tokens -= granted
        return Grant(int(granted))

    def _own(self, key: Key) -> tuple[tuple[Bucket, int, type[RateLimited]], ...]:
        """This instance's buckets for the rates of a key and of its project."""
        of_key = _remembered(self._buckets, (key.project_id, key.key_id), Bucket)
        of_project = _remembered(self._buckets, (key.project_id,), Bucket)
        return (of_key, key.rate_per_minute, RateLimited), (of_project, key.events_per_minute_max, ProjectRateLimited)

    def _follow(self, key: Key, granted: int) -> None:
        """What Redis has granted is taken from here too: a Redis that goes away leaves nobody a second burst."""
        now = self._clock()
        for bucket, per_minute, _ in self._own(key):
            bucket.tokens = max(0.0, bucket.refill(now, *_shape(per_minute)) - granted)

    async def _account_of(self, key: Key, seconds: float = 0.0) -> Account | None:
        """The workspace's month as told within so many seconds; None where there is no quota, or nobody to tell."""
        if key.events_per_month_max is None:
            return None
        identity = (key.workspace_id, self._month())
        account, now = self._accounts.get(identity), self._clock()
        if account and now - account.asked_at < seconds:
            return account
        try:
            used = await self._used(*identity)
        except Problem:
            return account
        self._accounts.pop(identity, None)
        return _remembered(self._accounts, identity, lambda: Account(used, now))

    def _month(self) -> date:
        return self._today().replace(day=1)


def _shape(per_minute: int) -> tuple[float, float]:
    """(capacity, rate per second)."""
    return max(per_minute * BURST_SECONDS / 60, 1.0), per_minute / 60


def _remembered(held: OrderedDict[Name, Value], name: Name, make: Callable[[], Value]) -> Value:
    """What is held under the name, made where it is not; the oldest are forgotten where they are too many."""
    if name not in held:
        held[name] = make()
        while len(held) > HELD_MAX:
            held.popitem(last=False)
    return held[name]


async def nothing_used(_workspace_id: int, _month: date) -> int:
    """The account of a deployment that keeps none."""
    return 0
