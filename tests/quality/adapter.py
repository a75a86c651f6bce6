"""The ingest path's own code on one Sentry-shaped event payload, for the scorers and for our labelled cases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lib import events, redaction
from lib import fingerprint as fingerprints

# Any moment will do: neither result depends on when an event was received.
RECEIVED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def redact(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as it would be stored, under the built-in rules."""
    return redaction.redact(events.normalise(payload, RECEIVED_AT)).payload


def fingerprint(payload: dict[str, Any]) -> str:
    """The fingerprint that this payload would get if it came in alone: redacted first, as ingest does."""
    return fingerprints.compute(redact(payload)).value
