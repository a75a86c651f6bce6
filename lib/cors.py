"""What browsers ask and need to see where pages of any origin may post (Cross-Origin Resource Sharing)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

REQUEST_HEADERS = (
    "x-sentry-auth, content-type, content-encoding, authorization, authentication, x-requested-with, x-forwarded-for, origin, "
    "referer, accept, transfer-encoding, sentry-trace, baggage"
)
# On every answer, refusals included: without them a page would not even see that it was refused.
ANSWER = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-sentry-error, x-sentry-rate-limits, retry-after",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    **ANSWER,
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": REQUEST_HEADERS,
    "Access-Control-Max-Age": "3600",
}


async def preflight(_request: Request) -> Response:
    """What a browser asks before a request that is not simple. Which origins a key allows is checked with the key."""
    return Response(status_code=204, headers=PREFLIGHT)
