"""From transitions to messages: the default rule, filters, digests, caps, quiet hours, mute; each told once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import orjson
import pytest

from lib import db, payloads
from tests.lib.alerts.stage import DAY, HOUR, MINUTE, Alerting
from tests.lib.rows import make_project

ALL = {"transitions": ["new", "regressed", "escalated"]}


async def test_a_new_project_tells_its_owners_of_new_errors_in_production(alerting: Alerting) -> None:
    await alerting.member("bob", "admin")
    second = await alerting.member("otto", "owner")
    await alerting.record("one", title="KeyError: 'plan'", release="v7")
    await alerting.record("in staging", environment="staging")
    await alerting.record("a warning", level="warning")
    assert (await alerting.sweep())["sent"] == 2
    assert {mail.to[0].partition("-")[0] for mail in alerting.outbox.mails} == {"olga", "otto"}
    mail = next(mail for mail in alerting.outbox.mails if mail.to == [second])
    assert "KeyError: 'plan'" in mail.subject
    assert "v7" in mail.text
    assert "https://sensra.test/projects/" in mail.text
    assert len({mail.headers["List-Unsubscribe"] for mail in alerting.outbox.mails}) == 2, "each ends their own mails"
    assert (await alerting.sweep(HOUR))["sent"] == 0


async def test_an_event_without_an_environment_counts_as_production(alerting: Alerting) -> None:
    await alerting.record("nowhere", environment=None)
    assert (await alerting.sweep())["sent"] == 1


async def test_a_regression_is_told_and_events_of_what_is_known_are_not(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    incident_id = await alerting.record()
    await alerting.sweep()
    await alerting.record(number=5)
    await alerting.sweep(HOUR)
    await alerting.rows("UPDATE incidents SET status = 'resolved', status_changed_at = now() WHERE id = %s", incident_id)
    await alerting.record(number=3)
    await alerting.sweep(HOUR)
    assert alerting.told() == [[(incident_id, "new")], [(incident_id, "regressed")]]


async def test_the_end_of_ignoring_is_told(alerting: Alerting) -> None:
    await alerting.rule({"transitions": ["escalated"]})
    incident_id = await alerting.record()
    await alerting.rows("UPDATE incidents SET status = 'ignored', ignored_until = now() WHERE id = %s", incident_id)
    await alerting.record()
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "escalated")]]


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"services": ["check*"]}, True),
        ({"services": ["other"]}, False),
        ({"routes": ["/cart"]}, True),
        ({"releases": ["shop@2*"]}, True),
        ({"releases": ["shop@1*"]}, False),
        ({"tags": {"region": "eu-*"}}, True),
        ({"tags": {"region": "us-*"}}, False),
        ({"tags": {"nothing": "*"}}, False),
    ],
)
async def test_filters_look_at_the_event_that_changed_it(alerting: Alerting, filters: dict[str, Any], told: bool) -> None:
    await alerting.rule(ALL, filters)
    payload = {"payload": {"tags": {"region": "eu-west"}}, "removals": []}
    made = {"service": "checkout", "route": "/cart", "release": "shop@2.0"}
    [recorded] = await alerting.recorder.record([_with_payload(alerting.project_id, payload, made)])
    assert (await alerting.sweep())["sent"] == told, recorded


def _with_payload(project_id: int, body: dict[str, Any], columns: dict[str, Any]) -> Any:
    from tests.lib.rows import row

    made = row(project_id, **columns)
    made.columns["dictionary"], payload = payloads.compress(orjson.dumps(body))
    return made._replace(payload=payload)


async def test_a_message_shows_where_it_crashed(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    frame = {"filename": "shop/cart.py", "lineno": 7, "function": "add", "context_line": "    plan = plans[name]", "in_app": True}
    crash = {"exception": {"values": [{"type": "KeyError", "value": "x", "stacktrace": {"frames": [frame]}}]}}
    body = {"payload": crash, "removals": []}
    await alerting.recorder.record([_with_payload(alerting.project_id, body, {"removed_count": 3})])
    await alerting.sweep()
    [item] = alerting.sink.posts[0].body["data"]["items"]
    assert item["frame"]["filename"] == "shop/cart.py"
    assert item["frame"]["source"].strip() == "plan = plans[name]"
    assert item["removed_count"] == 3


async def test_a_message_about_an_event_that_is_gone_claims_nothing_of_it(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    await alerting.record()
    await alerting.rows("DELETE FROM events WHERE project_id = %s", alerting.project_id)
    await alerting.sweep()
    [item] = alerting.sink.posts[0].body["data"]["items"]
    assert (item["frame"], item["removed_count"]) == (None, None)


async def test_two_rules_tell_a_channel_once(alerting: Alerting) -> None:
    channel_id = await alerting.rule(ALL)
    [(second,)] = await alerting.rows(
        "INSERT INTO alert_rules (project_id, name, conditions) VALUES (%s, 'Second', %s) RETURNING id",
        alerting.project_id, '{"transitions": ["new"]}',
    )  # fmt: skip
    await alerting.rows("INSERT INTO alert_rule_channels VALUES (%s, %s, %s)", alerting.project_id, second, channel_id)
    incident_id = await alerting.record()
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "new")]]


async def test_the_first_is_told_at_once_and_the_rest_in_a_digest_after_its_window(alerting: Alerting) -> None:
    await alerting.rule(ALL, channel={"digest_minutes": 10})
    first = await alerting.record("first")
    await alerting.sweep()
    assert alerting.told() == [[(first, "new")]]
    others = []
    for number in range(5):
        others.append((await alerting.record(f"other {number}"), "new"))
        await alerting.sweep(MINUTE)
    assert len(alerting.told()) == 1
    await alerting.sweep(5 * MINUTE - timedelta(seconds=1))
    assert len(alerting.told()) == 1
    await alerting.sweep(timedelta(seconds=1))
    assert alerting.told()[1:] == [others]
    await alerting.sweep(HOUR)
    assert len(alerting.told()) == 2
    last = await alerting.record("last")
    await alerting.sweep()
    assert alerting.told()[2:] == [[(last, "new")]]


async def test_no_more_messages_an_hour_than_the_channel_bears(alerting: Alerting) -> None:
    await alerting.rule(ALL, channel={"hourly_max": 3})
    for number in range(6):
        await alerting.record(f"crash {number}")
        await alerting.sweep(MINUTE)
    assert [len(items) for items in alerting.told()] == [1, 1, 1]
    await alerting.sweep(HOUR - 7 * MINUTE)
    assert len(alerting.told()) == 3, "the first has left 59 minutes ago"
    await alerting.sweep(2 * MINUTE)
    assert [len(items) for items in alerting.told()] == [1, 1, 1, 3]


async def test_an_incident_that_is_told_for_several_reasons_is_named_by_the_weightiest(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    kinds = ["regressed", "new", "escalated", "frequency", "milestone"]
    incidents = [await alerting.record(f"crash {number}") for number in range(len(kinds) - 1)]
    await alerting.sweep()
    alerting.sink.posts.clear()
    for incident_id, *pair in zip(incidents, kinds[1:], kinds[:-1], strict=False):  # the lighter one was found first
        await alerting.rows(
            "INSERT INTO alerts (project_id, channel_id, rule_id, incident_id, kind, reason, created_at, due_at)"
            " SELECT a.project_id, a.channel_id, a.rule_id, a.incident_id, w.kind, w.kind, %s, %s"
            "   FROM alerts a, unnest(%s::text[]) WITH ORDINALITY AS w (kind, nth) WHERE a.incident_id = %s ORDER BY w.nth",
            alerting.now, alerting.now, pair, incident_id,
        )  # fmt: skip
    await alerting.sweep()
    assert alerting.told() == [list(zip(incidents, kinds, strict=False))]
    reasons = [item["reason"] for item in alerting.sink.posts[0].body["data"]["items"]]
    assert reasons[0] == "new; regressed", "all are said"


async def test_a_digest_says_how_many_it_leaves_out(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    for number in range(25):
        await alerting.record(f"crash {number}")
    await alerting.sweep()
    [post] = alerting.sink.posts
    assert (len(post.body["data"]["items"]), post.body["data"]["omitted"]) == (20, 5)


async def test_quiet_hours_keep_alerts_back_and_lose_none(alerting: Alerting) -> None:
    quiet = {"time_zone": "UTC", "from": "22:00", "to": "06:00"}
    await alerting.rule(ALL, quiet_hours=quiet, channel={"digest_minutes": 10})
    alerting.now = (alerting.now + DAY).replace(hour=23, minute=0, second=0, microsecond=0)
    found = []
    for number in range(3):
        found.append((await alerting.record(f"crash {number}"), "new"))
        await alerting.sweep(HOUR)
    assert alerting.told() == []
    alerting.now = alerting.now.replace(hour=5, minute=59)
    await alerting.sweep()
    assert alerting.told() == []
    await alerting.sweep(MINUTE)
    assert alerting.told() == [found]


@pytest.mark.parametrize("table", ["alert_rules", "channels"])
async def test_what_is_muted_tells_nothing_of_that_time(alerting: Alerting, table: str) -> None:
    await alerting.rule(ALL)
    await alerting.rows(f"UPDATE {table} SET muted_until = %s WHERE project_id = %s", alerting.now + HOUR, alerting.project_id)
    await alerting.record("muted")
    await alerting.sweep()
    await alerting.sweep(HOUR)
    assert alerting.told() == []
    later = await alerting.record("later")
    await alerting.sweep()
    assert alerting.told() == [[(later, "new")]]


async def test_a_rule_that_is_off_and_a_deleted_project_tell_nothing(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    await alerting.rows("UPDATE alert_rules SET enabled = false WHERE project_id = %s", alerting.project_id)
    await alerting.record("off")
    await alerting.sweep()
    await alerting.rows("UPDATE alert_rules SET enabled = true WHERE project_id = %s", alerting.project_id)
    await alerting.record("deleted")
    await alerting.rows("UPDATE projects SET deleted_at = now() WHERE id = %s", alerting.project_id)
    await alerting.sweep()
    assert alerting.told() == []
    assert await alerting.rows("SELECT 1 FROM transitions WHERE handled_at IS NULL") == []


async def test_a_merged_incident_is_told_as_the_one_it_joined(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    kept, merged = await alerting.record("kept"), await alerting.record("merged")
    await alerting.rows("SELECT merge_incidents(%s, %s, %s, NULL, 100)", alerting.project_id, kept, [merged])
    await alerting.sweep()
    assert alerting.told() == [[(kept, "new")]]


async def test_five_sweeps_at_once_tell_each_transition_once(alerting: Alerting) -> None:
    await alerting.rule(ALL)
    incidents = [await alerting.record(f"crash {number}") for number in range(60)]
    await asyncio.gather(*(alerting.sweep() for _ in range(5)))
    told = Counter(incident_id for items in alerting.told() for incident_id, _ in items)
    omitted = sum(post.body["data"]["omitted"] for post in alerting.sink.posts)
    assert set(told.values()) == {1}
    assert sum(told.values()) + omitted == len(incidents)
    [(alerts, keys)] = await alerting.rows("SELECT count(*), count(DISTINCT (channel_id, transition_id)) FROM alerts")
    assert alerts == keys == 60


async def test_a_crash_between_two_steps_loses_nothing(alerting: Alerting, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib import channels

    await alerting.rule(ALL)
    incident_id = await alerting.record()

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(channels, "render", crash)
        with pytest.raises(RuntimeError):
            await alerting.sweep()
    assert alerting.told() == []
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "new")]]


async def test_another_tenants_incidents_and_owners_stay_apart(alerting: Alerting) -> None:
    mine = alerting.project_id
    other = await make_project(alerting.url)
    await alerting.member("eve", "owner", other)
    await alerting.record("mine", title="mine alone")
    alerting.project_id = other
    await alerting.record("theirs", title="theirs alone")
    await alerting.sweep()
    subjects = {mail.to[0].partition("-")[0]: mail.subject for mail in alerting.outbox.mails}
    assert "mine alone" in subjects["olga"]
    assert "theirs alone" in subjects["eve"]
    assert len(alerting.outbox.mails) == 2
    assert mine != other


async def test_mail_goes_to_members_and_confirmed_addresses_only(alerting: Alerting) -> None:
    await alerting.rule(ALL, channel={"kind": "email", "target": '{"address": "Pager@elsewhere.example"}'})
    await alerting.record("one")
    await alerting.sweep()
    assert alerting.outbox.mails == []
    await alerting.rows(
        "INSERT INTO addresses (workspace_id, address, asked_at, confirmed_at)"
        " SELECT workspace_id, 'pager@elsewhere.example', now(), now() FROM projects WHERE id = %s",
        alerting.project_id,
    )  # fmt: skip
    await alerting.record("two")
    await alerting.sweep()
    assert [mail.to for mail in alerting.outbox.mails] == [["pager@elsewhere.example"]]
    await alerting.rows("UPDATE recipients SET unsubscribed_at = now() WHERE project_id = %s", alerting.project_id)
    await alerting.record("three")
    await alerting.sweep()
    assert len(alerting.outbox.mails) == 1


@pytest.mark.parametrize(
    "taken", ["DELETE FROM alerts WHERE told_at IS NULL", "UPDATE alerts SET told_at = now() WHERE told_at IS NULL"],
    ids=["their rule was deleted", "another sweep told them"],
)  # fmt: skip
async def test_what_is_taken_away_while_its_channel_is_told_is_not_told_and_breaks_no_sweep(
    alerting: Alerting, taken: str
) -> None:
    channel_id = await alerting.rule(ALL)
    await alerting.record()
    await alerting.rows("UPDATE channels SET told_at = %s, digest_minutes = 1 WHERE id = %s", alerting.now, channel_id)
    before = alerting.now
    await alerting.sweep()
    async with await db.connect(alerting.url) as conn:
        async with conn.transaction():
            await conn.execute(taken.encode())
            sweeping = asyncio.create_task(alerting.sweep(2 * MINUTE))
            await _blocked(alerting)
        assert (await sweeping)["sent"] == 0
    [(told_at,)] = await alerting.rows("SELECT told_at FROM channels WHERE id = %s", channel_id)
    assert told_at == before, "nothing was told"


async def _blocked(alerting: Alerting) -> None:
    """Return once a statement waits for a lock."""
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await alerting.rows(waits):  # noqa: ASYNC110 - it happens in the server
            await asyncio.sleep(0.02)
