"""Why events are together; merge and split, exact whatever happens meanwhile; a new version of the algorithm."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from lib import fingerprint
from lib.fingerprint import Fingerprint
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import listed, patch, send, status

WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]


def path(tenant: Tenant, incident: int, rest: str = "") -> str:
    return f"/api/projects/{tenant.project_id}/incidents/{incident}{rest}"


async def post(stage: Stage, tenant: Tenant, incident: int, verb: str, expected: int = 200, **body: Any) -> Any:
    """Merge or split as bob."""
    answer = await stage.incidents.post(path(tenant, incident, f"/{verb}"), json=body, headers=stage.bob())
    assert answer.status_code == expected, answer.text
    return answer.json()


async def read(stage: Stage, tenant: Tenant, incident: int) -> Any:
    answer = await stage.incidents.get(path(tenant, incident), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def explained(stage: Stage, tenant: Tenant, incident: int) -> list[dict[str, Any]]:
    answer = await stage.incidents.get(path(tenant, incident, "/grouping"), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def fingerprint_of(stage: Stage, tenant: Tenant, incident: int) -> str:
    [one] = await explained(stage, tenant, incident)
    return str(one["fingerprint"])


async def assert_adds_up(stage: Stage, tenant: Tenant) -> None:
    """Each incident is the sum of its fingerprints, each of these the sum of its events; merged ones have none."""
    wrong = await stage.rows(
        """
        WITH of_fingerprints AS (
          SELECT incident_id AS id, sum(event_count) AS event_count FROM incident_fingerprints WHERE project_id = %s GROUP BY 1
        ), of_events AS (
          SELECT f.incident_id AS id, count(*) AS event_count, min(occurred_at) AS first_seen, max(occurred_at) AS last_seen,
                 array_remove(array_agg(DISTINCT environment ORDER BY environment), NULL) AS environments,
                 (array_agg(release ORDER BY occurred_at) FILTER (WHERE release IS NOT NULL))[1] AS first_release,
                 (array_agg(release ORDER BY occurred_at DESC) FILTER (WHERE release IS NOT NULL))[1] AS last_release
            FROM events e JOIN incident_fingerprints f USING (project_id, fingerprint) WHERE project_id = %s GROUP BY 1
        )
        SELECT i.id, i.event_count, f.event_count AS of_fingerprints, e.event_count AS of_events
          FROM incidents i LEFT JOIN of_fingerprints f USING (id) LEFT JOIN of_events e USING (id)
         WHERE project_id = %s
           AND ((i.event_count, i.event_count) IS DISTINCT FROM (coalesce(f.event_count, 0), coalesce(e.event_count, 0))
                OR (i.merged_into IS NULL) <> (f.id IS NOT NULL)
                OR (i.merged_into IS NULL
                    AND (i.first_seen, i.last_seen, i.environments, i.first_release, i.last_release)
                        IS DISTINCT FROM (e.first_seen, e.last_seen, e.environments, e.first_release, e.last_release)))
        """,
        *[tenant.project_id] * 3,
    )
    assert wrong == []


async def test_a_merge_adds_up_and_future_events_follow(stage: Stage) -> None:
    tenant = await stage.tenant()
    early = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    a = await send(stage, tenant, "Card declined", environment="production", release="1.1.0")
    b = await send(stage, tenant, "Payment refused", environment="staging", release="1.0.0", occurred_at=early)
    c = await send(stage, tenant, "Bank is away", environment="production", release="1.2.0")
    merged = await post(stage, tenant, a, "merge", incident_ids=[b, c, c])
    assert (merged["id"], merged["event_count"], merged["environments"]) == (a, 3, ["production", "staging"])
    assert (merged["first_release"], merged["last_release"]) == ("1.0.0", "1.2.0")
    assert await listed(stage, tenant) == [a]
    for word in ("Card declined", "Payment refused", "Bank is away"):
        assert await send(stage, tenant, word) == a
    assert (await read(stage, tenant, a))["event_count"] == 6
    await assert_adds_up(stage, tenant)
    events = (await stage.incidents.get(path(tenant, a, "/events"), headers=stage.vera())).json()["items"]
    assert len(events) == 6


async def test_a_link_to_a_merged_incident_leads_on(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b, c = [await send(stage, tenant, f"The {word} engine stopped") for word in WORDS[:3]]
    [event] = (await stage.incidents.get(path(tenant, c, "/events"), headers=stage.vera())).json()["items"]
    await post(stage, tenant, b, "merge", incident_ids=[c])
    await post(stage, tenant, a, "merge", incident_ids=[b])
    again = await post(stage, tenant, a, "merge", incident_ids=[c])  # once more changes nothing
    assert again == await read(stage, tenant, a) | {"moved": []}
    for merged in (b, c):  # one step, however often it was merged on
        found = await read(stage, tenant, merged)
        assert (found["id"], found["merged_into"], found["event_count"]) == (merged, a, 0)
        assert (await stage.incidents.get(path(tenant, merged, "/grouping"), headers=stage.vera())).json()["merged_into"] == a
    old_link = await stage.incidents.get(path(tenant, c, f"/events/{event['event_id']}"), headers=stage.vera())
    assert (old_link.status_code, old_link.json()["incident_id"]) == (200, a)
    answer = await stage.incidents.patch(path(tenant, b), json={"status": "resolved"}, headers=stage.bob())
    assert answer.status_code == 409


async def test_a_split_undoes_a_merge_exactly_and_stays(stage: Stage) -> None:
    tenant = await stage.tenant()
    a = await send(stage, tenant, "Card declined", environment="production", release="2.0.0")
    b = await send(stage, tenant, "Payment refused", environment="staging", release="1.0.0")
    await patch(stage, tenant, b, status="ignored", ignored_events=5)
    before = {one: await read(stage, tenant, one) for one in (a, b)}
    own = await fingerprint_of(stage, tenant, b)
    merged = await post(stage, tenant, a, "merge", incident_ids=[b])
    assert merged["moved"] == [{"fingerprint": own, "incident_id": b}]  # all that it takes to undo it
    answer = await post(stage, tenant, a, "split", fingerprints=[own])
    assert answer == {"incident": before[a], "split": [{"fingerprint": own, "incident_id": b}]}
    assert await read(stage, tenant, b) == before[b]
    assert await send(stage, tenant, "Payment refused") == b
    assert await send(stage, tenant, "Card declined") == a
    await assert_adds_up(stage, tenant)


async def test_a_merge_of_more_fingerprints_than_a_page_holds_says_what_moved_and_is_split_at_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Payment refused")
    await stage.rows(
        """
        INSERT INTO incident_fingerprints (project_id, fingerprint, incident_id, version, rule, reason, parts, event_count,
                                           first_seen, last_seen, environments)
        SELECT project_id, md5(n::text)::uuid, incident_id, version, rule, reason, parts, 0, first_seen, last_seen, environments
          FROM incident_fingerprints, generate_series(1, 150) n
         WHERE project_id = %s AND incident_id = %s
        """,
        tenant.project_id,
        b,
    )
    moved = (await post(stage, tenant, a, "merge", incident_ids=[b]))["moved"]
    assert (len(moved), {one["incident_id"] for one in moved}) == (151, {b})
    await post(stage, tenant, a, "split", fingerprints=[one["fingerprint"] for one in moved])
    assert sorted(await listed(stage, tenant)) == sorted([a, b])
    await assert_adds_up(stage, tenant)


async def test_an_incidents_own_fingerprint_is_split_into_a_new_incident(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Payment refused")
    own = await fingerprint_of(stage, tenant, a)
    await post(stage, tenant, a, "merge", incident_ids=[b])
    answer = await post(stage, tenant, a, "split", fingerprints=[own])
    [moved] = answer["split"]
    made = moved["incident_id"]
    assert made not in {a, b}
    # Each is described by what is in it now.
    assert answer["incident"]["title"] == "Payment refused"
    assert (await read(stage, tenant, made))["title"] == "Card declined"
    assert await send(stage, tenant, "Card declined") == made
    assert await send(stage, tenant, "Payment refused") == a
    assert sorted(await listed(stage, tenant)) == sorted([a, made])
    await assert_adds_up(stage, tenant)


async def test_the_status_of_the_incident_merged_into_stands(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Payment refused")
    for _ in range(4):
        await send(stage, tenant, "Payment refused")
    await patch(stage, tenant, a, status="ignored", ignored_events=2)
    await post(stage, tenant, a, "merge", incident_ids=[b])
    # "Until two more" counts what comes, not what was merged.
    await send(stage, tenant, "Payment refused")
    assert await status(stage, tenant, a) == "ignored"
    await send(stage, tenant, "Card declined")
    assert await status(stage, tenant, a) == "open"


async def test_what_cannot_be_merged_or_split_is_refused_with_nothing_changed(stage: Stage) -> None:
    theirs = await stage.tenant()
    foreign = await send(stage, theirs)
    foreign_print = await fingerprint_of(stage, theirs, foreign)
    tenant = await stage.tenant()
    a, b, c = [await send(stage, tenant, f"The {word} engine stopped") for word in WORDS[:3]]
    await post(stage, tenant, a, "merge", incident_ids=[b])
    own, other = [one["fingerprint"] for one in await explained(stage, tenant, a)]
    third = await fingerprint_of(stage, tenant, c)
    before = await stage.rows("SELECT project_id, fingerprint, incident_id FROM incident_fingerprints ORDER BY 1, 2")
    cases: list[tuple[int, str, dict[str, Any], int]] = [
        (a, "merge", {"incident_ids": [c, foreign]}, 404),
        (foreign, "merge", {"incident_ids": [c]}, 404),
        (a, "merge", {"incident_ids": [c, 9_000_000_000]}, 404),
        (a, "merge", {"incident_ids": [a]}, 400),
        (a, "merge", {"incident_ids": []}, 400),
        (a, "merge", {"incident_ids": [0]}, 400),
        (a, "merge", {"incident_ids": [2**63]}, 400),
        (a, "merge", {"incident_ids": list(range(1, 102))}, 400),
        (a, "merge", {"incident_ids": [c], "surprise": 1}, 400),
        (b, "merge", {"incident_ids": [c]}, 409),  # b has been merged
        (c, "merge", {"incident_ids": [b]}, 409),  # into a, not into c
        (a, "split", {"fingerprints": [foreign_print]}, 404),
        (a, "split", {"fingerprints": [third]}, 404),
        (a, "split", {"fingerprints": [other, third]}, 404),
        (foreign, "split", {"fingerprints": [foreign_print]}, 404),
        (b, "split", {"fingerprints": [other]}, 409),
        (a, "split", {"fingerprints": [own, other]}, 409),
        (c, "split", {"fingerprints": [third]}, 409),
        (a, "split", {"fingerprints": ["x"]}, 400),
        (a, "split", {"fingerprints": []}, 400),
    ]
    for incident, verb, body, expected in cases:
        answer = await stage.incidents.post(path(tenant, incident, f"/{verb}"), json=body, headers=stage.bob())
        assert answer.status_code == expected, (verb, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert await stage.rows("SELECT project_id, fingerprint, incident_id FROM incident_fingerprints ORDER BY 1, 2") == before
    assert len(await stage.rows("SELECT id FROM audit_log WHERE workspace_id = %s", tenant.workspace_id)) == 1


async def test_viewers_read_and_members_change_and_nobody_else_does_either(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Payment refused")
    own = await fingerprint_of(stage, tenant, b)

    async def ask(method: str, rest: str, body: Any, headers: dict[str, str]) -> int:
        request = stage.incidents.request(method, path(tenant, a, rest), json=body, headers=headers)
        return (await request).status_code

    calls = [
        ("GET", "/grouping", None, 200),
        ("POST", "/merge", {"incident_ids": [b]}, 403),
        ("POST", "/split", {"fingerprints": [own]}, 403),
    ]
    for method, rest, body, as_viewer in calls:
        assert await ask(method, rest, body, {}) == 401
        assert await ask(method, rest, body, tenant.bearer) == 401
        assert await ask(method, rest, body, stage.charlie()) == 404
        assert await ask(method, rest, body, stage.vera()) == as_viewer
    for person in (stage.bob(), stage.alice()):
        assert [await ask(method, rest, body, person) for method, rest, body, _ in calls] == [200, 200, 200]


async def test_grouping_is_explained_in_words(stage: Stage) -> None:
    tenant = await stage.tenant()
    frames = [{"function": "pay", "module": "shop.checkout", "in_app": True, "context_line": "charge(card)"}]
    error = {"type": "Declined", "value": "no funds", "stacktrace": {"frames": frames}}
    a = await send(stage, tenant, "Card declined")
    b = await send_error(stage, tenant, error)
    await post(stage, tenant, a, "merge", incident_ids=[b])
    began, merged = await explained(stage, tenant, a)
    assert (began["rule"], began["version"], began["parts"]) == ("message", 1, ["message: Card declined"])
    assert began["origin"] | {"text": ""} == {
        "kind": "began", "text": "", "home_incident_id": a, "from_incident_id": None, "at": None, "by": None,
        "previous_fingerprint": None,
    }  # fmt: skip
    assert merged["rule"] == "stack"
    assert "application frame" in merged["reason"]
    assert "type: Declined" in merged["parts"]
    assert (merged["origin"]["kind"], merged["origin"]["from_incident_id"], merged["origin"]["home_incident_id"]) == (
        "merged",
        b,
        b,
    )
    assert merged["origin"]["by"]["id"] > 0
    assert f"merged incident {b} into this one" in merged["origin"]["text"]
    await post(stage, tenant, a, "split", fingerprints=[merged["fingerprint"]])
    [split] = await explained(stage, tenant, b)
    assert (split["origin"]["kind"], split["origin"]["from_incident_id"]) == ("split", a)


async def send_error(stage: Stage, tenant: Tenant, error: dict[str, Any], **fields: Any) -> int:
    answer = await stage.ingest.post(
        f"/api/{tenant.project_id}/store/",
        json={"event_id": random.randbytes(16).hex(), "exception": {"values": [error]}, **fields},
        headers=tenant.sentry_auth,
    )
    assert answer.status_code == 200, answer.text
    [row] = await stage.rows(
        "SELECT f.incident_id FROM event_ids e JOIN incident_fingerprints f USING (project_id, fingerprint) WHERE event_id = %s",
        answer.json()["id"],
    )
    return int(row["incident_id"])


async def test_the_explanation_pages_through_all_fingerprints_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    ids = [await send(stage, tenant, f"The {word} engine stopped") for word in WORDS]
    await post(stage, tenant, ids[0], "merge", incident_ids=ids[1:])
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params: dict[str, str | int] = {"limit": 4, "cursor": cursor}
        page = (await stage.incidents.get(path(tenant, ids[0], "/grouping"), params=params, headers=stage.vera())).json()
        found += [item["fingerprint"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(found) == len(set(found)) == len(WORDS)
    for bad in ("x", "WyJ4IiwieSJd"):
        answer = await stage.incidents.get(path(tenant, ids[0], "/grouping"), params={"cursor": bad}, headers=stage.vera())
        assert answer.status_code == 400


async def test_every_change_is_in_the_trail_with_what_was_before(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Payment refused")
    own = await fingerprint_of(stage, tenant, b)
    await patch(stage, tenant, a, status="resolved")
    await post(stage, tenant, a, "merge", incident_ids=[b])
    await post(stage, tenant, a, "split", fingerprints=[own])
    rows = await stage.rows("SELECT * FROM audit_log WHERE workspace_id = %s ORDER BY id", tenant.workspace_id)
    assert [row["action"] for row in rows] == ["incident.status", "incident.merge", "incident.split"]
    assert {(row["project_id"], row["object_id"], row["actor_kind"]) for row in rows} == {(tenant.project_id, str(a), "person")}
    assert [rows[0][side]["status"] for side in ("before", "after")] == ["open", "resolved"]
    assert [one["event_count"] for one in rows[1]["before"]["incidents"]] == [1, 1]
    assert [one["event_count"] for one in rows[1]["after"]["incidents"]] == [2, 0]
    assert rows[2]["before"] == {"fingerprints": [{"fingerprint": own, "incident_id": a}]}
    assert rows[2]["after"] == {"fingerprints": [{"fingerprint": own, "incident_id": b}]}


async def test_the_trail_tells_what_was_true_when_the_merge_had_its_turn(stage: Stage) -> None:
    """Somebody else resolves an incident, and an event comes in, between the request of the merge and its turn."""
    tenant = await stage.tenant()
    a, b = await send(stage, tenant, "Card declined"), await send(stage, tenant, "Payment refused")
    async with await psycopg.AsyncConnection.connect(stage.database_url) as conn:
        held = b"UPDATE incidents SET status = 'resolved', event_count = event_count + 1 WHERE project_id = %s AND id = %s"
        counted = b"UPDATE incident_fingerprints SET event_count = event_count + 1 WHERE project_id = %s AND incident_id = %s"
        await conn.execute(counted, [tenant.project_id, b])
        await conn.execute(held, [tenant.project_id, b])
        merging = asyncio.create_task(post(stage, tenant, a, "merge", incident_ids=[b]))
        waiting = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s"
        )
        for _ in range(500):
            if await stage.rows(waiting, "%lock_incidents%"):
                break
            await asyncio.sleep(0.01)
        await conn.commit()
    assert (await merging)["event_count"] == 3
    [row] = await stage.rows("SELECT before FROM audit_log WHERE workspace_id = %s", tenant.workspace_id)
    assert [(one["status"], one["event_count"]) for one in row["before"]["incidents"]] == [("open", 1), ("resolved", 2)]


async def test_any_sequence_of_merges_and_splits_adds_up(stage: Stage) -> None:
    tenant = await stage.tenant()
    draw = random.Random(7)
    now = datetime.now(UTC)
    for step in range(60):
        word = draw.choice(WORDS)
        fields: dict[str, Any] = {"occurred_at": (now - timedelta(minutes=60 - step)).isoformat()}
        if draw.random() < 0.7:
            fields |= {"environment": draw.choice(["a", "b", "c"]), "release": draw.choice(["1.0.0", "1.1.0", "2.0.0"])}
        await send(stage, tenant, f"The {word} engine stopped", **fields)
        alive = await listed(stage, tenant)
        one = draw.choice(alive)
        if draw.random() < 0.4 and len(alive) > 1:
            await post(stage, tenant, one, "merge", incident_ids=draw.sample([i for i in alive if i != one], 1))
        else:
            prints = [item["fingerprint"] for item in await explained(stage, tenant, one)]
            if len(prints) > 1:
                await post(stage, tenant, one, "split", fingerprints=draw.sample(prints, draw.randint(1, len(prints) - 1)))
        if step % 10 == 9:
            await assert_adds_up(stage, tenant)
    assert sum([(await read(stage, tenant, one))["event_count"] for one in await listed(stage, tenant)]) == 60


async def test_counts_are_exact_when_ingest_merges_and_splits_run_at_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    for word in WORDS:
        await send(stage, tenant, f"The {word} engine stopped")
    second = await stage.client(stage.ingest_app)  # another instance, with connections of its own
    done = asyncio.Event()
    sent = len(WORDS)

    async def keep_sending(client: httpx.AsyncClient, seed: int) -> None:
        nonlocal sent
        draw = random.Random(seed)
        while not done.is_set():
            items = [{"message": f"The {draw.choice(WORDS)} engine stopped"} for _ in range(8)]
            answer = await client.post("/api/ingest", json=items, headers=tenant.bearer)
            assert [item["outcome"] for item in answer.json()["items"]] == ["accepted"] * 8
            sent += 8

    async def keep_changing(seed: int) -> list[int]:
        draw = random.Random(seed)
        answers = []
        for _ in range(8):
            alive = await listed(stage, tenant)
            one, *others = draw.sample(alive, min(3, len(alive)))
            answer = await stage.incidents.post(path(tenant, one, "/merge"), json={"incident_ids": others}, headers=stage.bob())
            answers.append(answer.status_code)
            for item in await explained(stage, tenant, one):
                body = {"fingerprints": [item["fingerprint"]]}
                answer = await stage.incidents.post(path(tenant, one, "/split"), json=body, headers=stage.bob())
                answers.append(answer.status_code)
        return answers

    senders = [asyncio.create_task(keep_sending(client, seed)) for seed, client in enumerate([stage.ingest, second] * 3)]
    changers = await asyncio.gather(keep_changing(1), keep_changing(2))
    done.set()
    await asyncio.gather(*senders)
    codes = [code for answers in changers for code in answers]
    assert set(codes) <= {200, 400, 404, 409}  # refused where the other was first, or nothing is left to merge; never a 500
    assert codes.count(200) > 5
    await assert_adds_up(stage, tenant)
    [stored] = await stage.rows("SELECT count(*) AS n FROM events WHERE project_id = %s", tenant.project_id)
    [counted] = await stage.rows("SELECT sum(event_count) AS n FROM incidents WHERE project_id = %s", tenant.project_id)
    assert sent == stored["n"] == counted["n"]


def version_2(payload: Mapping[str, Any]) -> Fingerprint:
    """A stand-in: finer than version 1, it tells environments apart."""
    first = fingerprint.EARLIER[0](payload)
    parts = [*first.parts, f"environment: {payload.get('environment')}"]
    return Fingerprint(2, hashlib.blake2b("|".join(parts).encode(), digest_size=16).hexdigest(), "message", "Same", parts)


def switch(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on version 2 is the current one."""
    monkeypatch.setattr(fingerprint, "EARLIER", (fingerprint.compute,))
    monkeypatch.setattr(fingerprint, "compute", version_2)


async def test_a_new_version_of_the_algorithm_splits_no_incident(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    a = await send(stage, tenant, "Card declined", environment="production")
    b = await send(stage, tenant, "Payment refused")
    await post(stage, tenant, a, "merge", incident_ids=[b])
    switch(monkeypatch)
    for _ in range(2):
        for environment in ("production", "staging"):  # version 2 would tell them apart
            assert await send(stage, tenant, "Card declined", environment=environment) == a
    assert await send(stage, tenant, "Payment refused") == a  # where the earlier one was merged
    new = await send(stage, tenant, "Bank is away", environment="production")
    assert new not in {a, b}
    assert await send(stage, tenant, "Bank is away", environment="staging") != new  # nothing earlier holds these together
    found = {item["fingerprint"]: item for item in await explained(stage, tenant, a)}
    assert sorted(item["version"] for item in found.values()) == [1, 1, 2, 2, 2]
    for item in found.values():
        if item["version"] == 2:
            assert found[item["origin"]["previous_fingerprint"]]["version"] == 1
    await assert_adds_up(stage, tenant)
    # A split still takes back what belongs together: the merged fingerprint and the one that followed it.
    followers = [key for key, item in found.items() if item["origin"]["home_incident_id"] == b]
    assert len(followers) == 2
    await post(stage, tenant, a, "split", fingerprints=followers)
    assert await send(stage, tenant, "Payment refused") == b
    assert (await read(stage, tenant, b))["event_count"] == 3
    await assert_adds_up(stage, tenant)


async def test_counts_stay_exact_when_versions_change_during_merges(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    words = [f"{one}{two}" for one in WORDS for two in WORDS]
    ids = [await send(stage, tenant, f"The {word} engine stopped") for word in words]
    second = await stage.client(stage.ingest_app)
    switch(monkeypatch)

    async def send_all(client: httpx.AsyncClient, environment: str, seed: int) -> None:
        order = random.Random(seed).sample(words, len(words))
        for word in order:
            item = {"message": f"The {word} engine stopped", "environment": environment}
            assert (await client.post("/api/ingest", json=item, headers=tenant.bearer)).status_code == 200

    async def merge_all() -> None:
        for other in ids[1:]:
            await post(stage, tenant, ids[0], "merge", incident_ids=[other])

    clients = [stage.ingest, second] * 2
    await asyncio.gather(merge_all(), *(send_all(client, str(n), n) for n, client in enumerate(clients)))
    assert await listed(stage, tenant) == [ids[0]]
    assert (await read(stage, tenant, ids[0]))["event_count"] == len(words) * 5
    await assert_adds_up(stage, tenant)
