"""Legal holds: while one lasts, what it covers outlives every kind of pruning, and nothing else does."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any

import psycopg
import pytest

from lib import audit, db, grouping, holds, incidents, pruning
from lib.errors import Conflict, InvalidRequest, NotFound
from tests.lib.expiring import age, record
from tests.lib.rows import ask, counts, fingerprint, make_project, row


async def actor_of(url: str, project_id: int) -> audit.Actor:
    [(workspace_id,)] = await ask(url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    [(person_id,)] = await ask(
        url,
        "INSERT INTO people (clerk_user_id) VALUES ('owner') ON CONFLICT (clerk_user_id) DO UPDATE SET name = 'o' RETURNING id",
    )
    return audit.Actor(workspace_id, project_id, "person", person_id)


async def place(url: str, project_id: int, incident_id: int | None = None) -> int:
    async with await db.connect(url) as conn, conn.transaction():
        hold = await holds.place(conn, await actor_of(url, project_id), project_id, incident_id, "case 7")
    return int(hold["id"])


async def end(url: str, project_id: int, hold_id: int) -> None:
    async with await db.connect(url) as conn, conn.transaction():
        await holds.end(conn, await actor_of(url, project_id), project_id, hold_id)


async def incident_of(url: str, project_id: int, crash: object) -> int:
    sql = "SELECT incident_id FROM incident_fingerprints WHERE project_id = %s AND fingerprint = %s"
    [(incident_id,)] = await ask(url, sql, project_id, fingerprint(crash))
    return int(incident_id)


async def run(url: str) -> dict[str, Any]:
    await ask(url, "UPDATE retention_sweeps SET passed_at = NULL")
    async with await db.connect(url) as conn:
        report = await pruning.run(conn, 60)
    assert report["failed"] == []
    return report


async def readable(url: str, project_id: int) -> set[str]:
    """The crashes of which an event can still be read whole."""
    found = set()
    sql = "SELECT event_id, fingerprint FROM event_ids WHERE project_id = %s"
    async with await db.connect(url) as conn:
        for event_id, print_ in await ask(url, sql, project_id):
            if (await incidents.read_event(conn, project_id, event_id.hex))["payload"]:
                found.add(print_.hex)
    return found


def prints(*crashes: object) -> set[str]:
    return {fingerprint(crash) for crash in crashes}


async def test_held_payloads_outlive_their_day_and_the_neighbours_go(database_url: str) -> None:
    held, neighbour = await make_project(database_url), await make_project(database_url)
    for one in (held, neighbour):
        await record(database_url, [row(one, number, retention_days=-1) for number in range(4)])
    hold_id = await place(database_url, held)
    await run(database_url)
    assert await readable(database_url, held) == prints(0, 1, 2, 3)
    assert await readable(database_url, neighbour) == set()
    await end(database_url, held, hold_id)
    await run(database_url)
    assert await readable(database_url, held) == set()
    assert await ask(database_url, "SELECT 1 FROM kept_payloads WHERE project_id = %s", held) == []


async def test_the_hold_of_an_incident_holds_its_events_only(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, crash, retention_days=-1) for crash in ("held", "held", "other")])
    await place(database_url, project_id, await incident_of(database_url, project_id, "held"))
    await run(database_url)
    assert await readable(database_url, project_id) == prints("held")
    found = await ask(database_url, "SELECT count(*) FROM kept_payloads WHERE project_id = %s", project_id)
    assert found == [(2,)]


async def test_light_rows_counts_and_incidents_that_are_held_stay(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, crash, retention_days=-1) for crash in ("held", "other")])
    await age(database_url, project_id, 900)
    hold_id = await place(database_url, project_id, await incident_of(database_url, project_id, "held"))
    await run(database_url)
    assert await counts(database_url, project_id) == {
        "events": 1, "event_ids": 1, "event_payloads": 0, "incidents": 1, "incident_fingerprints": 1, "event_counts": 1,
    }  # fmt: skip
    assert await readable(database_url, project_id) == prints("held")
    await end(database_url, project_id, hold_id)
    await run(database_url)
    assert set((await counts(database_url, project_id)).values()) == {0}


async def test_a_hold_goes_along_with_a_merge_and_a_split(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, crash, retention_days=-1) for crash in ("held", "target", "born here")])
    held, target = [await incident_of(database_url, project_id, crash) for crash in ("held", "target")]
    await place(database_url, project_id, held)
    actor = await actor_of(database_url, project_id)
    async with await db.connect(database_url) as conn, conn.transaction():
        await grouping.merge(conn, actor, project_id, target, [held])
    await run(database_url)
    assert await readable(database_url, project_id) == prints("held")
    async with await db.connect(database_url) as conn, conn.transaction():
        await grouping.split(conn, actor, project_id, target, [uuid.UUID(fingerprint("held"))])
    await run(database_url)
    assert await readable(database_url, project_id) == prints("held")


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_held_stays_held_however_often_it_is_merged_and_split(database_url: str, seed: int) -> None:
    chance, project_id = random.Random(seed), await make_project(database_url)
    crashes: list[object] = ["held", *range(5)]
    await record(database_url, [row(project_id, crash, retention_days=-1) for crash in crashes])
    actor, home = await actor_of(database_url, project_id), await incident_of(database_url, project_id, "held")
    hold_id = await place(database_url, project_id, home)
    async with await db.connect(database_url) as conn, conn.transaction():
        await grouping.merge(conn, actor, project_id, home, [await incident_of(database_url, project_id, 0)])
    held: set[object] = {"held", 0}
    for _ in range(25):
        leads = {crash: await incident_of(database_url, project_id, crash) for crash in crashes}
        one = chance.choice(crashes)
        async with await db.connect(database_url) as conn:
            try:
                async with conn.transaction():
                    if chance.random() < 0.5:
                        await grouping.merge(conn, actor, project_id, leads[one], [leads[chance.choice(crashes)]])
                    else:
                        await grouping.split(conn, actor, project_id, leads[one], [uuid.UUID(fingerprint(one))])
            except (Conflict, InvalidRequest):
                continue
        held |= {crash for crash in crashes if await incident_of(database_url, project_id, crash) == home}
        sql = "SELECT fingerprint FROM incident_fingerprints WHERE project_id = %s AND is_held(project_id, fingerprint)"
        assert {found.hex for (found,) in await ask(database_url, sql, project_id)} == prints(*held)
    await run(database_url)
    assert await readable(database_url, project_id) == prints(*held)
    await end(database_url, project_id, hold_id)
    await run(database_url)
    assert await readable(database_url, project_id) == set()


async def test_a_newer_version_of_a_held_fingerprint_is_held(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, crash) for crash in ("held", "beside")])
    held, beside = [await incident_of(database_url, project_id, crash) for crash in ("held", "beside")]
    await place(database_url, project_id, held)
    actor = await actor_of(database_url, project_id)
    async with await db.connect(database_url) as conn, conn.transaction():
        await grouping.merge(conn, actor, project_id, held, [beside])
        await grouping.split(conn, actor, project_id, held, [uuid.UUID(fingerprint("beside"))])
    newer = row(project_id, "newer", previous=[fingerprint("beside")], version=2)
    await record(database_url, [newer])
    [(is_held,)] = await ask(database_url, "SELECT is_held(%s, %s)", project_id, uuid.UUID(fingerprint("newer")))
    assert await incident_of(database_url, project_id, "newer") == beside
    assert is_held


async def test_whoever_places_a_hold_waits_for_a_split_that_is_under_way(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, crash) for crash in ("held", "beside")])
    incident_id = await incident_of(database_url, project_id, "held")
    async with await db.connect(database_url) as conn, conn.transaction():
        await conn.execute("SELECT FROM projects WHERE id = %s FOR NO KEY UPDATE", [project_id])  # as merges and splits begin
        placing = asyncio.create_task(place(database_url, project_id, incident_id))
        done, _ = await asyncio.wait([placing], timeout=0.3)
        assert not done
    await placing


async def test_whoever_places_a_hold_while_a_day_is_dropped_is_told_the_truth(database_url: str) -> None:
    """Either the hold came first and everything is there, or it waited for the drop."""
    for _ in range(5):
        project_id = await make_project(database_url)
        await record(database_url, [row(project_id, number, retention_days=-1) for number in range(20)])
        await asyncio.gather(run(database_url), place(database_url, project_id))
        assert len(await readable(database_url, project_id)) in {0, 20}


async def test_a_partition_with_something_held_in_it_is_never_dropped(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, retention_days=-3)])
    await place(database_url, project_id)
    async with await db.connect(database_url) as conn:
        with pytest.raises(psycopg.errors.ObjectInUse):
            await conn.execute("SELECT * FROM prune_payloads(today() - 3)")
    assert (await counts(database_url, project_id))["event_payloads"] == 1
    await run(database_url)


async def test_holds_are_listed_and_in_the_trail(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id)])
    incident_id = await incident_of(database_url, project_id, "crash")
    first = await place(database_url, project_id)
    second = await place(database_url, project_id, incident_id)
    await end(database_url, project_id, first)
    async with await db.connect(database_url) as conn:
        page = await holds.list_page(conn, project_id, 1, None)
        rest = await holds.list_page(conn, project_id, 1, page["next_cursor"])
    found = page["items"] + rest["items"]
    assert rest["next_cursor"] is None
    assert [(one["id"], one["incident_id"], one["ended_at"] is None) for one in found] == [
        (second, incident_id, True), (first, None, False),
    ]  # fmt: skip
    told = await ask(database_url, "SELECT action, object_id FROM audit_log WHERE project_id = %s ORDER BY id", project_id)
    assert told == [("hold.place", str(first)), ("hold.place", str(second)), ("hold.end", str(first))]


async def test_what_is_held_already_is_not_held_twice_and_what_is_not_there_not_at_all(database_url: str) -> None:
    project_id, other = await make_project(database_url), await make_project(database_url)
    await record(database_url, [row(other)])
    foreign = await incident_of(database_url, other, "crash")
    hold_id = await place(database_url, project_id)
    with pytest.raises(Conflict):
        await place(database_url, project_id)
    with pytest.raises(NotFound):
        await place(database_url, project_id, foreign)
    with pytest.raises(NotFound):
        await end(database_url, other, hold_id)
    await end(database_url, project_id, hold_id)
    with pytest.raises(NotFound):
        await end(database_url, project_id, hold_id)
    await place(database_url, project_id)
