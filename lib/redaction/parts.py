"""The parts of a payload, in the order in which they are cleaned: what makes an event useful comes first."""

from __future__ import annotations

from typing import Any, Final

# Four short strings without which there is no event: looked at however much work that is.
IDENTITY: Final = frozenset({"event_id", "timestamp", "level", "platform"})
_FIRST: Final = IDENTITY | {"release", "environment", "transaction", "fingerprint", "logentry", "exception"}
_SECOND: Final = frozenset({"tags", "request", "user", "threads", "breadcrumbs"})


def parts(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """What tells of the crash, what tells of its surroundings, and everything else; each only if there is any."""
    found: tuple[dict[str, Any], ...] = ({}, {}, {})
    for name, child in payload.items():
        found[0 if name in _FIRST else 1 if name in _SECOND else 2][name] = child
    return [part for part in found if part]
