"""What an instance remembers of keys: a valid one for seconds, so that a revoked key ends soon everywhere; an unknown one too,
so that a stranger's guesses do not become queries. Keys are remembered by hash, never in clear.

A valid key is asked for again in the background, so that no event waits for it, and goes on for a while when there is no answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from lib import keys

KEY_CACHE_SECONDS = 15.0
# A revoked key ends within a minute whatever happens, the time of the last question included.
KEY_CACHE_SECONDS_MAX = 45.0
REFRESH_PAUSE_SECONDS = 1.0
UNKNOWN_KEY_CACHE_SECONDS = 5.0
# Apart: however many unknown keys are tried, no valid one is forgotten for them.
KEYS_CACHED_MAX = 2_000
UNKNOWN_KEYS_CACHED_MAX = 2_000

Find = Callable[[str], Awaitable[keys.Key | None]]


class Known:
    """A valid key, when the question that found it was asked, and when to ask again."""

    __slots__ = ("asked_at", "key", "refresh_at")

    def __init__(self, key: keys.Key, asked_at: float) -> None:
        self.key = key
        self.asked_at = asked_at
        self.refresh_at = asked_at + KEY_CACHE_SECONDS


class KeyCache:
    """Answers `find`, asking the database at most once at a time for each key."""

    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[keys.Key | None]] = {}

    async def get(self, secret: str) -> keys.Key | None:
        """The key, or None where it is malformed, unknown, revoked or expired. Raises what the database raises."""
        if not keys.well_formed(secret):
            return None
        digest = keys.hashed(secret)
        now = self._clock()
        known = self._known.get(digest)
        if known and now < known.asked_at + KEY_CACHE_SECONDS_MAX:
            self._known.move_to_end(digest)
            if now >= known.refresh_at:
                known.refresh_at = now + REFRESH_PAUSE_SECONDS
                self._ask(digest, secret)
            return _unexpired(known.key)
        if now < self._unknown.get(digest, now):
            return None
        # Shielded: a client that hangs up must not cancel the question that others wait for.
        return await asyncio.shield(self._ask(digest, secret))

    def _ask(self, digest: bytes, secret: str) -> asyncio.Task[keys.Key | None]:
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.ensure_future(self._answer(digest, secret))
            self._asking[digest] = asking
            asking.add_done_callback(lambda done: self._asked(digest, done))
        return asking

    async def _answer(self, digest: bytes, secret: str) -> keys.Key | None:
        asked_at = self._clock()
        key = await self._find(secret)
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)
        if key:
            self._known[digest] = Known(key, asked_at)
        else:
            self._unknown[digest] = self._clock() + UNKNOWN_KEY_CACHE_SECONDS
        for remembered, size in ((self._known, KEYS_CACHED_MAX), (self._unknown, UNKNOWN_KEYS_CACHED_MAX)):
            while len(remembered) > size:
                remembered.popitem(last=False)
        return key

    def _asked(self, digest: bytes, done: asyncio.Task[keys.Key | None]) -> None:
        self._asking.pop(digest, None)
        if not done.cancelled():
            done.exception()  # looked at: nobody waits for a question asked in the background


def _unexpired(key: keys.Key | None) -> keys.Key | None:
    """An expiry is kept to the second, whatever is remembered."""
    if key and key.expires_at and key.expires_at <= datetime.now(UTC):
        return None
    return key
