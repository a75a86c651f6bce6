"""What a rule says, and whether it fits: conditions, filters, quiet hours. Plain data; the clock is told.

conditions: {"transitions": ["new", …], "frequency": {"more_than", "minutes"}, "unusual": {"times", "minutes"},
"people": {"more_than"}, "milestones": true}, each left out where it is not wanted; any of them finds something.
filters: {"environments", "levels", "releases", "services", "routes": [glob, …], "tags": {name: glob}}; all must fit.
quiet_hours: {"time_zone", "from": "22:00", "to": "07:00", "days": ["mon", …]}; a day is the one on which they begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lib.globs import Globs, Table

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# What an event without an environment counts as: most who name none have one.
ENVIRONMENT = "production"
# So many events are no frequency yet, however seldom there usually are any.
UNUSUAL_LEAST = 10
_LIKE = str.maketrans({"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"})


class Change(NamedTuple):
    """What filters look at."""

    level: str
    environment: str | None
    release: str | None
    service: str | None = None
    route: str | None = None


class Rule(NamedTuple):
    """A rule that may find something now. channel_ids: who may be told."""

    project_id: int
    id: int
    name: str
    conditions: dict[str, Any]
    filters: dict[str, Any]
    quiet_hours: dict[str, Any] | None
    created_at: datetime
    channel_ids: list[int]

    def fits(self, change: Change) -> bool:
        """Whether every filter but the one of tags lets it pass."""
        fields = {
            "levels": change.level, "environments": change.environment or ENVIRONMENT, "releases": change.release,
            "services": change.service, "routes": change.route,
        }  # fmt: skip
        return all(fits_any(self.filters[name], value) for name, value in fields.items() if self.filters.get(name))

    def fits_incident(self, level: str, environments: Sequence[str]) -> bool:
        """The same for what is known of a whole incident: its level, and any of its environments."""
        wanted = self.filters.get("environments")
        levels_fit = not self.filters.get("levels") or fits_any(self.filters["levels"], level)
        return levels_fit and (not wanted or any(fits_any(wanted, one) for one in environments or [ENVIRONMENT]))

    def fits_tags(self, tags: Mapping[str, Any]) -> bool:
        """Whether an event has every tag that is asked for."""
        return all(fits_any([glob], tags.get(name)) for name, glob in (self.filters.get("tags") or {}).items())

    def due_at(self, now: datetime) -> datetime:
        """When what is found now may be told."""
        return quiet_until(self.quiet_hours, now) if self.quiet_hours else now


def fits_any(globs: Sequence[str], value: Any) -> bool:
    """Whether any of these patterns fits; what is not known fits none."""
    return isinstance(value, str) and any(Globs([glob]).fits(Table([[value]])) for glob in globs)


def like(globs: Sequence[str] | None) -> list[str] | None:
    """The same patterns for ILIKE; None where anything fits."""
    return [glob.translate(_LIKE) for glob in globs] if globs else None


def quiet_until(quiet: Mapping[str, Any], now: datetime) -> datetime:
    """The end of the quiet hours that it is in, or `now` where it is in none. A time that a change of clocks skips or repeats is
    taken as the earlier one.
    """
    zone = ZoneInfo(quiet["time_zone"])
    begins, ends = time.fromisoformat(quiet["from"]), time.fromisoformat(quiet["to"])
    today = now.astimezone(zone).date()
    for day in (today - timedelta(days=1), today):
        if DAYS[day.weekday()] not in (quiet.get("days") or DAYS):
            continue
        last = day if begins < ends else day + timedelta(days=1)
        start, end = (datetime.combine(*at, zone).astimezone(UTC) for at in ((day, begins), (last, ends)))
        if start <= now < end:
            return end
    return now


def milestone(event_count: int) -> int:
    """The highest power of ten, from 10, that a count has reached; 0 before the first."""
    digits = len(str(event_count))
    return 10 ** (digits - 1) if digits > 1 else 0


def frequency_in_words(more_than: int, minutes: int) -> str:
    """As a message gives the reason."""
    return f"more than {more_than:,} events in {span_in_words(minutes)}"


def unusual_in_words(times: int, minutes: int) -> str:
    """Likewise."""
    return f"{times} times the usual number of events within {span_in_words(minutes)}"


def people_in_words(more_than: int) -> str:
    """Likewise."""
    return f"more than {more_than:,} people affected"


def span_in_words(minutes: int) -> str:
    """`5 minutes`, `1 hour`."""
    number, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"{number} {unit}" + ("" if number == 1 else "s")
