"""What a rule would have found in the week before, told from what is stored: hourly counts and light rows."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib import db
from lib.alerts import rule_settings
from tests.lib.alerts.stage import Alerting
from tests.lib.rows import fingerprint

# The one that "hours ago" is counted from, so that no test depends on whether another one begins meanwhile.
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


async def preview(stage: Alerting, conditions: dict[str, Any], filters: dict[str, Any] | None = None) -> dict[str, Any]:
    async with await db.connect(stage.url) as conn:
        return await rule_settings.preview(conn, stage.project_id, conditions, filters or {})


async def told(stage: Alerting, conditions: dict[str, Any], filters: dict[str, Any] | None = None) -> list[tuple[int, int]]:
    """(incident, hours ago) of what was found."""
    found = await preview(stage, conditions, filters)
    return [(item["incident_id"], round((HOUR - item["at"]) / timedelta(hours=1))) for item in found["items"]]


async def hours(stage: Alerting, counts: dict[int, int], crash: str = "crash", environment: str = "production") -> int:
    """An incident that is three weeks old, with so many events so many hours ago."""
    incident_id = await stage.record(crash)
    await stage.rows("DELETE FROM event_counts WHERE project_id = %s AND fingerprint = %s", stage.project_id, fingerprint(crash))
    await stage.rows(
        "INSERT INTO event_counts SELECT %s, %s::uuid, %s - n * interval '1 hour', %s, 'shop@1', c"
        " FROM unnest(%s::int[], %s::int[]) AS w (n, c)",
        stage.project_id, fingerprint(crash), HOUR, environment, list(counts), list(counts.values()),
    )  # fmt: skip
    await stage.rows(
        "UPDATE incidents SET first_seen = now() - interval '21 days', event_count = %s WHERE id = %s",
        sum(counts.values()), incident_id,
    )  # fmt: skip
    return incident_id


USUAL = dict.fromkeys(range(400), 10)


@pytest.mark.parametrize(
    ("times", "minutes", "counts", "expected"),
    [
        (3, 60, USUAL | {30: 30}, [30]),
        (3, 60, USUAL | {30: 29}, []),
        (4, 60, USUAL | {30: 30}, []),
        # Twice within one day: once. On two days: twice.
        (3, 60, {**USUAL, 24 * 3: 40, 24 * 5: 50}, [24 * 3, 24 * 5]),
        # Three hours together have 90, three times their usual 30; each one alone has three times its own, too.
        (3, 180, USUAL | {30: 30, 31: 30, 32: 30}, [30]),
        (3, 180, USUAL | {30: 30, 31: 30}, []),
        # A quarter of an hour has 2.5 usually: 26 within it are ten times that, for all that is known.
        (10, 15, USUAL | {30: 26}, [30]),
        (10, 15, USUAL | {30: 24}, []),
        # Ten at least, however seldom there are any.
        (2, 60, {399: 1, 30: 9}, []),
        (2, 60, {399: 1, 30: 10}, [30]),
        # Before the week that is told of.
        (3, 60, USUAL | {200: 90}, []),
    ],
)
async def test_unusual_hours_of_the_past_are_told_from_hourly_counts(
    alerting: Alerting, times: int, minutes: int, counts: dict[int, int], expected: list[int]
) -> None:
    incident_id = await hours(alerting, counts)
    found = await told(alerting, {"unusual": {"times": times, "minutes": minutes}})
    assert found == [(incident_id, ago) for ago in expected]


async def test_what_was_young_then_was_not_unusual(alerting: Alerting) -> None:
    incident_id = await hours(alerting, {40: 10, 39: 90, 10: 200})
    await alerting.rows("UPDATE incidents SET first_seen = %s WHERE id = %s", HOUR - timedelta(hours=41), incident_id)
    assert await told(alerting, {"unusual": {"times": 3, "minutes": 60}}) == [(incident_id, 10)]


async def test_a_frequency_of_several_hours_is_their_sum(alerting: Alerting) -> None:
    incident_id = await hours(alerting, {60: 40, 59: 40, 58: 40, 20: 100})
    assert await told(alerting, {"frequency": {"more_than": 100, "minutes": 180}}) == [(incident_id, 58)]
    assert await told(alerting, {"frequency": {"more_than": 100, "minutes": 120}}) == []
    assert await told(alerting, {"frequency": {"more_than": 99, "minutes": 60}}) == [(incident_id, 20)]


async def test_filters_narrow_what_is_counted_of_the_past(alerting: Alerting) -> None:
    unusual = {"unusual": {"times": 3, "minutes": 60}}
    incident_id = await hours(alerting, USUAL | {30: 50}, environment="staging")
    for filters, is_found in (
        ({"environments": ["stag*"]}, True), ({"environments": ["production"]}, False), ({"releases": ["shop@?"]}, True),
        ({"releases": ["web*"]}, False), ({"levels": ["error"]}, True), ({"levels": ["fatal"]}, False),
    ):  # fmt: skip
        assert await told(alerting, unusual, filters) == [(incident_id, 30)] * is_found, filters


async def test_it_says_of_which_filters_frequencies_of_the_past_know_nothing(alerting: Alerting) -> None:
    frequency = {"frequency": {"more_than": 10, "minutes": 60}}
    for filters, left in (
        ({}, []),
        ({"environments": ["production"], "releases": ["*"], "services": [], "routes": []}, []),
        ({"services": ["nothing-such"]}, ["services of frequencies, which hourly counts do not know"]),
        ({"routes": ["/cart"], "services": ["api"]}, ["services and routes of frequencies, which hourly counts do not know"]),
    ):
        assert (await preview(alerting, frequency, filters))["not_covered"] == left
        assert (await preview(alerting, {"transitions": ["new"]}, filters))["not_covered"] == []


async def test_what_is_ignored_or_merged_away_or_another_projects_is_not_told(alerting: Alerting) -> None:
    incident_id = await hours(alerting, USUAL | {30: 50})
    await alerting.rows("UPDATE incidents SET status = 'ignored' WHERE id = %s", incident_id)
    assert await told(alerting, {"unusual": {"times": 3, "minutes": 60}}) == []
    mine = alerting.project_id
    await alerting.begin()
    assert mine != alerting.project_id
    assert await told(alerting, {"unusual": {"times": 3, "minutes": 60}}) == []


async def people(stage: Alerting, ago: list[timedelta]) -> int:
    """An incident that one person more met at each of these times, and the first of them all the time."""
    for number, span in enumerate(ago):
        user_hash = hashlib.md5(b"%d" % number).hexdigest()
        incident_id = await stage.record(user_hash=user_hash)
        await stage.rows(
            "UPDATE events SET received_at = now() - %s WHERE project_id = %s AND user_hash = decode(%s, 'hex')",
            span, stage.project_id, user_hash,
        )  # fmt: skip
    await stage.rows("UPDATE incidents SET first_seen = now() - interval '21 days' WHERE id = %s", incident_id)
    return incident_id


async def test_when_people_became_so_many_is_told_from_light_rows(alerting: Alerting) -> None:
    hour = timedelta(hours=1)
    await alerting.rows("SELECT make_partitions(current_date - 10, current_date - 7, '{}'::date[])")
    incident_id = await people(alerting, [timedelta(days=9), 9 * hour, 7 * hour, 5 * hour])
    await alerting.record(user_hash=hashlib.md5(b"1").hexdigest())  # somebody who is counted already
    by_threshold = {}
    for more_than in range(5):
        found = await preview(alerting, {"people": {"more_than": more_than}})
        assert found["not_covered"] == []
        by_threshold[more_than] = [
            (item["incident_id"], item["kind"], round((datetime.now(UTC) - item["at"]) / hour)) for item in found["items"]
        ]
    assert by_threshold == {
        0: [],  # before the week that is told of
        1: [(incident_id, "frequency", 9)],
        2: [(incident_id, "frequency", 7)],
        3: [(incident_id, "frequency", 5)],
        4: [],
    }
    assert (await preview(alerting, {"people": {"more_than": 1}}, {"levels": ["fatal"]}))["items"] == []


async def test_an_incident_with_too_many_events_to_be_read_is_said_not_to_be_covered(
    alerting: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for crash in ("first", "second", "third"):
        for number in range(3):
            await alerting.record(crash, user_hash=hashlib.md5(b"%d" % number).hexdigest())
    for one, in_all, covered in ((3, 9, 3), (2, 9, 0), (3, 6, 2)):
        monkeypatch.setattr(rule_settings, "PEOPLE_EVENTS_MAX", one)
        monkeypatch.setattr(rule_settings, "PEOPLE_EVENTS_IN_ALL_MAX", in_all)
        found = await preview(alerting, {"people": {"more_than": 1}})
        assert len(found["items"]) == covered
        left = [f"people of {3 - covered} incidents with too many events to be read"]
        assert found["not_covered"] == (left if covered < 3 else [])
