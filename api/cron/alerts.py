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

from lib import analysis, clock, crons, db, http, log, settings
from lib.alerts import sweep

# When each ends that one request starts, counted from its coming; the function lives 120 s (vercel.json). Deliveries under way
# take 15 s more; no analysis is begun that may not be over by then.
ALERTS_SECONDS = 25.0
ANALYSES_SECONDS = 85.0
LAST_SECONDS = 90.0
Sweep = Callable[[db.Database, clock.Clock, float], Awaitable[Counter[str]]]


class Sweeper:
    """Sweeps of one job for one instance, one at a time: others overlap in other instances, here they would only share its
    connections. Alerts and analyses have one each, so that a slow model holds up no alert.
    """

    def __init__(self, database: db.Database, job: str, ends_after: float, sweep_once: Sweep) -> None:
        self._database = database
        self._job, self._ends_after, self._sweep = job, ends_after, sweep_once
        self._sweeping = asyncio.Lock()
        self._is_woken = False

    async def run(self, came_at: float) -> Counter[str]:
        """A sweep that begins after this call; answers what was done.

        came_at: when the request came (time.monotonic). What it waited is of the time that it has.
        """
        async with self._sweeping:
            self._is_woken = False
            async with self._database.connection() as conn, crons.run(conn, self._job) as report:
                found = await self._sweep(self._database, await clock.of_database(conn), _left(self._ends_after, came_at))
                report.update(found)
        return found

    async def again(self, came_at: float) -> Counter[str]:
        """Once more, briefly: what waited for its analysis goes now. Health goes on to tell of the run before."""
        if settings.current().openai_api_key is None:
            return Counter()
        async with self._sweeping:
            async with self._database.connection() as conn:
                now = await clock.of_database(conn)
            return await sweep.run(self._database, now, _left(LAST_SECONDS, came_at), is_last=True)

    async def wake(self, came_at: float) -> None:
        """The same as run, unless one that was woken waits to begin."""
        if not self._is_woken:
            self._is_woken = True
            log.write("swept", job=self._job, **await self.run(came_at))


def _left(ends_after: float, came_at: float) -> float:
    return ends_after - (time.monotonic() - came_at)


async def analyse(database: db.Database, at: clock.Clock, seconds: float) -> Counter[str]:
    """A sweep of analyses."""
    return await analysis.sweep(database, deadline=at() + timedelta(seconds=seconds), clock=at)


async def follow_up(request: Request) -> Response:
    """What was done, once it is done; with `?answer=first` it is begun after the answer."""
    crons.require_cron(request)
    came_at = time.monotonic()
    alerts, analyses = request.state.sweepers
    if request.query_params.get("answer") == "first":
        return Response(status_code=202, headers=http.HEADERS, background=BackgroundTask(_wake, alerts, analyses, came_at))
    told = await alerts.run(came_at)
    explained = await analyses.run(came_at)
    return http.json({**(told + await alerts.again(came_at)), "analyses": explained})


async def _wake(alerts: Sweeper, analyses: Sweeper, came_at: float) -> None:
    """Alerts first: analyses consider only what alerts are done with."""
    await alerts.wake(came_at)
    await analyses.wake(came_at)
    await alerts.again(came_at)


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """The instance's sweepers: of alerts and of analyses."""
    database = db.Database()
    alerts = Sweeper(database, "alerts", ALERTS_SECONDS, sweep.run)
    yield {"sweepers": (alerts, Sweeper(database, "analyses", ANALYSES_SECONDS, analyse))}
    await database.close()


app = http.create_app([Route("/api/cron/alerts", follow_up, methods=["GET", "POST"])], lifespan, wakes=False)
