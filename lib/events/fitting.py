"""Make a payload fit its size limit, dropping first what tells least. `dropped` in the payload says what went, and how much."""

from collections.abc import Callable
from typing import Any

import orjson

from lib.events import limits, stacks
from lib.events.bounds import bounded

Payload = dict[str, Any]
CRASH_FRAMES = 50  # the newest frames of the headline exception: cut last of all
NEAR_FRAMES = 10  # those of them whose variables and surrounding lines are kept longest
LAST_CHARS = (1_024, 256, 64)
ESSENTIAL = frozenset(
    (
        "event_id",
        "timestamp",
        "level",
        "platform",
        "release",
        "dist",
        "environment",
        "server_name",
        "logger",
        "transaction",
        "service",
        "fingerprint",
        "logentry",
        "exception",
        "tags",
        "dropped",
    )
)


def fitted(payload: Payload) -> Payload:
    """The payload, changed in place until its JSON has at most PAYLOAD_BYTES_MAX bytes. It is bounded already."""
    for name, drop in STEPS:
        if _fits(payload):
            return payload
        _note(payload, name, drop(payload))
    for chars_max in LAST_CHARS:
        if _fits(payload):
            return payload
        payload = bounded(payload, chars_max)
        _note(payload, "strings", 1)
    return payload


def _fits(payload: Payload) -> bool:
    return len(orjson.dumps(payload)) <= limits.PAYLOAD_BYTES_MAX


def _note(payload: Payload, name: str, count: int) -> None:
    if count:
        dropped = payload.setdefault("dropped", {})
        dropped[name] = dropped.get(name, 0) + count


def _drop_key(name: str) -> Callable[[Payload], int]:
    def drop(payload: Payload) -> int:
        return len(payload.pop(name, ()))

    return drop


def _drop_crumb_data(payload: Payload) -> int:
    return sum(crumb.pop("data", None) is not None for crumb in _values(payload, "breadcrumbs"))


def _drop_breadcrumbs(payload: Payload) -> int:
    return len(payload.pop("breadcrumbs", {}).get("values", ()))


def _drop_threads(payload: Payload) -> int:
    return len(payload.pop("threads", {}).get("values", ()))


def _drop_from_frames(names: tuple[str, ...], near: int) -> Callable[[Payload], int]:
    def drop(payload: Payload) -> int:
        return sum(frame.pop(name, None) is not None for frame in _far_frames(payload, near) for name in names)

    return drop


def _keep_headline(payload: Payload) -> int:
    """Only the headline exception, its crash frames and the plain fields."""
    values = _values(payload, "exception")
    older, headline = values[:-1], values[-1:]
    cut = stacks.count_frames(older) + stacks.limit_frames(headline, CRASH_FRAMES)
    _note(payload, "frames", cut)
    if headline:
        payload["exception"]["values"] = headline
    payload.get("logentry", {}).pop("params", None)
    for name in payload.keys() - ESSENTIAL:
        del payload[name]
    return 1


VARS, LINES = ("vars",), ("pre_context", "post_context")
STEPS: tuple[tuple[str, Callable[[Payload], int]], ...] = (
    ("modules", _drop_key("modules")),
    ("breadcrumb_data", _drop_crumb_data),
    ("extra", _drop_key("extra")),
    ("vars", _drop_from_frames(VARS, NEAR_FRAMES)),
    ("contexts", _drop_key("contexts")),
    ("request", _drop_key("request")),
    ("context_lines", _drop_from_frames(LINES, NEAR_FRAMES)),
    ("breadcrumbs", _drop_breadcrumbs),
    ("threads", _drop_threads),
    ("vars", _drop_from_frames(VARS, 0)),
    ("context_lines", _drop_from_frames(LINES, 0)),
    ("headline_only", _keep_headline),
)


def _values(payload: Payload, name: str) -> list[Any]:
    return payload.get(name, {}).get("values") or []


def _frames(values: list[Any]) -> list[Payload]:
    return [frame for value in values for frame in value.get("stacktrace", {}).get("frames", ())]


def _far_frames(payload: Payload, near: int) -> list[Payload]:
    """Every frame but the `near` newest of the headline exception."""
    *older, headline = _values(payload, "exception") or [{}]
    frames = _frames([headline])
    return _frames(older) + frames[: max(len(frames) - near, 0)] + _frames(_values(payload, "threads"))
