"""What waits: due with the earliest rule that found it, and dropped, with a reason, where nobody wants to be told any more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from lib import db
from lib.alerts import sweep, telling
from tests.lib.alerts.stage import DAY, HOUR, MINUTE, Alerting

NEW = {"transitions": ["new"]}
NIGHT = {"time_zone": "UTC", "from": "22:00", "to": "06:00"}


async def second_rule(alerting: Alerting, channel_id: int, quiet_hours: dict[str, Any] | None = None) -> int:
    """Another rule that finds the same for the same channel."""
    [(rule_id,)] = await alerting.rows(
        "INSERT INTO alert_rules (project_id, name, conditions, quiet_hours) VALUES (%s, 'Second', %s, %s) RETURNING id",
        alerting.project_id, json.dumps(NEW), quiet_hours and json.dumps(quiet_hours),
    )  # fmt: skip
    await alerting.rows("INSERT INTO alert_rule_channels VALUES (%s, %s, %s)", alerting.project_id, rule_id, channel_id)
    return int(rule_id)


def at_night(alerting: Alerting) -> None:
    """An hour after NIGHT has begun."""
    alerting.now = (alerting.now + DAY).replace(hour=23, minute=0, second=0, microsecond=0)


async def in_digest(alerting: Alerting) -> tuple[int, int]:
    """(channel, incident): the second of two, which waits ten minutes for a digest."""
    channel_id = await alerting.rule(NEW, channel={"digest_minutes": 10})
    await alerting.record("first")
    await alerting.sweep()
    incident_id = await alerting.record("second")
    await alerting.sweep(MINUTE)
    assert len(alerting.told()) == 1
    return channel_id, incident_id


async def waiting(alerting: Alerting) -> dict[str, Any]:
    """What the page shows."""
    async with await db.connect(alerting.url) as conn:
        return await telling.list_waiting(conn, alerting.project_id, alerting.now)


async def dropped(alerting: Alerting) -> list[str]:
    """Why, of all that was dropped."""
    return [one["reason"] for one in (await waiting(alerting))["dropped"] for _ in range(one["count"])]


# -- several rules


@pytest.mark.parametrize("loud_first", [True, False])
async def test_a_quiet_rule_silences_no_loud_one(alerting: Alerting, loud_first: bool) -> None:
    channel_id = await alerting.rule(NEW, quiet_hours=None if loud_first else NIGHT)
    await second_rule(alerting, channel_id, NIGHT if loud_first else None)
    at_night(alerting)
    incident_id = await alerting.record()
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "new")]]
    await alerting.sweep(DAY)
    assert len(alerting.told()) == 1, "once, however many found it"


@pytest.mark.parametrize("gone", [
    "DELETE FROM alert_rules WHERE id = %s",
    "UPDATE alert_rules SET enabled = false WHERE id = %s",
    "UPDATE alert_rules SET muted_until = now() + interval '9 days' WHERE id = %s",
    "DELETE FROM alert_rule_channels WHERE rule_id = %s",
])  # fmt: skip
async def test_what_two_rules_found_stays_with_the_one_that_is_left(alerting: Alerting, gone: str) -> None:
    channel_id = await alerting.rule(NEW, channel={"digest_minutes": 10})
    quiet = await second_rule(alerting, channel_id, NIGHT)
    at_night(alerting)
    await alerting.rows("UPDATE channels SET told_at = %s WHERE id = %s", alerting.now, channel_id)
    incident_id = await alerting.record()
    await alerting.sweep()
    await alerting.rows(gone.replace("%s", "(SELECT min(id) FROM alert_rules WHERE project_id = %s)"), alerting.project_id)
    await alerting.sweep(20 * MINUTE)
    assert alerting.told() == [], "the one that is left keeps its quiet hours"
    alerting.now = (alerting.now + DAY).replace(hour=6, minute=0)
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "new")]]
    assert await alerting.rows("SELECT rule_id FROM alert_findings WHERE project_id = %s AND rule_id = %s",
                               alerting.project_id, quiet) == [(quiet,)]  # fmt: skip


@pytest.mark.parametrize("gone", [
    "DELETE FROM alert_rules WHERE project_id = %s",
    "UPDATE alert_rules SET enabled = false WHERE project_id = %s",
    "UPDATE alert_rules SET muted_until = now() + interval '1 hour' WHERE project_id = %s",
    "DELETE FROM alert_rule_channels WHERE project_id = %s",
])  # fmt: skip
async def test_what_no_rule_stands_behind_any_more_is_dropped(alerting: Alerting, gone: str) -> None:
    await in_digest(alerting)
    await alerting.rows(gone, alerting.project_id)
    assert await dropped(alerting) == []
    await alerting.sweep(10 * MINUTE)
    assert await dropped(alerting) == ["rule"]
    await alerting.rows("UPDATE alert_rules SET enabled = true, muted_until = NULL WHERE project_id = %s", alerting.project_id)
    await alerting.sweep(2 * HOUR)
    assert len(alerting.told()) == 1


async def test_what_quiet_hours_keep_back_survives_a_mute_that_is_over_before_their_end(alerting: Alerting) -> None:
    await alerting.rule(NEW, quiet_hours=NIGHT)
    at_night(alerting)
    incident_id = await alerting.record()
    await alerting.sweep()
    for table in ("alert_rules", "channels"):
        await alerting.rows(
            f"UPDATE {table} SET muted_until = %s WHERE project_id = %s", alerting.now + HOUR, alerting.project_id
        )
    await alerting.sweep(MINUTE)
    alerting.now = (alerting.now + DAY).replace(hour=6, minute=0)
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "new")]]


# -- channels


async def test_a_muted_channel_tells_nothing_later_of_what_waited_for_it(alerting: Alerting) -> None:
    channel_id, _ = await in_digest(alerting)
    await alerting.rows("UPDATE channels SET muted_until = %s WHERE id = %s", alerting.now + HOUR, channel_id)
    # Nobody sweeps until it is over, as on a plan whose cron runs once a day.
    await alerting.sweep(HOUR + MINUTE)
    assert await dropped(alerting) == ["channel_muted"]
    later = await alerting.record("later")
    await alerting.sweep()
    assert alerting.told()[1:] == [[(later, "new")]]


async def test_while_a_channel_is_muted_what_waits_for_it_is_dropped_at_once(alerting: Alerting) -> None:
    channel_id, _ = await in_digest(alerting)
    await alerting.rows("UPDATE channels SET muted_until = %s WHERE id = %s", alerting.now + HOUR, channel_id)
    await alerting.sweep(timedelta(seconds=1))
    assert await dropped(alerting) == ["channel_muted"]


async def test_a_channel_that_is_off_is_told_nothing_and_nothing_later(alerting: Alerting) -> None:
    channel_id, _ = await in_digest(alerting)
    await alerting.rows("UPDATE channels SET disabled_at = now(), disabled_reason = 'Off.' WHERE id = %s", channel_id)
    await alerting.sweep(timedelta(seconds=1))
    assert await dropped(alerting) == ["channel_off"]
    await alerting.rows("UPDATE channels SET disabled_at = NULL, disabled_reason = NULL WHERE id = %s", channel_id)
    await alerting.sweep(HOUR)
    assert len(alerting.told()) == 1


# -- incidents


END = "UPDATE incidents SET status = %s, status_changed_at = clock_timestamp() WHERE id = %s"


@pytest.mark.parametrize("status", ["ignored", "resolved"])
async def test_what_was_ignored_or_resolved_while_it_waited_is_not_told(alerting: Alerting, status: str) -> None:
    _, incident_id = await in_digest(alerting)
    other = await alerting.record("other")
    await alerting.rows(END, status, incident_id)
    await alerting.sweep(10 * MINUTE)
    assert alerting.told()[1:] == [[(other, "new")]]
    assert await dropped(alerting) == [status]


@pytest.mark.parametrize("status", ["ignored", "resolved"])
async def test_what_was_ignored_or_resolved_at_night_is_not_told_in_the_morning(alerting: Alerting, status: str) -> None:
    channel_id = await alerting.rule(NEW, quiet_hours=NIGHT, channel={"digest_minutes": 10})
    at_night(alerting)
    ended, merged, kept = [await alerting.record(name) for name in ("ended", "merged", "kept")]
    await alerting.sweep()
    await alerting.rows("SELECT merge_incidents(%s, %s, %s, NULL, 100)", alerting.project_id, ended, [merged])
    await alerting.rows(END, status, ended)
    alerting.now = (alerting.now + DAY).replace(hour=6, minute=0)
    await alerting.sweep()
    assert alerting.told() == [[(kept, "new")]]
    assert await dropped(alerting) == [status] * 2
    await alerting.rows("UPDATE alerts SET told_at = NULL, dropped_at = NULL, dropped_for = NULL WHERE incident_id = %s", ended)
    [(told_at,)] = await alerting.rows("SELECT told_at FROM channels WHERE id = %s", channel_id)
    await alerting.sweep(HOUR)
    assert await alerting.rows("SELECT told_at FROM channels WHERE id = %s", channel_id) == [(told_at,)], (
        "what is dropped begins no digest"
    )


async def test_what_was_found_of_a_resolved_incident_is_told(alerting: Alerting) -> None:
    """It goes on in releases that are older than its fix."""
    incident_id = await alerting.record(number=3)
    await alerting.rows(END, "resolved", incident_id)
    await alerting.rule({"frequency": {"more_than": 2, "minutes": 60}})
    await alerting.rows("UPDATE alert_watches SET checked_at = now() - interval '1 hour'")
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "frequency")]]


async def test_what_came_back_while_it_waited_is_told(alerting: Alerting) -> None:
    _, incident_id = await in_digest(alerting)
    for status in ("ignored", "resolved", "open"):
        await alerting.rows(END, status, incident_id)
    await alerting.sweep(10 * MINUTE)
    assert alerting.told()[1:] == [[(incident_id, "new")]]


# -- what is seen of it


async def test_it_is_told_what_waits_why_and_until_when(alerting: Alerting) -> None:
    channel_id = await alerting.rule(NEW, channel={"digest_minutes": 10, "hourly_max": 2})
    await alerting.record("first")
    await alerting.sweep()
    began = alerting.now
    await alerting.record("second")
    await alerting.sweep(MINUTE)

    def line(reason: str, until: Any, count: int = 1) -> list[dict[str, Any]]:
        return [{"channel_id": channel_id, "reason": reason, "count": count, "until": until}]

    assert (await waiting(alerting))["waiting"] == line("digest", began + 10 * MINUTE)
    alerting.now += 9 * MINUTE
    assert (await waiting(alerting))["waiting"] == line("sweep", None)
    await alerting.sweep()
    assert (await waiting(alerting))["waiting"] == []
    for crash in ("third", "fourth"):
        await alerting.record(crash)
    await alerting.sweep(MINUTE)
    # Two have left within the hour: the first of them leaves it before the last one's digest is over, or after.
    assert (await waiting(alerting))["waiting"] == line("hourly_max", began + HOUR, 2)
    await alerting.rows("UPDATE channels SET digest_minutes = 90 WHERE id = %s", channel_id)
    assert (await waiting(alerting))["waiting"] == line("digest", began + 100 * MINUTE, 2)
    await alerting.rows("UPDATE alert_findings SET due_at = %s WHERE project_id = %s", began + 5 * HOUR, alerting.project_id)
    assert (await waiting(alerting))["waiting"] == line("quiet_hours", began + 5 * HOUR, 2)
    mine = alerting.project_id
    await alerting.begin()
    assert mine != alerting.project_id
    assert await waiting(alerting) == {"waiting": [], "dropped": []}


async def test_what_was_dropped_is_shown_for_a_day_and_forgotten_with_what_was_told(alerting: Alerting) -> None:
    _, incident_id = await in_digest(alerting)
    await alerting.rows(END, "ignored", incident_id)
    await alerting.sweep(10 * MINUTE)
    at, alerting.now = alerting.now, alerting.now + DAY - MINUTE
    [one] = (await waiting(alerting))["dropped"]
    assert (one["reason"], one["count"], one["last_at"]) == ("ignored", 1, at)
    alerting.now += MINUTE
    assert (await waiting(alerting))["dropped"] == []
    await alerting.sweep(sweep.KEPT)
    assert await alerting.rows("SELECT count(*) FROM alerts") == [(0,)]


async def test_health_counts_what_waits_and_since_when_it_could_have_been_told(alerting: Alerting) -> None:
    channel_id, _ = await in_digest(alerting)

    async def health() -> tuple[int, int | None]:
        async with await db.connect(alerting.url) as conn:
            row = await db.fetch_one(conn, "health_alerts")
        assert row
        return row["waiting"], row["oldest_due_seconds"] and round(row["oldest_due_seconds"] / 3600)

    assert await health() == (1, None), "its digest is not over"
    await alerting.rows("UPDATE alerts SET due_at = now() - interval '9 hours' WHERE told_at IS NULL")
    for since, hours in (("2 hours 10 minutes", 2), ("30 hours", 9)):
        await alerting.rows(f"UPDATE channels SET told_at = now() - interval '{since}' WHERE id = %s", channel_id)
        assert await health() == (1, hours)
    await alerting.rows("UPDATE projects SET deleted_at = now() WHERE id = %s", alerting.project_id)
    assert await health() == (0, None)
    await alerting.rows("UPDATE projects SET deleted_at = NULL WHERE id = %s", alerting.project_id)
    await alerting.rows("UPDATE alerts SET dropped_at = now(), dropped_for = 'rule' WHERE told_at IS NULL")
    assert await health() == (0, None)
