"""The Sentry ingestion protocol: envelopes, store bodies and credentials (develop.sentry.dev/sdk/foundations/envelopes). Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit

from lib import event_ids, json

ITEMS_MAX = 1_000
CLIENT_REPORTS_MAX = 100
QUERY_FIELDS_MAX = 100

# What SDKs send beside errors: accepted, counted by these names, not kept. Any other type counts as "unknown".
IGNORED_TYPES = frozenset(
    (
        "transaction",
        "session",
        "sessions",
        "attachment",
        "user_report",
        "feedback",
        "profile",
        "profile_chunk",
        "replay_event",
        "replay_recording",
        "replay_video",
        "check_in",
        "span",
        "log",
        "metric",
        "trace_metric",
        "statsd",
        "metric_meta",
        "raw_security",
        "client_report",
    )
)


# Why SDKs drop errors themselves, as their documentation lists it; anything else counts as "other".
DROP_REASONS = frozenset({
    "queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff", "network_error", "sample_rate", "before_send",
    "event_processor", "send_error", "internal_sdk_error", "insufficient_data", "backpressure",
})  # fmt: skip


class BadEnvelope(ValueError):
    """An envelope or store body that breaks the format; the message says where and is fit for the client."""


class EventTooLarge(BadEnvelope):
    """The event item is larger than is taken; it was not parsed, since parsing costs several times its size in memory."""


class BadCredentials(ValueError):
    """The request's credentials cannot be used."""


class MissingCredentials(BadCredentials):
    """No key in header, query or DSN."""


class ContradictoryCredentials(BadCredentials):
    """Two different keys in one request."""


class Envelope(NamedTuple):
    """A parsed envelope. `event_body` is the JSON text of `event` (events.normalise takes both), b"" without one."""

    header: dict[str, Any]
    event: dict[str, Any] | None
    event_body: bytes
    ignored: list[tuple[str, int]]  # item type → how many, most first
    client_reports: list[dict[str, Any]]  # what the SDK says it dropped itself


def parse_envelope(body: bytes, event_bytes_max: int) -> Envelope:
    """Header and items of a decompressed envelope. The header's event_id replaces the event's own.

    Raises BadEnvelope; EventTooLarge where the event's JSON has more than event_bytes_max bytes.
    """
    header, position = _header(body)
    event: dict[str, Any] | None = None
    event_body = b""
    ignored: Counter[str] = Counter()
    reports: list[dict[str, Any]] = []
    for number, (kind, payload) in enumerate(_items(body, position), 1):
        if kind == "event":
            if event is not None:
                raise BadEnvelope(f"item {number} is a second event; an envelope holds one at most")
            if len(payload) > event_bytes_max:
                raise EventTooLarge(f"item {number} (event) has {len(payload)} bytes; {event_bytes_max} at most are taken")
            event, event_body = _object(payload, f"item {number} (event)"), payload
        elif kind == "client_report" and len(reports) < CLIENT_REPORTS_MAX and (report := _report(payload)):
            reports.append(report)
        else:
            ignored[kind if kind in IGNORED_TYPES else "unknown"] += 1
    if event is not None and (event_id := event_ids.parse(header.get("event_id"))):
        event["event_id"] = event_id
    return Envelope(header, event, event_body, ignored.most_common(), reports)


def _report(payload: bytes) -> dict[str, Any] | None:
    """What an SDK says about itself; a broken one must not cost the event beside it."""
    try:
        return _object(payload, "the client_report")
    except BadEnvelope:
        return None


def dropped_by_sdk(reports: list[dict[str, Any]]) -> dict[str, int]:
    """Reason → how many errors the SDK says it dropped itself (develop.sentry.dev/sdk/telemetry/client-reports)."""
    dropped: Counter[str] = Counter()
    for report in reports:
        discarded = report.get("discarded_events")
        for entry in discarded[:ITEMS_MAX] if isinstance(discarded, list) else ():
            if isinstance(entry, dict) and entry.get("category") in {"error", "default"} and type(entry.get("quantity")) is int:
                reason = entry.get("reason")
                dropped[reason if reason in DROP_REASONS else "other"] += max(0, entry["quantity"])
    return dict(dropped)


def parse_header(body: bytes) -> dict[str, Any]:
    """Only the envelope's header: a tunnel's credentials stand in its `dsn`. Raises BadEnvelope."""
    return _header(body)[0]


def parse_store(body: bytes) -> dict[str, Any]:
    """The event of a /store/ body: one JSON object. Raises BadEnvelope."""
    return _object(body, "the body")


def _header(body: bytes) -> tuple[dict[str, Any], int]:
    """(the header, where the first item starts)."""
    if not body.strip():
        raise BadEnvelope("the body is empty; an envelope starts with a JSON header line")
    end = _line_end(body, 0)
    return _object(body[:end], "the envelope header"), end + 1


def _items(body: bytes, position: int) -> list[tuple[str, bytes]]:
    """(type, payload) of each item: its header line, then `length` bytes, or up to the line's end where it has no length."""
    items: list[tuple[str, bytes]] = []
    while position < len(body):
        end = _line_end(body, position)
        line, start = body[position:end], end + 1
        if not line.strip():  # an empty line between items or at the end
            position = start
            continue
        if len(items) == ITEMS_MAX:
            raise BadEnvelope(f"more than {ITEMS_MAX} items")
        name = f"item {len(items) + 1}"
        header = _object(line, f"the header of {name}")
        kind = header.get("type")
        if not isinstance(kind, str):
            raise BadEnvelope(f"the header of {name} has no type")
        end = _payload_end(body, start, header.get("length"), name)
        items.append((kind, body[start:end]))
        position = end + 1
    return items


def _payload_end(body: bytes, start: int, length: object, name: str) -> int:
    if length is None:
        return _line_end(body, start)
    if type(length) is not int or length < 0:
        raise BadEnvelope(f"the length of {name} is not a whole number of bytes")
    end = start + length
    if end > max(len(body), start):
        raise BadEnvelope(f"{name} is truncated: its length is {length} bytes, {max(len(body) - start, 0)} are left")
    if end < len(body) and body[end : end + 1] != b"\n":
        raise BadEnvelope(f"{name} does not end after its length of {length} bytes: no newline there")
    return end


def _line_end(body: bytes, start: int) -> int:
    end = body.find(b"\n", start)
    return len(body) if end < 0 else end


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.BadJson as error:
        raise BadEnvelope(f"{what} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadEnvelope(f"{what} is not a JSON object")
    return value


def credentials(header: str | None, query: str | Mapping[str, str], dsn: str | None) -> str:
    """The public key of a request, from `X-Sentry-Auth`, the query's `sentry_key` and the `dsn` of the envelope's header.

    `query` is the raw query string or a mapping. Where several hold a key they must agree.
    Raises MissingCredentials, ContradictoryCredentials, BadCredentials.
    """
    keys = {*_header_keys(header or ""), *_query_keys(query), *_dsn_keys(dsn)} - {""}
    if not keys:
        raise MissingCredentials("no sentry_key in X-Sentry-Auth, the query or the envelope's dsn")
    if len(keys) > 1:
        raise ContradictoryCredentials("different keys in X-Sentry-Auth, the query or the envelope's dsn")
    return keys.pop()


def dsn_project_id(dsn: str) -> str:
    """The last path segment of a DSN, which must be the project the request is posted to. Raises BadCredentials."""
    return _split(dsn).path.rstrip("/").rpartition("/")[2]


def _header_keys(header: str) -> list[str]:
    """`Sentry sentry_key=…, sentry_version=7`; some SDKs leave the scheme or the spaces out."""
    scheme, _, rest = header.strip().partition(" ")
    fields = (rest if scheme.lower() == "sentry" else header).split(",", QUERY_FIELDS_MAX)
    pairs = [field.strip().partition("=") for field in fields]
    return [value.strip().strip('"') for name, _, value in pairs if name.strip() == "sentry_key"]


def _query_keys(query: str | Mapping[str, str]) -> list[str]:
    if not isinstance(query, str):
        return [query.get("sentry_key", "")]
    if "sentry_key" not in query:
        return []
    try:
        return [value for name, value in parse_qsl(query, max_num_fields=QUERY_FIELDS_MAX) if name == "sentry_key"]
    except ValueError as error:
        raise BadCredentials("the query has too many fields") from error


def _dsn_keys(dsn: str | None) -> list[str]:
    return [_split(dsn).username or ""] if isinstance(dsn, str) else []


def _split(dsn: str) -> SplitResult:
    try:
        return urlsplit(dsn)
    except ValueError as error:
        raise BadCredentials("the envelope's dsn is not a URL") from error
