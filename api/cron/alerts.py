"""/api/cron/alerts: follow up what waits, alerts and analyses. For the scheduler, and for our own functions, which wake it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import analysis, clock, crons, db, http, log
from lib.alerts import sweep

# Of the 60 s that the function lives: no analysis is begun that may not be over by then.
ANALYSE_SECONDS = 55.0
LAST_SECONDS = 5.0
Sweep = Callable[[db.Database, clock.Clock, float], Awaitable[Counter[str]]]


class Sweeper:
    """Sweeps of one job for one instance, one at a time: others overlap in other instances, here they would only share its
    connections. Alerts and analyses have one each, so that a slow model holds up no alert.
    """

    def __init__(self, database: db.Database, job: str, seconds: float, sweep_once: Sweep) -> None:
        self._database = database
        self._job, self._seconds, self._sweep = job, seconds, sweep_once
        self._sweeping = asyncio.Lock()
        self._is_woken = False

    async def run(self) -> Counter[str]:
        """A sweep that begins after this call; answers what was done. Waiting is of the time that a function has."""
        came_at = time.monotonic()
        async with self._sweeping:
            self._is_woken = False
            seconds = self._seconds - (time.monotonic() - came_at)
            async with self._database.connection() as conn, crons.run(conn, self._job) as report:
                found = await self._sweep(self._database, await clock.of_database(conn), seconds)
                report.update(found)
        return found

    async def again(self) -> Counter[str]:
        """Once more, briefly: what waited for its analysis goes now. Health goes on to tell of the run before."""
        async with self._sweeping:
            async with self._database.connection() as conn:
                now = await clock.of_database(conn)
            return await self._sweep(self._database, now, LAST_SECONDS)

    async def wake(self) -> None:
        """The same, unless one that was woken waits to begin."""
        if not self._is_woken:
            self._is_woken = True
            log.write("swept", job=self._job, **await self.run())


async def analyse(database: db.Database, at: clock.Clock, seconds: float) -> Counter[str]:
    """A sweep of analyses."""
    return await analysis.sweep(database, deadline=at() + timedelta(seconds=seconds), clock=at)


async def follow_up(request: Request) -> Response:
    """What was done, once it is done; with `?answer=first` it is begun after the answer."""
    crons.require_cron(request)
    alerts, analyses = request.state.sweepers
    if request.query_params.get("answer") == "first":
        return Response(status_code=202, headers=http.HEADERS, background=BackgroundTask(_wake, alerts, analyses))
    told = await alerts.run()
    explained = await analyses.run()
    return http.json({**(told + await alerts.again()), "analyses": explained})


async def _wake(alerts: Sweeper, analyses: Sweeper) -> None:
    """Alerts first: analyses consider only what alerts are done with."""
    await alerts.wake()
    await analyses.wake()
    await alerts.again()


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """The instance's sweepers: of alerts and of analyses."""
    database = db.Database()
    alerts = Sweeper(database, "alerts", sweep.SWEEP_SECONDS, sweep.run)
    yield {"sweepers": (alerts, Sweeper(database, "analyses", ANALYSE_SECONDS, analyse))}
    await database.close()


app = http.create_app([Route("/api/cron/alerts", follow_up, methods=["GET", "POST"])], lifespan, wakes=False)
