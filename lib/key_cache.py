"""What an instance remembers of keys: a valid one for seconds, so that a revoked key ends soon everywhere; an unknown one too,
so that a stranger's guesses do not become queries. Keys are remembered by hash, never in clear.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from lib import keys

KEY_CACHE_SECONDS = 15.0
UNKNOWN_KEY_CACHE_SECONDS = 5.0
KEYS_CACHED_MAX = 2_000

Find = Callable[[str], Awaitable[keys.Key | None]]


class KeyCache:
    """Answers `find`, asking the database at most once at a time for each key."""

    def __init__(self, find: Find, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[float, keys.Key | None]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[keys.Key | None]] = {}

    async def get(self, secret: str) -> keys.Key | None:
        """The key, or None where it is malformed, unknown, revoked or expired. Raises what the database raises."""
        if not keys.well_formed(secret):
            return None
        digest = keys.hashed(secret)
        found = self._known.get(digest)
        if found and found[0] > self._clock():
            return _unexpired(found[1])
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.ensure_future(self._find(secret))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        # Shielded: a client that hangs up must not cancel the question that others wait for.
        key = await asyncio.shield(asking)
        self._remember(digest, key)
        return key

    def _remember(self, digest: bytes, key: keys.Key | None) -> None:
        seconds = KEY_CACHE_SECONDS if key else UNKNOWN_KEY_CACHE_SECONDS
        self._known[digest] = (self._clock() + seconds, key)
        self._known.move_to_end(digest)
        while len(self._known) > KEYS_CACHED_MAX:
            self._known.popitem(last=False)


def _unexpired(key: keys.Key | None) -> keys.Key | None:
    """An expiry is kept to the second, whatever is remembered."""
    if key and key.expires_at and key.expires_at <= datetime.now(UTC):
        return None
    return key
