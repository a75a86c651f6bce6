"""Rules as plain data: what fits, when it is quiet, which milestone is reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.alerts import rules
from lib.alerts.rules import Change, Rule

AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
CHANGE = Change("error", "production", "shop@2.1.0", "checkout", "/cart/{id}")


def rule(**filters: Any) -> Rule:
    return Rule(1, 1, "test", {"transitions": ["new"]}, filters, None, AT, [1])


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({}, True),
        ({"levels": ["error", "fatal"]}, True),
        ({"levels": ["fatal"]}, False),
        ({"environments": ["prod*"]}, True),
        ({"environments": ["staging", "PRODUCTION"]}, True),  # upper and lower case are the same
        ({"environments": ["staging"]}, False),
        ({"releases": ["shop@2.*"]}, True),
        ({"releases": ["shop@1.*"]}, False),
        ({"services": ["check?ut"]}, True),
        ({"services": ["check?t"]}, False),
        ({"routes": ["/cart/*"]}, True),
        ({"routes": ["cart"]}, False),  # a pattern is of the whole value
        ({"levels": ["error"], "services": ["other"]}, False),
        ({"environments": []}, True),
    ],
)
def test_every_filter_must_fit_and_any_of_its_patterns_is_enough(filters: dict[str, Any], fits: bool) -> None:
    assert rule(**filters).fits(CHANGE) is fits


def test_what_an_event_does_not_say_fits_no_pattern_but_its_environment_is_production() -> None:
    unknown = Change("error", None, None)
    assert rule(environments=["production"]).fits(unknown)
    assert not rule(environments=["staging"]).fits(unknown)
    for name in ("releases", "services", "routes"):
        assert not rule(**{name: ["*"]}).fits(unknown)


def test_all_tags_must_fit() -> None:
    one = rule(tags={"region": "eu-*", "tier": "gold"})
    assert one.fits_tags({"region": "eu-west", "tier": "gold", "more": "x"})
    assert not one.fits_tags({"region": "eu-west"})
    assert not one.fits_tags({"region": "us-east", "tier": "gold"})


@pytest.mark.parametrize("text", ["100%", "a_b", "a\\b", "plain", "a*b", "a?b"])
def test_patterns_mean_the_same_to_the_database(text: str, database_url: str) -> None:
    import psycopg

    [pattern] = rules.like([text]) or []
    with psycopg.connect(database_url) as conn:
        for value in ("100%", "100x", "a_b", "axb", "a\\b", "plain", "ab", "a-long-b", "PLAIN"):
            [(found,)] = conn.execute("SELECT %s::text ILIKE ANY (%s::text[])", [value, [pattern]]).fetchall()
            assert found is rules.fits_any([text], value), value


NIGHT = {"time_zone": "Europe/Berlin", "from": "22:00", "to": "07:00"}
LUNCH = {"time_zone": "UTC", "from": "12:00", "to": "13:00"}
WEEKEND = {"time_zone": "America/New_York", "from": "18:00", "to": "09:00", "days": ["fri"]}


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (LUNCH, "2026-11-26T11:59:59+00:00", None),
        (LUNCH, "2026-11-26T12:00:00+00:00", "2026-11-26T13:00:00+00:00"),
        (LUNCH, "2026-11-26T12:59:59+00:00", "2026-11-26T13:00:00+00:00"),
        (LUNCH, "2026-11-26T13:00:00+00:00", None),
        # Berlin is an hour ahead in winter, two in summer.
        (NIGHT, "2026-11-26T20:59:00+00:00", None),
        (NIGHT, "2026-11-26T21:00:00+00:00", "2026-11-27T06:00:00+00:00"),
        (NIGHT, "2026-11-27T05:59:00+00:00", "2026-11-27T06:00:00+00:00"),
        (NIGHT, "2026-07-01T20:00:00+00:00", "2026-07-02T05:00:00+00:00"),
        (NIGHT, "2026-07-02T05:30:00+00:00", None),
        # The night in which clocks go back has an hour more, and the one in which they go ahead one less.
        (NIGHT, "2026-10-24T20:00:00+00:00", "2026-10-25T06:00:00+00:00"),
        (NIGHT, "2026-03-28T21:00:00+00:00", "2026-03-29T05:00:00+00:00"),
        # A day is the one on which they begin: Friday evening in New York, to Saturday morning.
        (WEEKEND, "2026-11-27T22:59:00+00:00", None),
        (WEEKEND, "2026-11-27T23:00:00+00:00", "2026-11-28T14:00:00+00:00"),
        (WEEKEND, "2026-11-28T13:59:00+00:00", "2026-11-28T14:00:00+00:00"),
        (WEEKEND, "2026-11-28T23:30:00+00:00", None),
    ],
)
def test_quiet_hours_are_those_of_their_time_zone(quiet: dict[str, Any], now: str, until: str | None) -> None:
    moment = datetime.fromisoformat(now)
    assert rules.quiet_until(quiet, moment) == (datetime.fromisoformat(until) if until else moment)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.times().map(lambda at: f"{at:%H:%M}"),
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Pacific/Apia"]),
    st.sets(st.sampled_from(rules.DAYS)).map(sorted),
)
def test_quiet_hours_end_within_a_day_and_never_go_back(
    now: datetime, begins: str, ends: str, zone: str, days: list[str]
) -> None:
    until = rules.quiet_until({"time_zone": zone, "from": begins, "to": ends, "days": days}, now)
    assert now <= until <= now + timedelta(hours=26)


@pytest.mark.parametrize(("count", "reached"), [(0, 0), (1, 0), (9, 0), (10, 10), (99, 10), (100, 100), (123_456, 100_000)])
def test_milestones_are_powers_of_ten(count: int, reached: int) -> None:
    assert rules.milestone(count) == reached


@pytest.mark.parametrize(
    ("minutes", "words"), [(1, "1 minute"), (5, "5 minutes"), (60, "1 hour"), (90, "90 minutes"), (1440, "24 hours")]
)
def test_spans_read_well(minutes: int, words: str) -> None:
    assert rules.span_in_words(minutes) == words
