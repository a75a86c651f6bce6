"""A project's retention: what a change would do, that it reaches what is stored, and what stays however it is set."""

from __future__ import annotations

import asyncio

import pytest

from lib import audit, db, incidents, pruning, retention
from lib.errors import InvalidRequest, NotConfigured, NotFound
from lib.keeping import Keep, read
from tests.lib.expiring import age, day, payload_days, record
from tests.lib.rows import ask, counts, make_project, row


async def change(url: str, project_id: int, retention_days: int) -> None:
    """As an owner changes it, more than two minutes ago: by now every instance knows."""
    async with await db.connect(url) as conn, conn.transaction():
        actor = await actor_of(url, project_id)
        await retention.change(conn, actor, project_id, retention_days)
    await ask(url, "UPDATE retention_changes SET requested_at = requested_at - interval '3 minutes'")


async def actor_of(url: str, project_id: int) -> audit.Actor:
    [(workspace_id,)] = await ask(url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    return audit.Actor(workspace_id, project_id, "person", 1)


async def run(url: str, seconds: float = 60) -> dict[str, object]:
    async with await db.connect(url) as conn:
        report = await pruning.run(conn, seconds)
    assert report["failed"] == []
    return report


async def record_aged(url: str, project_id: int, ages: list[int], retention_days: int = 90) -> None:
    """One event of each age in days, under this retention."""
    for days in sorted(ages):
        other = await make_project(url)
        await record(url, [row(other, other, retention_days=retention_days - days)])
        await age(url, other, days)
        for table in ("events", "event_payloads", "event_ids", "event_counts"):
            await ask(url, f"UPDATE {table} SET project_id = %s WHERE project_id = %s", project_id, other)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (90, 30, [0, 10, 29]),
        (90, 31, [0, 10, 29]),  # the one of 60 days has gone, and so have 80
        (90, 7, [0]),
        (90, 1, [0]),
        (90, 90, [0, 10, 29, 60, 80]),
        (90, 100, [0, 10, 29, 60, 80]),
        (90, 3650, [0, 10, 29, 60, 80]),
    ],
)
async def test_a_change_reaches_what_is_stored(database_url: str, before: int, after: int, kept: list[int]) -> None:
    project_id, neighbour = await make_project(database_url), await make_project(database_url)
    for one in (project_id, neighbour):
        await record_aged(database_url, one, [0, 10, 29, 60, 80], before)
    await change(database_url, project_id, after)
    await run(database_url)
    sql = """SELECT (today() - (received_at AT TIME ZONE 'UTC')::date), expires_on = expires_on(received_at, %s)
               FROM event_payloads WHERE project_id = %s ORDER BY 1"""
    assert await ask(database_url, sql, after, project_id) == [(days, True) for days in kept]
    assert len(await ask(database_url, sql, before, neighbour)) == 5
    found = await ask(
        database_url,
        "SELECT count(*) FROM events e JOIN event_payloads p USING (project_id, received_at, event_id, expires_on)"
        " WHERE project_id = %s",
        project_id,
    )
    assert found == [(len(kept),)]  # each light row leads to its payload
    assert (await counts(database_url, project_id))["events"] == 5
    async with await db.connect(database_url) as conn:
        assert await retention.read(conn, project_id) == {"retention_days": after, "applied": True}


async def test_a_change_that_is_half_done_goes_on_where_it_was(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "MOVED_ROWS", 2)
    project_id = await make_project(database_url)
    await record_aged(database_url, project_id, [0, 0, 0, 5, 5])
    await change(database_url, project_id, 40)
    async with await db.connect(database_url) as conn:
        for _ in range(3):
            await db.fetch_one(conn, "retention_update_payloads", project_id=project_id, max_rows=2)
        assert not (await retention.read(conn, project_id))["applied"]
    await run(database_url)
    assert await payload_days(database_url, project_id) == [day(35), day(40)]


async def test_runs_that_overlap_lose_no_payload_of_a_project_that_changes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MOVED_ROWS", 3)
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, retention_days=90) for _ in range(40)])
    await change(database_url, project_id, 50)
    await asyncio.gather(*(run(database_url) for _ in range(3)))
    assert await payload_days(database_url, project_id) == [day(50)]
    assert (await counts(database_url, project_id))["event_payloads"] == 40


async def test_events_of_instances_that_do_not_know_of_the_change_yet_are_reached_too(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id)])
    async with await db.connect(database_url) as conn, conn.transaction():
        await retention.change(conn, await actor_of(database_url, project_id), project_id, 20)
    await run(database_url)
    await record(database_url, [row(project_id, retention_days=90)])
    async with await db.connect(database_url) as conn:
        assert not (await retention.read(conn, project_id))["applied"]
    await ask(database_url, "UPDATE retention_changes SET requested_at = requested_at - interval '3 minutes'")
    await run(database_url)
    assert await payload_days(database_url, project_id) == [day(20)]
    async with await db.connect(database_url) as conn:
        assert (await retention.read(conn, project_id))["applied"]


async def test_the_effect_of_a_change_is_told_before_it_is_made(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_aged(database_url, project_id, [0, 10, 29, 60, 80])
    async with await db.connect(database_url) as conn:
        told = await retention.effect(conn, project_id, 30)
        assert (told["stored"]["rows"], told["removed"]["rows"]) == (5, 2)
        assert 0 < told["removed"]["bytes"] < told["stored"]["bytes"]
        assert (await retention.effect(conn, project_id, 3650))["removed"] == {"rows": 0, "bytes": 0}
    await change(database_url, project_id, 30)
    await run(database_url)
    assert (await counts(database_url, project_id))["event_payloads"] == 3


async def test_a_change_is_in_the_trail_and_none_is_not(database_url: str) -> None:
    project_id = await make_project(database_url)
    for days in (90, 30, 30):
        await change(database_url, project_id, days)
    sql = "SELECT action, before, after FROM audit_log WHERE project_id = %s"
    assert await ask(database_url, sql, project_id) == [
        ("project.retention", {"retention_days": 90}, {"retention_days": 30})
    ]  # fmt: skip


@pytest.mark.parametrize("days", [0, -1, 3_651, 10**6])
async def test_a_retention_out_of_bounds_is_refused(database_url: str, days: int) -> None:
    project_id = await make_project(database_url)
    async with await db.connect(database_url) as conn:
        actor = await actor_of(database_url, project_id)
        with pytest.raises(InvalidRequest):
            await retention.change(conn, actor, project_id, days)
        with pytest.raises(InvalidRequest):
            await retention.effect(conn, project_id, days)


async def test_of_a_project_that_is_not_there_nothing_is_told(database_url: str) -> None:
    async with await db.connect(database_url) as conn:
        actor = audit.Actor(1, 2**60, "person", 1)
        with pytest.raises(NotFound):
            await retention.change(conn, actor, 2**60, 30)
        with pytest.raises(NotFound):
            await retention.read(conn, 2**60)


async def test_light_rows_go_at_their_own_time_and_never_before_their_payload(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_aged(database_url, project_id, [360, 370, 400], 300)
    await record_aged(database_url, project_id, [370], 500)
    await run(database_url)
    sql = """SELECT today() - (received_at AT TIME ZONE 'UTC')::date, expires_on >= today()
               FROM events WHERE project_id = %s ORDER BY 1"""
    assert await ask(database_url, sql, project_id) == [(360, False), (370, True)]
    found = await counts(database_url, project_id)
    assert (found["event_ids"], found["event_payloads"]) == (2, 1)
    assert found["event_counts"] == 4
    assert await ask(database_url, "SELECT 1 FROM partitions_of('events') WHERE name = %s", f"events_{day(-400):%Y%m%d}") == []


async def test_hourly_counts_go_at_their_own_time(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_aged(database_url, project_id, [0, 700, 729, 740, 800], 10)
    await ask(database_url, "UPDATE retention_sweeps SET passed_at = NULL")
    await run(database_url)
    sql = "SELECT today() - (hour AT TIME ZONE 'UTC')::date FROM event_counts WHERE project_id = %s ORDER BY 1"
    assert await ask(database_url, sql, project_id) == [(0,), (700,), (729,)]


async def test_a_sweep_takes_as_many_runs_as_it_needs_and_then_rests(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, number) for number in range(25)])
    await age(database_url, project_id, 800)
    await ask(database_url, "UPDATE retention_sweeps SET passed_at = NULL, position = NULL")
    async with await db.connect(database_url) as conn:
        total, seen = 0, 1
        while seen:
            found = await db.fetch_one(conn, "retention_delete_counts", days=730, max_rows=10)
            assert found
            seen = found["seen"]
            total += found["removed"]
        assert total == 25
        again = await db.fetch_one(conn, "retention_delete_counts", days=730, max_rows=10)
        assert again == {"seen": 0, "removed": 0}


async def test_incidents_go_with_their_counts_once_they_were_not_seen_for_long(database_url: str) -> None:
    project_id, living = await make_project(database_url), await make_project(database_url)
    for one in (project_id, living):
        await record(database_url, [row(one, number % 7, retention_days=-1) for number in range(21)])
    await age(database_url, project_id, 730 + 32)
    await age(database_url, living, 700)
    await run(database_url)
    assert set((await counts(database_url, project_id)).values()) == {0}
    assert (await counts(database_url, living))["incidents"] == 21


async def test_an_incident_stays_while_its_project_keeps_payloads_for_longer(database_url: str) -> None:
    project_id = await make_project(database_url)
    await ask(database_url, "UPDATE projects SET retention_days = 2000 WHERE id = %s", project_id)
    await record(database_url, [row(project_id, retention_days=1000)])
    await age(database_url, project_id, 1000)
    await ask(database_url, "UPDATE retention_sweeps SET passed_at = now()")
    await run(database_url)
    assert await counts(database_url, project_id) | {"event_counts": 1} == dict.fromkeys(
        await counts(database_url, project_id), 1
    )


async def test_an_event_that_comes_while_its_incident_is_removed_finds_one(database_url: str) -> None:
    for _ in range(10):
        project_id = await make_project(database_url)
        await record(database_url, [row(project_id)])
        await age(database_url, project_id, 800)
        later = [record(database_url, [row(project_id)]) for _ in range(2)]
        await asyncio.gather(run(database_url), *later)
        sql = """SELECT count(*) FROM incident_fingerprints f
                   JOIN incidents i ON i.project_id = f.project_id AND i.id = f.incident_id
                  WHERE f.project_id = %s AND i.event_count >= 2"""
        assert await ask(database_url, sql, project_id) == [(1,)]


async def test_the_trail_goes_at_its_own_time(database_url: str) -> None:
    project_id = await make_project(database_url)
    actor = await actor_of(database_url, project_id)
    async with await db.connect(database_url) as conn:
        for days in (900, 731, 729, 700, 0):  # the oldest first, as they are written
            await audit.record(conn, actor, "test.age", days, None, None)
        async with conn.transaction():
            await conn.execute("SET LOCAL sensra.audit_erasure = 'on'")
            await conn.execute("UPDATE audit_log SET at = at - object_id::int * interval '1 day' WHERE action = 'test.age'")
    await run(database_url)
    sql = "SELECT object_id::int FROM audit_log WHERE workspace_id = %s AND action = 'test.age' ORDER BY 1"
    assert await ask(database_url, sql, actor.workspace_id) == [(0,), (700,), (729,)]


async def test_an_event_whose_payload_has_gone_says_so(database_url: str) -> None:
    project_id = await make_project(database_url)
    one = row(project_id, retention_days=-1)
    await record(database_url, [one])
    await run(database_url)
    async with await db.connect(database_url) as conn:
        event = await incidents.read_event(conn, project_id, one.columns["event_id"])
        assert (event["payload"], event["expires_on"]) == (None, day(-1))
        [(incident_id,)] = await ask(database_url, "SELECT id FROM incidents WHERE project_id = %s", project_id)
        told = await incidents.read(conn, project_id, incident_id)
    assert told["events_removed_on"] == day(0)
    assert (told["title"], told["event_count"]) == ("crash", 1)


async def test_an_incident_with_payloads_has_no_such_note(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, retention_days=-1), row(project_id, retention_days=5)])
    async with await db.connect(database_url) as conn:
        [(incident_id,)] = await ask(database_url, "SELECT id FROM incidents WHERE project_id = %s", project_id)
        assert (await incidents.read(conn, project_id, incident_id))["events_removed_on"] is None


def test_settings_have_defaults_and_bounds() -> None:
    assert read({}) == Keep(events=365, counts=730, incidents=730, audit=730, usage=1_100, outcomes=100, archives=365)
    assert read({"RETENTION_EVENT_DAYS": "900"}).incidents == 900  # events lead to their incident
    for name, value in {
        "RETENTION_EVENT_DAYS": "30", "RETENTION_COUNT_DAYS": "forever", "RETENTION_AUDIT_DAYS": "-5",
        "RETENTION_USAGE_DAYS": "1e3", "RETENTION_INCIDENT_DAYS": "99999", "RETENTION_DAYS": "90",
    }.items():  # fmt: skip
        with pytest.raises(NotConfigured, match=name):
            read({name: value})


async def test_accounts_go_at_their_own_time(database_url: str) -> None:
    project_id = await make_project(database_url)
    actor = await actor_of(database_url, project_id)
    for days in (0, 99, 101, 900):
        for table, more in (("outcomes", "0, 'accepted', '', 0, 7"), ("project_hours", "NULL, NULL")):
            sql = f"INSERT INTO {table} VALUES (%s, date_trunc('hour', now()) - make_interval(days => %s), {more})"
            await ask(database_url, sql, project_id, days)
    for months in (0, 35, 37, 60):
        sql = "INSERT INTO usage VALUES (%s, date_trunc('month', now())::date - make_interval(months => %s), %s, 0, 7)"
        await ask(database_url, sql, actor.workspace_id, months, project_id)
    for days in (0, 729, 731):
        sql = """INSERT INTO audit_refusals (workspace_id, minute, actor_kind, actor_id, action, object_id)
                 VALUES (%s, now() - make_interval(days => %s), 'person', 1, 'key.make', 'x')"""
        await ask(database_url, sql, actor.workspace_id, days)
    await run(database_url)
    for table, left in (("outcomes", 2), ("project_hours", 2)):
        assert await ask(database_url, f"SELECT count(*) FROM {table} WHERE project_id = %s", project_id) == [(left,)]
    for table, left in (("usage", 2), ("audit_refusals", 2)):
        assert await ask(database_url, f"SELECT count(*) FROM {table} WHERE workspace_id = %s", actor.workspace_id) == [(left,)]


async def test_people_go_with_their_incident(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, retention_days=-1, user_hash="ab" * 16)])
    assert await ask(database_url, "SELECT count(*) FROM incident_people WHERE project_id = %s", project_id) == [(1,)]
    await age(database_url, project_id, 800)
    await run(database_url)
    assert await ask(database_url, "SELECT count(*) FROM incident_people WHERE project_id = %s", project_id) == [(0,)]
