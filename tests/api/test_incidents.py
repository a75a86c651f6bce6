"""Reading incidents, and what a change of status means for the events that follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib import event_facets, incidents, sifting
from tests.api.conftest import Stage, Tenant


async def send(stage: Stage, tenant: Tenant, message: str = "Payment failed", **fields: Any) -> int:
    """Send one event; answers its incident."""
    answer = await stage.ingest.post("/api/ingest", json={"message": message, **fields}, headers=tenant.bearer)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["items"][0]["incident_id"])


async def listed(stage: Stage, tenant: Tenant, **params: Any) -> list[int]:
    """Ids of the incidents that a list gives."""
    answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents", params=params, headers=stage.bob())
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def patch(stage: Stage, tenant: Tenant, incident: int, **body: Any) -> Any:
    """Change an incident as bob."""
    answer = await stage.incidents.patch(
        f"/api/projects/{tenant.project_id}/incidents/{incident}", json=body, headers=stage.bob()
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status(stage: Stage, tenant: Tenant, incident: int) -> str:
    [row] = await stage.rows("SELECT status FROM incidents WHERE project_id = %s AND id = %s", tenant.project_id, incident)
    return str(row["status"])


async def kinds(stage: Stage, tenant: Tenant) -> list[str]:
    rows = await stage.rows("SELECT kind FROM transitions WHERE project_id = %s ORDER BY id", tenant.project_id)
    return [row["kind"] for row in rows]


async def test_each_filter_narrows_the_list(stage: Stage) -> None:
    tenant = await stage.tenant()
    a = await send(stage, tenant, "Card declined", level="error", environment="production", release="1.0.0", route="/pay")
    b = await send(stage, tenant, "Disk is 100% full", level="warning", environment="staging", release="1.1.0")
    assert await listed(stage, tenant) == [b, a]
    assert await listed(stage, tenant, level="warning") == [b]
    assert await listed(stage, tenant, environment="production") == [a]
    assert await listed(stage, tenant, release="1.1.0") == [b]
    assert await listed(stage, tenant, text="declined") == [a]
    # What is a wildcard to SQL is only a character to a person.
    assert await listed(stage, tenant, text="100%") == [b]
    assert await listed(stage, tenant, text="1_0") == []
    assert await listed(stage, tenant, since=(datetime.now(UTC) + timedelta(hours=1)).isoformat()) == []
    assert await listed(stage, tenant, until=(datetime.now(UTC) - timedelta(hours=1)).isoformat()) == []
    await patch(stage, tenant, a, status="resolved")
    assert await listed(stage, tenant, status="open") == [b]
    assert await listed(stage, tenant, status="resolved", level="error", environment="production", release="1.0.0") == [a]


async def test_every_order_pages_through_all_incidents_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"]
    ids = [await send(stage, tenant, f"The {word} engine stopped") for word in words]
    assert len(set(ids)) == len(words)
    await send(stage, tenant, "The charlie engine stopped")
    for sort in ("last_seen", "first_seen", "event_count"):
        found: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            params = {"sort": sort, "limit": 2, "cursor": cursor}
            page = (
                await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents", params=params, headers=stage.bob())
            ).json()
            found += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
        assert sorted(found) == sorted(ids), sort
        assert found[0] == (ids[2] if sort != "first_seen" else ids[-1]), sort


async def test_bad_parameters_are_named(stage: Stage) -> None:
    tenant = await stage.tenant()
    for params in (
        {"status": "closed"},
        {"limit": 0},
        {"limit": 101},
        {"since": "yesterday"},
        {"cursor": "x"},
        {"sort": "title"},
    ):
        answer = await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents", params=params, headers=stage.bob())
        assert answer.status_code == 400, params
        assert answer.json()["errors"][0]["pointer"] == f"?{next(iter(params))}", params


async def test_only_members_read_and_only_members_change(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    [event] = await stage.rows("SELECT event_id FROM events WHERE project_id = %s", tenant.project_id)
    base = f"/api/projects/{tenant.project_id}"
    urls = [
        f"{base}/incidents",
        f"{base}/incidents/{incident}",
        f"{base}/incidents/{incident}/events",
        f"{base}/events/{event['event_id'].hex}",
    ]
    for url in urls:
        assert (await stage.incidents.get(url)).status_code == 401
        assert (await stage.incidents.get(url, headers=stage.charlie())).status_code == 404
        assert (await stage.incidents.get(url, headers=tenant.bearer)).status_code == 401
        for person in (stage.alice(), stage.bob(), stage.vera()):
            assert (await stage.incidents.get(url, headers=person)).status_code == 200
    url = urls[1]
    for headers, expected in [({}, 401), (stage.charlie(), 404), (stage.vera(), 403), (stage.bob(), 200)]:
        assert (await stage.incidents.patch(url, json={"status": "resolved"}, headers=headers)).status_code == expected


async def test_another_tenants_incident_is_not_found_under_ones_own_project(stage: Stage) -> None:
    theirs = await stage.tenant()
    incident = await send(stage, theirs)
    [event] = await stage.rows("SELECT event_id FROM events WHERE project_id = %s", theirs.project_id)
    mine = await stage.tenant()
    base = f"/api/projects/{mine.project_id}"
    for path in (f"/incidents/{incident}", f"/incidents/{incident}/events", f"/events/{event['event_id'].hex}"):
        assert (await stage.incidents.get(base + path, headers=stage.alice())).status_code == 404
    assert (
        await stage.incidents.patch(f"{base}/incidents/{incident}", json={"status": "resolved"}, headers=stage.alice())
    ).status_code == 404
    assert await status(stage, theirs, incident) == "open"


async def test_a_newer_release_regresses_and_an_older_one_does_not(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant, release="shop@1.9.0")
    await patch(stage, tenant, incident, status="resolved")
    await send(stage, tenant, release="shop@1.8.7")
    assert await status(stage, tenant, incident) == "resolved"
    # 1.10 is newer than 1.9, though it sorts before it as text.
    await send(stage, tenant, release="shop@1.10.0")
    assert await status(stage, tenant, incident) == "open"
    assert await kinds(stage, tenant) == ["new", "regressed"]
    [row] = await stage.rows("SELECT event_count FROM incidents WHERE id = %s", incident)
    assert row["event_count"] == 3


async def test_releases_that_are_no_semver_are_ordered_by_when_they_were_first_seen(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, "Elsewhere", release="zebra-build")
    incident = await send(stage, tenant, release="apple-build")
    await patch(stage, tenant, incident, status="resolved")
    await send(stage, tenant, release="zebra-build")
    assert await status(stage, tenant, incident) == "resolved"
    await send(stage, tenant, release="aardvark-build")
    assert await status(stage, tenant, incident) == "open"


async def test_resolved_in_the_next_release_waits_for_one_newer_than_all(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant, release="1.0.0")
    await send(stage, tenant, "Elsewhere", release="2.0.0")
    answer = await patch(stage, tenant, incident, status="resolved", in_next_release=True)
    assert answer["resolved_release"] == "2.0.0"
    for release in ("1.0.0", "1.5.0", "2.0.0"):
        await send(stage, tenant, release=release)
        assert await status(stage, tenant, incident) == "resolved", release
    await send(stage, tenant, release="2.0.1")
    assert await status(stage, tenant, incident) == "open"


async def test_the_next_release_needs_releases(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    url = f"/api/projects/{tenant.project_id}/incidents/{incident}"
    answer = await stage.incidents.patch(url, json={"status": "resolved", "in_next_release": True}, headers=stage.bob())
    assert answer.status_code == 409
    assert await status(stage, tenant, incident) == "open"


async def test_without_releases_an_event_after_the_resolution_regresses(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    await patch(stage, tenant, incident, status="resolved")
    await send(stage, tenant, occurred_at=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    assert await status(stage, tenant, incident) == "resolved"
    await send(stage, tenant)
    assert await status(stage, tenant, incident) == "open"


async def test_ignored_until_n_more_reopens_at_the_nth(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    await patch(stage, tenant, incident, status="ignored", ignored_events=2)
    await send(stage, tenant)
    assert await status(stage, tenant, incident) == "ignored"
    await send(stage, tenant)
    assert await status(stage, tenant, incident) == "open"
    assert await kinds(stage, tenant) == ["new", "escalated"]


async def test_ignored_until_a_time_reopens_with_the_next_event_after_it(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    await patch(stage, tenant, incident, status="ignored", ignored_until=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    await send(stage, tenant)
    assert await status(stage, tenant, incident) == "ignored"
    await stage.rows("UPDATE incidents SET ignored_until = now() - interval '1 second' WHERE id = %s", incident)
    await send(stage, tenant)
    assert await status(stage, tenant, incident) == "open"


async def test_a_change_says_what_was_and_a_patch_with_that_puts_it_back_exactly(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant, release="1.0.0")
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for first in (
        {"status": "ignored", "ignored_events": 5}, {"status": "ignored", "ignored_until": soon}, {"status": "ignored"},
        {"status": "resolved", "in_next_release": True}, {"status": "resolved"}, {"status": "open"},
    ):  # fmt: skip
        before = await patch(stage, tenant, incident, **first)
        kept = {name: before[name] for name in incidents.WAS}
        was = (await patch(stage, tenant, incident, status="open"))["was"]
        assert was == kept
        # Meanwhile there are more events, and a newer release elsewhere.
        await send(stage, tenant, release="1.0.0")
        await send(stage, tenant, "Elsewhere", release=f"2.0.{before['event_count']}")
        body = {name: value for name, value in was.items() if value and name != "resolved_in_next_release"}
        after = await patch(stage, tenant, incident, **body, in_next_release=was["resolved_in_next_release"])
        assert {name: after[name] for name in incidents.WAS} == kept


async def test_a_patch_that_contradicts_itself_is_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    url = f"/api/projects/{tenant.project_id}/incidents/{incident}"
    bodies: list[Any] = [
        {"status": "gone"},
        {"status": "open", "in_next_release": True},
        {"status": "resolved", "ignored_events": 3},
        {"status": "ignored", "ignored_until": "2001-01-01T00:00:00Z"},
        {"status": "ignored", "ignored_events": 0},
        {"status": "ignored", "ignored_events": 3, "ignored_until_count": 5},
        {"status": "open", "ignored_until_count": 5},
        {"status": "ignored", "resolved_release": "1.0.0"},
        {"status": "resolved", "resolved_release": "never-seen"},
        {"status": "resolved", "surprise": 1},
        [],
    ]
    for body in bodies:
        answer = await stage.incidents.patch(url, json=body, headers=stage.bob())
        assert answer.status_code == 400, body
        assert answer.headers["content-type"] == "application/problem+json"


async def test_events_page_newest_first(stage: Stage) -> None:
    tenant = await stage.tenant()
    for number in range(5):
        incident = await send(stage, tenant, tags={"number": str(number)})
    url = f"/api/projects/{tenant.project_id}/incidents/{incident}/events"
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await stage.incidents.get(url, params={"limit": 2, "cursor": cursor}, headers=stage.vera())).json()
        found += page["items"]
        cursor = page["next_cursor"]
    times = [item["received_at"] for item in found]
    assert len({item["event_id"] for item in found}) == 5
    assert times == sorted(times, reverse=True)


async def test_events_are_stepped_through_from_either_end_and_by_what_they_are_of(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await stage.tenant()
    kinds = [("production", "1.0.0"), ("staging", "1.0.0"), ("production", "1.1.0"), ("staging", "1.1.0")]
    sent = []
    for environment, release in kinds:
        body = {"message": "Again", "environment": environment, "release": release}
        answer = await stage.ingest.post("/api/ingest", json=body, headers=tenant.bearer)
        sent.append(answer.json()["items"][0])
    path = f"/api/projects/{tenant.project_id}/incidents/{sent[0]['incident_id']}/events"
    ids = [one["event_id"].replace("-", "") for one in sent]

    async def found(expected: int = 200, **params: Any) -> Any:
        answer = await stage.incidents.get(path, params=params, headers=stage.vera())
        assert answer.status_code == expected, answer.text
        return [one["event_id"] for one in answer.json()["items"]] if expected == 200 else answer.json()

    assert await found() == ids[::-1]
    assert await found(order="oldest") == ids
    assert await found(order="oldest", limit=1) == ids[:1]
    assert await found(environment="staging") == [ids[3], ids[1]]
    assert await found(release="1.0.0", order="oldest") == ids[:2]
    assert await found(environment="production", release="1.1.0") == [ids[2]]
    assert await found(environment="nowhere") == []
    assert await found(beyond=ids[1]) == [ids[0]]  # older
    assert await found(beyond=ids[1], order="oldest", limit=1) == [ids[2]]  # newer
    assert await found(beyond=ids[1], order="oldest", environment="staging") == [ids[3]]
    assert await found(beyond=ids[0]) == []
    await found(404, beyond="f" * 32)
    await found(400, order="sideways")
    # Few are looked at: a page without any leads on to the one that fits.
    monkeypatch.setattr(incidents, "LOOKED_MAX", 2)
    answer = await stage.incidents.get(path, params={"release": "1.0.0", "limit": 1}, headers=stage.vera())
    assert answer.json()["items"] == []
    assert await found(release="1.0.0", limit=1, cursor=answer.json()["next_cursor"]) == [ids[1]]


async def test_events_are_found_by_whom_they_met_and_by_a_tag(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    ids = []
    for user, region in (("jane", "eu"), ("joe", "EU"), ("jane", "us")):
        body = {"message": "Again", "user": {"id": user}, "tags": {"region": region, "plan": "team"}}
        answer = await stage.ingest.post("/api/ingest", json=body, headers=tenant.bearer)
        incident = answer.json()["items"][0]["incident_id"]
        ids.append(answer.json()["items"][0]["event_id"].replace("-", ""))
    path = f"/api/projects/{tenant.project_id}/incidents/{incident}/events"

    async def page(**params: Any) -> tuple[list[str], str | None]:
        answer = await stage.incidents.get(path, params=params, headers=stage.vera())
        assert answer.status_code == 200, answer.text
        return [one["event_id"] for one in answer.json()["items"]], answer.json()["next_cursor"]

    for wanted, found in [
        ({"user": "jane"}, [2, 0]),
        ({"user": "nobody"}, []),
        ({"tag": "region=eu"}, [1, 0]),
        ({"tag": "us"}, [2]),  # whatever the tag is called
        ({"tag": "plan=eu"}, []),
        ({"tag": "plan"}, []),  # a name is no value
        ({"tag": "team", "user": "joe"}, [1]),
        ({"tag": "eu", "order": "oldest", "beyond": ids[0]}, [1]),
    ]:
        assert await page(**wanted) == ([ids[n] for n in found], None), wanted
    # Few are looked at: each page leads on, and all of them together hold every one once.
    monkeypatch.setattr(sifting, "ROWS_MAX", 1)
    monkeypatch.setattr(sifting, "PAYLOADS_MAX", 1)
    for given, found in (({"user": "jane"}, [2, 0]), ({"tag": "eu"}, [1, 0])):
        together, cursor = await page(**given, limit=1)
        while cursor:
            more, cursor = await page(**given, limit=1, cursor=cursor)
            together += more
        assert together == [ids[n] for n in found]


async def test_an_event_is_counted_among_those_it_can_be_narrowed_to(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    ids = []
    for environment, release in (("production", "1.0"), ("staging", "1.0"), ("production", "1.1"), ("production", None)):
        body = {"message": "Again", "environment": environment, "release": release}
        answer = await stage.ingest.post("/api/ingest", json=body, headers=tenant.bearer)
        incident = answer.json()["items"][0]["incident_id"]
        ids.append(answer.json()["items"][0]["event_id"])
    path = f"/api/projects/{tenant.project_id}/incidents/{incident}/events/facets"

    async def facets(expected: int = 200, **params: Any) -> Any:
        answer = await stage.incidents.get(path, params=params, headers=stage.vera())
        assert answer.status_code == expected, answer.text
        return answer.json()

    def counted(values: list[dict[str, Any]]) -> dict[str, int]:
        return {one["value"]: one["event_count"] for one in values}

    found = await facets()
    assert (found["event_count"], found["newer_count"]) == (4, None)
    assert counted(found["environment"]) == {"production": 3, "staging": 1}
    assert counted(found["release"]) == {"1.0": 2, "1.1": 1}  # what names none is none
    assert [(await facets(event=one))["newer_count"] for one in ids] == [3, 2, 1, 0]
    found = await facets(environment="production", event=ids[0])
    assert (found["event_count"], found["newer_count"]) == (3, 2)
    assert counted(found["release"]) == {"1.0": 1, "1.1": 1}  # each follows the other
    assert counted(found["environment"]) == {"production": 3, "staging": 1}  # and not itself
    assert (await facets(environment="production", release="1.0", event=ids[0]))["newer_count"] == 0
    await facets(404, event="f" * 32)
    await facets(404, event="no id")
    other = await stage.ingest.post("/api/ingest", json={"message": "Another"}, headers=tenant.bearer)
    await facets(404, event=other.json()["items"][0]["event_id"])
    monkeypatch.setattr(event_facets, "NEWER_MAX", 2)
    assert [(await facets(event=one))["newer_count"] for one in ids] == [None, 2, 1, 0]


async def test_a_cookie_changes_nothing_from_a_foreign_page(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    url = f"/api/projects/{tenant.project_id}/incidents/{incident}"
    cookie = {"Cookie": "__session=" + stage.bob()["Authorization"].removeprefix("Bearer ")}
    assert (await stage.incidents.get(url, headers=cookie)).status_code == 200
    for origin, expected in [({}, 403), ({"Origin": "https://evil.example"}, 403), ({"Origin": "https://sensra.test"}, 200)]:
        answer = await stage.incidents.patch(url, json={"status": "resolved"}, headers={**cookie, **origin})
        assert answer.status_code == expected
