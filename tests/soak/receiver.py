"""A receiver of webhooks as a process of its own: at once below /quick, never below /hanging."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def quick(_request: Request) -> Response:
    """Taken."""
    return Response()


async def hanging(_request: Request) -> Response:
    """Nothing, for longer than anybody waits."""
    await asyncio.sleep(60)
    return Response()


app = Starlette(routes=[Route("/quick", quick, methods=["POST"]), Route("/hanging", hanging, methods=["POST"])])
