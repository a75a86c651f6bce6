"""Channels that fail for days, notices of a workspace, and what is forgotten."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from lib.alerts import disabling, sweep
from local.failing import Mode
from tests.lib.alerts.stage import DAY, HOUR, MINUTE, Alerting

ALL = {"transitions": ["new"]}


async def fail_for(alerting: Alerting, hours: int) -> None:
    """A new incident each six hours, whatever becomes of its messages."""
    for number in range(hours // 6):
        await alerting.record(f"crash {number}")
        await alerting.sweep(6 * HOUR)


async def test_a_channel_that_fails_for_days_is_switched_off_and_its_admins_are_told_by_mail(alerting: Alerting) -> None:
    channel_id = await alerting.rule(ALL)
    admin = await alerting.member("adam", "admin")
    await alerting.member("bob", "member")
    alerting.sink.failing.mode = 500
    await fail_for(alerting, 66)
    [(disabled_at,)] = await alerting.rows("SELECT disabled_at FROM channels WHERE id = %s", channel_id)
    assert disabled_at is None
    await fail_for(alerting, 18)
    [(disabled_at, reason)] = await alerting.rows("SELECT disabled_at, disabled_reason FROM channels WHERE id = %s", channel_id)
    assert disabled_at is not None
    assert reason.startswith("Failed for 3 days: ")
    assert [mail.to[0].partition("-")[0] for mail in alerting.outbox.mails if mail.to == [admin]] == ["adam"]
    assert {mail.to[0].partition("-")[0] for mail in alerting.outbox.mails} == {"adam", "olga"}
    assert len(alerting.outbox.mails) == 2
    assert "Ops was switched off" in alerting.outbox.mails[0].subject
    left = await alerting.rows("SELECT DISTINCT state, content IS NULL FROM deliveries WHERE channel_id = %s", channel_id)
    assert left == [("dead", False)], "all can be sent again"
    alerting.sink.failing.mend()
    await alerting.record("later")
    await alerting.sweep(HOUR)
    assert alerting.told() == []


async def test_one_success_begins_the_count_anew(alerting: Alerting) -> None:
    channel_id = await alerting.rule(ALL)
    for _ in range(2):
        alerting.sink.failing.mode = 500
        await fail_for(alerting, 60)
        alerting.sink.failing.mend()
        await alerting.record(f"works {alerting.now}")
        await alerting.sweep(timedelta())
    await alerting.sweep(DAY)
    assert await alerting.rows("SELECT failures, disabled_at FROM channels WHERE id = %s", channel_id) == [(0, None)]


async def test_no_channel_of_mail_is_switched_off_because_the_provider_fails(alerting: Alerting) -> None:
    alerting.outbox.failing.mode = 500
    await fail_for(alerting, 120)
    [(failures, disabled_at)] = await alerting.rows(
        "SELECT failures, disabled_at FROM channels WHERE project_id = %s", alerting.project_id
    )  # fmt: skip
    assert failures >= disabling.FAILURES_MIN
    assert disabled_at is None


SLACK = {"kind": "slack", "digest_minutes": 0}


async def refuse(alerting: Alerting, channel: dict[str, Any], mode: Mode, apart: timedelta) -> tuple[Any, list[str]]:
    """Two new incidents so far apart, which the channel refuses; answers why it is off, if so, and who was told."""
    target = {"url": f"{alerting.sink.url}/local/sink/{channel['kind']}", "secret": alerting.sink.secret}
    channel_id = await alerting.rule(ALL, channel=channel | {"target": json.dumps(target)})
    alerting.sink.failing.mode = mode
    await alerting.record("first")
    await alerting.sweep()
    await alerting.record("second")
    await alerting.sweep(apart)
    [(reason,)] = await alerting.rows("SELECT disabled_reason FROM channels WHERE id = %s", channel_id)
    return reason, [mail.to[0].partition("-")[0] for mail in alerting.outbox.mails]


async def test_a_quiet_projects_channel_that_is_gone_is_switched_off_and_its_one_admin_told(
    alerting: Alerting,
) -> None:
    """There is no other channel, and the next message may be days away."""
    reason, told = await refuse(alerting, SLACK, 404, 2 * DAY)
    assert reason == "Refuses what is sent there: It answered 404."
    assert told == ["olga"]
    assert "it refuses what is sent there" in alerting.outbox.mails[0].text


@pytest.mark.parametrize(
    ("kind", "mode", "apart"),
    [
        ("slack", 404, 59 * MINUTE),  # a provider that is down for some minutes
        ("slack", 400, 2 * DAY),  # two messages that it does not understand
        ("slack", 413, 2 * DAY),
        ("slack", 500, 2 * DAY),
        ("webhook", 404, 2 * DAY),  # somebody's own program, perhaps while it is deployed
    ],
)
async def test_what_may_pass_switches_nothing_off_at_once(alerting: Alerting, kind: str, mode: Mode, apart: timedelta) -> None:
    assert await refuse(alerting, SLACK | {"kind": kind}, mode, apart) == (None, [])


async def test_whose_own_address_fails_is_not_told_there_that_it_does(alerting: Alerting) -> None:
    admin = await alerting.member("adam", "admin")
    alerting.outbox.failing.mode = 422
    await alerting.record("first")
    await alerting.sweep()
    await alerting.rows(
        "INSERT INTO deliveries (workspace_id, id, purpose, kind, recipient, idempotency_key, state, created_at, finished_at,"
        " next_try_at) SELECT workspace_id, gen_random_uuid(), 'invitation', 'email', 'to@example.com', 'other', 'sent', %s, %s,"
        " NULL FROM projects WHERE id = %s",
        alerting.now + DAY, alerting.now + DAY, alerting.project_id,
    )  # fmt: skip
    await alerting.record("second")
    await alerting.sweep(2 * DAY)
    told = await alerting.rows("SELECT recipient FROM deliveries WHERE purpose = %s", disabling.PURPOSE)
    assert told == [(admin,)]


async def test_a_channel_that_fails_again_on_the_same_day_is_told_again(alerting: Alerting) -> None:
    await refuse(alerting, SLACK, 404, 2 * HOUR)
    await alerting.rows("UPDATE channels SET disabled_at = NULL, failures = 0, failing_since = NULL")
    for number in range(2):
        await alerting.record(f"again {number}")
        await alerting.sweep(HOUR)
    assert len(alerting.outbox.mails) == 2


async def test_admins_are_told_of_a_spike_once(alerting: Alerting) -> None:
    await alerting.member("bob", "member")
    await alerting.rows(
        "INSERT INTO notices (workspace_id, project_id, kind, detail) SELECT workspace_id, id, 'spike', %s FROM projects"
        " WHERE id = %s",
        '{"hour": "2026-11-26T12:00:00Z", "spike_events": 12000, "spike_factor": 10}', alerting.project_id,
    )  # fmt: skip
    await alerting.sweep()
    await alerting.sweep(HOUR)
    [mail] = alerting.outbox.mails
    assert mail.to[0].startswith("olga-")
    assert "12,000" in mail.text


async def test_what_was_sent_is_forgotten_after_some_time_and_what_waits_is_not(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    await alerting.record()
    await alerting.sweep()
    alerting.sink.failing.mode = 500
    await alerting.record("waits")
    await alerting.sweep()
    await alerting.rows("UPDATE deliveries SET next_try_at = next_try_at + interval '90 days' WHERE state = 'pending'")
    await alerting.sweep(sweep.KEPT - HOUR)
    assert len(await alerting.rows("SELECT 1 FROM deliveries")) == 2
    await alerting.sweep(2 * HOUR)
    assert await alerting.rows("SELECT state FROM deliveries") == [("pending",)]
    assert await alerting.rows("SELECT count(*) FROM attempts") == [(1,)]
    assert await alerting.rows("SELECT count(*) FROM alerts") == [(0,)]
