"""The read API under requests that try to break it: refused with words or answered, never a 500."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lib import paging
from tests.api.conftest import Stage, Tenant

QUERIES: list[tuple[str, int]] = [
    ("text=%00", 400),
    ("environment=a%00b", 400),
    ("release=%00", 400),
    ("something=%00", 400),
    ("text=" + "x" * 201, 400),
    ("text=%ED%A0%80%FF", 200),  # no UTF-8: read as U+FFFD
    ("text=%25%5C_%27%3B--", 200),
    ("level=loud", 400),
    ("sort=title", 400),
    ("limit=0", 400),
    ("limit=1e3", 400),
    ("limit=" + "9" * 5_000, 400),  # int() refuses this many digits
    ("since=infinity", 400),
    ("since=294276-01-01T00:00:00Z", 400),
    ("since=2026-01-01T00:00:00", 400),  # which zone?
    ("since=0001-01-01T00:00:00%2B23:59", 200),  # before the year 1 in UTC, only compared
    ("until=9999-12-31T23:59:59-23:59", 200),
    ("cursor=" + "x" * 5_000, 400),
    ("cursor=%00", 400),
    ("cursor=é", 400),
    ("cursor=" + paging.encode([{}, []]), 400),
    ("cursor=" + paging.encode(["yesterday", 1]), 400),
    ("cursor=" + paging.encode(["2026-01-01T00:00:00Z", 2**63]), 400),  # no bigint
    ("cursor=" + paging.encode(["2026-01-01T00:00:00Z", -(2**63)]), 400),
    ("cursor=" + paging.encode(["2026-01-01T00:00:00Z", True]), 400),
    ("cursor=" + paging.encode(["0001-01-01T00:00:00+23:59", 1]), 200),
    ("cursor=" + paging.encode(["9999-12-31T23:59:59-23:59", 1]), 200),
    ("sort=event_count&cursor=" + paging.encode([2**64 - 1, 1]), 400),
    ("sort=event_count&cursor=" + paging.encode(["2026-01-01T00:00:00Z", 1]), 400),  # the cursor of another order
]
EVENT_IDS = ["%00", "9" * 40, "not-an-id", "é", "0" * 32, "..%2f..%2fetc%2fpasswd"]
PATCHES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"[]", 400),
    (b'{"status":"open\\u0000"}', 400),
    (b'{"status":"open","title":"x"}', 400),
    (b'{"status":"ignored","ignored_until":"9999-12-31T23:59:59-23:59"}', 400),  # the year 10000 in UTC
    (b'{"status":"ignored","ignored_until":"9999-12-31T23:59:59Z"}', 400),
    (b'{"status":"ignored","ignored_until":1e300}', 400),
    (b'{"status":"ignored","ignored_until":"1970-01-01T00:00:00Z"}', 400),
    (b'{"status":"ignored","ignored_events":1e400}', 200),  # beyond a double: read as null, as everywhere
    (b'{"status":"ignored","ignored_events":1000000000001}', 400),
    (b'{"status":"ignored","ignored_events":1000000000000}', 200),
    (b"[" * 100_000, 400),
    (b"{" + b" " * 300_000 + b"}", 413),
]


async def an_event(stage: Stage, tenant: Tenant) -> dict[str, Any]:
    answer = await stage.ingest.post("/api/ingest", json={"message": "Payment failed"}, headers=tenant.bearer)
    item: dict[str, Any] = answer.json()["items"][0]
    return item


def is_as_promised(answer: httpx.Response, status: int) -> bool:
    form = "application/json" if status < 400 else "application/problem+json"
    return answer.status_code == status and answer.headers["content-type"] == form


async def test_odd_queries_of_the_list_are_refused_or_answered(stage: Stage) -> None:
    tenant = await stage.tenant()
    await an_event(stage, tenant)
    for query, status in QUERIES:
        answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents?{query}", headers=stage.bob())
        assert is_as_promised(answer, status), (query[:100], answer.text)


async def test_odd_cursors_of_events_are_refused_or_answered(stage: Stage) -> None:
    tenant = await stage.tenant()
    item = await an_event(stage, tenant)
    events = f"/api/projects/{tenant.project_id}/incidents/{item['incident_id']}/events"
    cases: list[tuple[list[Any], int]] = [
        (["0001-01-01T00:00:00+23:59", item["event_id"]], 200),
        (["infinity", item["event_id"]], 400),
        (["2026-01-01T00:00:00Z", 1], 400),
        (["2026-01-01T00:00:00Z", "\0"], 404),
    ]
    for position, status in cases:
        answer = await stage.incidents.get(f"{events}?cursor={paging.encode(position)}", headers=stage.bob())
        assert is_as_promised(answer, status), (position, answer.text)


@pytest.mark.parametrize("event_id", EVENT_IDS)
async def test_an_odd_event_id_finds_nothing(stage: Stage, event_id: str) -> None:
    tenant = await stage.tenant()
    incident_id = (await an_event(stage, tenant))["incident_id"]
    for place in (f"incidents/{incident_id}/events", "events"):
        answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/{place}/{event_id}", headers=stage.bob())
        assert is_as_promised(answer, 404), answer.text


async def test_odd_numbers_in_the_path_find_nothing(stage: Stage) -> None:
    tenant = await stage.tenant()
    for number in ("0", "-1", "9223372036854775807", "9223372036854775808", "9" * 19, "9" * 20, "1.5", "%31", "١"):
        answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents/{number}", headers=stage.bob())
        assert is_as_promised(answer, 404), (number, answer.text)
        answer = await stage.incidents.get(f"/api/projects/{number}/incidents", headers=stage.charlie())
        assert is_as_promised(answer, 404), (number, answer.text)


async def test_an_odd_change_is_refused_and_the_incident_stays_readable(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident_id = (await an_event(stage, tenant))["incident_id"]
    incident = f"/api/projects/{tenant.project_id}/incidents/{incident_id}"
    for body, status in PATCHES:
        answer = await stage.incidents.patch(incident, content=body, headers=stage.bob())
        assert is_as_promised(answer, status), (body[:100], answer.text)
        assert (await stage.incidents.get(incident, headers=stage.bob())).status_code == 200
