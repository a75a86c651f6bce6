"""What no single event decides: frequencies to the minute, what is unusual, people, milestones, and escalation."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from lib.alerts import following, sweep, watching
from lib.clock import Clock
from tests.lib.alerts.stage import DAY, HOUR, MINUTE, Alerting
from tests.lib.rows import fingerprint, make_project, row

FIVE = {"frequency": {"more_than": 5, "minutes": 5}}


@pytest.fixture
async def watched(alerting: Alerting) -> Alerting:
    await alerting.rows("UPDATE alert_watches SET checked_at = now() - interval '1 hour'")
    return alerting


async def usual(stage: Alerting, incident_id: int, per_hour: int, days: int = 7, environment: str = "production") -> None:
    """The incident has had so many events an hour for so long."""
    await stage.rows(
        "INSERT INTO event_counts SELECT %s, %s::uuid, date_trunc('hour', now()) - n * interval '1 hour', %s, '', %s"
        " FROM generate_series(2, %s) n",
        stage.project_id, fingerprint("crash"), environment, per_hour, days * 24,
    )  # fmt: skip
    await stage.rows(
        "UPDATE incidents SET first_seen = now() - %s * interval '1 day', event_count = event_count + %s WHERE id = %s",
        days, days * 24 * per_hour, incident_id,
    )  # fmt: skip


async def test_a_frequency_is_more_than_so_many_within_the_minutes(watched: Alerting) -> None:
    await watched.rule(FIVE)
    incident_id = await watched.record(number=5)
    await watched.sweep()
    assert watched.told() == []
    await watched.record()
    await watched.sweep(MINUTE)
    assert watched.told() == [[(incident_id, "frequency")]]
    [item] = watched.sink.posts[0].body["data"]["items"]
    assert item["reason"] == "more than 5 events in 5 minutes"
    assert item["environment"] == "production"


async def test_what_lies_before_the_window_does_not_count(watched: Alerting) -> None:
    await watched.rule(FIVE)
    await watched.record(number=20)
    await watched.sweep(6 * MINUTE)
    assert watched.told() == []


async def test_a_frequency_is_told_again_after_an_hour_at_the_earliest(watched: Alerting) -> None:
    await watched.rule({"frequency": {"more_than": 5, "minutes": 1_440}})
    await watched.rows("UPDATE alert_rules SET conditions = %s", '{"frequency": {"more_than": 5, "minutes": 30}}')
    await watched.record(number=50)
    for _ in range(20):
        await watched.sweep(MINUTE)
    assert len(watched.told()) == 1
    await watched.rows("UPDATE alert_rules SET conditions = %s", '{"frequency": {"more_than": 5, "minutes": 240}}')
    await watched.sweep(HOUR)
    assert len(watched.told()) == 1, "its window is longer"
    await watched.rows("UPDATE alert_states SET at = at - interval '4 hours'")
    await watched.sweep(MINUTE)
    assert len(watched.told()) == 2


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"environments": ["production"]}, True),
        ({"environments": ["staging"]}, False),
        ({"levels": ["error"]}, True),
        ({"levels": ["fatal"]}, False),
        ({"releases": ["shop@1*"], "services": ["api"], "routes": ["/c?rt"]}, True),
        ({"services": ["web"]}, False),
    ],
)
async def test_only_events_that_the_filters_fit_are_counted(watched: Alerting, filters: dict[str, Any], told: bool) -> None:
    await watched.rule(FIVE, filters)
    await watched.record(number=6, release="shop@1.0", service="api", route="/cart")
    await watched.record(number=5, environment="staging", service="web")
    await watched.sweep()
    assert (watched.told() != []) is told


async def test_a_short_frequency_is_told_again_after_an_hour(watched: Alerting) -> None:
    await watched.rule(FIVE)
    await watched.record(number=6)
    await watched.sweep()
    for so_far, ago in ((1, timedelta(minutes=59, seconds=30)), (2, timedelta(seconds=30))):
        await watched.rows("UPDATE alert_states SET at = at - %s", ago)
        await watched.rows("UPDATE alert_watches SET checked_at = checked_at - interval '1 hour'")
        await watched.sweep()
        assert len(watched.told()) == so_far


async def test_what_is_ignored_is_no_frequency_and_is_one_from_when_it_is_open_again(watched: Alerting) -> None:
    await watched.rule(FIVE)
    incident_id = await watched.record(number=6)
    for status, told in (("ignored", []), ("open", [[(incident_id, "frequency")]])):
        await watched.rows("UPDATE incidents SET status = %s WHERE id = %s", status, incident_id)
        await watched.sweep(MINUTE)
        assert watched.told() == told
    assert await watched.rows("SELECT count(*) FROM alerts") == [(1,)]


async def test_an_incident_of_several_fingerprints_is_counted_whole(watched: Alerting) -> None:
    await watched.rule(FIVE)
    kept, merged = await watched.record("kept", 3), await watched.record("merged", 3)
    await watched.rows("SELECT merge_incidents(%s, %s, %s, NULL, 100)", watched.project_id, kept, [merged])
    await watched.sweep()
    assert watched.told() == [[(kept, "frequency")]]


async def test_unusual_is_measured_by_the_week_before(watched: Alerting) -> None:
    await watched.rule({"unusual": {"times": 3, "minutes": 60}})
    incident_id = await watched.record(number=29)
    await usual(watched, incident_id, per_hour=10)
    await watched.sweep()
    assert watched.told() == []
    await watched.record()
    await watched.sweep(MINUTE)
    assert watched.told() == [[(incident_id, "frequency")]]


async def test_what_is_young_or_few_is_not_unusual(watched: Alerting) -> None:
    await watched.rule({"unusual": {"times": 3, "minutes": 60}})
    incident_id = await watched.record(number=50)
    await watched.sweep()
    assert watched.told() == [], "it has no usual yet"
    await watched.rows("UPDATE incidents SET first_seen = now() - interval '3 days' WHERE id = %s", incident_id)
    await watched.rows("DELETE FROM events WHERE project_id = %s", watched.project_id)
    await watched.record(number=9)
    await watched.sweep(MINUTE)
    assert watched.told() == [], "nine are none"


async def test_people_are_told_of_once(watched: Alerting) -> None:
    await watched.rule({"people": {"more_than": 2}})
    for number in range(2):
        incident_id = await watched.record(user_hash=hashlib.md5(b"%d" % number).hexdigest())
    await watched.sweep()
    assert watched.told() == []
    for number in range(2, 6):
        await watched.record(user_hash=hashlib.md5(b"%d" % number).hexdigest())
        await watched.sweep(MINUTE)
    assert watched.told() == [[(incident_id, "frequency")]]


async def test_milestones_are_told_once_each_and_only_the_highest(watched: Alerting) -> None:
    await watched.rule({"milestones": True})
    incident_id = await watched.record(number=9)
    await watched.sweep()
    await watched.record()
    for _ in range(3):
        await watched.sweep(MINUTE)
    assert watched.told() == [[(incident_id, "milestone")]]
    await watched.rows("UPDATE incidents SET event_count = 12345 WHERE id = %s", incident_id)
    await watched.sweep(MINUTE)
    reasons = [post.body["data"]["items"][0]["reason"] for post in watched.sink.posts]
    assert reasons == ["10 events", "10,000 events"]


async def test_what_was_reached_before_the_rule_is_no_news(watched: Alerting) -> None:
    incident_id = await watched.record(number=50)
    await watched.rule({"milestones": True})
    await watched.sweep()
    assert watched.told() == []
    await watched.record(number=50)
    await watched.sweep(MINUTE)
    assert watched.told() == [[(incident_id, "milestone")]]


async def test_ten_times_the_usual_escalates_once_a_day(watched: Alerting) -> None:
    await watched.rule({"transitions": ["escalated"]})
    incident_id = await watched.record(number=99)
    await usual(watched, incident_id, per_hour=10)
    await watched.sweep()
    assert watched.told() == []
    await watched.record()
    for _ in range(5):
        await watched.sweep(MINUTE)
    assert watched.told() == [[(incident_id, "escalated")]]
    [(escalated_at,)] = await watched.rows("SELECT escalated_at FROM incidents WHERE id = %s", incident_id)
    assert escalated_at is not None


async def test_an_ignored_or_resolved_incident_does_not_escalate(watched: Alerting) -> None:
    await watched.rule({"transitions": ["escalated"]})
    incident_id = await watched.record(number=150)
    await usual(watched, incident_id, per_hour=1)
    for status in ("ignored", "resolved"):
        await watched.rows("UPDATE incidents SET status = %s WHERE id = %s", status, incident_id)
        await watched.sweep(MINUTE)
    assert watched.told() == []


async def test_five_sweeps_at_once_find_a_thing_once(watched: Alerting) -> None:
    await watched.rule(FIVE | {"milestones": True})
    await watched.record(number=10)
    await asyncio.gather(*(watched.sweep() for _ in range(5)))
    kinds = [kind for (kind,) in await watched.rows("SELECT kind FROM alerts ORDER BY kind")]
    assert kinds == ["frequency", "milestone"]


async def test_a_project_is_looked_at_once_a_minute_and_a_quiet_one_never(
    watched: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    async def look(_conn: object, project_id: int, _now: object) -> int:
        looked.append(project_id)
        return 0

    monkeypatch.setattr(watching, "look", look)
    await watched.sweep()
    assert looked == []
    await watched.record()
    await watched.sweep(MINUTE)
    await watched.sweep(MINUTE - timedelta(seconds=1))
    assert looked == [watched.project_id]
    await watched.sweep(timedelta(seconds=1))
    assert looked == [watched.project_id] * 2
    await watched.sweep(DAY + HOUR)
    assert len(looked) == 2


async def test_projects_in_which_nothing_happens_hide_none_behind_them(
    watched: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PROJECTS_MAX", 1)
    await watched.rule(FIVE)
    incident_id = await watched.record(number=6)
    quiet = await make_project(watched.url)
    await watched.rows("UPDATE alert_watches SET checked_at = now() - interval '1 day' WHERE project_id = %s", quiet)
    await watched.sweep()
    assert watched.told() == [[(incident_id, "frequency")]]


def ticking(stage: Alerting) -> Clock:
    """A second passes each time that somebody looks at it; it goes on from the stage's."""
    began, ticks = stage.now, count()

    def clock() -> datetime:
        stage.now = began + timedelta(seconds=next(ticks))
        return stage.now

    return clock


async def test_however_many_projects_are_to_be_looked_at_what_is_due_is_sent_and_each_has_its_turn(
    watched: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a sweep has time for, each minute anew."""
    looked: list[int] = []

    async def look(_conn: object, project_id: int, _now: object) -> int:
        looked.append(project_id)
        return 0

    monkeypatch.setattr(watching, "look", look)
    projects = {await make_project(watched.url) for _ in range(9)} | {watched.project_id}
    await watched.rows("DELETE FROM alert_rules WHERE project_id = ANY (%s)", list(projects))
    await watched.rule({"transitions": ["new"]})
    for project_id in projects:
        await watched.recorder.record([row(project_id)])
    await watched.rows("UPDATE alert_watches SET checked_at = now() - interval '1 hour'")
    rounds = 0
    while set(looked) != projects and rounds < 10:
        rounds += 1
        before = len(looked)
        await sweep.run(watched.database, ticking(watched))
        assert 0 < len(looked) - before < len(projects)
        assert len(watched.told()) == 1, "told by the first sweep"
        watched.now += MINUTE
    assert max(looked.count(project_id) for project_id in projects) <= 2
    assert rounds < 10


async def test_a_backlog_of_transitions_keeps_nothing_from_being_told_and_sent(
    watched: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "TRANSITIONS_MAX", 1)
    await watched.rule({"transitions": ["new"]})
    for number in range(12):
        await watched.record(f"crash {number}")
    found = await sweep.run(watched.database, ticking(watched))
    assert 0 < found["transitions"] < 12
    assert len(watched.told()) == 1
