"""What releases say: which one an incident began and went on with, and whether an event means that it is back."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib import db, releases
from lib.recording import Recorder, Row
from tests.lib.rows import ask, make_project, row

NOW = datetime.now(UTC)


@pytest.fixture
async def recorder(database_url: str) -> AsyncIterator[Recorder]:
    made = Recorder(lambda: db.connect(database_url))
    yield made
    await made.close()


def event(project_id: int, release: str | None, minutes: float = 0, crash: object = "crash") -> Row:
    """An event that occurred so many minutes after NOW."""
    key = releases.sort_key(release) if release else None
    return row(project_id, crash, release=release, release_key=key, occurred_at=NOW + timedelta(minutes=minutes))


async def incident_of(url: str, project_id: int) -> tuple[Any, ...]:
    [found] = await ask(url, "SELECT first_release, last_release FROM incidents WHERE project_id = %s", project_id)
    return tuple(found)


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([[("1", -2), ("2", -1)]], ("1", "2")),  # several releases in the batch that makes the incident
        ([[("2", -1), ("1", -2)]], ("1", "2")),  # in whatever order
        ([[("2", -1)], [("1", -2)]], ("1", "2")),  # an older event that comes later
        ([[("1", -3)], [(None, -1)], [("2", -2)]], ("1", "2")),  # newer than every event that names one
        ([[(None, -3)], [("1", -2)], [(None, -1)]], ("1", "1")),
        ([[("2", -2)], [(None, -3), ("3", -1), ("1", -2.5)]], ("1", "3")),
        ([[(None, -1)]], (None, None)),
    ],
)
async def test_an_incident_has_the_releases_of_its_first_and_newest_event_that_name_one(
    recorder: Recorder, database_url: str, batches: list[list[tuple[str | None, float]]], expected: tuple[Any, ...]
) -> None:
    project_id = await make_project(database_url)
    for batch in batches:
        await recorder.record([event(project_id, *one) for one in batch])
    assert await incident_of(database_url, project_id) == expected


async def test_recording_and_adding_up_fingerprints_agree_on_releases(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    rng = random.Random(7)
    await recorder.record([event(project_id, None, -200, crash) for crash in "ab"])
    merge = "SELECT merge_incidents(%s, min(id), array[max(id)], null, 500) FROM incidents WHERE project_id = %s"
    assert await ask(database_url, merge, project_id, project_id) == [(None,)]
    kept = "first_release, first_release_seen, last_release, last_release_seen, first_seen, last_seen"
    sql = f"SELECT {kept} FROM incidents WHERE project_id = %s AND merged_into IS NULL"
    minutes = rng.sample(range(-190, 0), 60)
    while minutes:
        batch = [
            event(project_id, rng.choice([None, "1.0.0", "1.1.0", "build-x"]), minutes.pop(), rng.choice("ab")) for _ in range(3)
        ]
        await recorder.record(batch)
        recorded = await ask(database_url, sql, project_id)
        adding = "SELECT add_up_incidents(%s, array_agg(id)) FROM incidents WHERE project_id = %s"
        await ask(database_url, adding, project_id, project_id)
        assert await ask(database_url, sql, project_id) == recorded


async def resolve(url: str, project_id: int, release: str | None, hours_ago: float, *, in_next: bool = False) -> None:
    sql = (
        "UPDATE incidents SET status = 'resolved', resolved_release = %s, resolved_in_next_release = %s, status_changed_at = %s"
        " WHERE project_id = %s"
    )
    await ask(url, sql, release, in_next, datetime.now(UTC) - timedelta(hours=hours_ago), project_id)


async def status(url: str, project_id: int) -> str:
    [(found,)] = await ask(url, "SELECT status FROM incidents WHERE project_id = %s", project_id)
    return str(found)


@pytest.mark.parametrize(
    ("minutes", "in_next", "expected"),
    [
        (0, False, "open"),  # happened after the resolution
        (-60, False, "resolved"),  # before it
        (0, True, "resolved"),  # the project knew both when "the next" was said
    ],
)
async def test_of_two_builds_first_seen_in_one_batch_neither_is_older(
    recorder: Recorder, database_url: str, minutes: float, in_next: bool, expected: str
) -> None:
    project_id = await make_project(database_url)
    await recorder.record([event(project_id, "build-one", -90), event(project_id, "build-two", -91)])
    await resolve(database_url, project_id, "build-one", 0.5, in_next=in_next)
    await recorder.record([event(project_id, "build-two", minutes)])
    assert await status(database_url, project_id) == expected


@pytest.mark.parametrize("release", ["1.0.0", None])
@pytest.mark.parametrize(
    ("hours_ago", "minutes", "expected"),
    [
        (0.5, -60, "resolved"),  # it may have been on its way
        (0.5, -1, "open"),
        (1.1, -24 * 60, "open"),  # a clock that is a day slow hides nothing for longer than an hour
    ],
)
async def test_a_slow_clock_hides_for_an_hour_at_most_that_it_is_back(
    recorder: Recorder, database_url: str, release: str | None, hours_ago: float, minutes: float, expected: str
) -> None:
    project_id = await make_project(database_url)
    await recorder.record([event(project_id, release, -48 * 60)])
    await resolve(database_url, project_id, release, hours_ago)
    await recorder.record([event(project_id, release, minutes)])
    assert await status(database_url, project_id) == expected


async def test_an_older_release_does_not_reopen_however_late_it_comes(recorder: Recorder, database_url: str) -> None:
    project_id = await make_project(database_url)
    await recorder.record([event(project_id, "1.1.0", -48 * 60)])
    await resolve(database_url, project_id, "1.1.0", 24)
    await recorder.record([event(project_id, "1.0.9")])
    assert await status(database_url, project_id) == "resolved"
