"""A notice in words, the same for every channel. What comes from events is cut here; each channel escapes it in its own way."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from lib import confidence
from lib.channels.notice import Explained, Frame, Item, Notice
from lib.channels.text import listed, one_line

TITLE_CHARS_MAX = 300
NAME_CHARS_MAX = 120
SOURCE_CHARS_MAX = 240
SUMMARY_CHARS_MAX = 1_200
CAUSE_CHARS_MAX = 2_000
FIX_CHARS_MAX = 2_000
LABELS = {"new": "New", "regressed": "Regressed", "escalated": "Escalated", "frequency": "Frequent", "milestone": "Milestone"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
PROVENANCE = "Written by a model from redacted event data. It may be wrong: look before you act on it."


def label_of(item: Item) -> str:
    """What happened to it, in one word."""
    return LABELS.get(item.transition, "Changed")


def title_of(item: Item) -> str:
    """The incident's title, on one line."""
    return one_line(item.title, TITLE_CHARS_MAX) or "Untitled"


def name_of(text: str | None) -> str:
    """A project, workspace, environment, release, level or platform, on one line."""
    return one_line(text or "", NAME_CHARS_MAX)


def headline_of(notice: Notice) -> str:
    """What the message is about: the incident, or how many of which kind."""
    if len(notice.items) == 1 and not notice.omitted:
        return f"{label_of(notice.items[0])}: {title_of(notice.items[0])}"
    kinds = Counter(label_of(item).lower() for item in notice.items)
    kinds["more"] += notice.omitted
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    return f"{plural(len(notice.items) + notice.omitted, 'incident')}: {told}"


def reason_of(item: Item) -> str:
    """Why it is told, as a sentence."""
    reason = one_line(item.reason, TITLE_CHARS_MAX).rstrip(".")
    return reason[:1].upper() + reason[1:] + "." if reason else ""


def numbers_of(item: Item) -> list[tuple[str, str]]:
    """(name, value): how often, who, since when."""
    people = [] if item.people_count is None else [("People affected", f"{item.people_count:,}")]
    return [("Events", f"{item.event_count:,}"), *people, ("Since", time_of(item.first_seen))]


def facts_of(item: Item) -> list[tuple[str, str]]:
    """(name, value): where, and when last."""
    named = {"Environment": item.environment, "Release": item.release, "Level": item.level, "Platform": item.platform}
    found = [(name, name_of(value)) for name, value in named.items()]
    return [(name, value) for name, value in found if value] + [("Last seen", time_of(item.last_seen))]


def place_of(frame: Frame) -> str:
    """Where the crash's frame is."""
    line = f"line {frame.lineno}" if frame.lineno is not None else None
    function = f"in {one_line(frame.function, NAME_CHARS_MAX)}" if frame.function else None
    return listed([one_line(frame.filename, TITLE_CHARS_MAX), line, function])


def source_of(frame: Frame) -> str:
    """The crash's own line of source, or nothing."""
    return one_line(frame.source or "", SOURCE_CHARS_MAX)


def confidence_of(explained: Explained) -> str:
    """How sure the model is, in words and as a number, and what that means."""
    word, meaning = confidence.of(explained.confidence)
    return f"{word.capitalize()} confidence ({explained.confidence:.2f} of 1): {meaning}."


def redaction_of(item: Item) -> str:
    """What redaction did before anything was kept; nothing where that is not known."""
    if item.removed_count is None:
        return ""
    if not item.removed_count:
        return "Redaction found no secrets or personal data to remove."
    was = "was" if item.removed_count == 1 else "were"
    return f"{plural(item.removed_count, 'piece')} of secret or personal data {was} removed before anything was kept."


def more_of(omitted: int) -> str:
    """How many more there are than the message shows."""
    return f"And {plural(omitted, 'more incident')}." if omitted else ""


def plural(count: int, noun: str) -> str:
    """1 event, 2,000 events."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def time_of(moment: datetime) -> str:
    """As people read it, whatever their calendar's order: 26 Nov 2026, 11:52 UTC."""
    at = moment.astimezone(UTC)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"
