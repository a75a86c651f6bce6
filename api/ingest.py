"""Every way in: Sentry's envelope and store addresses, and plain JSON. An answer of 2xx means that the event is durable."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lib import bodies, cors, event_ids, http, log, outcomes
from lib.errors import Forbidden, InvalidRequest, Problem, RateLimited, TooLarge, Unauthenticated, Unexpected
from lib.intake import Accepted, Incoming, Intake
from lib.keys import Key
from lib.protocols import native, sentry
from lib.recording import Recorded

# An envelope may hold attachments, which are skipped; what is parsed as JSON is bounded by EVENT_BYTES_MAX.
ENVELOPE_BYTES_MAX = 16 * 1024 * 1024
EVENT_BYTES_MAX = 4 * 1024 * 1024
# A client report, as sent and decompressed.
REPORT_BYTES_MAX = 1024
REPORT_TEXT_BYTES_MAX = 16 * 1024


# Sentry's addresses


class Parsed(NamedTuple):
    """The event of a body, if there is one; the id to answer with where there is none; reason → what the SDK dropped itself."""

    incoming: Incoming | None
    event_id: str | None = None
    dropped: Mapping[str, int] = MappingProxyType({})


# The last: how many bytes the body may have decompressed.
Parse = Callable[[Request, bytes, str, int], Parsed]


async def sentry_request(request: Request, parse: Parse) -> Response:
    """Answer in Sentry's form: `{"id": …}`, or `{"detail": …}` with X-Sentry-Error."""
    try:
        response = await take_sentry(request, parse)
    except Problem as problem:
        response = sentry_refusal(problem)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - without CORS headers a browser SDK would not even see that it failed
        log.note(**log.where(error))
        response = sentry_refusal(Unexpected())
    response.headers.update(cors.ANSWER)
    return response


async def take_sentry(request: Request, parse: Parse) -> Response:
    """Authenticate, before the body is read where the key stands outside it; then parse, admit and store."""
    intake: Intake = request.state.intake
    secret = sentry_key(request)
    key = await authenticate(request, secret) if secret else None
    body = await bodies.read(request)
    if key is None:
        secret = tunnel_key(request, body)
        key = await authenticate(request, secret)
    with intake.outcomes.refusals(key):
        parsed = open_body(parse, request, body, secret, intake.admission.refusal(key))
        del body
        for reason, dropped in parsed.dropped.items():
            intake.outcomes.count(key, "sdk_dropped", reason, min(dropped, outcomes.SDK_DROPPED_MAX))
        if parsed.incoming is None:
            return http.json({"id": parsed.event_id} if parsed.event_id else {})
        await intake.admission.admit(key)
        batch = [parsed.incoming]
        del parsed
        [accepted] = await intake.accept(key, batch)
        if isinstance(accepted.result, Problem):
            raise accepted.result
    return http.json({"id": accepted.event_id})


def open_body(parse: Parse, request: Request, body: bytes, secret: str, limited: RateLimited | None) -> Parsed:
    """What is in the body. Of a key at its limit only what is as small as a client report is opened: SDKs that hold back tell
    in it of how many events. Raises that refusal otherwise.
    """
    if limited is None:
        return parse(request, body, secret, ENVELOPE_BYTES_MAX)
    if len(body) > REPORT_BYTES_MAX:
        raise limited
    try:
        return parse(request, body, secret, REPORT_TEXT_BYTES_MAX)
    except TooLarge as error:
        raise limited from error


async def authenticate(request: Request, secret: str) -> Key:
    """The key, where it may be used for this project and from this origin."""
    intake: Intake = request.state.intake
    return await intake.authenticate(secret, request.path_params["project_id"], request.headers.get("origin"))


def sentry_key(request: Request) -> str:
    """The key from X-Sentry-Auth or the query; empty where there is none. Raises Forbidden where they contradict."""
    header = request.headers.get("x-sentry-auth") or request.headers.get("authorization")
    try:
        return sentry.credentials(header, request.scope["query_string"].decode("latin-1"), None)
    except sentry.MissingCredentials:
        return ""
    except sentry.BadCredentials as error:
        raise Forbidden(f"Not authenticated: {error}") from error


def tunnel_key(request: Request, body: bytes) -> str:
    """The key from the envelope's own header, where a tunnel left it alone.

    The body is decompressed again once the key is known: nothing that large is held while the database is asked about it.
    """
    try:
        dsn = sentry.parse_header(bodies.decompressed(request, body, ENVELOPE_BYTES_MAX)).get("dsn")
        return sentry.credentials(None, "", dsn if isinstance(dsn, str) else None)
    except (sentry.BadCredentials, sentry.BadEnvelope) as error:
        raise Forbidden(f"Not authenticated: {error}") from error


def sentry_refusal(problem: Problem) -> Response:
    """A refusal as SDKs read it: with the limit's category and duration, so that they hold back by themselves."""
    log.note(problem=problem.slug, **(log.where(problem.__cause__) if problem.status >= 500 and problem.__cause__ else {}))
    headers = {**problem.headers, "X-Sentry-Error": problem.detail.encode("ascii", "replace").decode()}
    if isinstance(problem, RateLimited):
        headers["X-Sentry-Rate-Limits"] = f"{problem.headers['Retry-After']}:error;default:{problem.scope}:{problem.reason}"
    # Sentry's protocol knows 403 for every failed authentication.
    status = Forbidden.status if isinstance(problem, Unauthenticated) else problem.status
    return http.json({"detail": problem.detail}, status, headers)


def parse_envelope(request: Request, body: bytes, secret: str, bytes_max: int) -> Parsed:
    """The event of an envelope, if there is one, and the id to answer with; other items are counted in the log and let go."""
    try:
        envelope = sentry.parse_envelope(bodies.decompressed(request, body, bytes_max), EVENT_BYTES_MAX)
        require_same_dsn(envelope.header.get("dsn"), secret, request.path_params["project_id"])
    except sentry.EventTooLarge as error:
        raise TooLarge(str(error)) from error
    except sentry.BadEnvelope as error:
        raise InvalidRequest(str(error)) from error
    if envelope.ignored:
        log.note(ignored=dict(envelope.ignored))
    dropped = sentry.dropped_by_sdk(envelope.client_reports)
    if dropped:
        log.note(sdk_dropped=dropped)
    # Only what is an id is said again: a header may hold anything.
    event_id = event_ids.parse(envelope.header.get("event_id"))
    incoming = Incoming(envelope.event, envelope.event_body) if envelope.event is not None else None
    return Parsed(incoming, event_id, dropped)


def require_same_dsn(dsn: object, secret: str, project_id: int) -> None:
    """Raises Forbidden where an envelope's own DSN names another key or project than the request."""
    if not isinstance(dsn, str):
        return
    try:
        sentry.credentials(f"sentry_key={secret}", "", dsn)
        named = sentry.dsn_project_id(dsn)
    except sentry.BadCredentials as error:
        raise Forbidden(str(error)) from error
    if named.lstrip("0") != str(project_id):
        raise Forbidden("The envelope's dsn names another project than the address.")


def parse_store(request: Request, body: bytes, _secret: str, bytes_max: int) -> Parsed:
    """The older address: the event alone."""
    text = bodies.decompressed(request, body, min(bytes_max, EVENT_BYTES_MAX))
    try:
        return Parsed(Incoming(sentry.parse_store(text), text))
    except sentry.BadEnvelope as error:
        raise InvalidRequest(str(error)) from error


async def envelope(request: Request) -> Response:
    """POST /api/{project_id}/envelope/."""
    return await sentry_request(request, parse_envelope)


async def store(request: Request) -> Response:
    """POST /api/{project_id}/store/."""
    return await sentry_request(request, parse_store)


# Plain JSON


async def ingest(request: Request) -> Response:
    """POST /api/ingest: an object, an array or NDJSON; answers one result an item, in order."""
    intake: Intake = request.state.intake
    try:
        response = await take_plain(request, intake)
    except Problem as problem:
        response = await http.on_problem(request, problem)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - as on Sentry's addresses
        log.note(**log.where(error))
        response = http.problem(Unexpected())
    response.headers.update(cors.ANSWER)
    return response


async def take_plain(request: Request, intake: Intake) -> Response:
    """Store what is valid, and say of the rest what is wrong with it."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("Send the project's ingest key: `Authorization: Bearer sns_ingest_…`.")
    key = await intake.authenticate(secret.strip(), origin=request.headers.get("origin"))
    with intake.outcomes.refusals(key) as refused:
        intake.admission.check(key)
        body = bodies.decompressed(request, await bodies.read(request), EVENT_BYTES_MAX)
        items = parse_plain(request, body)
        valid = [Incoming(item, body) for item in items if not isinstance(item, native.ItemError)]
        wrong = {at: item for at, item in enumerate(items) if isinstance(item, native.ItemError)}
        count = len(items)
        refused.events = len(valid) or count
        if not valid:
            errors = [error_of(item) for item in wrong.values()]
            raise InvalidRequest("No item is a valid event." if count > 1 else None, errors[:20])
        del items, body
        await intake.admission.admit(key, len(valid))
        accepted = await intake.accept(key, valid)
        results = iter(plain_results(accepted))
    count_apart(intake, key, wrong.values(), accepted)
    answered = [invalid(wrong[at]) if at in wrong else next(results) for at in range(count)]
    return http.json({"items": answered})


def parse_plain(request: Request, body: bytes) -> list[dict[str, Any] | native.ItemError]:
    """The items of a body. Raises InvalidRequest."""
    try:
        return native.parse(body, request.headers.get("content-type", ""))
    except native.BadBody as error:
        raise InvalidRequest(str(error)) from error


def count_apart(intake: Intake, key: Key, wrong: Iterable[native.ItemError], accepted: list[Accepted]) -> None:
    """Count what was not stored of a request that was taken as a whole."""
    for item in wrong:
        intake.outcomes.count(key, "invalid", detail=f"{item.pointer}: {item.detail}")
    for one in accepted:
        if isinstance(one.result, Problem):
            intake.outcomes.count(key, *outcomes.of_problem(one.result))


def plain_results(accepted: list[Accepted]) -> list[dict[str, Any]]:
    """One result an event. Raises the refusal itself where it is the same for all."""
    if all(isinstance(one.result, Problem) for one in accepted) and isinstance(accepted[0].result, Problem):
        raise accepted[0].result
    return [plain_result(one) for one in accepted]


def plain_result(accepted: Accepted) -> dict[str, Any]:
    """What became of one event; `failed` was not kept and may be sent again."""
    event_id, result = accepted
    if isinstance(result, Recorded):
        return {"event_id": event_id, "outcome": result.outcome, "incident_id": result.incident_id}
    return {"event_id": event_id, "outcome": "failed", "incident_id": None, "detail": result.detail}


def invalid(item: native.ItemError) -> dict[str, Any]:
    """What is wrong with one item."""
    return {"event_id": None, "outcome": "invalid", "incident_id": None, "errors": [error_of(item)]}


def error_of(item: native.ItemError) -> dict[str, str]:
    """The same as a member of `errors`."""
    return {"pointer": item.pointer, "detail": item.detail}


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """One Intake an instance."""
    intake = Intake()
    yield {"intake": intake}
    await intake.close()


def sentry_routes(name: str, handler: Callable[[Request], Awaitable[Response]]) -> list[Route]:
    """With and without the trailing slash: SDKs do not follow redirects."""
    paths = [f"/api/{{project_id:id}}/{name}/", f"/api/{{project_id:id}}/{name}"]
    posts = [Route(path, handler, methods=["POST"]) for path in paths]
    return posts + [Route(path, cors.preflight, methods=["OPTIONS"]) for path in paths]


app = http.create_app(
    [
        *sentry_routes("envelope", envelope),
        *sentry_routes("store", store),
        Route("/api/ingest", ingest, methods=["POST"]),
        Route("/api/ingest", cors.preflight, methods=["OPTIONS"]),
    ],
    lifespan,
)
