"""Logs are JSON lines on standard output. Only named fields that are harmless by construction are written: ids, numbers,
outcomes, the class of an exception and where it was raised, never its text (which may quote a payload) and never a body.
"""

from __future__ import annotations

import contextvars
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

import orjson

# What a handler learns about its request (project, outcome, counts), for the one line that the request logs at its end.
fields: contextvars.ContextVar[dict[str, object] | None] = contextvars.ContextVar("fields", default=None)


def note(**found: object) -> None:
    """Add fields to the line of the request under way; without one, do nothing."""
    current = fields.get()
    if current is not None:
        current.update(found)


def write(event: str, **details: object) -> None:
    """Write one line now."""
    line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **details}
    sys.stdout.buffer.write(orjson.dumps(line, default=str) + b"\n")
    sys.stdout.buffer.flush()


def where(error: BaseException) -> dict[str, object]:
    """An exception's class and the places it came through: enough to find it, nothing of what it was about."""
    return {"error": type(error).__qualname__, "trace": _places(error.__traceback__), **_cause(error)}


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)[-8:]]


def _cause(error: BaseException) -> dict[str, object]:
    return {"cause": type(error.__cause__).__qualname__} if error.__cause__ else {}
