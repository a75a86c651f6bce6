"""Retention, holds, deletion and erasure over the API: who may ask for them, and what they do to what others see."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from lib import subjects
from lib.models import retention as models
from lib.paging import encode
from tests.api.conftest import Stage, Tenant
from tests.lib import canaries


def project(tenant: Tenant, rest: str = "") -> str:
    return f"/api/projects/{tenant.project_id}{rest}"


def workspace(tenant: Tenant, rest: str = "") -> str:
    return f"/api/workspaces/{tenant.workspace_id}{rest}"


async def send(stage: Stage, tenant: Tenant, **event: Any) -> uuid.UUID:
    """The event's id."""
    answer = await stage.ingest.post("/api/ingest", json={"message": "no plan", **event}, headers=tenant.bearer)
    assert answer.status_code == 200
    return uuid.UUID(answer.json()["items"][0]["event_id"])


PERSON = {"kind": "id", "value": "customer-4711"}
# What is asked for, and who of (alice: owner, bob: member, vera: viewer) may.
RIGHTS = [
    ("GET", project, "/retention", None, {"alice", "bob", "vera"}),
    ("GET", project, "/retention/effect?retention_days=7", None, {"alice", "bob", "vera"}),
    ("PUT", project, "/retention", {"retention_days": 7}, {"alice"}),
    ("GET", project, "/holds", None, {"alice", "bob", "vera"}),
    ("POST", project, "/holds", {"reason": "case 7"}, {"alice"}),
    ("DELETE", project, "", None, {"alice"}),
    ("GET", workspace, "/deleted-projects", None, {"alice", "bob", "vera"}),
    ("DELETE", workspace, "", None, {"alice"}),
    ("POST", workspace, "/subjects/export", PERSON, {"alice"}),
    ("POST", workspace, "/erasures", PERSON, {"alice"}),
    ("GET", workspace, "/erasures", None, {"alice"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "place", "rest", "body", "allowed"), RIGHTS)
async def test_who_may_do_it_and_to_outsiders_it_does_not_exist(
    stage: Stage, method: str, place: Any, rest: str, body: Any, allowed: set[str]
) -> None:
    tenant = await stage.tenant()
    for name in ("charlie", "vera", "bob", "alice"):
        answer = await stage.projects.request(method, place(tenant, rest), json=body, headers=getattr(stage, name)())
        expected = {200, 201} if name in allowed else {404} if name == "charlie" else {403}
        assert answer.status_code in expected, (name, answer.text)


async def test_retention_is_read_tried_and_changed(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    path = project(tenant, "/retention")
    first = (await stage.projects.get(path, headers=stage.alice())).json()
    assert models.Retention(**first) == models.Retention(retention_days=90, applied=True)
    effect = (await stage.projects.get(f"{path}/effect?retention_days=30", headers=stage.alice())).json()
    assert models.RetentionEffect(**effect).stored.rows == 1
    assert models.RetentionEffect(**effect).removed.rows == 0
    changed = await stage.projects.put(path, json={"retention_days": 30}, headers=stage.alice())
    assert models.Retention(**changed.json()) == models.Retention(retention_days=30, applied=False)
    fresh = await stage.client(stage.ingest_app)
    assert (await fresh.post("/api/ingest", json={"message": "new"}, headers=tenant.bearer)).status_code == 200
    days = "SELECT expires_on - (received_at AT TIME ZONE 'UTC')::date AS days FROM events WHERE project_id = %s ORDER BY 1"
    assert [row["days"] for row in await stage.rows(days, tenant.project_id)] == [30, 90]


@pytest.mark.parametrize("days", [0, 3651, -1, "a week", None, 1.5])
async def test_a_retention_out_of_bounds_is_refused_and_told(stage: Stage, days: Any) -> None:
    tenant = await stage.tenant()
    answer = await stage.projects.put(project(tenant, "/retention"), json={"retention_days": days}, headers=stage.alice())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/retention_days")


async def test_a_hold_is_placed_seen_and_ended(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    [incident] = (await stage.incidents.get(project(tenant, "/incidents"), headers=stage.alice())).json()["items"]
    path = project(tenant, "/holds")
    body = {"reason": "case 7", "incident_id": incident["id"]}
    placed = await stage.projects.post(path, json=body, headers=stage.alice())
    assert placed.status_code == 201
    hold = models.Hold(**placed.json())
    assert (hold.reason, hold.incident_id, hold.ended_at) == ("case 7", incident["id"], None)
    assert (await stage.projects.post(path, json=body, headers=stage.alice())).status_code == 409
    assert (await stage.projects.post(path, json={**body, "incident_id": 2**60}, headers=stage.alice())).status_code == 404
    assert (await stage.projects.delete(project(tenant), headers=stage.alice())).status_code == 409
    [seen] = models.Holds(**(await stage.projects.get(path, headers=stage.vera())).json()).items
    assert seen == hold
    ended = await stage.projects.delete(f"{path}/{hold.id}", headers=stage.alice())
    assert models.Hold(**ended.json()).ended_at
    assert (await stage.projects.delete(project(tenant), headers=stage.alice())).status_code == 200


async def test_the_hold_of_another_tenant_is_not_there(stage: Stage) -> None:
    victim = await stage.tenant()
    placed = await stage.projects.post(project(victim, "/holds"), json={"reason": "case 7"}, headers=stage.alice())
    attacker = await stage.tenant()
    answer = await stage.projects.delete(project(attacker, f"/holds/{placed.json()['id']}"), headers=stage.alice())
    assert answer.status_code == 404


@pytest.mark.parametrize("place", [project, workspace])
async def test_what_is_deleted_is_gone_for_everybody_until_its_owner_brings_it_back(stage: Stage, place: Any) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    deleted = await stage.projects.delete(place(tenant), headers=stage.alice())
    told = models.Deletion(**deleted.json())
    assert (told.gone_after - told.deleted_at).days == 7
    incidents = project(tenant, "/incidents")
    assert (await stage.incidents.get(incidents, headers=stage.alice())).status_code == 404
    assert (await stage.projects.delete(place(tenant), headers=stage.alice())).status_code == 404
    if place is project:
        found = (await stage.projects.get(workspace(tenant, "/deleted-projects"), headers=stage.alice())).json()
        assert [one.project_id for one in models.DeletedProjects(**found).items] == [tenant.project_id]
    for who, expected in (("charlie", 404), ("bob", 403), ("alice", 200)):
        answer = await stage.projects.post(place(tenant, "/restore"), headers=getattr(stage, who)())
        assert answer.status_code == expected
    (models.RestoredProject if place is project else models.RestoredWorkspace)(**answer.json())
    assert (await stage.incidents.get(incidents, headers=stage.alice())).status_code == 200
    assert (await stage.projects.post(place(tenant, "/restore"), headers=stage.alice())).status_code == 404


async def export(stage: Stage, tenant: Tenant, person: dict[str, Any]) -> list[Any]:
    answer = await stage.projects.post(workspace(tenant, "/subjects/export"), json=person, headers=stage.alice())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_person_is_exported_and_an_erasure_answers_with_a_receipt(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, user={"id": PERSON["value"]})
    await send(stage, tenant, tags={"customer": PERSON["value"]})
    await send(stage, tenant, user={"id": "customer-1"})
    *events, last = await export(stage, tenant, PERSON)
    assert last == {"complete": True, "events": 2, "cursor": None}
    assert all(PERSON["value"] in str(event["payload"]) for event in events)
    asked = await stage.projects.post(workspace(tenant, "/erasures"), json=PERSON, headers=stage.alice())
    receipt = models.Erasure(**asked.json())
    assert (receipt.finished_at, receipt.removed) == (None, {})
    assert PERSON["value"] not in asked.text
    read = await stage.projects.get(workspace(tenant, f"/erasures/{receipt.id}"), headers=stage.alice())
    assert models.Erasure(**read.json()) == receipt
    listed = await stage.projects.get(workspace(tenant, "/erasures"), headers=stage.alice())
    assert models.Erasures(**listed.json()).items == [receipt]
    other = await stage.tenant()
    assert (await stage.projects.get(workspace(other, f"/erasures/{receipt.id}"), headers=stage.alice())).status_code == 404


async def test_an_export_that_takes_long_comes_in_parts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "PAGE_LIGHT", 1)
    monkeypatch.setattr(subjects, "EXPORT_SECONDS", 0.0)
    tenant = await stage.tenant()
    sent = {await send(stage, tenant, user={"id": PERSON["value"]}) for _ in range(3)}
    told: set[uuid.UUID] = set()
    cursor, parts = None, 0
    while cursor or not parts:
        *events, last = await export(stage, tenant, {**PERSON, "cursor": cursor})
        assert last["events"] == len(events)
        told |= {uuid.UUID(event["event_id"]) for event in events}
        cursor, parts = last["cursor"], parts + 1
    assert (told, last["complete"]) == (sent, True)
    assert parts > 3


FOREIGN = ["x", "W10", encode(["2026-01-01", 1, 0, "", []]), encode(["2026-01-01T00:00:00+00:00", 1, 0, "", ["x"]])]


@pytest.mark.parametrize("cursor", FOREIGN)
async def test_a_foreign_cursor_is_refused(stage: Stage, cursor: str) -> None:
    tenant = await stage.tenant()
    body = {**PERSON, "cursor": cursor}
    answer = await stage.projects.post(workspace(tenant, "/subjects/export"), json=body, headers=stage.alice())
    assert answer.status_code == 400, answer.text


async def test_whom_one_asks_for_is_in_no_log_and_no_table(stage: Stage, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    tenant, person = await stage.tenant(), {"kind": "email", "value": "zc-wanted-4711@example.com"}
    await export(stage, tenant, person)
    answer: httpx.Response = await stage.projects.post(workspace(tenant, "/erasures"), json=person, headers=stage.alice())
    assert answer.status_code == 201
    assert not canaries.found_in(canaries.database(stage.database_url), "zc-wanted-4711")
    assert not canaries.found_in(capfdbinary.readouterr().out, "zc-wanted-4711")
