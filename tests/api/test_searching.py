"""Searching incidents by whom they met and by tags of their events."""

from __future__ import annotations

from typing import Any

import pytest

from lib import searching
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import listed, send


async def facets(stage: Stage, tenant: Tenant, **params: Any) -> Any:
    answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents/facets", params=params, headers=stage.bob())
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(params=[1_000, 0], ids=["rare", "common"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What few incidents have is looked up, what many have is asked of each: the answer is the same."""
    monkeypatch.setattr(searching, "RARE_INCIDENTS_MAX", request.param)


@pytest.mark.usefixtures("_either_way")
async def test_a_person_is_found_by_whatever_tells_them_apart_and_nobody_elses_is(stage: Stage) -> None:
    other = await stage.tenant()
    await send(stage, other, "Card declined", user={"id": "customer-7"})
    tenant = await stage.tenant()
    a = await send(stage, tenant, "Card declined", user={"id": "customer-7", "email": "jane@example.com"})
    b = await send(stage, tenant, "Disk full", user={"email": "Jane@Example.com"})
    c = await send(stage, tenant, "No plan", user={"ip_address": "203.0.113.7"})
    d = await send(stage, tenant, "Nobody was there")
    assert await listed(stage, tenant, user="customer-7") == [a]
    # Only what comes first tells people apart: the first event's e-mail was not counted.
    assert await listed(stage, tenant, user="Jane@Example.com") == [b]
    assert await listed(stage, tenant, user="203.0.113.7") == [c]
    assert await listed(stage, tenant, user="customer-7", text="Disk") == []
    assert await listed(stage, tenant, user="customer-8") == []
    assert await listed(stage, tenant, user="' OR 1=1 --") == []
    found = await facets(stage, tenant, user="customer-7")
    assert found["level"] == [{"value": "error", "incident_count": 1}]
    assert d not in await listed(stage, tenant, user="customer-7", sort="event_count")


@pytest.mark.usefixtures("_either_way")
async def test_tags_are_found_by_name_and_value_or_by_value_alone(stage: Stage) -> None:
    tenant = await stage.tenant()
    a = await send(stage, tenant, "Card declined", tags={"region": "eu", "plan": "free"})
    b = await send(stage, tenant, "Disk full", tags={"region": "us", "plan": "eu"})
    c = await send(stage, tenant, "No plan", tags={"query": "a=b"})
    for sort in ("last_seen", "first_seen", "event_count"):
        assert await listed(stage, tenant, tag="region=eu", sort=sort) == [a]
    assert sorted(await listed(stage, tenant, tag="eu")) == [a, b]
    assert await listed(stage, tenant, tag="REGION=EU") == [a]
    assert await listed(stage, tenant, tag="eu\nplan=free") == [a]
    assert await listed(stage, tenant, tag="region=us\nplan=free") == []
    assert await listed(stage, tenant, tag="query=a=b") == [c]
    assert await listed(stage, tenant, tag="region=eu", text="Disk") == []
    assert await listed(stage, tenant, tag="plan=nothing") == []
    assert (await facets(stage, tenant, tag="eu", level="error"))["status"] == [{"value": "open", "incident_count": 2}]
    other = await stage.tenant()
    assert await listed(stage, other, tag="region=eu") == []


async def test_a_value_that_many_tags_have_is_found_in_each_incident(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "RARE_INCIDENTS_MAX", 3)
    tenant = await stage.tenant()
    sent = [
        await send(stage, tenant, message, tags={f"flag{n}": "true" for n in range(6)})
        for message in ("Card declined", "Disk full", "No plan", "Out of stock")
    ]
    assert sorted(await listed(stage, tenant, tag="true")) == sorted(sent)


async def test_more_tags_than_may_be_asked_for_are_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    url = f"/api/projects/{tenant.project_id}/incidents"
    many = "\n".join(f"a={n}" for n in range(searching.TAGS_MAX + 1))
    answer = await stage.incidents.get(url, params={"tag": many}, headers=stage.bob())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "?tag"


async def test_what_redaction_took_cannot_be_searched_for(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, "Card declined", tags={"contact": "jane@example.com"})
    assert await listed(stage, tenant, tag="contact=jane@example.com") == []
    rows = await stage.rows("SELECT * FROM incident_tags WHERE project_id = %s", tenant.project_id)
    assert "jane" not in str(rows)


async def test_an_incident_that_was_merged_is_found_by_the_tags_of_both(stage: Stage) -> None:
    tenant = await stage.tenant()
    a = await send(stage, tenant, "Card declined", tags={"region": "eu"})
    b = await send(stage, tenant, "Disk full", tags={"region": "us"})
    url = f"/api/projects/{tenant.project_id}/incidents/{a}/merge"
    assert (await stage.incidents.post(url, json={"incident_ids": [b]}, headers=stage.bob())).status_code == 200
    assert await listed(stage, tenant, tag="region=us") == [a]


async def test_of_a_tag_with_too_many_values_the_first_are_known(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    monkeypatch.setattr("lib.recording.VALUES_MAX", 3)
    for number in range(5):
        a = await send(stage, tenant, "Card declined", tags={"request": str(number), "region": "eu"})
    assert [bool(await listed(stage, tenant, tag=f"request={n}")) for n in range(5)] == [True, True, True, False, False]
    assert await listed(stage, tenant, tag="region=eu") == [a]


async def test_an_event_whose_tags_redaction_had_to_remove_as_a_whole_is_stored(stage: Stage) -> None:
    """So many telling names come before its tags that there is no work left for a name among these."""
    tenant = await stage.tenant()
    frame = {"function": "charge", "vars": {"list": [{"pin": number} for number in range(6_000)]}}
    crash = {"type": "E", "value": "v", "stacktrace": {"frames": [frame]}}
    await send(stage, tenant, "Card declined", exception={"values": [crash]}, tags={"password": "x", "region": "eu"})
    assert await stage.rows("SELECT * FROM incident_tags WHERE project_id = %s", tenant.project_id) == []
