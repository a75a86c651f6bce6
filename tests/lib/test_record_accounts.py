"""What record_events keeps beside the events: the account of the month, outcomes, samples of payloads, people, spikes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import db, grouping, usage
from lib.audit import Actor
from lib.recording import OVERFLOW, Recorded, Recorder, Row
from tests.lib.rows import ask, assert_stored, counts, fingerprint, make_project, row


@pytest.fixture
async def recorder(database_url: str) -> AsyncIterator[Recorder]:
    made = Recorder(lambda: db.connect(database_url))
    yield made
    await made.close()


async def send(recorder: Recorder, rows: list[Row]) -> list[int]:
    """Record; answers the incident of each."""
    found = await recorder.record(rows)
    assert all(isinstance(one, Recorded) for one in found), found
    return [one.incident_id or 0 for one in found if isinstance(one, Recorded)]


async def used(url: str, project_id: int) -> tuple[int, int]:
    """(events, payload bytes) of this month."""
    sql = "SELECT coalesce(sum(event_count), 0)::int, coalesce(sum(payload_bytes), 0)::int FROM usage WHERE project_id = %s"
    [found] = await ask(url, sql, project_id)
    return tuple(found)


async def outcomes(url: str, project_id: int) -> dict[tuple[str, str], int]:
    """(outcome, reason) → events."""
    sql = "SELECT outcome, reason, sum(event_count)::int FROM outcomes WHERE project_id = %s GROUP BY 1, 2"
    return {(outcome, reason): number for outcome, reason, number in await ask(url, sql, project_id)}


async def kept(url: str, project_id: int) -> int:
    return (await counts(url, project_id))["event_payloads"]


# The account


async def test_the_account_is_what_was_stored_however_often_it_is_sent(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    rows = [row(project_id, number % 3) for number in range(50)]
    await asyncio.gather(*(recorder.record([one]) for one in [*rows, *rows[:20]]))
    await recorder.record(rows[:10])
    assert await used(database_url, project_id) == (50, sum(len(one.payload) for one in rows))
    found = await outcomes(database_url, project_id)
    assert found[("accepted", "")] == 50
    # Twice in one batch is answered by the recorder itself; what came in a later batch was seen by the database.
    assert 10 <= found[("duplicate", "")] <= 30


async def test_a_batch_that_fails_counts_nothing(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    await recorder.record([row(project_id), row(project_id, level=None)])
    assert await used(database_url, project_id) == (1, (await used(database_url, project_id))[1])
    assert await outcomes(database_url, project_id) == {("accepted", ""): 1}


async def test_many_at_once_are_all_counted(database_url: str) -> None:
    project_id = await make_project(database_url)
    recorders = [Recorder(lambda: db.connect(database_url)) for _ in range(4)]
    await asyncio.gather(*(one.record([row(project_id, n % 5)]) for one in recorders for n in range(100)))
    assert (await used(database_url, project_id))[0] == 400
    assert await outcomes(database_url, project_id) == {("accepted", ""): 400}
    for one in recorders:
        await one.close()


async def test_the_account_outlives_payloads_and_the_project(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    await recorder.record([row(project_id) for _ in range(5)])
    whose = "SELECT workspace_id, month FROM usage WHERE project_id = %s LIMIT 1"
    [(workspace_id, month)] = await ask(database_url, whose, project_id)
    await ask(database_url, "DELETE FROM event_payloads WHERE project_id = %s", project_id)
    await ask(database_url, "DELETE FROM projects WHERE id = %s", project_id)
    async with await db.connect(database_url) as conn:
        assert await usage.events_of_month(conn, workspace_id, month) == 5
        found = await usage.of_workspace(conn, workspace_id, month)
    assert found["event_count"] == 5
    assert [(one["project_id"], one["name"]) for one in found["projects"]] == [(project_id, None)]


async def test_analyses_and_mails_are_added(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    await recorder.record([row(project_id)])
    [(workspace_id,)] = await ask(database_url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    async with await db.connect(database_url) as conn:
        await usage.add(conn, workspace_id, project_id, analyses=1)
        await usage.add(conn, workspace_id, project_id, mails=3)
        await usage.add(conn, workspace_id, project_id, analyses=1, mails=1)
        [month] = (await usage.of_project(conn, workspace_id, project_id))["months"]
    assert (month["event_count"], month["analysis_count"], month["mail_count"]) == (1, 2, 4)


# The cap on new kinds


async def test_new_kinds_beyond_the_cap_gather_in_one_incident_and_none_is_lost(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, fingerprints_per_minute_max=5)
    first = await send(recorder, [row(project_id, number) for number in range(12)])
    assert len(set(first)) == 6
    assert len(set(first[5:])) == 1
    await assert_stored(database_url, project_id, 12)
    assert await outcomes(database_url, project_id) == {("accepted", ""): 5, ("accepted", "new_fingerprints"): 7}
    [(rule, title, number)] = await ask(
        database_url,
        "SELECT f.rule, i.title, i.event_count FROM incident_fingerprints f JOIN incidents i ON i.id = f.incident_id"
        " AND i.project_id = f.project_id WHERE f.project_id = %s AND f.fingerprint = %s",
        project_id, OVERFLOW,
    )  # fmt: skip
    assert (rule, title, number) == ("overflow", "More new kinds of errors at once than are told apart", 7)
    # Known ones go where they belong, new ones do not, until the minute is over; then they make incidents of their own.
    again = await send(recorder, [row(project_id, number) for number in (0, 4, 7)])
    assert again == [first[0], first[4], first[11]]
    await ask(
        database_url, "UPDATE fingerprint_minutes SET minute = minute - interval '1 minute' WHERE project_id = %s", project_id
    )  # fmt: skip
    [later] = await send(recorder, [row(project_id, 7)])
    assert later not in first


async def test_the_cap_holds_for_batches_that_come_at_once(database_url: str) -> None:
    project_id = await make_project(database_url, fingerprints_per_minute_max=20)
    recorders = [Recorder(lambda: db.connect(database_url)) for _ in range(4)]
    await asyncio.gather(*(one.record([row(project_id, (at, n))]) for at, one in enumerate(recorders) for n in range(50)))
    # The minute may turn meanwhile.
    [(kinds,)] = await ask(database_url, "SELECT count(*) FROM incident_fingerprints WHERE project_id = %s", project_id)
    assert kinds in {21, 41}
    await assert_stored(database_url, project_id, 200)
    for one in recorders:
        await one.close()


async def test_one_projects_flood_of_kinds_takes_nothing_from_another(recorder: Recorder, database_url: str) -> None:
    flooding, other = await make_project(database_url, fingerprints_per_minute_max=1), await make_project(database_url)
    found = await send(recorder, [row(project, n) for n in range(20) for project in (flooding, other)])
    assert len(set(found[0::2])) == 2
    assert len(set(found[1::2])) == 20


async def test_a_kind_that_follows_an_earlier_versions_is_not_new(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, fingerprints_per_minute_max=1)
    [known] = await send(recorder, [row(project_id, "old")])
    [followed, _] = await send(
        recorder, [row(project_id, "new", previous=[fingerprint("old")], version=2), row(project_id, "another")]
    )  # fmt: skip
    assert followed == known


# Samples of payloads


@given(st.integers(1, 2_000), st.integers(1, 3_000))
def test_the_sample_thins_out_by_a_law(most: int, number: int) -> None:
    """All of the first, then as many of each doubling: a half, a quarter, … In Python what is_sample says in SQL."""
    found = sum(_is_sample(nth, most) for nth in range(1, number + 1))
    assert min(number, most) <= found <= most + _doublings(number, most) * (most / 2 + 1)


def _doublings(number: int, most: int) -> int:
    found = 0
    while most < number:
        most, found = most * 2, found + 1
    return found


def _is_sample(nth: int, most: int) -> bool:
    return nth <= most or nth % 2 ** _doublings(nth, most) == 0


async def test_the_database_samples_by_the_same_law(database_url: str) -> None:
    sql = "SELECT n, m, is_sample(n, m) FROM generate_series(1, 3000) n, unnest(array[1, 2, 7, 10, 100, 1000]) m"
    wrong = [(n, m) for n, m, found in await ask(database_url, sql) if found != _is_sample(n, m)]
    assert wrong == []


async def test_of_a_flood_all_is_counted_and_little_kept(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, payloads_per_day=10)
    for _ in range(20):
        await send(recorder, [row(project_id) for _ in range(100)])
    found = await counts(database_url, project_id)
    assert (found["events"], found["incidents"], found["event_ids"]) == (2_000, 2_000, 2_000)
    assert 10 + 7 * 4 <= found["event_payloads"] <= 10 + 8 * 6
    [(sampled,)] = await ask(database_url, "SELECT count(*) FROM events WHERE project_id = %s AND sampled", project_id)
    assert sampled == 2_000 - found["event_payloads"]
    told = await outcomes(database_url, project_id)
    assert told == {("accepted", ""): found["event_payloads"], ("sampled", "incident_payloads"): sampled}
    assert (await used(database_url, project_id))[0] == 2_000


async def test_a_new_day_and_a_minute_of_silence_bring_payloads_again(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, payloads_per_day=2)
    await send(recorder, [row(project_id) for _ in range(11)])
    before = await kept(database_url, project_id)
    await send(recorder, [row(project_id)])  # the twelfth is no sample
    assert await kept(database_url, project_id) == before
    change = "UPDATE incident_fingerprints SET kept_at = kept_at - interval '2 minutes' WHERE project_id = %s"
    await ask(database_url, change, project_id)
    await send(recorder, [row(project_id), row(project_id)])
    assert await kept(database_url, project_id) == before + 1
    await ask(database_url, "UPDATE incident_fingerprints SET counted_on = counted_on - 1 WHERE project_id = %s", project_id)
    await send(recorder, [row(project_id), row(project_id), row(project_id)])
    assert await kept(database_url, project_id) == before + 3
    today = "SELECT counted_today, kept_today FROM incident_fingerprints WHERE project_id = %s"
    assert await ask(database_url, today, project_id) == [(3, 2)]


async def test_a_new_release_or_environment_is_kept_until_these_are_a_flood_too(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, payloads_per_day=4)
    # The seventh and the ninth are no samples, the eighth is one.
    for number in (4, 2):
        await send(recorder, [row(project_id, release="1", environment="live") for _ in range(number)])
    before = await kept(database_url, project_id)
    await send(recorder, [row(project_id, release="2", environment="live")])
    assert await kept(database_url, project_id) == before + 1
    await send(recorder, [row(project_id, release="2", environment="live")])
    await send(recorder, [row(project_id, release="2", environment="test")])
    assert await kept(database_url, project_id) == before + 3
    for number in range(3, 60):
        await send(recorder, [row(project_id, release=str(number))])
    assert await kept(database_url, project_id) <= 4 * 2 + 2 * 4


async def test_one_flooding_kind_costs_the_others_no_payload(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, payloads_per_day=3)
    await send(recorder, [row(project_id, "flood") for _ in range(50)])
    before = await kept(database_url, project_id)
    await send(recorder, [row(project_id, "rare"), *(row(project_id, "flood") for _ in range(2))])
    assert await kept(database_url, project_id) == before + 1


# People


async def people(url: str, project_id: int) -> dict[int, int]:
    """incident → people."""
    sql = "SELECT id, people_count::int FROM incidents WHERE project_id = %s AND merged_into IS NULL"
    return dict(await ask(url, sql, project_id))


async def true_people(url: str, project_id: int) -> dict[int, int]:
    sql = (
        "SELECT f.incident_id, count(DISTINCT e.user_hash)::int FROM events e JOIN incident_fingerprints f"
        " ON f.project_id = e.project_id AND f.fingerprint = e.fingerprint WHERE e.project_id = %s GROUP BY 1"
    )
    return dict(await ask(url, sql, project_id))


async def test_people_are_counted_once_each_through_merges_and_splits(database_url: str) -> None:
    project_id = await make_project(database_url)
    recorders = [Recorder(lambda: db.connect(database_url)) for _ in range(3)]
    chance = random.Random(3)

    def some(number: int) -> list[Row]:
        return [
            row(project_id, chance.randrange(4), user_hash=chance.choice([None, *(f"{n:032x}" for n in range(12))]))
            for _ in range(number)
        ]

    async def record() -> None:
        await asyncio.gather(*(chance.choice(recorders).record([one]) for one in some(60)))

    await record()
    assert await people(database_url, project_id) == await true_people(database_url, project_id)
    target, *others = sorted(await people(database_url, project_id))
    actor = Actor(await _workspace(database_url, project_id), project_id, "cron", None, None)
    async with await db.connect(database_url) as conn, conn.transaction():
        await grouping.merge(conn, actor, project_id, target, others[:2])
    assert await people(database_url, project_id) == await true_people(database_url, project_id)
    await record()
    await record()
    assert await people(database_url, project_id) == await true_people(database_url, project_id)
    for one in recorders:
        await one.close()


async def _workspace(url: str, project_id: int) -> int:
    [(found,)] = await ask(url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    return int(found)


async def test_two_who_bring_the_same_person_at_once_count_one(database_url: str) -> None:
    """Under two fingerprints of one incident, in two batches of two instances."""
    project_id = await make_project(database_url)
    recorders = [Recorder(lambda: db.connect(database_url)) for _ in range(2)]
    incidents = await send(recorders[0], [row(project_id, 0), row(project_id, 1)])
    actor = Actor(await _workspace(database_url, project_id), project_id, "cron", None, None)
    async with await db.connect(database_url) as conn, conn.transaction():
        await grouping.merge(conn, actor, project_id, incidents[0], [incidents[1]])
    for number in range(30):
        person = f"{number:032x}"
        await asyncio.gather(*(one.record([row(project_id, at, user_hash=person)]) for at, one in enumerate(recorders)))
    assert await people(database_url, project_id) == {incidents[0]: 30}
    for one in recorders:
        await one.close()


# Spikes


async def history(url: str, project_id: int, hourly: list[int]) -> None:
    """Hours before this one, the latest last, each with so many events."""
    for ago, number in enumerate(reversed(hourly), 1):
        await ask(
            url,
            "INSERT INTO outcomes VALUES (%s, date_trunc('hour', now()) - %s * interval '1 hour', 1, 'accepted', '', 0, %s)",
            project_id, ago, number,
        )  # fmt: skip


async def threshold(url: str, project_id: int, factor: int = 10) -> int | None:
    [(found,)] = await ask(url, "SELECT spike_events(%s, date_trunc('hour', now()), %s)", project_id, factor)
    return None if found is None else int(found)


async def test_what_is_usual_is_the_median_of_a_week(database_url: str) -> None:
    project_id = await make_project(database_url)
    assert await threshold(database_url, project_id) is None
    await history(database_url, project_id, [300] * 12 + [1] * 3 + [90_000] * 9)
    assert await threshold(database_url, project_id) == 3_000
    assert await threshold(database_url, project_id, 2) == 1_000  # at least


async def test_a_project_is_observed_for_a_day_before_anything_is_a_spike(database_url: str) -> None:
    project_id = await make_project(database_url)
    await history(database_url, project_id, [500] * 23)
    assert await threshold(database_url, project_id) is None


async def test_a_spike_never_teaches_the_baseline(database_url: str) -> None:
    project_id = await make_project(database_url)
    await history(database_url, project_id, [200] * 30 + [100_000] * 60)
    assert await threshold(database_url, project_id) == 1_000_000
    mark = (
        "INSERT INTO project_hours SELECT %s, date_trunc('hour', now()) - n * interval '1 hour', 2000, now()"
        " FROM generate_series(1, 60) n"
    )
    await ask(database_url, mark, project_id)
    assert await threshold(database_url, project_id) == 2_000


async def test_a_spike_is_sampled_counted_and_told_once(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url, payloads_per_day=5_000, spike_factor=2)
    await history(database_url, project_id, [10] * 30)
    for _ in range(12):
        await send(recorder, [row(project_id) for _ in range(100)])
    told = "SELECT kind, detail ->> 'spike_events', handled_at FROM notices WHERE project_id = %s"
    assert await ask(database_url, told, project_id) == [("spike", "1000", None)]
    await send(recorder, [row(project_id) for _ in range(100)])
    found = await counts(database_url, project_id)
    assert found["events"] == found["incidents"] == 1_300
    assert (await outcomes(database_url, project_id))[("sampled", "spike")] > 80
    # The next hour of the same spike tells nobody again; one after a calm hour does.
    for calm, notices in ((False, 1), (True, 2)):
        await ask(database_url, "DELETE FROM project_hours WHERE project_id = %s", project_id)
        if not calm:
            last = "INSERT INTO project_hours VALUES (%s, date_trunc('hour', now()) - interval '1 hour', 1000, now())"
            await ask(database_url, last, project_id)
        await send(recorder, [row(project_id)])
        await send(recorder, [row(project_id)])
        assert len(await ask(database_url, told, project_id)) == notices


async def test_two_batches_that_see_the_spike_at_once_tell_of_one(database_url: str) -> None:
    project_id = await make_project(database_url)
    await ask(database_url, "INSERT INTO project_hours VALUES (%s, date_trunc('hour', now()), 1000)", project_id)
    for _ in range(2):
        await ask(database_url, "SELECT protect(%s, date_trunc('hour', now()))", project_id)
    assert await ask(database_url, "SELECT kind FROM notices WHERE project_id = %s", project_id) == [("spike",)]


async def test_without_a_factor_no_hour_is_a_spike(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    await ask(database_url, "UPDATE projects SET spike_factor = NULL WHERE id = %s", project_id)
    await history(database_url, project_id, [10] * 30)
    for _ in range(15):
        await send(recorder, [row(project_id) for _ in range(100)])
    assert await ask(database_url, "SELECT 1 FROM notices WHERE project_id = %s", project_id) == []
