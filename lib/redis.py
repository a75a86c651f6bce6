"""Upstash Redis over REST. Every call is bounded, none is repeated, and a failing Redis is left alone for a while."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from lib import log, settings

if TYPE_CHECKING:
    from upstash_redis.asyncio import Redis as Client

TIMEOUT_SECONDS = 0.25
# The first call also opens the connection and imports the client.
FIRST_TIMEOUT_SECONDS = 1.0
PAUSE_SECONDS = 5.0
PROBE = "return {1}"


class RedisUnavailableError(Exception):
    """Redis is not configured, did not answer in time, or answered an error."""


class Redis:
    """The Redis of one instance."""

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        self.url = url or settings.current().redis_url
        self.token = token or settings.current().redis_token
        self.failing_since: float | None = None
        self._paused_until = 0.0
        self._client: Client | None = None
        self._scripts: dict[str, str] = {}
        self._probing: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        """For health: not_configured, failing or ok (as far as is known)."""
        if not self.url or not self.token:
            return "not_configured"
        return "failing" if self.failing_since else "ok"

    async def run(self, script: str, keys: list[str], args: list[str]) -> list[Any]:
        """Run a Lua script atomically in one round trip (two where Redis does not know it yet). Raises RedisUnavailableError."""
        if self.state == "not_configured":
            raise RedisUnavailableError
        if self.failing_since is not None:
            # Whether it is back is found out in the background: nobody waits for a Redis that is known to hang.
            self._probe()
            raise RedisUnavailableError
        return await self._call(script, keys, args)

    async def _call(self, script: str, keys: list[str], args: list[str]) -> list[Any]:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS if self._client else FIRST_TIMEOUT_SECONDS):
                answer = list(await self._evaluate(script, keys, args))
        except Exception as error:  # the client raises many kinds, and none may stop an event
            self._pause(error)
            raise RedisUnavailableError from error
        self.failing_since = None
        return answer

    def _probe(self) -> None:
        if time.monotonic() >= self._paused_until and (self._probing is None or self._probing.done()):
            self._probing = asyncio.create_task(self._ask_whether_it_is_back())

    async def _ask_whether_it_is_back(self) -> None:
        with contextlib.suppress(RedisUnavailableError):
            await self._call(PROBE, [], [])

    async def _evaluate(self, script: str, keys: list[str], args: list[str]) -> Any:
        from upstash_redis.errors import UpstashError

        client = self._connected()
        digest = self._scripts.get(script)
        if digest:
            try:
                return await client.evalsha(digest, keys=keys, args=args)
            except UpstashError as error:
                if "NOSCRIPT" not in str(error):
                    raise
        answer = await client.eval(script, keys=keys, args=args)
        self._remember(script)
        return answer

    def _connected(self) -> Client:
        if self._client is None:
            from upstash_redis.asyncio import Redis as Client

            # A repeated script would count twice, so nothing is repeated here.
            self._client = Client(url=self.url or "", token=self.token or "", rest_retries=0, allow_telemetry=False)
        return self._client

    def _remember(self, script: str) -> None:
        import hashlib

        self._scripts[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()

    def _pause(self, error: Exception) -> None:
        now = time.monotonic()
        if self.failing_since is None:
            self.failing_since = now
            log.write("redis_failing", **log.where(error))
        self._paused_until = now + PAUSE_SECONDS

    async def close(self) -> None:
        """Close the connections."""
        if self._probing:
            self._probing.cancel()
        if self._client:
            await self._client.close()
