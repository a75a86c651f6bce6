"""What was written about an event before somebody was erased from it: messages that wait, analyses, corrections."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import pytest

import api.alerts
from lib import settings
from tests.api.conftest import Stage, Tenant
from tests.conftest import ModelStandIn, OutboxStandIn, SinkStandIn
from tests.lib import canaries
from tests.policy.acts import CRASH, project, send, workspace
from tests.policy.conftest import Crons

KINDS = ("webhook", "slack", "discord")
STATES = "SELECT kind, state, tries FROM deliveries WHERE project_id = %s ORDER BY kind"


async def erase(stage: Stage, crons: Crons, tenant: Tenant, kind: str, value: str) -> dict[str, int]:
    """Until it is done; what the receipt says was removed."""
    asked = await stage.projects.post(workspace(tenant, "/erasures"), json={"kind": kind, "value": value}, headers=stage.alice())
    assert asked.status_code == 201, asked.text
    await crons.retention()
    receipt = await stage.projects.get(workspace(tenant, f"/erasures/{asked.json()['id']}"), headers=stage.alice())
    assert receipt.json()["finished_at"]
    return dict(receipt.json()["removed"])


async def tell_everywhere(stage: Stage, sink: SinkStandIn, tenant: Tenant) -> Any:
    """A client of the alerts' function, after a channel of each kind was made that is told of all new errors."""
    alerts = await stage.client(api.alerts.app)
    ids = []
    for kind in KINDS:
        channel = {"kind": kind, "name": kind, "target": {"url": f"{sink.url}/local/sink/{kind}"}}
        made = await alerts.post(project(tenant, "/channels"), json=channel, headers=stage.alice())
        assert made.status_code == 201, made.text
        ids.append(made.json()["id"])
    secret = (
        "UPDATE channels SET target = target || jsonb_build_object('secret', %s::text) WHERE project_id = %s AND kind = 'webhook'"
    )
    await stage.rows(secret, sink.secret, tenant.project_id)
    rule = {"name": "All new", "conditions": {"transitions": ["new"]}, "channel_ids": ids}
    assert (await alerts.post(project(tenant, "/alert-rules"), json=rule, headers=stage.alice())).status_code == 201
    return alerts


@pytest.mark.parametrize("mode", [500, "reset", 410])
async def test_messages_that_wait_leave_without_the_erased_and_once(
    stage: Stage, crons: Crons, outbox: OutboxStandIn, sink: SinkStandIn, mode: Any
) -> None:
    """500: none was taken. reset: all were, and the answers were lost. 410: none is tried again, but by hand."""
    await stage.rows("DELETE FROM deliveries")  # what waits of other tests would be sent too
    await stage.rows("UPDATE transitions SET considered_at = now(), handled_at = now()")
    tenant = await stage.tenant()
    alerts = await tell_everywhere(stage, sink, tenant)
    canary = f"zc{secrets.token_hex(8)}"
    who = f"{canary}_x-{secrets.token_hex(4)}"  # markdown escapes what is between the words
    await send(stage, tenant, **CRASH | {"error": {"type": "KeyError", "message": f"no plan for {who}"}})
    outbox.failing.mode = sink.failing.mode = mode
    await crons.alerts()
    assert {row["tries"] for row in await stage.rows(STATES, tenant.project_id)} == {1}
    assert canaries.found_in(canaries.database(stage.database_url), canary)
    await erase(stage, crons, tenant, "username", who)
    assert not canaries.found_in(canaries.database(stage.database_url), canary)

    outbox.failing.mend()
    sink.failing.mend()
    for row in await stage.rows("SELECT id FROM deliveries WHERE project_id = %s AND state = 'dead'", tenant.project_id):
        again = await alerts.post(project(tenant, f"/deliveries/{row['id']}/resend"), headers=stage.alice())
        assert again.status_code == 200, again.text
    due = "UPDATE deliveries SET next_try_at = now() WHERE project_id = %s AND next_try_at IS NOT NULL"
    await stage.rows(due, tenant.project_id)
    posts = len(sink.posts)
    await crons.alerts()
    states = await stage.rows(STATES, tenant.project_id)
    assert [(row["kind"], row["state"]) for row in states] == [(kind, "sent") for kind in sorted(("email", *KINDS))]
    [mail] = [one for one in outbox.mails if one.to == [f"alice@{stage.name}.example"]]  # a second would be one too many
    if mode != "reset":
        assert "[gone]" in mail.text
        assert not canaries.found_in((mail.subject + mail.text + mail.html).encode(), canary)
    bodies = [json.dumps(post.body, ensure_ascii=False) for post in list(sink.posts)[posts:]]
    later = [body for body in bodies if re.search(rf"\b{stage.name}\b", body)]  # the workspace's name
    assert ["[gone]" in body for body in later] == [True] * len(KINDS)
    assert not any(canary in body for body in later)
    kept = await stage.rows("SELECT 1 FROM deliveries WHERE project_id = %s AND content IS NOT NULL", tenant.project_id)
    assert kept == []  # what was delivered is not kept


async def test_an_analysis_and_its_correction_are_rid_of_the_erased(
    stage: Stage, crons: Crons, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", model_stand_in.url)
    monkeypatch.setenv("OPENAI_API_KEY", model_stand_in.key)
    settings.current.cache_clear()
    await stage.rows("UPDATE transitions SET considered_at = now(), handled_at = now() WHERE considered_at IS NULL")
    tenant, canary = await stage.tenant(), f"zc{secrets.token_hex(8)}"
    model_stand_in.model.mode = "obey"
    message = f"The system has no plan for customer {canary}"
    sent = await send(stage, tenant, **CRASH | {"error": {"type": "KeyError", "message": message}})
    await crons.alerts()
    path = project(tenant, f"/incidents/{sent['incident_id']}/analysis")
    said = (await stage.incidents.get(path, headers=stage.vera())).json()["analysis"]
    assert canary in str(said)
    corrected = await stage.incidents.put(
        project(tenant, f"/incidents/{sent['incident_id']}/analyses/{said['id']}/correction"),
        json={"text": f"It was {canary} themselves"}, headers=stage.bob(),
    )  # fmt: skip
    assert corrected.status_code == 200, corrected.text
    removed = await erase(stage, crons, tenant, "id", canary)
    assert removed["texts"] >= 3  # what the model said, the correction, the trail of it
    assert not canaries.found_in(canaries.database(stage.database_url), canary)
    left = (await stage.incidents.get(path, headers=stage.vera())).json()["analysis"]
    assert left["confidence"] == said["confidence"]
    assert left["correction"]["text"] == "It was [gone] themselves"
    assert "[gone]" in left["summary"] + str(left["suggested_fix"])


async def test_an_address_is_erased_wherever_it_stands(stage: Stage, crons: Crons) -> None:
    """Of a project that keeps addresses: in free text, in URLs, in JSON within texts, as the name of a member."""
    tenant = await stage.tenant()
    kept = await stage.projects.put(
        project(tenant, "/redaction-rules"), json={"version": 0, "email": "keep"}, headers=stage.alice()
    )
    assert kept.status_code == 200, kept.text
    canary = f"zc{secrets.token_hex(8)}"
    mail, other = f"{canary}.doe@shop.example", f"mary-{canary}.doe@shop.example"
    encoded = mail.replace("@", "%40")
    places: list[dict[str, Any]] = [
        {"message": f"no plan for <{mail}>."}, {"metadata": {"url": f"https://x.example/?next=%2Fu%3Fmail%3D{encoded}&n=1"}},
        {"metadata": {"body": f'{{"to": "{mail}"}}'}}, {"metadata": {"by": {mail: 1}}}, {"tags": {"who": mail.upper()}},
        {"breadcrumbs": [{"message": f"sent to:\n{mail}\n"}]}, {"user": {"email": mail}}, {"route": f"/u/{encoded}"},
    ]  # fmt: skip
    fresh = await stage.client(stage.ingest_app)  # which does not remember the rules of before
    for nth, place in enumerate([*places, {"message": f"no plan for {other}"}]):
        event = {"message": f"case {nth}", "level": "error"} | place
        assert (await fresh.post("/api/ingest", json=event, headers=tenant.bearer)).status_code == 200
    removed = await erase(stage, crons, tenant, "email", mail)
    assert (removed["events"], removed["payloads"]) == (len(places), len(places))
    left = canaries.database(stage.database_url).lower()
    assert left.count(canary.encode()) == left.count(other.encode()) > 0
