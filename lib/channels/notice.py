"""What a message tells, whatever channel it leaves by: plain data, redacted before it gets here, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Frame(NamedTuple):
    """Where it crashed: the innermost frame of the application's own code. source: that line, as it was sent."""

    filename: str
    lineno: int | None
    function: str | None
    source: str | None


class Explained(NamedTuple):
    """An analysis, as a model wrote it. confidence: 0 to 1."""

    summary: str
    likely_cause: str
    suggested_fix: str | None
    confidence: float


class Item(NamedTuple):
    """One incident in a message, and why it is told.

    transition: new, regressed, escalated, frequency or milestone. reason: the same in words ("more than 100 events in
    5 minutes"). people_count: None where nobody is counted. removed_count: how often redaction removed something from
    the event that stands for it; None where that is gone.
    """

    incident_id: int
    transition: str
    reason: str
    title: str
    culprit: str | None
    level: str
    platform: str
    environment: str | None
    release: str | None
    first_seen: datetime
    last_seen: datetime
    event_count: int
    people_count: int | None
    frame: Frame | None
    explained: Explained | None
    removed_count: int | None


class Notice(NamedTuple):
    """One message: one item, or a digest of several. omitted: how many more incidents there are that it does not show.

    base_url: the deployment's own origin, from which every link is made; None where it is not known, and there are none.
    unsubscribe_url: on the same origin; a POST to it ends the mails at once (RFC 8058), None where nobody can unsubscribe this
    way. channel_name: what it ends the mails of.
    """

    workspace_name: str
    project_id: int
    project_name: str
    items: tuple[Item, ...]
    omitted: int
    base_url: str | None
    unsubscribe_url: str | None
    channel_name: str
