"""POST /api/ingest: one object, an array or NDJSON."""

from __future__ import annotations

import asyncio

import orjson

from tests.api.conftest import Stage

ERROR = {
    "error": {"type": "KeyError", "message": "'SUMMER26'"},
    "stack": "Traceback (most recent call last):\n"
    '  File "/app/shop/pricing.py", line 12, in total\n'
    "    return prices[code]\n"
    "KeyError: 'SUMMER26'\n",
    "release": "shop@1.4.2",
    "environment": "production",
}


async def test_the_smallest_event_becomes_an_incident(stage: Stage) -> None:
    tenant = await stage.tenant()
    answer = await stage.ingest.post("/api/ingest", json={"message": "Payment failed"}, headers=tenant.bearer)
    assert answer.status_code == 200
    [item] = answer.json()["items"]
    assert item["outcome"] == "accepted"
    listed = (await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents", headers=stage.bob())).json()
    assert [(i["id"], i["title"], i["event_count"]) for i in listed["items"]] == [(item["incident_id"], "Payment failed", 1)]


async def test_an_error_with_a_raw_stack_is_read_back_whole(stage: Stage) -> None:
    tenant = await stage.tenant()
    [item] = (await stage.ingest.post("/api/ingest", json=ERROR, headers=tenant.bearer)).json()["items"]
    url = f"/api/projects/{tenant.project_id}/incidents/{item['incident_id']}"
    incident = (await stage.incidents.get(url, headers=stage.alice())).json()
    assert incident["title"] == "KeyError: 'SUMMER26'"
    assert incident["last_release"] == "shop@1.4.2"
    assert incident["environments"] == ["production"]
    assert incident["fingerprints"][0]["event_count"] == 1
    [light] = (await stage.incidents.get(url + "/events", headers=stage.alice())).json()["items"]
    event = (await stage.incidents.get(f"{url}/events/{light['event_id']}", headers=stage.alice())).json()
    frame = event["payload"]["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert (frame["function"], frame["lineno"]) == ("total", 12)


async def test_an_array_answers_each_item_and_keeps_the_valid_ones(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = [{"message": "one"}, {"level": "error"}, ERROR]
    items = (await stage.ingest.post("/api/ingest", json=body, headers=tenant.bearer)).json()["items"]
    assert [item["outcome"] for item in items] == ["accepted", "invalid", "accepted"]
    assert items[1]["errors"][0]["pointer"].startswith("/1")


async def test_ndjson_is_read_line_by_line(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = b"\n".join(orjson.dumps({"message": f"line {name}"}) for name in ("a", "b", "c"))
    headers = {**tenant.bearer, "Content-Type": "application/x-ndjson"}
    items = (await stage.ingest.post("/api/ingest", content=body, headers=headers)).json()["items"]
    assert [item["outcome"] for item in items] == ["accepted"] * 3


async def test_a_body_without_a_valid_item_is_refused_with_the_field_named(stage: Stage) -> None:
    tenant = await stage.tenant()
    answer = await stage.ingest.post("/api/ingest", json={"level": "error"}, headers=tenant.bearer)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


async def test_the_same_event_50_times_at_once_is_stored_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = {**ERROR, "event_id": "0123456789abcdef0123456789abcdef"}
    answers = await asyncio.gather(*[stage.ingest.post("/api/ingest", json=body, headers=tenant.bearer) for _ in range(50)])
    items = [answer.json()["items"][0] for answer in answers]
    assert sorted(item["outcome"] for item in items) == ["accepted"] + ["duplicate"] * 49
    assert len({item["incident_id"] for item in items}) == 1
    [incident] = await stage.rows("SELECT event_count FROM incidents WHERE project_id = %s", tenant.project_id)
    assert incident["event_count"] == 1


async def test_200_first_events_of_one_fingerprint_make_one_incident(stage: Stage) -> None:
    tenant = await stage.tenant()
    # A second instance of the function, so that the race is fought in the database too.
    other = await stage.client(stage.ingest_app)
    posts = [
        client.post("/api/ingest", json=ERROR, headers=tenant.bearer) for client in (stage.ingest, other) for _ in range(100)
    ]
    answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} == {200}
    rows = await stage.rows("SELECT event_count FROM incidents WHERE project_id = %s", tenant.project_id)
    assert [row["event_count"] for row in rows] == [200]
    transitions = await stage.rows("SELECT kind FROM transitions WHERE project_id = %s", tenant.project_id)
    assert [row["kind"] for row in transitions] == ["new"]


async def test_the_same_fingerprint_in_two_tenants_makes_two_incidents(stage: Stage) -> None:
    first, second = await stage.tenant(), await stage.tenant()
    ids = set()
    for tenant in (first, second):
        [item] = (await stage.ingest.post("/api/ingest", json=ERROR, headers=tenant.bearer)).json()["items"]
        ids.add(item["incident_id"])
    assert len(ids) == 2
    rows = await stage.rows("SELECT event_count FROM incidents WHERE id = ANY(%s)", list(ids))
    assert [row["event_count"] for row in rows] == [1, 1]
