"""Waking the follow-up: after an answer, and never before it, the function that sends alerts is asked to look what is due.

What is to be done stands in the database before anybody is woken, so a wake may be lost: the next one, or the cron, finds it. An
instance asks once in PAUSE_SECONDS where something happened, and else once in ROUTINE_SECONDS, so that retries and digests are
on time where there is traffic. Nothing here is imported or opened before it is needed: ingest goes through this module.
"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from lib import log, settings

PATH = "/api/cron/alerts?answer=first"
PAUSE_SECONDS = 5.0
ROUTINE_SECONDS = 60.0
TIMEOUT_SECONDS = 2.0


class Waker:
    """The one place of an instance that wakes."""

    def __init__(self) -> None:
        self._is_wanted = False
        self._is_running = False
        self._last_at = float("-inf")

    def want(self) -> None:
        """Something was written that is to be followed up; whoever answers next sees to it."""
        self._is_wanted = True

    async def see_to_it(self) -> None:
        """Wake where that is due. Call it after the answer is sent; raises nothing."""
        config = settings.current()
        if not config.base_url or not config.cron_secret or self._is_running:
            return
        if not self._is_wanted and time.monotonic() - self._last_at < ROUTINE_SECONDS:
            return
        self._is_running = True
        try:
            # What is wanted meanwhile is seen to by this same wake, or by one more.
            await asyncio.sleep(self._last_at + PAUSE_SECONDS - time.monotonic())
            self._is_wanted = False
            self._last_at = time.monotonic()
            await asyncio.to_thread(_post, config.base_url, config.cron_secret)
        except Exception as error:  # noqa: BLE001 - the answer is out; whatever happened here, the cron will find what is due
            log.write("wake_failed", **log.where(error))
        finally:
            self._is_running = False
        if self._is_wanted:
            await self.see_to_it()


def _post(base_url: str, secret: str) -> None:
    """One request in a thread of its own. The other side answers before it begins to work."""
    import http.client

    url = urlsplit(base_url)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", url.path + PATH, headers={"Authorization": f"Bearer {secret}", "Content-Length": "0"})
        status = connection.getresponse().status
    finally:
        connection.close()
    if status >= 300:
        log.write("wake_refused", status=status)


_waker = Waker()
want = _waker.want
see_to_it = _waker.see_to_it
