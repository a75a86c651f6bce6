"""Alert rules, channels, deliveries and the links in mails, over HTTP: who may do what, what is refused, what the trail keeps."""

from __future__ import annotations

import json
import re
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

import api.alerts
from lib import db, settings
from lib.alerts import addresses, channel_settings, rule_settings, sweep
from lib.models import alerts as models
from local.mail import Mail
from tests.api.conftest import Stage, Tenant
from tests.conftest import OutboxStandIn, SinkStandIn

RULE: dict[str, Any] = {"name": "All new", "conditions": {"transitions": ["new"]}, "channel_ids": []}
QUIET = {"time_zone": "Europe/Berlin", "from": "22:00", "to": "07:00", "days": ["mon", "tue"]}
PAGER = {"address": "pager@elsewhere.example"}
LINK = re.compile(r"https://sensra\.test(/api/alerts/\S+)")


class Alerts:
    """The function, and a tenant whose owner is alice."""

    def __init__(self, stage: Stage, tenant: Tenant, client: httpx.AsyncClient) -> None:
        self.stage, self.tenant, self.client = stage, tenant, client
        self.base = f"/api/projects/{tenant.project_id}"

    async def call(self, method: str, path: str, body: Any = None, who: dict[str, str] | None = None, expect: int = 200) -> Any:
        """The answer's JSON, or its problem."""
        answer = await self.client.request(method, self.base + path, json=body, headers=who or self.stage.alice())
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def channel(self, sink: SinkStandIn, kind: str = "webhook", **more: Any) -> Any:
        """A new channel to the sink."""
        target = {"url": f"{sink.url}/local/sink/{kind}"}
        return await self.call("POST", "/channels", {"kind": kind, "name": "Ops", "target": target, **more}, expect=201)

    async def sweep(self, after: timedelta = timedelta()) -> Any:
        """Send what is due, so long from now."""
        database = db.Database(self.stage.database_url)
        try:
            return await sweep.run(database, lambda: datetime.now(UTC) + timedelta(seconds=1) + after)
        finally:
            await database.close()

    async def trail(self) -> list[str]:
        """What was done, in order."""
        rows = await self.stage.rows("SELECT action FROM audit_log WHERE workspace_id = %s ORDER BY id", self.tenant.workspace_id)
        return [row["action"] for row in rows]


@pytest.fixture
async def alerts(stage: Stage, sink: SinkStandIn, outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch) -> Alerts:
    monkeypatch.setenv("PUBLIC_URL", "https://sensra.test")
    settings.current.cache_clear()
    await stage.rows("DELETE FROM deliveries")
    await stage.rows("UPDATE transitions SET handled_at = now() WHERE handled_at IS NULL")
    return Alerts(stage, await stage.tenant(), await stage.client(api.alerts.app))


# -- rules


async def test_a_project_shows_the_rule_that_it_began_with(alerts: Alerts) -> None:
    [rule] = (await alerts.call("GET", "/alert-rules"))["items"]
    assert rule["name"] == "New and regressed errors in production"
    assert rule["conditions"] == {"transitions": ["new", "regressed"]}
    assert rule["filters"] == {"environments": ["production"], "levels": ["error", "fatal"]}
    [channel] = (await alerts.call("GET", "/channels"))["items"]
    assert rule["channel_ids"] == [channel["id"]]
    assert (channel["kind"], channel["target"], channel["confirmed"]) == ("email", "the workspace's owners", True)
    models.Rule.model_validate(rule)
    models.Channel.model_validate(channel)


async def test_a_rule_is_made_read_changed_and_deleted_and_the_trail_tells(alerts: Alerts, sink: SinkStandIn) -> None:
    channel = await alerts.channel(sink)
    body = RULE | {"channel_ids": [channel["id"]], "quiet_hours": QUIET, "filters": {"environments": ["prod*"]}}
    made = await alerts.call("POST", "/alert-rules", body, expect=201)
    assert made["quiet_hours"] == QUIET
    path = f"/alert-rules/{made['id']}"
    assert await alerts.call("GET", path) == made
    changed = await alerts.call("PATCH", path, {"name": "Other", "quiet_hours": None, "muted_until": "2030-01-01T00:00:00Z"})
    assert changed == made | {"name": "Other", "quiet_hours": None, "muted_until": "2030-01-01T00:00:00+00:00"}
    assert (await alerts.call("PATCH", path, {"conditions": {"milestones": True}}))["conditions"] == {"milestones": True}
    await alerts.call("DELETE", path, expect=204)
    await alerts.call("GET", path, expect=404)
    assert await alerts.trail() == [
        *("channel.create", "alert_rule.create", "alert_rule.change", "alert_rule.change", "alert_rule.delete")
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"conditions": {}},
        {"conditions": {"transitions": ["old"]}},
        {"conditions": {"transitions": []}},
        {"conditions": {"frequency": {"more_than": 0, "minutes": 5}}},
        {"conditions": {"frequency": {"more_than": 5, "minutes": 1441}}},
        {"conditions": {"frequency": {"more_than": 5}}},
        {"conditions": {"unusual": {"times": 1, "minutes": 5}}},
        {"conditions": {"people": {"more_than": -1}}},
        {"conditions": {"everything": True}},
        {"filters": {"colour": ["red"]}},
        {"filters": {"levels": ["terrible"]}},
        {"filters": {"environments": [""]}},
        {"filters": {"environments": ["x"] * 21}},
        {"filters": {"environments": ["x" * 201]}},
        {"filters": {"tags": {"a": "b"}}, "conditions": {"milestones": True}},
        {"filters": {"services": ["a"]}, "conditions": {"unusual": {"times": 2, "minutes": 5}}},
        {"filters": {"releases": ["a"]}, "conditions": {"people": {"more_than": 5}}},
        {"quiet_hours": {**QUIET, "time_zone": "Mars/Olympus"}},
        {"quiet_hours": {**QUIET, "time_zone": "../../etc/passwd"}},
        {"quiet_hours": {**QUIET, "from": "7:00"}},
        {"quiet_hours": {**QUIET, "to": "24:00"}},
        {"quiet_hours": {**QUIET, "from": "22:00", "to": "22:00"}},
        {"quiet_hours": {**QUIET, "days": ["someday"]}},
        {"muted_until": "tomorrow"},
        {"name": ""},
        {"name": "x" * 81},
        {"channel_ids": [0]},
        {"channel_ids": [2**62]},
        {"surprise": 1},
    ],
)
async def test_a_rule_that_cannot_be_meant_is_refused_and_says_where(alerts: Alerts, wrong: dict[str, Any]) -> None:
    problem = await alerts.call("POST", "/alert-rules", RULE | wrong, expect=400)
    assert problem["errors"][0]["detail"]
    assert len((await alerts.call("GET", "/alert-rules"))["items"]) == 1


async def test_a_change_that_does_not_go_with_what_stays_is_refused(alerts: Alerts) -> None:
    made = await alerts.call("POST", "/alert-rules", RULE | {"filters": {"tags": {"region": "eu"}}}, expect=201)
    await alerts.call("PATCH", f"/alert-rules/{made['id']}", {"conditions": {"milestones": True}}, expect=400)


async def test_a_rule_cannot_name_another_tenants_channel(alerts: Alerts, sink: SinkStandIn) -> None:
    foreign = await alerts.channel(sink)
    await alerts.stage.tenant()
    other = Alerts(alerts.stage, alerts.tenant, alerts.client)
    rows = await alerts.stage.rows("SELECT max(id) AS id FROM projects")
    other.base = f"/api/projects/{rows[0]['id']}"
    problem = await other.call("POST", "/alert-rules", RULE | {"channel_ids": [foreign["id"]]}, expect=400)
    assert problem["errors"][0]["pointer"] == "/channel_ids/0"


async def test_numbers_of_rules_and_channels_are_bounded(
    alerts: Alerts, sink: SinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_settings, "RULES_MAX", 2)
    monkeypatch.setattr(channel_settings, "CHANNELS_MAX", 2)
    await alerts.call("POST", "/alert-rules", RULE, expect=201)
    assert "2 alert rules" in (await alerts.call("POST", "/alert-rules", RULE, expect=409))["detail"]
    await alerts.channel(sink)
    body = {"kind": "slack", "name": "x", "target": {"url": f"{sink.url}/local/sink/slack"}}
    assert "2 channels" in (await alerts.call("POST", "/channels", body, expect=409))["detail"]


async def test_a_preview_tells_what_a_rule_would_have_found(alerts: Alerts) -> None:
    send = alerts.stage.ingest.post
    for number, environment in ((1, "production"), (12, "staging")):
        event = {"error": {"type": f"Error{number}", "message": "x"}, "environment": environment}
        for _ in range(number):
            assert (await send("/api/ingest", json=event, headers=alerts.tenant.bearer)).status_code == 200

    async def preview(conditions: Any, filters: Any = None) -> Any:
        found = await alerts.call("POST", "/alert-rules/preview", {"conditions": conditions, "filters": filters or {}})
        models.Preview.model_validate(found)
        return [(item["title"].partition(":")[0], item["kind"]) for item in found["items"]]

    assert await preview({"transitions": ["new"]}) == [("Error12", "new"), ("Error1", "new")]
    assert await preview({"transitions": ["new"]}, {"environments": ["prod*"]}) == [("Error1", "new")]
    assert await preview({"transitions": ["regressed"]}) == []
    assert await preview({"frequency": {"more_than": 10, "minutes": 60}}) == [("Error12", "frequency")]
    assert await preview({"frequency": {"more_than": 10, "minutes": 60}}, {"environments": ["production"]}) == []
    assert await preview({"milestones": True}) == [("Error12", "milestone")]
    assert await preview({"unusual": {"times": 3, "minutes": 60}, "people": {"more_than": 1}}) == []


# -- channels


async def test_a_webhooks_secret_is_shown_once_and_its_address_never_whole(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    models.CreatedChannel.model_validate(made)
    assert made["secret"].startswith("whsec_")
    found = await alerts.call("GET", f"/channels/{made['id']}")
    assert found == {name: value for name, value in made.items() if name != "secret"}
    assert found["target"] == "127.0.0.1/…hook"
    stored = await alerts.stage.rows(
        "SELECT after::text AS after FROM audit_log WHERE workspace_id = %s", alerts.tenant.workspace_id
    )
    assert made["secret"] not in str(stored)
    assert "/local/sink" not in str(stored)


async def test_a_new_target_keeps_the_secret(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    await alerts.call(
        "PATCH", f"/channels/{made['id']}", {"target": {"url": f"{sink.url}/local/sink/webhook?x=2"}, "name": "New"}
    )
    [row] = await alerts.stage.rows("SELECT target FROM channels WHERE id = %s", made["id"])
    assert row["target"] == {"url": f"{sink.url}/local/sink/webhook?x=2", "secret": made["secret"]}


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("webhook", None),
        ("webhook", {"address": "a@example.com"}),
        ("webhook", {"url": "ftp://example.com"}),
        ("slack", {"url": "not a url"}),
        ("discord", {}),
        ("email", {"url": "https://example.com"}),
        ("email", {"address": "no address"}),
        ("email", {"address": "a@example.com, b@example.com"}),
        ("email", {"address": "a@example.com", "url": "https://example.com"}),
        ("pigeon", {"url": "https://example.com"}),
    ],
)
async def test_a_target_that_cannot_be_used_is_refused(alerts: Alerts, kind: str, target: Any) -> None:
    await alerts.call("POST", "/channels", {"kind": kind, "name": "x", "target": target}, expect=400)


async def test_private_addresses_are_refused_where_they_are_saved_and_changed(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    sink.forbid_private()
    target = {"url": "https://169.254.169.254/latest/meta-data"}
    await alerts.call("POST", "/channels", {"kind": "webhook", "name": "x", "target": target}, expect=400)
    await alerts.call("PATCH", f"/channels/{made['id']}", {"target": target}, expect=400)


async def test_a_name_is_looked_up_where_it_is_saved_and_changed_but_for_nobody_who_may_not(
    alerts: Alerts, sink: SinkStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await alerts.channel(sink)
    sink.forbid_private()
    answers = {"hooks.example.com": "93.184.215.14", "127.0.0.1.nip.io": "127.0.0.1"}
    asked: list[str] = []
    system = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if not str(host).endswith((".example.com", ".nip.io")):
            return system(host, port, *args, **kwargs)  # the stand-ins' own
        asked.append(host)
        if host not in answers:
            raise socket.gaierror(socket.EAI_NONAME, "there is no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (answers[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    body: dict[str, Any] = {"kind": "slack", "name": "x"}
    for host, told in (("127.0.0.1.nip.io", "not public"), ("hoks.example.com", "no host named hoks.example.com")):
        target = {"url": f"https://{host}/services/x"}
        for method, path, given in (("POST", "/channels", body), ("PATCH", f"/channels/{made['id']}", {})):
            problem = await alerts.call(method, path, {**given, "target": target}, expect=400)
            assert [one["pointer"] for one in problem["errors"]] == ["/target/url"]
            assert told in problem["errors"][0]["detail"]
    assert asked == ["127.0.0.1.nip.io"] * 2 + ["hoks.example.com"] * 2
    await alerts.call("POST", "/channels", {**body, "target": {"url": "https://hooks.example.com/x"}}, expect=201)
    assert asked.pop() == "hooks.example.com"
    asked.clear()
    for who, status in ((alerts.stage.bob(), 403), (alerts.stage.charlie(), 404)):
        await alerts.call("POST", "/channels", {**body, "target": target}, who, status)
        await alerts.call("PATCH", f"/channels/{made['id']}", {"target": target}, who, status)
    await alerts.call("PATCH", f"/channels/{made['id']}", {"name": "y"})
    assert asked == []
    [row] = await alerts.stage.rows(
        "SELECT count(*) AS refused FROM audit_refusals WHERE workspace_id = %s AND action = 'channel.create'",
        alerts.tenant.workspace_id,
    )  # fmt: skip
    assert row["refused"] == 2


async def test_a_test_goes_the_way_of_all_messages(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    [row] = await alerts.stage.rows("SELECT target FROM channels WHERE id = %s", made["id"])
    assert row
    await alerts.stage.rows(
        "UPDATE channels SET target = jsonb_set(target, '{secret}', to_jsonb(%s::text)) WHERE id = %s", sink.secret, made["id"]
    )
    delivery = await alerts.call("POST", f"/channels/{made['id']}/test")
    models.Delivery.model_validate(delivery)
    assert (delivery["state"], delivery["purpose"], delivery["attempts"]) == ("pending", "test", [])
    await alerts.sweep()
    found = await alerts.call("GET", f"/deliveries/{delivery['id']}")
    assert (found["state"], [one["outcome"] for one in found["attempts"]]) == ("sent", ["sent"])
    [post] = sink.posts
    assert post.headers["webhook-id"] == delivery["id"]
    assert "only a test" in json.dumps(post.body)


async def test_tests_are_bounded(alerts: Alerts, sink: SinkStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_settings, "TESTS_PER_HOUR", 2)
    made = await alerts.channel(sink)
    for _ in range(2):
        await alerts.call("POST", f"/channels/{made['id']}/test")
    await alerts.call("POST", f"/channels/{made['id']}/test", expect=429)


async def test_a_channel_that_was_switched_off_is_switched_on_without_its_failures(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    path = f"/channels/{made['id']}"
    off = await alerts.call("PATCH", path, {"enabled": False})
    assert off["disabled_reason"] == "Switched off by hand."
    await alerts.stage.rows("UPDATE channels SET failures = 30, failing_since = now() WHERE id = %s", made["id"])
    on = await alerts.call("PATCH", path, {"enabled": True})
    assert (on["disabled_at"], on["disabled_reason"], on["failing_since"]) == (None, None, None)


LATER = datetime.now(UTC) + timedelta(days=7)


@pytest.mark.parametrize(
    ("change", "back", "error"),
    [
        ({"enabled": False}, {"enabled": True}, "Switched off by hand."),
        ({"muted_until": LATER.isoformat()}, {"muted_until": None}, "The channel was muted."),
    ],
)
async def test_what_waits_for_a_channel_that_is_switched_off_or_muted_is_dead_until_it_is_sent_again(
    alerts: Alerts, sink: SinkStandIn, change: dict[str, Any], back: dict[str, Any], error: str
) -> None:
    made = await alerts.channel(sink, "slack")
    delivery = await alerts.call("POST", f"/channels/{made['id']}/test")
    await alerts.stage.rows("UPDATE deliveries SET purpose = 'alert' WHERE channel_id = %s", made["id"])
    sink.failing.coming.append(503)
    await alerts.sweep()
    await alerts.call("PATCH", f"/channels/{made['id']}", change)
    found = await alerts.call("GET", f"/deliveries/{delivery['id']}")
    assert (found["state"], found["last_error"]) == ("dead", error)
    await alerts.sweep()
    assert not sink.posts
    again = f"/deliveries/{delivery['id']}/resend"
    if "enabled" in change:
        refused = await alerts.call("POST", again, expect=409)
        assert "switched on" in refused["detail"]
    await alerts.call("PATCH", f"/channels/{made['id']}", back)
    await alerts.call("POST", again)
    await alerts.sweep()
    assert len(sink.posts) == 1


async def test_muting_ends_no_test_and_a_mute_that_is_over_ends_nothing(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    delivery = await alerts.call("POST", f"/channels/{made['id']}/test")
    await alerts.call("PATCH", f"/channels/{made['id']}", {"muted_until": LATER.isoformat()})
    assert (await alerts.call("GET", f"/deliveries/{delivery['id']}"))["state"] == "pending"
    await alerts.stage.rows("UPDATE deliveries SET purpose = 'alert' WHERE channel_id = %s", made["id"])
    await alerts.call("PATCH", f"/channels/{made['id']}", {"muted_until": (LATER - timedelta(days=8)).isoformat()})
    assert (await alerts.call("GET", f"/deliveries/{delivery['id']}"))["state"] == "pending"


async def test_what_waits_for_a_deleted_channel_is_cancelled(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    delivery = await alerts.call("POST", f"/channels/{made['id']}/test")
    await alerts.call("DELETE", f"/channels/{made['id']}", expect=204)
    found = await alerts.call("GET", f"/deliveries/{delivery['id']}")
    assert (found["state"], found["channel_id"], found["next_try_at"]) == ("cancelled", None, None)
    await alerts.sweep()
    assert not sink.posts


# -- what waits, and deliveries


async def test_what_waits_is_told_by_channel_with_the_reason(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink, digest_minutes=1_440)
    await alerts.call("POST", "/alert-rules", RULE | {"channel_ids": [made["id"]]}, expect=201)
    for kind in ("One", "Two"):
        event = {"error": {"type": kind, "message": "x"}, "environment": "staging"}
        assert (await alerts.stage.ingest.post("/api/ingest", json=event, headers=alerts.tenant.bearer)).status_code == 200
        await alerts.sweep()
    found = await alerts.call("GET", "/waiting-alerts")
    models.WaitingAlerts.model_validate(found)
    [waiting] = found["waiting"]
    assert (waiting["channel_id"], waiting["reason"], waiting["count"]) == (made["id"], "digest", 1)
    assert waiting["until"] > datetime.now(UTC).isoformat()
    await alerts.stage.rows("UPDATE incidents SET status = 'ignored' WHERE project_id = %s", alerts.tenant.project_id)
    await alerts.sweep(timedelta(days=1, minutes=1))
    found = await alerts.call("GET", "/waiting-alerts")
    assert found["waiting"] == []
    models.WaitingAlerts.model_validate(found)
    assert [(one["channel_id"], one["reason"], one["count"]) for one in found["dropped"]] == [(made["id"], "ignored", 1)]


async def test_the_list_of_deliveries_tells_state_tries_errors_and_when_next(
    alerts: Alerts, sink: SinkStandIn, outbox: OutboxStandIn
) -> None:
    await alerts.stage.ingest.post("/api/ingest", json={"message": "new", "level": "error"}, headers=alerts.tenant.bearer)
    outbox.failing.mode = 500
    await alerts.sweep()
    page = await alerts.call("GET", "/deliveries?limit=10")
    models.DeliveryPage.model_validate(page)
    [item] = page["items"]
    assert (item["state"], item["purpose"], item["tries"], item["sending"]) == ("pending", "alert", 1, False)
    assert item["recipient"] == f"alice@{alerts.stage.name}.example"
    assert "500" in item["last_error"]
    assert item["next_try_at"] > item["created_at"]
    assert len(item["incident_ids"]) == 1
    outbox.failing.mend()
    await alerts.sweep(timedelta(minutes=1))
    [item] = (await alerts.call("GET", "/deliveries?state=sent"))["items"]
    assert item["provider_id"] == outbox.mails[0].id
    assert (await alerts.call("GET", "/deliveries?state=dead"))["items"] == []


async def test_pages_of_deliveries_follow_one_another(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    ids = [(await alerts.call("POST", f"/channels/{made['id']}/test"))["id"] for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = await alerts.call("GET", f"/deliveries?limit=2&channel_id={made['id']}&cursor={cursor}")
        seen += [item["id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == ids[::-1]
    await alerts.call("GET", "/deliveries?cursor=nonsense", expect=400)


async def test_a_dead_delivery_is_sent_again_by_hand_and_nothing_else_is(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    await alerts.stage.rows(
        "UPDATE channels SET target = jsonb_set(target, '{secret}', to_jsonb(%s::text)) WHERE id = %s", sink.secret, made["id"]
    )
    delivery = await alerts.call("POST", f"/channels/{made['id']}/test")
    path = f"/deliveries/{delivery['id']}"
    await alerts.call("POST", f"{path}/resend", expect=409)
    sink.failing.mode = 410
    await alerts.sweep()
    assert (await alerts.call("GET", path))["state"] == "dead"
    sink.failing.mend()
    again = await alerts.call("POST", f"{path}/resend")
    assert again["state"] == "pending"
    await alerts.sweep()
    found = await alerts.call("GET", path)
    assert (found["state"], [one["outcome"] for one in found["attempts"]]) == ("sent", ["refused", "sent"])
    assert [post.headers["webhook-id"] for post in sink.posts] == [delivery["id"]]
    await alerts.call("POST", f"{path}/resend", expect=409)
    assert (await alerts.trail())[-1] == "delivery.resend"


@pytest.mark.parametrize("text", ["nothing", "1b4e28ba-2fa1-4d2e-883f-0016d3cca427", "0"])
async def test_a_delivery_that_is_not_there_is_not_found(alerts: Alerts, text: str) -> None:
    await alerts.call("GET", f"/deliveries/{text}", expect=404)
    await alerts.call("POST", f"/deliveries/{text}/resend", expect=404)


# -- who may


async def test_viewers_look_admins_change_and_others_see_nothing(alerts: Alerts, sink: SinkStandIn) -> None:
    made = await alerts.channel(sink)
    delivery = await alerts.call("POST", f"/channels/{made['id']}/test")
    [rule] = (await alerts.call("GET", "/alert-rules"))["items"]
    reading = [
        *("/alert-rules", f"/alert-rules/{rule['id']}", "/channels", f"/channels/{made['id']}", "/deliveries"),
        f"/deliveries/{delivery['id']}",
    ]
    changing = [
        ("POST", "/alert-rules", RULE), ("PATCH", f"/alert-rules/{rule['id']}", {"name": "x"}),
        ("DELETE", f"/alert-rules/{rule['id']}", None), ("POST", "/channels", {"kind": "email", "name": "x"}),
        ("PATCH", f"/channels/{made['id']}", {"name": "x"}), ("DELETE", f"/channels/{made['id']}", None),
        ("POST", f"/channels/{made['id']}/test", None), ("POST", f"/channels/{made['id']}/confirmation", None),
        ("POST", f"/deliveries/{delivery['id']}/resend", None),
    ]  # fmt: skip
    for path in reading:
        await alerts.call("GET", path, who=alerts.stage.vera())
        await alerts.call("GET", path, who=alerts.stage.charlie(), expect=404)
    for method, path, body in changing:
        await alerts.call(method, path, body, alerts.stage.bob(), 403)
        await alerts.call(method, path, body, alerts.stage.charlie(), 404)


# -- links in mails


async def asked(alerts: Alerts, outbox: OutboxStandIn, address: str = "pager@elsewhere.example") -> tuple[Any, str]:
    """A channel to a stranger, and the path of the link in the mail that asks."""
    made = await alerts.call("POST", "/channels", {"kind": "email", "name": "Pager", "target": {"address": address}}, expect=201)
    await alerts.sweep()
    mail = outbox.mails[-1]
    assert mail.to == [address.lower()]
    found = LINK.search(mail.text)
    assert found
    return made, found[1]


async def asked_again(alerts: Alerts, outbox: OutboxStandIn, channel_id: int) -> str:
    """The path of the link in another mail that asks, some time later."""
    await alerts.stage.rows("UPDATE addresses SET asked_at = asked_at - interval '1 hour'")
    await alerts.call("POST", f"/channels/{channel_id}/confirmation")
    await alerts.sweep()
    found = LINK.search(outbox.mails[-1].text)
    assert found
    return found[1]


def ending_of(mail: Mail) -> str:
    """The path of the link that ends such mails."""
    return mail.headers["List-Unsubscribe"].strip("<>").removeprefix("https://sensra.test")


async def mails_of(alerts: Alerts, outbox: OutboxStandIn, channel_id: int) -> list[Mail]:
    """The mails of a test of the channel."""
    outbox.mails.clear()
    await alerts.call("POST", f"/channels/{channel_id}/test")
    await alerts.sweep()
    return list(outbox.mails)


async def end(alerts: Alerts, outbox: OutboxStandIn, channel_id: int) -> str:
    """Whoever gets a mail of the channel ends them; answers the path of the last one's link."""
    mails = await mails_of(alerts, outbox, channel_id)
    for mail in mails:
        assert (await alerts.client.post(ending_of(mail))).status_code == 200
    return ending_of(mails[-1])


async def test_nothing_goes_to_a_stranger_before_they_agree(alerts: Alerts, outbox: OutboxStandIn) -> None:
    made, link = await asked(alerts, outbox)
    assert made["confirmed"] is False
    await alerts.call("POST", f"/channels/{made['id']}/test", expect=409)
    look = await alerts.client.get(link)
    assert look.status_code == 200
    assert "pager@elsewhere.example" in look.text
    assert "<form" in look.text
    assert (await alerts.call("GET", f"/channels/{made['id']}"))["confirmed"] is False, "looking changes nothing"
    assert (await alerts.client.post(link)).status_code == 200
    assert (await alerts.call("GET", f"/channels/{made['id']}"))["confirmed"] is True
    await alerts.call("POST", f"/channels/{made['id']}/test")
    await alerts.sweep()
    assert outbox.mails[-1].to == ["pager@elsewhere.example"]


async def test_the_link_that_asks_is_for_once_and_ends(alerts: Alerts, outbox: OutboxStandIn) -> None:
    _, link = await asked(alerts, outbox)
    assert (await alerts.client.post(link)).status_code == 200
    for method in ("GET", "POST"):
        ended = await alerts.client.request(method, link)
        assert ended.status_code == 404
        assert "<h1>This link has ended</h1>" in ended.text
    _, second = await asked(alerts, outbox, "other@elsewhere.example")
    await alerts.stage.rows("UPDATE addresses SET token_expires_at = now() WHERE token_expires_at IS NOT NULL")
    assert (await alerts.client.post(second)).status_code == 404
    assert (await alerts.client.post(second + "x")).status_code == 404


async def test_a_members_own_address_need_not_be_asked(alerts: Alerts, outbox: OutboxStandIn) -> None:
    target = {"address": f"BOB@{alerts.stage.name}.example"}
    made = await alerts.call("POST", "/channels", {"kind": "email", "name": "Bob", "target": target}, expect=201)
    assert made["confirmed"] is True
    await alerts.sweep()
    assert outbox.mails == []


async def test_nobodys_mailbox_is_flooded_with_questions(
    alerts: Alerts, outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = await asked(alerts, outbox)
    for _ in range(3):
        await alerts.call("POST", f"/channels/{made['id']}/confirmation", expect=429)
    body = {"kind": "email", "name": "x", "target": {"address": "Pager@elsewhere.example"}}
    await alerts.call("POST", "/channels", body, expect=201)
    await alerts.sweep()
    assert len(outbox.mails) == 1
    await alerts.stage.rows("UPDATE addresses SET asked_at = asked_at - interval '1 hour'")
    await alerts.call("POST", f"/channels/{made['id']}/confirmation")
    await alerts.sweep()
    assert len(outbox.mails) == 2
    monkeypatch.setattr(addresses, "ASKED_PER_DAY", 1)
    body["target"] = {"address": "another@elsewhere.example"}
    await alerts.call("POST", "/channels", body, expect=429)
    assert [one["name"] for one in (await alerts.call("GET", "/channels"))["items"]] == ["Owners", "Pager", "x"]


async def test_a_mail_is_ended_by_its_own_link_and_by_nothing_less_than_a_post(alerts: Alerts, outbox: OutboxStandIn) -> None:
    made, link = await asked(alerts, outbox)
    await alerts.client.post(link)
    await alerts.call("POST", f"/channels/{made['id']}/test")
    await alerts.sweep()
    header = outbox.mails[-1].headers
    assert header["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = header["List-Unsubscribe"].strip("<>").removeprefix("https://sensra.test")
    assert "End them" in (await alerts.client.get(path)).text
    waiting = await alerts.call("POST", f"/channels/{made['id']}/test")
    # As mail clients do it: without a session, from no page of ours.
    answer = await alerts.client.post(path, data={"List-Unsubscribe": "One-Click"}, headers={"Origin": "https://mail.example"})
    assert answer.status_code == 200
    assert (await alerts.client.post(path)).status_code == 200
    await alerts.call("POST", f"/channels/{made['id']}/test", expect=409)
    assert (await alerts.call("GET", f"/channels/{made['id']}"))["receiver_count"] == 0
    assert (await alerts.client.post(path + "x")).status_code == 404
    assert "channel.unsubscribe" in await alerts.trail()
    sent = len(outbox.mails)
    await alerts.sweep()
    assert len(outbox.mails) == sent, "what waited for them has ended, too"
    assert (await alerts.call("GET", f"/deliveries/{waiting['id']}"))["state"] == "cancelled"


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE recipients SET unsubscribed_at = now() WHERE address = %s",
        "DELETE FROM members USING people WHERE people.id = members.person_id AND lower(people.email) = %s",
    ],
)
async def test_a_dead_mail_is_not_sent_again_to_somebody_who_ended_them_or_left(
    alerts: Alerts, outbox: OutboxStandIn, ending: str
) -> None:
    await alerts.stage.rows(
        "UPDATE members SET role = 'owner' WHERE workspace_id = %s AND role = 'member'", alerts.tenant.workspace_id
    )  # fmt: skip
    [channel] = (await alerts.call("GET", "/channels"))["items"]
    await alerts.call("POST", f"/channels/{channel['id']}/test")
    outbox.failing.mode = 422
    await alerts.sweep()
    outbox.failing.mend()
    dead = {one["recipient"].partition("@")[0]: one for one in (await alerts.call("GET", "/deliveries?state=dead"))["items"]}
    path = f"/deliveries/{dead['bob']['id']}/resend"
    await alerts.stage.rows(ending, dead["bob"]["recipient"])
    await alerts.call("POST", path, expect=409)
    await alerts.call("POST", f"/deliveries/{dead['alice']['id']}/resend")
    await alerts.sweep()
    assert [mail.to for mail in outbox.mails] == [[dead["alice"]["recipient"]]]


@pytest.mark.parametrize(
    "ending",
    ["DELETE FROM members WHERE person_id = %s", "UPDATE members SET role = 'member' WHERE person_id = %s"],
    ids=["left", "no admin any more"],
)
async def test_a_dead_notice_is_not_sent_again_to_somebody_who_is_no_admin_any_more(
    alerts: Alerts, outbox: OutboxStandIn, ending: str
) -> None:
    tenant = alerts.tenant
    await alerts.stage.rows(
        "INSERT INTO notices (workspace_id, project_id, kind, detail) VALUES (%s, %s, 'spike', %s)",
        tenant.workspace_id, tenant.project_id, '{"spike_events": 1000, "spike_factor": 10}',
    )  # fmt: skip
    outbox.failing.mode = 422
    await alerts.sweep()
    outbox.failing.mend()
    dead = {one["recipient"].partition("@")[0]: one for one in (await alerts.call("GET", "/deliveries?state=dead"))["items"]}
    [row] = await alerts.stage.rows(
        "SELECT m.person_id FROM members m JOIN people p ON p.id = m.person_id WHERE m.workspace_id = %s AND lower(p.email) = %s",
        tenant.workspace_id, dead["anna"]["recipient"],
    )  # fmt: skip
    await alerts.stage.rows(ending, row["person_id"])
    await alerts.call("POST", f"/deliveries/{dead['anna']['id']}/resend", expect=409)
    await alerts.call("POST", f"/deliveries/{dead['alice']['id']}/resend")
    await alerts.sweep()
    assert [mail.to for mail in outbox.mails] == [[dead["alice"]["recipient"]]]


async def test_a_dead_question_is_asked_again_only_while_its_link_leads_somewhere(alerts: Alerts, outbox: OutboxStandIn) -> None:
    outbox.failing.mode = 422
    body = {"kind": "email", "name": "Pager", "target": {"address": "pager@elsewhere.example"}}
    await alerts.call("POST", "/channels", body, expect=201)
    await alerts.sweep()
    outbox.failing.mend()
    [dead] = (await alerts.call("GET", "/deliveries?state=dead"))["items"]
    assert dead["purpose"] == "address_confirmation"
    expires = "UPDATE addresses SET token_expires_at = now() + %s::interval WHERE address = 'pager@elsewhere.example'"
    await alerts.stage.rows(expires, "-1 second")
    await alerts.call("POST", f"/deliveries/{dead['id']}/resend", expect=409)
    await alerts.stage.rows(expires, "1 hour")
    await alerts.call("POST", f"/deliveries/{dead['id']}/resend")
    await alerts.sweep()
    assert [mail.to for mail in outbox.mails] == [["pager@elsewhere.example"]]


async def test_a_dead_mail_that_is_sent_again_is_from_whom_mails_are_now(
    alerts: Alerts, outbox: OutboxStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    [channel] = (await alerts.call("GET", "/channels"))["items"]
    delivery = await alerts.call("POST", f"/channels/{channel['id']}/test")
    outbox.failing.mode = 403
    await alerts.sweep()
    outbox.failing.mend()
    monkeypatch.setenv("MAIL_FROM", "Sensra <mended@sensra.example>")
    settings.current.cache_clear()
    await alerts.call("POST", f"/deliveries/{delivery['id']}/resend")
    await alerts.sweep()
    assert [mail.sender for mail in outbox.mails] == ["Sensra <mended@sensra.example>"]


async def test_the_trail_tells_who_asked_an_address_and_that_its_links_were_used(alerts: Alerts, outbox: OutboxStandIn) -> None:
    made, link = await asked(alerts, outbox)
    again = await asked_again(alerts, outbox, made["id"])
    assert again != link
    await alerts.client.post(again)
    await end(alerts, outbox, made["id"])
    await alerts.client.post(await asked_again(alerts, outbox, made["id"]))
    rows = await alerts.stage.rows(
        "SELECT actor_kind, actor_id IS NOT NULL AS is_known, action FROM audit_log WHERE workspace_id = %s ORDER BY id",
        alerts.tenant.workspace_id,
    )  # fmt: skip
    told = [(row["actor_kind"], row["is_known"], row["action"]) for row in rows]
    assert ("person", True, "channel.ask") in told
    links = {action for kind, is_known, action in told if kind == "link" and not is_known}
    assert links == {"address.confirm", "channel.unsubscribe", "channel.resume"}
    assert not [one for one in told if one[0] == "cron"]


async def test_one_owner_who_ends_them_does_not_end_anothers(alerts: Alerts, outbox: OutboxStandIn) -> None:
    await alerts.stage.rows("UPDATE members SET role = 'owner' WHERE workspace_id = %s", alerts.tenant.workspace_id)
    [channel] = (await alerts.call("GET", "/channels"))["items"]
    await alerts.call("POST", f"/channels/{channel['id']}/test")
    await alerts.sweep()
    owners = [mail.to[0] for mail in outbox.mails]
    first = outbox.mails[0]
    await alerts.client.post(ending_of(first))
    outbox.mails.clear()
    await alerts.call("POST", f"/channels/{channel['id']}/test")
    await alerts.sweep()
    assert len(owners) > 2
    assert sorted(mail.to[0] for mail in outbox.mails) == sorted(set(owners) - set(first.to))


async def test_ending_one_channels_mails_ends_no_other_channels_and_its_page_says_which(
    alerts: Alerts, outbox: OutboxStandIn
) -> None:  # fmt: skip
    made, link = await asked(alerts, outbox)
    await alerts.client.post(link)
    other = await alerts.call("POST", "/channels", {"kind": "email", "name": "Nights", "target": PAGER}, expect=201)
    [mail] = await mails_of(alerts, outbox, made["id"])
    looked = (await alerts.client.get(ending_of(mail))).text
    assert "the mails of the channel Pager of the project" in looked
    assert "Other channels go on" in looked
    ended = (await alerts.client.post(ending_of(mail))).text
    assert "No more mails of the channel Pager" in ended
    assert "No more mails of the channel Pager" in (await alerts.client.get(ending_of(mail))).text
    counts = {one["name"]: one["receiver_count"] for one in (await alerts.call("GET", "/channels"))["items"]}
    assert counts == {"Owners": 1, "Pager": 0, "Nights": 1}
    await alerts.call("POST", f"/channels/{made['id']}/test", expect=409)
    assert len(await mails_of(alerts, outbox, other["id"])) == 1


async def test_who_agrees_again_by_the_link_of_a_fresh_mail_gets_a_channels_mails_again(
    alerts: Alerts, outbox: OutboxStandIn
) -> None:
    made, link = await asked(alerts, outbox)
    await alerts.client.post(link)
    path = f"/channels/{made['id']}"
    await alerts.call("POST", f"{path}/confirmation", expect=409)
    ending = await end(alerts, outbox, made["id"])
    await alerts.call("POST", f"{path}/confirmation", expect=429)  # it was asked a moment ago
    await alerts.call("PATCH", path, {"target": PAGER, "name": "Pager"})
    assert (await alerts.call("GET", path))["receiver_count"] == 0, "naming the same address begins nothing"
    again = await asked_again(alerts, outbox, made["id"])
    assert "over the channel Pager" in outbox.mails[-1].text.replace("\u200b", "")
    looked = (await alerts.client.get(again)).text
    assert "Do you want these alerts again?" in looked
    assert "the channel Pager of the project" in looked
    assert (await alerts.call("GET", path))["receiver_count"] == 0, "looking changes nothing"
    assert "mails of the channel Pager" in (await alerts.client.post(again)).text
    assert (await alerts.call("GET", path))["receiver_count"] == 1
    assert [mail.to for mail in await mails_of(alerts, outbox, made["id"])] == [[PAGER["address"]]]
    for method in ("GET", "POST"):
        assert (await alerts.client.request(method, again)).status_code == 404, "it is used up"
    assert (await alerts.client.post(ending)).status_code == 200, "the links of earlier mails still end them"
    again = await asked_again(alerts, outbox, made["id"])
    await alerts.stage.rows("UPDATE recipients SET again_expires_at = now() WHERE again_expires_at IS NOT NULL")
    for method in ("GET", "POST"):
        assert (await alerts.client.request(method, again)).status_code == 404, "it is over"
    assert (await alerts.call("GET", path))["receiver_count"] == 0


async def test_a_member_who_agrees_again_gets_nothing_more_after_they_left(alerts: Alerts, outbox: OutboxStandIn) -> None:
    """Begun again is what they had as a member; mail to a stranger is another question."""
    target = {"address": f"bob@{alerts.stage.name}.example"}
    made = await alerts.call("POST", "/channels", {"kind": "email", "name": "Bob", "target": target}, expect=201)
    await end(alerts, outbox, made["id"])
    assert (await alerts.client.post(await asked_again(alerts, outbox, made["id"]))).status_code == 200
    assert len(await mails_of(alerts, outbox, made["id"])) == 1
    await end(alerts, outbox, made["id"])
    await alerts.stage.rows(
        "DELETE FROM members USING people p WHERE p.id = person_id AND p.email = %s", target["address"]
    )  # fmt: skip
    found = await alerts.call("GET", f"/channels/{made['id']}")
    assert (found["confirmed"], found["receiver_count"]) == (False, 0)
    link = await asked_again(alerts, outbox, made["id"])
    assert "wants to send its alerts" in (await alerts.client.get(link)).text
    assert (await alerts.client.post(link)).status_code == 200
    found = await alerts.call("GET", f"/channels/{made['id']}")
    assert (found["confirmed"], found["receiver_count"]) == (True, 1), "agreed as a stranger, they get what they had ended, too"


async def test_what_is_made_to_lead_to_an_address_that_ended_something_waits_until_it_agrees(
    alerts: Alerts, outbox: OutboxStandIn
) -> None:
    made, link = await asked(alerts, outbox)
    await alerts.client.post(link)
    body = {"kind": "email", "name": "Moved", "target": None}
    moved = await alerts.call("POST", "/channels", body, expect=201)
    await end(alerts, outbox, made["id"])
    await alerts.call("DELETE", f"/channels/{made['id']}", expect=204)
    new = await alerts.call("POST", "/channels", {"kind": "email", "name": "Anew", "target": PAGER}, expect=201)
    moved = await alerts.call("PATCH", f"/channels/{moved['id']}", {"target": PAGER})
    assert [one["receiver_count"] for one in (new, moved)] == [0, 0]
    await alerts.call("POST", f"/channels/{new['id']}/test", expect=409)
    await alerts.client.post(await asked_again(alerts, outbox, new["id"]))
    counts = {one["name"]: one["receiver_count"] for one in (await alerts.call("GET", "/channels"))["items"]}
    assert counts == {"Owners": 1, "Anew": 1, "Moved": 0}


async def test_a_dead_question_for_one_channel_is_asked_again_only_while_its_link_leads_somewhere(
    alerts: Alerts, outbox: OutboxStandIn
) -> None:
    made, link = await asked(alerts, outbox)
    await alerts.client.post(link)
    await end(alerts, outbox, made["id"])
    outbox.mails.clear()
    outbox.failing.mode = 422
    await alerts.stage.rows("UPDATE addresses SET asked_at = asked_at - interval '1 hour'")
    await alerts.call("POST", f"/channels/{made['id']}/confirmation")
    await alerts.sweep()
    outbox.failing.mend()
    [dead] = (await alerts.call("GET", "/deliveries?state=dead"))["items"]
    expires = "UPDATE recipients SET again_expires_at = now() + %s::interval WHERE again_hash IS NOT NULL"
    await alerts.stage.rows(expires, "-1 second")
    await alerts.call("POST", f"/deliveries/{dead['id']}/resend", expect=409)
    await alerts.stage.rows(expires, "1 hour")
    await alerts.call("POST", f"/deliveries/{dead['id']}/resend")
    await alerts.sweep()
    assert [mail.to for mail in outbox.mails] == [[PAGER["address"]]]


async def test_an_owner_begins_their_own_mails_again_and_nobody_elses(alerts: Alerts, outbox: OutboxStandIn) -> None:
    await alerts.stage.rows(
        "UPDATE members SET role = 'owner' WHERE workspace_id = %s AND role = 'admin'", alerts.tenant.workspace_id
    )  # fmt: skip
    [channel] = (await alerts.call("GET", "/channels"))["items"]
    path = f"/channels/{channel['id']}"
    assert (channel["receiver_count"], channel["ended_by_you"]) == (2, False)
    await alerts.call("POST", f"{path}/resume", expect=409)
    await end(alerts, outbox, channel["id"])
    await alerts.call("POST", f"{path}/test", expect=409)
    problem = await alerts.call("POST", f"{path}/confirmation", expect=409)
    assert "themselves" in problem["detail"]
    await alerts.call("POST", f"{path}/resume", who=alerts.stage.bob(), expect=409)
    await alerts.call("POST", f"{path}/resume", who=alerts.stage.charlie(), expect=404)
    for who, is_theirs in ((alerts.stage.alice(), True), (alerts.stage.anna(), True), (alerts.stage.bob(), False)):
        found = await alerts.call("GET", path, who=who)
        assert (found["receiver_count"], found["ended_by_you"]) == (0, is_theirs)
    resumed = await alerts.call("POST", f"{path}/resume", who=alerts.stage.anna())
    models.Channel.model_validate(resumed)
    assert (resumed["receiver_count"], resumed["ended_by_you"]) == (1, False)
    assert (await alerts.call("GET", path))["ended_by_you"] is True
    anna = f"anna@{alerts.stage.name}.example"
    assert [mail.to for mail in await mails_of(alerts, outbox, channel["id"])] == [[anna]]
    assert "channel.resume" in await alerts.trail()
    await alerts.call("POST", f"{path}/resume", who=alerts.stage.anna(), expect=409)  # there is nothing more to begin


async def test_a_channel_says_how_many_receive_it_and_that_nobody_does(
    alerts: Alerts, sink: SinkStandIn, outbox: OutboxStandIn
) -> None:
    async def count(body: dict[str, Any]) -> Any:
        made = await alerts.call("POST", "/channels", {"name": "x", **body}, expect=201)
        if made["receiver_count"] is not None:  # the count is of those who get a test
            sent = await alerts.client.post(f"{alerts.base}/channels/{made['id']}/test", headers=alerts.stage.alice())
            assert sent.status_code == (200 if made["receiver_count"] else 409)
            [row] = await alerts.stage.rows("SELECT count(*) AS made FROM deliveries WHERE channel_id = %s", made["id"])
            assert row["made"] == made["receiver_count"]
        return made["receiver_count"]

    domain = f"{alerts.stage.name}.example"
    assert await count({"kind": "webhook", "target": {"url": f"{sink.url}/local/sink/webhook"}}) is None
    assert await count({"kind": "email", "target": {"address": f"BOB@{domain}"}}) == 1
    assert await count({"kind": "email", "target": PAGER}) == 0
    await alerts.stage.rows(
        "UPDATE members SET role = 'owner' WHERE workspace_id = %s AND role = 'admin'", alerts.tenant.workspace_id
    )
    assert await count({"kind": "email"}) == 2
    await alerts.stage.rows("UPDATE people SET email = NULL WHERE email = %s", f"anna@{domain}")
    assert await count({"kind": "email"}) == 1
    await alerts.stage.rows(
        "UPDATE people SET email = %s FROM members m WHERE m.person_id = id AND m.workspace_id = %s AND email IS NULL",
        f"ALICE@{domain}", alerts.tenant.workspace_id,
    )  # fmt: skip
    assert await count({"kind": "email"}) == 1, "two owners of one address get one mail"


async def test_pages_of_links_hold_no_script_and_escape_what_people_named(alerts: Alerts, outbox: OutboxStandIn) -> None:
    await alerts.stage.rows(
        "UPDATE workspaces SET name = '<img src=x onerror=alert(1)>' WHERE id = %s", alerts.tenant.workspace_id
    )
    _, link = await asked(alerts, outbox)
    page = await alerts.client.get(link)
    assert page.headers["content-type"].startswith("text/html")
    assert "<img" not in page.text
    assert "<script" not in page.text
