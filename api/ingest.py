"""Every way in: Sentry's envelope and store addresses, and plain JSON. An answer of 2xx means that the event is durable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import decompression, event_ids, http, log
from lib.errors import Forbidden, InvalidRequest, Problem, RateLimited, TooLarge, Unauthenticated
from lib.intake import Accepted, Incoming, Intake
from lib.protocols import native, sentry
from lib.recording import Recorded

# Vercel itself refuses more than this.
BODY_BYTES_MAX = 4_500_000
# An envelope may hold attachments, which are skipped; what is parsed as JSON is bounded by EVENT_BYTES_MAX.
ENVELOPE_BYTES_MAX = 16 * 1024 * 1024
EVENT_BYTES_MAX = 4 * 1024 * 1024

CORS_REQUEST_HEADERS = (
    "x-sentry-auth, content-type, content-encoding, authorization, authentication, x-requested-with, x-forwarded-for, origin, "
    "referer, accept, transfer-encoding, sentry-trace, baggage"
)
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-sentry-error, x-sentry-rate-limits, retry-after",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": CORS_REQUEST_HEADERS,
    "Access-Control-Max-Age": "3600",
}


async def preflight(_request: Request) -> Response:
    """What a browser asks before a request that is not simple. Which origins a key allows is checked with the key."""
    return Response(status_code=204, headers=PREFLIGHT)


async def read_body(request: Request) -> bytes:
    """The body as sent, still compressed. Raises TooLarge beyond BODY_BYTES_MAX."""
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > BODY_BYTES_MAX:
            raise TooLarge(f"A request body may hold {BODY_BYTES_MAX} bytes at most.")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decompressed(request: Request, body: bytes, bytes_max: int) -> bytes:
    """The body as meant. Raises TooLarge or InvalidRequest."""
    try:
        return decompression.decompress(body, request.headers.get("content-encoding", ""), bytes_max)
    except decompression.TooLarge as error:
        raise TooLarge(f"The decompressed body may hold {bytes_max} bytes at most.") from error
    except decompression.BadEncoding as error:
        raise InvalidRequest(str(error)) from error


# Sentry's addresses


def sentry_key(request: Request, body: bytes) -> str:
    """The key of the request: from X-Sentry-Auth, the query, or, through a tunnel, the envelope's own header."""
    header = request.headers.get("x-sentry-auth") or request.headers.get("authorization")
    query = request.scope["query_string"].decode("latin-1")
    try:
        return sentry.credentials(header, query, None)
    except sentry.MissingCredentials:
        # Decompressed again once the key is known: nothing large is held while strangers wait for the database.
        dsn = sentry.parse_header(decompressed(request, body, ENVELOPE_BYTES_MAX)).get("dsn")
        return sentry.credentials(None, "", dsn if isinstance(dsn, str) else None)


async def sentry_request(request: Request, take: Callable[[Request, bytes, str], Awaitable[Response]]) -> Response:
    """Answer in Sentry's form: `{"id": …}`, or `{"detail": …}` with X-Sentry-Error."""
    try:
        body = await read_body(request)
        try:
            key = sentry_key(request, body)
        except (sentry.BadCredentials, sentry.BadEnvelope) as error:
            raise Forbidden(f"Not authenticated: {error}") from error
        response = await take(request, body, key)
    except Problem as problem:
        response = sentry_refusal(problem)
    response.headers.update(CORS)
    return response


def sentry_refusal(problem: Problem) -> Response:
    """A refusal as SDKs read it: with the limit's category and duration, so that they hold back by themselves."""
    log.note(problem=problem.slug, **(log.where(problem.__cause__) if problem.status >= 500 and problem.__cause__ else {}))
    headers = {**problem.headers, "X-Sentry-Error": problem.detail.encode("ascii", "replace").decode()}
    if isinstance(problem, RateLimited):
        headers["X-Sentry-Rate-Limits"] = f"{problem.headers['Retry-After']}:error;default:key:rate_limited"
    # Sentry's protocol knows 403 for every failed authentication.
    status = Forbidden.status if isinstance(problem, Unauthenticated) else problem.status
    return http.json({"detail": problem.detail}, status, headers)


async def take_envelope(request: Request, body: bytes, secret: str) -> Response:
    """An envelope with one event at most; its other items are counted and let go."""
    intake: Intake = request.state.intake
    key = await intake.authenticate(secret, request.path_params["project_id"], request.headers.get("origin"))
    try:
        envelope = sentry.parse_envelope(decompressed(request, body, ENVELOPE_BYTES_MAX), EVENT_BYTES_MAX)
        dsn = envelope.header.get("dsn")
        sentry.credentials(f"sentry_key={secret}", "", dsn if isinstance(dsn, str) else None)
    except sentry.EventTooLarge as error:
        raise TooLarge(str(error)) from error
    except sentry.BadEnvelope as error:
        raise InvalidRequest(str(error)) from error
    except sentry.BadCredentials as error:
        raise Forbidden(str(error)) from error
    if envelope.event is None:
        log.note(events=0, ignored=dict(envelope.ignored))
        # Only what is an id is said again: a header may hold anything.
        event_id = event_ids.parse(envelope.header.get("event_id"))
        return http.json({"id": event_id} if event_id else {})
    del body
    await intake.admission.admit(key)
    [accepted] = await intake.accept(key, [Incoming(envelope.event, envelope.event_body)])
    return sentry_accepted(accepted)


async def take_store(request: Request, body: bytes, secret: str) -> Response:
    """The older address: the event alone."""
    intake: Intake = request.state.intake
    key = await intake.authenticate(secret, request.path_params["project_id"], request.headers.get("origin"))
    text = decompressed(request, body, EVENT_BYTES_MAX)
    try:
        event = sentry.parse_store(text)
    except sentry.BadEnvelope as error:
        raise InvalidRequest(str(error)) from error
    await intake.admission.admit(key)
    [accepted] = await intake.accept(key, [Incoming(event, text)])
    return sentry_accepted(accepted)


def sentry_accepted(accepted: Accepted) -> Response:
    """The event's id, once it is durable."""
    if isinstance(accepted.result, Problem):
        raise accepted.result
    return http.json({"id": accepted.event_id})


async def envelope(request: Request) -> Response:
    """POST /api/{project_id}/envelope/."""
    return await sentry_request(request, take_envelope)


async def store(request: Request) -> Response:
    """POST /api/{project_id}/store/."""
    return await sentry_request(request, take_store)


# Plain JSON


async def ingest(request: Request) -> Response:
    """POST /api/ingest: an object, an array or NDJSON; answers one result an item, in order."""
    intake: Intake = request.state.intake
    try:
        response = await take_plain(request, intake)
    except Problem as problem:
        response = await http.on_problem(request, problem)
    response.headers.update(CORS)
    return response


async def take_plain(request: Request, intake: Intake) -> Response:
    """Store what is valid, and say of the rest what is wrong with it."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("Send the project's ingest key: `Authorization: Bearer sns_ingest_…`.")
    key = await intake.authenticate(secret.strip(), origin=request.headers.get("origin"))
    body = decompressed(request, await read_body(request), EVENT_BYTES_MAX)
    try:
        items = native.parse(body, request.headers.get("content-type", ""))
    except native.BadBody as error:
        raise InvalidRequest(str(error)) from error
    valid = [Incoming(item, body) for item in items if not isinstance(item, native.ItemError)]
    if not valid:
        wrong = [{"pointer": item.pointer, "detail": item.detail} for item in items if isinstance(item, native.ItemError)]
        raise InvalidRequest("No item is a valid event." if len(items) > 1 else None, wrong[:20])
    await intake.admission.admit(key, len(valid))
    results = iter(plain_results(await intake.accept(key, valid)))
    answered = [invalid(item) if isinstance(item, native.ItemError) else next(results) for item in items]
    return http.json({"items": answered})


def plain_results(accepted: list[Accepted]) -> list[dict[str, Any]]:
    """One result an event. Raises the refusal itself where it is the same for all."""
    if all(isinstance(one.result, Problem) for one in accepted) and isinstance(accepted[0].result, Problem):
        raise accepted[0].result
    return [plain_result(one) for one in accepted]


def plain_result(accepted: Accepted) -> dict[str, Any]:
    """What became of one event; `failed` was not kept and may be sent again."""
    if isinstance(accepted.result, Recorded):
        return {"event_id": accepted.event_id, **accepted.result._asdict()}
    return {"event_id": accepted.event_id, "outcome": "failed", "incident_id": None, "detail": accepted.result.detail}


def invalid(item: native.ItemError) -> dict[str, Any]:
    """What is wrong with one item."""
    errors = [{"pointer": item.pointer, "detail": item.detail}]
    return {"event_id": None, "outcome": "invalid", "incident_id": None, "errors": errors}


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """One Intake an instance."""
    intake = Intake()
    yield {"intake": intake}
    await intake.close()


def sentry_routes(name: str, handler: Callable[[Request], Awaitable[Response]]) -> list[Route]:
    """With and without the trailing slash: SDKs do not follow redirects."""
    paths = [f"/api/{{project_id:id}}/{name}/", f"/api/{{project_id:id}}/{name}"]
    posts = [Route(path, handler, methods=["POST"]) for path in paths]
    return posts + [Route(path, preflight, methods=["OPTIONS"]) for path in paths]


app = http.create_app(
    [
        *sentry_routes("envelope", envelope),
        *sentry_routes("store", store),
        Route("/api/ingest", ingest, methods=["POST"]),
        Route("/api/ingest", preflight, methods=["OPTIONS"]),
    ],
    lifespan,
)
