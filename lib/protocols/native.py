"""Plain JSON events (one object, an array, NDJSON) to Sentry-shaped payloads for events.normalise. Fields: docs/events.md."""

from collections.abc import Callable
from typing import Any, NamedTuple

from lib import event_ids, json
from lib.events import stacks, timestamps, values
from lib.events.shape import LEVELS
from lib.protocols import native_errors

ITEMS_MAX = 1_000
LINES_MAX = 20_000  # of NDJSON, empty ones included
STACK_LINES_MAX = 30_000  # of all stack texts in one request: reading a line takes up to 30 µs

# Keys of Sentry's payload that have no plain name here: taken as they are.
SENTRY_KEYS = frozenset(
    (
        "exception",
        "logentry",
        "threads",
        "breadcrumbs",
        "request",
        "contexts",
        "sdk",
        "modules",
        "logger",
        "dist",
        "server_name",
        "transaction",
    )
)


class BadBody(ValueError):
    """The body as a whole cannot be read; the message is fit for the client."""


class ItemError(NamedTuple):
    """Why one item is refused, and what to do about it."""

    pointer: str  # JSON pointer (RFC 6901) to the field, from the body's root; in NDJSON from the list of its lines
    detail: str


def parse(body: bytes, content_type: str = "") -> list[dict[str, Any] | ItemError]:
    """One payload or error per item, in order. NDJSON is told by its content type or by looking. Raises BadBody."""
    if not body.strip():
        raise BadBody('the body is empty; send {"message": "…"} or {"error": {"type": "…", "message": "…"}}')
    if "ndjson" in content_type or "jsonl" in content_type:
        return _lines(body)
    try:
        value = json.loads(body)
    except json.BadJson as error:
        if _looks_like_lines(body):
            return _lines(body)
        raise BadBody(f"the body is not JSON: {error}") from error
    if isinstance(value, list):
        return _all(value, body)
    return [_item(value, "", reads_stacks=_line_ends(body) <= STACK_LINES_MAX)]


def _looks_like_lines(body: bytes) -> bool:
    """The first line alone is an object: NDJSON, whatever is wrong further down."""
    first, _, rest = body.lstrip().partition(b"\n")
    try:
        return bool(rest) and isinstance(json.loads(first), dict)
    except json.BadJson:
        return False


def _lines(body: bytes) -> list[dict[str, Any] | ItemError]:
    if body.count(b"\n") > LINES_MAX:
        raise BadBody(f"more than {LINES_MAX} lines in one request; send them in parts")
    return _all([_line(line) for line in body.split(b"\n") if line.strip()], body)


def _line(line: bytes) -> object:
    try:
        return json.loads(line)
    except json.BadJson as error:
        return error


def _all(found: list[Any], body: bytes) -> list[dict[str, Any] | ItemError]:
    if not found:
        raise BadBody("the array is empty; send at least one event")
    if len(found) > ITEMS_MAX:
        raise BadBody(f"more than {ITEMS_MAX} events in one request; send them in parts")
    reads_stacks = _line_ends(body) <= STACK_LINES_MAX
    return [_item(value, f"/{index}", reads_stacks=reads_stacks) for index, value in enumerate(found)]


def _line_ends(body: bytes) -> int:
    """At least as many as all strings of the body hold."""
    return sum(body.count(form) for form in (b"\n", b"\\n", b"\\u000a", b"\\u000A"))


def _item(raw: object, pointer: str, *, reads_stacks: bool) -> dict[str, Any] | ItemError:
    if isinstance(raw, json.BadJson):
        return ItemError(pointer, f"this line is not JSON: {raw}")
    if not isinstance(raw, dict):
        return ItemError(pointer, "an event is a JSON object with a message or an error")
    item = {name: value for name, value in raw.items() if value is not None}
    if not any(item.get(name) for name in ("message", "error", "exception", "logentry")):
        return ItemError(pointer, "an event needs a message (text) or an error (text, or an object with type and message)")
    for name, (accepts, advice) in FIELDS.items():
        if name in item and not accepts(item[name]):
            return ItemError(f"{pointer}/{name}", f"{name} {advice}")
    return _payload(item, reads_stacks=reads_stacks)


def _payload(item: dict[str, Any], *, reads_stacks: bool) -> dict[str, Any]:
    payload = {RENAMED.get(name, name): item[name] for name in item if name in KEPT}
    given = (item.get(name) for name in ("message", "error", "stack", "platform"))
    payload |= native_errors.payload(*given, reads_stacks=reads_stacks)
    extra = {name: value for name, value in item.items() if name not in FIELDS and name not in SENTRY_KEYS}
    extra |= item.get("extra", {}) | item.get("metadata", {})
    if extra:
        payload["extra"] = extra
    return payload


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_error(value: object) -> bool:
    if isinstance(value, dict):
        return any(values.message(value.get(name)) for name in native_errors.LINK_KEYS)
    return _is_text(value)


def _is_logentry(value: object) -> bool:
    return isinstance(value, dict) and any(_is_text(value.get(name)) for name in ("message", "formatted"))


def _is_stack(value: object) -> bool:
    return isinstance(value, str | list) or (isinstance(value, dict) and isinstance(value.get("frames"), list))


def _is_pairs(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(pair, list) and len(pair) == 2 for pair in value)
    return isinstance(value, dict)


def _is_level(value: object) -> bool:
    return isinstance(value, str) and value.lower() in LEVELS


def _is_event_id(value: object) -> bool:
    return event_ids.parse(value) is not None


def _is_user(value: object) -> bool:
    return isinstance(value, dict) or values.name(value) is not None


def _is_fingerprint(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(values.scalar(part) is not None for part in value))


NAME: tuple[Callable[[Any], bool], str] = (lambda value: values.name(value) is not None, "must be text that is not empty")
OBJECT: tuple[Callable[[Any], bool], str] = (lambda value: isinstance(value, dict), "must be an object")
MOMENT: tuple[Callable[[Any], bool], str] = (
    lambda value: timestamps.read(value) is not None,
    'must be a time such as "2026-11-24T10:00:00Z", or seconds or milliseconds since 1970',
)
FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "message": (_is_text, "must be text that is not empty"),
    "error": (_is_error, "must be text, or an object with type and message"),
    "logentry": (_is_logentry, "must be an object with message or formatted"),
    "exception": (lambda value: bool(stacks.exceptions(value)), "must be an object with values, a list of {type, value}"),
    "stack": (_is_stack, "must be the stack trace as text, or a list of frames, oldest first"),
    "level": (_is_level, "must be fatal, error, warning, info or debug"),
    "event_id": (_is_event_id, "must be a UUID, with or without dashes; leave it out to get one"),
    "occurred_at": MOMENT,
    "timestamp": MOMENT,
    **dict.fromkeys(("platform", "route", "service", "environment", "release"), NAME),
    "tags": (_is_pairs, "must be an object of names and texts"),
    "user": (_is_user, "must be an object with id, email or username"),
    "fingerprint": (_is_fingerprint, "must be a list of texts"),
    "metadata": OBJECT,
    "extra": OBJECT,
}
RENAMED = {"route": "transaction", "occurred_at": "timestamp"}
KEPT = FIELDS.keys() - {"message", "error", "stack", "metadata", "extra"} | SENTRY_KEYS
