"""The Upstash stand-in as a process of its own, which also says how many commands it was billed for: GET /commands.

It serves as an instance does: `python -m bench.instance bench.upstash:app PORT`.
"""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local.redis import Upstash

upstash = Upstash(os.environ["UPSTASH_REDIS_REST_TOKEN"])
app = upstash.app


async def commands(_request: Request) -> Response:
    """The commands so far, as a number."""
    return PlainTextResponse(str(upstash.commands))


app.router.routes.append(Route("/commands", commands))
