"""The recorder: one call for many, nothing lost, nothing doubled, whatever becomes of the connection, the row or the database."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import psycopg
import pytest

from lib import db, recording
from lib.errors import Problem, Unavailable, Unexpected
from lib.recording import Recorded, Recorder
from local import testing
from tests.lib.rows import LOOKER, ask, assert_stored, fingerprint, make_project, row, sessions


class Counted(Recorder):
    """A recorder whose batches are counted."""

    def __init__(self, url: str) -> None:
        super().__init__(lambda: db.connect(url))
        self.batches: list[int] = []

    async def _write(self, batch: list[recording.Waiting]) -> None:
        self.batches.append(len(batch))
        await super()._write(batch)


@pytest.fixture
async def recorder(database_url: str) -> AsyncIterator[Counted]:
    made = Counted(database_url)
    yield made
    await made.close()


@pytest.fixture
async def project_id(database_url: str) -> int:
    return await make_project(database_url)


def outcomes(answers: Iterable[Recorded | Problem]) -> list[str]:
    return [answer.outcome if isinstance(answer, Recorded) else answer.slug for answer in answers]


async def kill_connections(url: str) -> int:
    """End every other session of this database, as a restart of the server does; answers how many there were."""
    sql = (
        "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name <> %s AND backend_type = 'client backend'"
    )
    [(killed,)] = await ask(url, sql, LOOKER)
    return int(killed)


# Batches


async def test_a_lone_event_is_a_batch_of_its_own_and_waits_for_nothing(
    recorder: Counted, database_url: str, project_id: int
) -> None:
    await recorder.record([row(project_id)])
    seconds = []
    for _ in range(10):
        began = time.perf_counter()
        await recorder.record([row(project_id)])
        seconds.append(time.perf_counter() - began)
    assert recorder.batches == [1] * 11
    # A commit takes 2 to 5 ms here; one that waited for company would take at least as long as it waited.
    assert min(seconds) < 0.05
    await assert_stored(database_url, project_id, 11)


async def test_events_that_come_during_a_write_share_the_next(recorder: Counted, database_url: str, project_id: int) -> None:
    await asyncio.gather(*(recorder.record([row(project_id, number % 7)]) for number in range(90)))
    assert recorder.batches == [1, 89] or len(recorder.batches) == 1
    await assert_stored(database_url, project_id, 90)


async def test_a_batch_is_bounded_in_events_and_the_writers_in_number(
    recorder: Counted, database_url: str, project_id: int
) -> None:
    answers = await asyncio.gather(*(recorder.record([row(project_id, number % 7)]) for number in range(1_000)))
    assert outcomes(one for found in answers for one in found) == ["accepted"] * 1_000
    assert max(recorder.batches) == recording.BATCH_EVENTS_MAX
    assert len(recorder.batches) <= 12
    assert await sessions(database_url) <= recording.WRITERS_MAX
    await assert_stored(database_url, project_id, 1_000)


async def test_one_event_many_times_in_a_batch_is_accepted_once(recorder: Counted, database_url: str, project_id: int) -> None:
    first, same = row(project_id), row(project_id)
    answers = await recorder.record([same, first, same, same])
    assert outcomes(answers) == ["accepted", "accepted", "duplicate", "duplicate"]
    assert outcomes(await recorder.record([same])) == ["duplicate"]
    assert len({answer.incident_id for answer in answers if isinstance(answer, Recorded)}) == 1
    await assert_stored(database_url, project_id, 2)


async def test_too_many_waiting_events_are_refused_at_once(recorder: Counted, project_id: int) -> None:
    with pytest.raises(Unavailable):
        await recorder.record([row(project_id)] * (recording.WAITING_EVENTS_MAX + recording.BATCH_EVENTS_MAX + 1))


# Connections


async def test_broken_connections_cost_nothing(recorder: Counted, database_url: str, project_id: int) -> None:
    """All idle ones are dead after a restart; the one retry must not meet another dead one."""
    for round_ in range(3):
        warm = [row(project_id, number) for number in range(300)]
        await asyncio.gather(*(recorder.record([one]) for one in warm), *(recorder.ask(schema) for _ in range(4)))
        assert await kill_connections(database_url) >= 2
        assert outcomes(await recorder.record([row(project_id)])) == ["accepted"]
        await assert_stored(database_url, project_id, (round_ + 1) * 301)
    assert await kill_connections(database_url) >= 1
    assert await recorder.ask(schema)


async def schema(conn: db.Connection) -> int:
    return await db.schema_version(conn)


async def test_connections_that_break_in_the_middle_of_writing_lose_and_double_nothing(
    recorder: Counted, database_url: str, project_id: int
) -> None:
    rows = [row(project_id, number % 50) for number in range(2_000)]
    done = asyncio.Event()

    async def trouble() -> None:
        while not done.is_set():
            await kill_connections(database_url)
            await asyncio.sleep(random.Random(7).uniform(0.03, 0.1))

    async def send(one: recording.Row) -> int:
        """Until it is taken, as a client does; answers how often it was sent."""
        for attempt in range(1, 200):
            try:
                [answer] = await recorder.record([one])
            except Unavailable as problem:
                answer = problem
            if isinstance(answer, Recorded):
                return attempt
            assert isinstance(answer, Unavailable)
            await asyncio.sleep(0.01)
        raise AssertionError("it was never taken")

    killing = asyncio.ensure_future(trouble())
    for start in range(0, len(rows), 400):
        await asyncio.gather(*map(send, rows[start : start + 400]))
    done.set()
    await killing
    await assert_stored(database_url, project_id, len(rows))


async def test_a_database_that_is_away_ends_in_503_and_comes_back(database_url: str, project_id: int) -> None:
    reachable = False

    async def connect() -> db.Connection:
        return await db.connect(database_url if reachable else "postgresql://nobody@/nothing?host=/nowhere")

    recorder = Recorder(connect)
    assert outcomes(await recorder.record([row(project_id)])) == ["unavailable"]
    with pytest.raises(Unavailable):
        await recorder.ask(schema)
    reachable = True
    assert outcomes(await recorder.record([row(project_id)])) == ["accepted"]
    await recorder.close()
    await assert_stored(database_url, project_id, 1)


async def test_a_database_that_hangs_ends_in_503_in_time_and_the_next_write_works(
    recorder: Counted, database_url: str, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WRITE_TIMEOUT_SECONDS", 0.5)
    await recorder.record([row(project_id)])
    async with await psycopg.AsyncConnection.connect(database_url) as blocking:
        await blocking.execute("LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE")
        began = time.perf_counter()
        answers = await asyncio.gather(*(recorder.record([row(project_id, number)]) for number in range(300)))
        assert time.perf_counter() - began < 5
        assert set(outcomes(one for found in answers for one in found)) == {"unavailable"}
        await blocking.rollback()
    assert outcomes(await recorder.record([row(project_id)])) == ["accepted"]
    await assert_stored(database_url, project_id, 2)


async def test_a_caller_that_gave_up_leaves_nothing_behind(recorder: Counted, database_url: str, project_id: int) -> None:
    tasks = [asyncio.ensure_future(recorder.record([row(project_id, number)])) for number in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    kept = [answer for answer in found if isinstance(answer, list)]
    assert len(kept) == 25
    # What was being written when its caller left is kept; what only waited is not.
    [(stored,)] = await ask(database_url, "SELECT count(*) FROM events WHERE project_id = %s", project_id)
    assert 25 <= stored <= 50
    await assert_stored(database_url, project_id, stored)


# Rows

POISON: dict[str, dict[str, Any]] = {
    "text that no column holds": {"level": "no\0level"},
    "a number that is none": {"retention_days": "soon"},
    "a number beyond its column": {"removed_count": 2**40},
    "a date beyond the calendar": {"occurred_at": "294276-13-01"},
    "a release that is too long": {"release": "x" * 300},
    "a lone surrogate, which JSON cannot say": {"title": "\ud800"},
    "an object that JSON cannot say": {"title": object()},
    "a title that is missing": {"title": None},
    "a project that is not there": {"project_id": 2**60},
    "an index key beyond a page": {"environment": random.Random(3).randbytes(4_000).hex()},
}


@pytest.mark.parametrize("name", POISON)
async def test_a_row_that_is_refused_does_not_cost_its_neighbours(
    recorder: Counted, database_url: str, project_id: int, name: str
) -> None:
    healthy = row(project_id, "poison")
    poison = healthy._replace(columns=healthy.columns | POISON[name])
    rows = [row(project_id, number) for number in range(10)]
    answers = await recorder.record([*rows[:5], poison, *rows[5:]])
    assert isinstance(answers.pop(5), Unexpected)
    assert outcomes(answers) == ["accepted"] * 10
    await assert_stored(database_url, project_id, 10)
    assert outcomes(await recorder.record([row(project_id)])) == ["accepted"]


# Partitions


@pytest.fixture
async def without_partitions(server_url: str, worker_id: str, database_url: str) -> AsyncIterator[str]:
    """A database of its own whose partitions are all gone. The first of a run, of which it is a copy, is there already."""
    with testing.database(server_url, f"partitions_{worker_id}") as url:
        children = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = ANY('{events,event_payloads}'::regclass[])"
        names = [name for (name,) in await ask(url, children)]
        await ask(url, f"DROP TABLE {', '.join(names)}")
        yield url


async def test_missing_partitions_are_made_once_and_the_write_is_repeated(without_partitions: str) -> None:
    """By many at once, on several instances, for several retentions, rounded ones among them."""
    url = without_partitions
    project_id = await make_project(url)
    recorders = [Counted(url) for _ in range(4)]
    rows = [
        row(project_id, number % 5, retention_days=days) for number, days in enumerate((1, 30, 90, 100, 101, 365, 3_650) * 10)
    ]
    answers = await asyncio.gather(*(recorders[number % 4].record([one]) for number, one in enumerate(rows)))
    assert set(outcomes(one for found in answers for one in found)) == {"accepted"}
    await assert_stored(url, project_id, len(rows))
    for recorder in recorders:
        await recorder.close()


# Several instances


async def test_two_instances_with_the_same_events_at_once_count_each_once(database_url: str, project_id: int) -> None:
    """Overlapping ids, fingerprints, releases and environments, sorted and unsorted: no deadlock, exact counts."""
    recorders = [Counted(database_url) for _ in range(4)]
    ours = random.Random(11)
    rows = [row(project_id, number % 40, release=f"1.{number % 9}", environment=f"e{number % 3}") for number in range(600)]

    async def send(recorder: Counted, mine: list[recording.Row]) -> list[Recorded | Problem]:
        answers: list[Recorded | Problem] = []
        for start in range(0, len(mine), 30):
            answers += await recorder.record(mine[start : start + 30])
        return answers

    [(deadlocks,)] = await ask(database_url, DEADLOCKS)
    orders = [sorted(rows, key=lambda one: one.identity), rows[::-1], *(ours.sample(rows, len(rows)) for _ in range(18))]
    answers = await asyncio.gather(*(send(recorders[number % 4], order) for number, order in enumerate(orders)))
    for recorder in recorders:
        await recorder.close()
    found = outcomes(one for batch in answers for one in batch)
    assert (found.count("accepted"), found.count("duplicate")) == (600, 600 * 19)
    assert await ask(database_url, DEADLOCKS) == [(deadlocks,)]
    await assert_stored(database_url, project_id, 600)
    transitions = await ask(database_url, "SELECT kind, count(*) FROM transitions WHERE project_id = %s GROUP BY 1", project_id)
    assert sorted(transitions) == [("appeared", 80), ("new", 40)], "each in three environments"
    per_release = "SELECT release, sum(event_count)::int FROM event_counts WHERE project_id = %s GROUP BY 1 ORDER BY 1"
    exact = [(f"1.{n}", len(range(n, 600, 9))) for n in range(9)]
    assert await ask(database_url, per_release, project_id) == exact


DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def test_environments_without_end_do_not_make_an_incident_that_grows_for_ever(
    recorder: Counted, database_url: str, project_id: int
) -> None:
    for batch in range(5):
        rows = [row(project_id, environment=f"preview-{batch}-{number}") for number in range(90)]
        assert set(outcomes(await recorder.record(rows))) == {"accepted"}
    for table in ("incidents", "incident_fingerprints"):
        size = f"SELECT cardinality(environments) FROM {table} WHERE project_id = %s"
        [(environments,)] = await ask(database_url, size, project_id)
        assert 100 <= environments < 200
    await assert_stored(database_url, project_id, 450)


async def test_the_same_id_in_two_projects_is_two_events(recorder: Counted, database_url: str, project_id: int) -> None:
    other = await make_project(database_url)
    event_id = fingerprint("any")
    answers = await recorder.record([row(project_id, event_id=event_id), row(other, event_id=event_id)])
    assert outcomes(answers) == ["accepted", "accepted"]
    assert len({answer.incident_id for answer in answers if isinstance(answer, Recorded)}) == 2
    await assert_stored(database_url, project_id, 1)
    await assert_stored(database_url, other, 1)
