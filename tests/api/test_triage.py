"""Facets, bars, tags, bulk changes, who looks after what, and kept searches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from lib import facets, tag_counts, trends, views
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import listed, patch, send


async def get(stage: Stage, tenant: Tenant, path: str, **params: Any) -> Any:
    answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/{path}", params=params, headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(found: dict[str, Any], facet: str) -> dict[str, int]:
    return {one["value"]: one["incident_count"] for one in found[facet]}


async def test_facets_follow_every_filter_but_their_own(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, "Card declined", level="error", environment="production", release="1.0.0")
    b = await send(stage, tenant, "Disk is full", level="warning", environment="production", release="1.1.0")
    await send(stage, tenant, "Disk is slow", level="warning", environment="staging", release="1.1.0")
    await patch(stage, tenant, b, status="resolved")
    found = await get(stage, tenant, "incidents/facets")
    assert counts(found, "status") == {"open": 2, "resolved": 1}
    assert counts(found, "level") == {"warning": 2, "error": 1}
    assert counts(found, "environment") == {"production": 2, "staging": 1}
    assert counts(found, "release") == {"1.1.0": 2, "1.0.0": 1}
    assert counts(found, "assignee") == {"me": 0, "nobody": 3}
    narrowed = await get(stage, tenant, "incidents/facets", status="open", environment="production")
    assert counts(narrowed, "status") == {"open": 1, "resolved": 1}  # its own filter does not narrow it
    assert counts(narrowed, "level") == {"error": 1}
    assert counts(narrowed, "environment") == {"production": 1, "staging": 1}
    disks = await get(stage, tenant, "incidents/facets", text="Disk", release="1.1.0")
    assert counts(disks, "level") == {"warning": 2}
    assert counts(disks, "release") == {"1.1.0": 2, "1.0.0": 0}
    chosen = await get(stage, tenant, "incidents/facets", release="1.1.0")
    assert counts(chosen, "release") == {"1.1.0": 2, "1.0.0": 1}
    assert counts(await get(stage, tenant, "incidents/facets", text="Disk"), "release") == {"1.1.0": 2, "1.0.0": 0}
    url = f"/api/projects/{tenant.project_id}/incidents"
    bob = (await stage.account.get("/api/account", headers=stage.bob())).json()["person"]["id"]
    await stage.incidents.put(f"{url}/{b}/assignee", json={"person_id": bob}, headers=stage.bob())
    own = (await stage.incidents.get(f"{url}/facets", params={"assignee": "me"}, headers=stage.bob())).json()
    assert counts(own, "assignee") == {"me": 1, "nobody": 2}
    assert counts(own, "status") == {"resolved": 1}


async def test_beyond_so_many_incidents_those_last_seen_are_counted_and_that_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await stage.tenant()
    for message, level in (("Card declined", "error"), ("Disk full", "warning"), ("No plan", "warning")):
        await send(stage, tenant, message, level=level)
    assert (await get(stage, tenant, "incidents/facets"))["complete"] is True
    monkeypatch.setattr(facets, "COUNTED_MAX", 2)
    found = await get(stage, tenant, "incidents/facets")
    assert (found["complete"], counts(found, "level")) == (False, {"warning": 2})
    assert (await get(stage, tenant, "incidents/facets", text="Card"))["complete"] is True


async def test_releases_are_not_counted_where_that_would_take_long(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    for message in ("Card declined", "Disk full"):
        await send(stage, tenant, message, release="1.0.0")
    monkeypatch.setattr(facets, "RELEASES_COUNTED_MAX", 1)
    assert counts(await get(stage, tenant, "incidents/facets"), "release") == {"1.0.0": None}
    assert counts(await get(stage, tenant, "incidents/facets", release="1.0.0"), "release") == {"1.0.0": 2}
    assert counts(await get(stage, tenant, "incidents/facets", text="Disk"), "release") == {"1.0.0": 1}


async def test_a_facets_count_is_what_the_list_then_holds(stage: Stage) -> None:
    tenant = await stage.tenant()
    for number, level in enumerate(["error", "error", "fatal", "info"]):
        await send(stage, tenant, "abcd"[number] * 8, level=level, environment="xy"[number % 2])
    found = await get(stage, tenant, "incidents/facets", environment="x")
    for value, number in counts(found, "level").items():
        assert len(await listed(stage, tenant, environment="x", level=value)) == number


async def test_facets_and_bars_count_nothing_of_another_tenant(stage: Stage) -> None:
    other = await stage.tenant()
    foreign = await send(stage, other, "Theirs")
    tenant = await stage.tenant()
    assert (await get(stage, tenant, "incidents/facets"))["level"] == []
    for path in (f"incidents/{foreign}/trend", f"incidents/{foreign}/tags"):
        answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/{path}", headers=stage.alice())
        assert answer.status_code == 404


async def test_bars_hold_each_event_in_its_hour_and_follow_the_environment(stage: Stage) -> None:
    tenant = await stage.tenant()
    now = datetime.now(UTC)
    for age, environment in ((0, "production"), (0, "staging"), (5, "production"), (23, "production"), (30, "production")):
        when = (now - timedelta(hours=age)).isoformat()
        incident = await send(stage, tenant, "Late again", occurred_at=when, environment=environment)
    [found] = (await get(stage, tenant, "incidents", trend="24h"))["items"]
    assert len(found["trend"]) == 24
    assert (found["trend"][-1], found["trend"][-6], found["trend"][0], sum(found["trend"])) == (2, 1, 1, 4)
    [staging] = (await get(stage, tenant, "incidents", trend="24h", environment="staging"))["items"]
    assert sum(staging["trend"]) == 1
    [fortnight] = (await get(stage, tenant, "incidents", trend="14d"))["items"]
    assert (len(fortnight["trend"]), sum(fortnight["trend"])) == (28, 5)
    assert [one["trend"] for one in (await get(stage, tenant, "incidents"))["items"]] == [None]
    whole = await get(stage, tenant, f"incidents/{incident}/trend", window="90d")
    assert (len(whole["counts"]), sum(whole["counts"]), whole["bar_seconds"]) == (90, 5, 86_400)


@pytest.mark.parametrize("window", trends.SPANS)
def test_the_last_bar_holds_this_moment_and_the_first_begins_where_it_is_said(window: trends.Window) -> None:
    span = trends.SPANS[window]
    for minute in (0, 1, 59):
        now = datetime(2026, 11, 26, 23, minute, 5, tzinfo=UTC)
        bar = (now - span.since(now)) // timedelta(hours=span.hours)
        assert bar == span.bars - 1
        assert span.since(now).minute == 0


async def test_releases_that_came_meanwhile_stand_beside_the_bars(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant, release="shop@1.0.0")
    await send(stage, tenant, "Something else", release="shop@1.1.0")
    found = await get(stage, tenant, f"incidents/{incident}/trend")
    assert [one["release"] for one in found["releases"]] == ["shop@1.1.0", "shop@1.0.0"]


async def test_tags_are_counted_over_the_newest_events(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    for region in ("us", "eu", "eu", "eu"):
        incident = await send(stage, tenant, tags={"region": region, "tier": "free"})
    found = await get(stage, tenant, f"incidents/{incident}/tags")
    assert found["event_count"] == 4
    assert [one["tag"] for one in found["items"]] == ["region", "tier"]
    assert found["items"][0]["values"] == [{"value": "eu", "event_count": 3}, {"value": "us", "event_count": 1}]
    monkeypatch.setattr(tag_counts, "EVENTS_MAX", 3)
    assert (await get(stage, tenant, f"incidents/{incident}/tags"))["items"][0]["values"] == [{"value": "eu", "event_count": 3}]


async def test_several_incidents_change_together_or_not_at_all(stage: Stage) -> None:
    tenant = await stage.tenant()
    ids = [await send(stage, tenant, text) for text in ("Card declined", "Disk is full", "Mail bounced")]
    path = f"/api/projects/{tenant.project_id}/incidents"
    answer = await stage.incidents.patch(path, json={"incident_ids": ids[:2], "status": "resolved"}, headers=stage.bob())
    assert [one["status"] for one in answer.json()["items"]] == ["resolved", "resolved"]
    assert await listed(stage, tenant, status="open") == ids[2:]
    refused = await stage.incidents.patch(
        path, json={"incident_ids": [*ids, 10**9], "status": "ignored"}, headers=stage.bob()
    )  # fmt: skip
    assert refused.status_code == 404
    assert await listed(stage, tenant, status="open") == ids[2:]
    rows = await stage.rows(
        "SELECT object_id FROM audit_log WHERE project_id = %s AND action = 'incident.status'", tenant.project_id
    )
    assert sorted(row["object_id"] for row in rows) == sorted(map(str, ids[:2]))
    viewer = await stage.incidents.patch(path, json={"incident_ids": ids, "status": "open"}, headers=stage.vera())
    assert viewer.status_code == 403
    many = await stage.incidents.patch(path, json={"incident_ids": [1] * 101, "status": "open"}, headers=stage.bob())
    assert many.status_code == 400


async def test_only_a_member_can_look_after_an_incident(stage: Stage) -> None:
    other = await stage.tenant()
    [stranger] = await stage.rows("SELECT person_id FROM members WHERE workspace_id = %s AND role = 'owner'", other.workspace_id)
    tenant = await stage.tenant()
    [bob] = await stage.rows("SELECT person_id FROM members WHERE workspace_id = %s AND role = 'member'", tenant.workspace_id)
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Disk is full")
    path = f"/api/projects/{tenant.project_id}/incidents/{a}/assignee"
    answer = await stage.incidents.put(path, json={"person_id": bob["person_id"]}, headers=stage.alice())
    assert answer.json()["assignee"] == {"id": bob["person_id"], "name": f"bob@{stage.name}.example"}
    assert await listed(stage, tenant, assignee="me") == [a]  # bob asks
    assert await listed(stage, tenant, assignee="nobody") == [b]
    assert await listed(stage, tenant, assignee=str(bob["person_id"])) == [a]
    for body in ({"person_id": stranger["person_id"]}, {"person_id": 10**12}):
        refused = await stage.incidents.put(path, json=body, headers=stage.alice())
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/person_id")
    both = f"/api/projects/{tenant.project_id}/incidents/assignee"
    for ids, person, expected in (
        ([a, 10**12], bob, 404), ([b, a], {"person_id": 10**12}, 400), ([], bob, 400), ([b, a, a], bob, 200),
    ):  # fmt: skip
        answer = await stage.incidents.put(both, json={"incident_ids": ids, **person}, headers=stage.alice())
        assert answer.status_code == expected
        assert await listed(stage, tenant, assignee="me") == ([b, a] if expected == 200 else [a])  # all, or none
    await stage.incidents.put(both, json={"incident_ids": [b], "person_id": None}, headers=stage.alice())
    freed = await stage.incidents.put(path, json={"person_id": None}, headers=stage.alice())
    assert freed.json()["assignee"] is None
    trail = await stage.rows(
        "SELECT after FROM audit_log WHERE project_id = %s AND action = 'incident.assign' ORDER BY id", tenant.project_id
    )
    assert [row["after"]["assignee_id"] for row in trail] == [*[bob["person_id"]] * 3, None, None]
    await patch(stage, tenant, b, status="open")
    await stage.incidents.post(
        f"/api/projects/{tenant.project_id}/incidents/{b}/merge", json={"incident_ids": [a]}, headers=stage.bob()
    )
    merged = await stage.incidents.put(path, json={"person_id": bob["person_id"]}, headers=stage.alice())
    assert merged.status_code == 409


async def test_a_kept_search_is_everybodys_in_the_project_and_nobody_elses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    path = f"/api/projects/{tenant.project_id}/views"
    body = {"name": "Ours in production", "query": "is:open assignee:me env:production"}
    made = await stage.incidents.post(path, json=body, headers=stage.bob())
    assert made.status_code == 201
    assert (await get(stage, tenant, "views"))["items"] == [made.json()]
    assert made.json() | body == made.json()
    again = await stage.incidents.post(path, json=body, headers=stage.alice())
    assert again.status_code == 409
    monkeypatch.setattr(views, "VIEWS_MAX", 1)
    full = await stage.incidents.post(path, json=body | {"name": "Another"}, headers=stage.bob())
    assert (full.status_code, "at most" in full.json()["detail"]) == (409, True)
    other = await stage.tenant()
    foreign = await stage.incidents.delete(f"/api/projects/{other.project_id}/views/{made.json()['id']}", headers=stage.alice())
    assert foreign.status_code == 404
    assert (await get(stage, other, "views"))["items"] == []


async def test_a_kept_search_can_be_forgotten(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = f"/api/projects/{tenant.project_id}/views"
    made = (await stage.incidents.post(path, json={"name": "Mine", "query": ""}, headers=stage.bob())).json()
    assert (await stage.incidents.delete(f"{path}/{made['id']}", headers=stage.vera())).status_code == 403
    assert (await stage.incidents.delete(f"{path}/{made['id']}", headers=stage.bob())).status_code == 204
    assert (await get(stage, tenant, "views"))["items"] == []


async def test_an_incident_tells_what_it_did_and_what_was_done_to_it(stage: Stage) -> None:
    other = await stage.tenant()
    await patch(stage, other, await send(stage, other, "Theirs"), status="ignored")
    tenant = await stage.tenant()
    a = await send(stage, tenant, release="1.0.0", environment="production")
    await patch(stage, tenant, a, status="resolved")
    b = await send(stage, tenant, "Another one")
    await send(stage, tenant, release="1.1.0")
    found = (await get(stage, tenant, f"incidents/{a}/activity"))["items"]
    assert [one["kind"] for one in found] == ["regressed", "incident.status", "new"]
    assert [one["release"] for one in found] == ["1.1.0", None, "1.0.0"]
    assert found[1]["actor_kind"] == "person"
    assert found[1]["actor_name"].startswith("bob@")
    assert (found[1]["before"]["status"], found[1]["after"]["status"]) == ("open", "resolved")
    assert "address" not in found[1]
    await send(stage, tenant, "Another one", environment="staging")
    reached = (await get(stage, tenant, f"incidents/{b}/activity"))["items"]
    assert [(one["kind"], one["environment"]) for one in reached] == [("appeared", "staging"), ("new", None)]


async def test_a_list_says_in_a_sentence_what_the_newest_analysis_says(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Disk full")
    insert = (
        "INSERT INTO analyses (project_id, incident_id, state, cause, created_at, due_at, finished_at, result)"
        " VALUES (%s, %s, %s, 'new', now(), now(), now(), %s) RETURNING id"
    )
    for state, text in (("done", "The bank said no."), ("done", "The card had ended."), ("failed", "Nothing.")):
        await stage.rows(insert, tenant.project_id, a, state, orjson.dumps({"summary": text}).decode())
    told = {one["id"]: one["analysis"] for one in (await get(stage, tenant, "incidents"))["items"]}
    assert told == {a: "The card had ended.", b: None}
