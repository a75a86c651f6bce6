"""/api/cron/alerts: follow up what waits. For the scheduler, and for the deployment's own functions, which wake it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import clock, crons, db, http, log
from lib.alerts import sweep

JOB = "alerts"


class Sweeper:
    """Sweeps for one instance, one at a time: others overlap in other instances, here they would only share its connections."""

    def __init__(self) -> None:
        self._database = db.Database()
        self._sweeping = asyncio.Lock()
        self._is_woken = False

    async def run(self) -> Counter[str]:
        """A sweep that begins after this call; answers what was done. Waiting is of the time that a function has."""
        came_at = time.monotonic()
        async with self._sweeping:
            self._is_woken = False
            seconds = sweep.SWEEP_SECONDS - (time.monotonic() - came_at)
            async with self._database.connection() as conn, crons.run(conn, JOB) as report:
                found = await sweep.run(self._database, await clock.of_database(conn), seconds)
                report.update(found)
        return found

    async def wake(self) -> None:
        """The same, unless one that was woken waits to begin."""
        if not self._is_woken:
            self._is_woken = True
            log.write("swept", **await self.run())

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()


async def follow_up(request: Request) -> Response:
    """What was done, once it is done; with `?answer=first` it is begun after the answer."""
    crons.require_cron(request)
    sweeper: Sweeper = request.state.sweeper
    if request.query_params.get("answer") == "first":
        return Response(status_code=202, headers=http.HEADERS, background=BackgroundTask(sweeper.wake))
    return http.json(await sweeper.run())


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """One Sweeper an instance."""
    sweeper = Sweeper()
    yield {"sweeper": sweeper}
    await sweeper.close()


app = http.create_app([Route("/api/cron/alerts", follow_up, methods=["GET", "POST"])], lifespan, wakes=False)
