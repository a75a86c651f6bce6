"""The policy as docs/analysis.md writes it down, on a virtual clock: each row a situation, a change, and what is decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lib.analysis.policy import CHANGE_AGE_MAX, GROWTH_FACTOR, Change, Known, Options, Situation, decide
from tests.cases import each

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KNOWN = Known(NOW - 3 * HOUR, 7, 1, "1.0.0")


def situation(**more: Any) -> Situation:
    plain = Situation("open", False, 7, 1, "1.0.0", ("production",), KNOWN, NOW)
    return plain._replace(**more)


NEW = situation(known=None, event_count=1)
REGRESSED, ESCALATED, APPEARED = Change("regressed", NOW), Change("escalated", NOW), Change("appeared", NOW)


@each(
    ("found", "change", "options", "cause", "reason"),
    [
        (NEW, Change("new", NOW), Options(), "new", "due"),
        (NEW, None, Options(), "new", "due"),  # one that a floor held back, looked at again
        (situation(), REGRESSED, Options(), "regressed", "due"),
        (situation(release="1.1.0"), REGRESSED, Options(), "release", "due"),  # a new release after a fix
        (situation(release=None), REGRESSED, Options(), "regressed", "due"),
        (situation(), ESCALATED, Options(), "escalated", "due"),
        (situation(stacks=2), None, Options(), "stacks", "due"),
        (situation(stacks=2, event_count=70), None, Options(), "stacks", "due"),
        (situation(event_count=70), None, Options(), "growth", "due"),
        (situation(event_count=9, known=KNOWN._replace(event_count=0)), None, Options(), None, "unchanged"),
        # what is not material
        (situation(), None, Options(), None, "unchanged"),
        (situation(event_count=69), None, Options(), None, "unchanged"),
        (situation(release="1.1.0"), None, Options(), None, "unchanged"),  # another release, but it was never mended
        (situation(stacks=0), None, Options(), None, "unchanged"),  # split: fewer stacks than before
        (situation(), Change("new", NOW), Options(), None, "unchanged"),  # considered late, explained meanwhile
        (situation(), APPEARED, Options(), None, "unchanged"),  # the same error in one more environment
        (situation(stacks=2), APPEARED, Options(), "stacks", "due"),
        (NEW, APPEARED, Options(environments=("production",)), "new", "due"),  # only there it is to be explained
        # what stands against it
        (NEW, Change("new", NOW), Options(enabled=False), None, "disabled"),
        (NEW._replace(status="ignored"), Change("new", NOW), Options(), None, "not_open"),
        (NEW._replace(is_merged=True), Change("new", NOW), Options(), None, "not_open"),
        (situation(status="resolved", event_count=70), None, Options(), "growth", "due"),
        (NEW, Change("new", NOW), Options(environments=("staging",)), None, "environment"),
        (NEW, Change("new", NOW), Options(environments=("staging", "production")), "new", "due"),
        (NEW._replace(environments=()), Change("new", NOW), Options(environments=("production",)), None, "environment"),
        (NEW._replace(environments=()), Change("new", NOW), Options(), "new", "due"),
        (NEW, Change("new", NOW), Options(events_min=2), None, "too_few"),
        (NEW._replace(event_count=2), None, Options(events_min=2), "new", "due"),
        (NEW, Change("new", NOW - CHANGE_AGE_MAX - HOUR), Options(), None, "too_old"),
        (NEW, Change("new", NOW - CHANGE_AGE_MAX), Options(), "new", "due"),
        (situation(event_count=70, last_seen=NOW - CHANGE_AGE_MAX - HOUR), None, Options(), None, "too_old"),
    ],
)
def test_the_policy_decides(found: Situation, change: Change | None, options: Options, cause: str | None, reason: str) -> None:
    decision = decide(found, change, options, NOW)
    assert (decision.cause, decision.reason) == (cause, reason)


@each(("ago_minutes", "wait_minutes"), [(0, 60), (59, 1), (60, 0), (600, 0)])
def test_an_interval_lies_between_two_analyses_of_one_incident(ago_minutes: int, wait_minutes: int) -> None:
    known = KNOWN._replace(at=NOW - timedelta(minutes=ago_minutes))
    decision = decide(situation(known=known), REGRESSED, Options(interval_minutes=60), NOW)
    assert decision.due_at == NOW + timedelta(minutes=wait_minutes)


def test_the_first_analysis_waits_for_nothing() -> None:
    assert decide(NEW, Change("new", NOW), Options(interval_minutes=60), NOW).due_at == NOW


def test_a_quarter_of_steady_growth_is_analysed_once_for_each_order_of_magnitude() -> None:
    """Ninety days of a clock: 1,000,000 events one after the other are six analyses after the first, not a million."""
    known, causes = None, []
    for hour in range(90 * 24):
        now, count = NOW + hour * HOUR, 1 + hour * 463
        decision = decide(situation(known=known, event_count=count, last_seen=now), None, Options(), now)
        if decision.cause:
            causes.append(decision.cause)
            known = Known(now, count, 1, "1.0.0")
    assert causes == ["new", "growth", "growth", "growth", "growth"]
    assert known
    assert known.event_count * GROWTH_FACTOR > 90 * 24 * 463
