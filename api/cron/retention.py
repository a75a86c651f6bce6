"""/api/cron/retention: remove what has expired, and make the partitions of the coming days."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import crons, http, pruning


async def prune(request: Request) -> Response:
    """One run, within the function's time; the next one goes on where it ended."""
    crons.require_cron(request)
    async with request.state.database.connection() as conn, crons.run(conn, "retention") as report:
        report.update(await pruning.run(conn))
    return http.json(report)


app = http.create_app([Route("/api/cron/retention", prune, methods=["GET", "POST"])], crons.lifespan)
