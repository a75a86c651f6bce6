"""When an event happened, by a clock we do not trust."""

from datetime import UTC, datetime, timedelta

from lib.events import limits

_AGE_MAX = timedelta(days=limits.OCCURRED_AGE_DAYS_MAX)
_AHEAD_MAX = timedelta(minutes=limits.OCCURRED_AHEAD_MINUTES_MAX)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def occurred_at(value: object, received_at: datetime) -> datetime:
    """The client's timestamp in UTC: ISO 8601 text (UTC where it names no zone) or seconds, ms, µs or ns since 1970.

    A time that cannot be read, lies more than OCCURRED_AHEAD_MINUTES_MAX ahead of `received_at` (aware) or more than
    OCCURRED_AGE_DAYS_MAX before it comes from a broken clock: `received_at` is the better guess then.
    """
    moment = read(value)
    if moment is None or not received_at - _AGE_MAX <= moment <= received_at + _AHEAD_MAX:
        return received_at.astimezone(UTC)
    return moment


def read(value: object) -> datetime | None:
    """The moment in UTC that a timestamp names, however far off; None where it names none."""
    return _from_text(value) if isinstance(value, str) else _from_number(value)


def _from_text(text: str) -> datetime | None:
    if len(text) > 40:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the year 9999 in another zone overflows
        pass
    try:
        return _from_number(float(text))
    except ValueError:
        return None


def _from_number(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    magnitude = abs(value)
    unit = 1 if magnitude < 1e11 else 1e3 if magnitude < 1e14 else 1e6 if magnitude < 1e17 else 1e9
    try:
        return _EPOCH + timedelta(seconds=value / unit)
    except (OverflowError, ValueError):  # beyond the calendar or a float; NaN
        return None


def to_text(moment: datetime) -> str:
    """`2026-11-24T10:00:00.123456Z`: 27 characters that sort as they happened. `moment` is in UTC."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
