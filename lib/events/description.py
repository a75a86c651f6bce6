"""What lists and columns show of an event. Reads canonical payloads, redacted too: text may stand where an object stood."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from lib import fingerprint
from lib.events.bounds import shortened

TITLE_CHARS_MAX = 200
COLUMN_CHARS_MAX = 200
UNTITLED = "(no message)"


class Description(NamedTuple):
    """Every text has at most 200 characters (≤ 800 bytes: safe in an index), no NUL and no lone surrogate."""

    title: str  # "Type: first line of the value", or the message's first line
    culprit: str | None  # where it crashed: "function in module", or the transaction
    kind: str | None  # the headline exception's type
    level: str
    platform: str
    release: str | None
    environment: str | None
    service: str | None
    route: str | None
    occurred_at: datetime  # UTC


def describe(payload: dict[str, Any]) -> Description:
    """The columns of a normalised payload; call it after redaction, so that nothing unredacted reaches a list."""
    headline = _headline(payload)
    return Description(
        title=_title(payload, headline),
        culprit=_culprit(payload),
        kind=_column(headline.get("type")),
        level=payload["level"],
        platform=_column(payload.get("platform")) or "other",
        release=_column(payload.get("release")),
        environment=_column(payload.get("environment")),
        service=_service(payload),
        route=_column(payload.get("transaction")),
        occurred_at=datetime.fromisoformat(payload["timestamp"]).astimezone(UTC),
    )


def user_key(payload: dict[str, Any]) -> str | None:
    """What tells one person from another: id, else e-mail, user name, IP address, prefixed with which it is.

    Call it BEFORE redaction (afterwards all addresses look alike) and keep only an HMAC of it.
    """
    user = _mapping(payload.get("user"))
    for name in ("id", "email", "username", "ip_address"):
        value = user.get(name)
        if isinstance(value, int | str) and value not in ("", "{{auto}}"):
            return f"{name}:{value}"
    return None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _headline(payload: dict[str, Any]) -> dict[str, Any]:
    values = _mapping(payload.get("exception")).get("values")
    return _mapping(values[-1]) if isinstance(values, list) and values else {}


def _column(value: object, chars_max: int = COLUMN_CHARS_MAX) -> str | None:
    return shortened(value, chars_max) or None if isinstance(value, str) else None


def _first_line(value: object) -> str:
    if not isinstance(value, str):
        return ""
    head = value[: 4 * TITLE_CHARS_MAX].lstrip()  # a long message need not be split whole
    return head.splitlines()[0].rstrip() if head else ""


def _title(payload: dict[str, Any], headline: dict[str, Any]) -> str:
    kind, value = _first_line(headline.get("type")), _first_line(headline.get("value"))
    entry = _mapping(payload.get("logentry"))
    said = _first_line(entry.get("formatted")) or _first_line(entry.get("message"))
    joined = f"{kind}: {value}" if kind and value else kind or value or said
    return shortened(joined, TITLE_CHARS_MAX) or UNTITLED


def _culprit(payload: dict[str, Any]) -> str | None:
    frame = fingerprint.crash_frame(payload) or {}
    function, place = frame.get("function"), frame.get("module") or frame.get("filename")
    parts = [part for part in (function, place) if isinstance(part, str) and part]
    return _column(" in ".join(parts) or payload.get("transaction"))


def _service(payload: dict[str, Any]) -> str | None:
    resource = _mapping(_mapping(_mapping(payload.get("contexts")).get("otel")).get("resource"))
    candidates = (payload.get("service"), _mapping(payload.get("tags")).get("service"), resource.get("service.name"))
    return next(filter(None, map(_column, candidates)), None)
