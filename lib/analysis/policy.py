"""When an incident is worth an analysis. Pure: the same situation at the same time gives the same decision."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

Cause = Literal["new", "regressed", "release", "escalated", "stacks", "growth", "person"]

# So many times the events that the last analysis knew are "an order of magnitude more".
GROWTH_FACTOR = 10
# What changed longer ago is not worth money any more: after an outage, or when a key is set for the first time.
CHANGE_AGE_MAX = timedelta(hours=72)
# An incident that no analysis has explained is looked at again for so long after its last event.
WATCH_MAX = timedelta(days=7)


class Options(NamedTuple):
    """What a project decides. environments: empty means every one. budget_microdollars: of a month; None: no limit of its own."""

    enabled: bool = True
    environments: tuple[str, ...] = ()
    events_min: int = 1
    interval_minutes: int = 60
    hourly_max: int = 20
    budget_microdollars: int | None = None


class Known(NamedTuple):
    """The incident as it was when it was last explained."""

    at: datetime
    event_count: int
    stacks: int
    release: str | None


class Situation(NamedTuple):
    """The incident as it is. stacks: the fingerprints that lead to it."""

    status: str
    is_merged: bool
    event_count: int
    stacks: int
    release: str | None
    environments: tuple[str, ...]
    known: Known | None
    last_seen: datetime


class Change(NamedTuple):
    """What happened to it: a transition."""

    kind: Literal["new", "regressed", "escalated", "appeared"]
    at: datetime


class Decision(NamedTuple):
    """cause: why it is analysed, from `due_at` on; None: it is not, for `reason`."""

    cause: Cause | None
    reason: str
    due_at: datetime | None = None


def decide(situation: Situation, change: Change | None, options: Options, now: datetime) -> Decision:
    """Whether to analyse. change: the transition that was just written; None: only looked at again."""
    cause = _cause(situation, change)
    against = _against(situation, change, options, now)
    if against or cause is None:
        return Decision(None, against or "unchanged")
    if situation.known is None:
        return Decision(cause, "due", now)
    earliest = situation.known.at + timedelta(minutes=options.interval_minutes)
    return Decision(cause, "due", max(now, earliest))


def _against(situation: Situation, change: Change | None, options: Options, now: datetime) -> str | None:
    if not options.enabled:
        return "disabled"
    if situation.is_merged or situation.status == "ignored":
        return "not_open"
    if now - (change.at if change else situation.last_seen) > CHANGE_AGE_MAX:
        return "too_old"
    if options.environments and not set(options.environments) & set(situation.environments):
        return "environment"
    return "too_few" if situation.event_count < options.events_min else None


def _cause(situation: Situation, change: Change | None) -> Cause | None:
    """Why it is materially another incident than the one that was explained; the most telling reason."""
    known = situation.known
    if known is None:
        return change.kind if change and change.kind != "appeared" else "new"
    if change and change.kind == "regressed":
        # It was mended, and is back in a release that the last analysis knew nothing of.
        return "release" if situation.release and situation.release != known.release else "regressed"
    if change and change.kind == "escalated":
        return "escalated"
    if situation.stacks > known.stacks:
        return "stacks"
    return "growth" if situation.event_count >= GROWTH_FACTOR * max(known.event_count, 1) else None
