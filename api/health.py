"""/api/health: liveness, readiness, and the state of everything this deployment depends on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import health, http


async def live(_request: Request) -> Response:
    """The function runs."""
    return http.json({"status": "ok"})


async def ready(request: Request) -> Response:
    """Events can be taken: 200, otherwise 503 with what is missing."""
    found = await request.state.health.database.get()
    return http.json({"status": found["state"]}, 200 if found["state"] == "ok" else 503)


async def report(request: Request) -> Response:
    """Everything; 503 where events cannot be taken."""
    found = await request.state.health.report()
    return http.json(found, 503 if found["status"] == "down" else 200)


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """`request.state.health`: what this instance found last."""
    yield {"health": health.Health()}


app = http.create_app(
    [
        Route("/api/health", report),
        Route("/api/health/live", live),
        Route("/api/health/ready", ready),
    ],
    lifespan,
)
