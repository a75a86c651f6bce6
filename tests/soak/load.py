"""Clients that keep sending, from a thread of their own, and remember what they were promised."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.load import Connection, Prepared, Target, prepare
from tests.lib.fingerprint.build import frame

CRASHES = 60
ANSWER_SECONDS_MAX = 40.0
PAUSE_SECONDS = 0.05


def event(number: int) -> dict[str, Any]:
    """An event of this crash, of some kilobytes."""
    frames = [
        frame(f"step_{number}_{level}", line=f"    return step_{level}(cart)", vars={"cart": ["apple"] * 5})
        for level in range(12)
    ]
    crash = {"type": "StepError", "value": f"step {number} failed", "stacktrace": {"frames": frames}}
    return {
        "platform": "python", "level": "error", "release": f"shop@1.{number % 5}.0", "tags": {"region": "eu"}, "timestamp": 0.0,
        "environment": ("production", "staging")[number % 2], "exception": {"values": [crash]},
    }  # fmt: skip


class Load:
    """`clients` connections; every other client sends an event again until it is taken, as a good one does."""

    def __init__(self, target: Target, clients: int) -> None:
        self._target = target
        self._clients = clients
        self._stopping = threading.Event()
        self.sent: set[str] = set()
        self.promised: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.slowest_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """While it lasts, events are sent. Raises what a client raised."""
        failures: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._run())
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
                failures.append(error)

        thread = threading.Thread(target=run, name="load")
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()
        if failures:
            raise failures[0]

    async def _run(self) -> None:
        await asyncio.gather(*(self._keep_sending(number) for number in range(self._clients)))

    async def _keep_sending(self, number: int) -> None:
        connection, chance = Connection(self._target), random.Random(number)
        while not self._stopping.is_set():
            [prepared] = prepare(self._target, [event(chance.randrange(CRASHES))])
            self.sent.add(prepared.event_id)
            while not await self._send(connection, prepared):
                await asyncio.sleep(PAUSE_SECONDS)
                if number % 2 or self._stopping.is_set():
                    break
        connection.close()

    async def _send(self, connection: Connection, prepared: Prepared) -> bool:
        began = time.perf_counter()
        status = await asyncio.wait_for(connection.send(prepared.request), ANSWER_SECONDS_MAX)
        self.slowest_seconds = max(self.slowest_seconds, time.perf_counter() - began)
        self.statuses[status] += 1
        if 200 <= status < 300:
            self.promised.add(prepared.event_id)
        return 200 <= status < 300
