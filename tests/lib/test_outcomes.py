"""What became of events that were not stored: counted by each instance, written seldom, bounded, harmless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lib import db, outcomes
from lib.errors import Forbidden, InvalidRequest, OverQuota, Problem, ProjectRateLimited, RateLimited, TooLarge, Unavailable
from lib.keys import Key
from lib.outcomes import Outcomes
from lib.recording import Recorder
from tests.lib.redaction.lookalikes import tokens
from tests.lib.rows import ask, make_project


class Counted(Outcomes):
    """Its writes are counted."""

    writes = 0

    async def flush(self) -> None:
        self.writes += bool(self._counts)
        await super().flush()


@pytest.fixture
async def recorder(database_url: str) -> AsyncIterator[Recorder]:
    made = Recorder(lambda: db.connect(database_url))
    yield made
    await made.close()


@pytest.fixture
async def counted(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr(outcomes, "FLUSH_SECONDS", 0.2)
    return Counted(recorder.ask)


def key(project_id: int) -> Key:
    return Key(project_id, 7, "ingest", 1, 60, (), 90, b"", None)


async def told(url: str, project_id: int) -> dict[tuple[str, str], int]:
    """(outcome, reason) → events."""
    sql = "SELECT outcome, reason, sum(event_count)::int FROM outcomes WHERE project_id = %s GROUP BY 1, 2"
    return {(outcome, reason): number for outcome, reason, number in await ask(url, sql, project_id)}


PROBLEMS: list[tuple[Problem, tuple[str, str]]] = [
    (RateLimited(1), ("rate_limited", "key_rate")),
    (ProjectRateLimited(1), ("rate_limited", "project_rate")),
    (OverQuota(1), ("over_quota", "quota")),
    (TooLarge(), ("too_large", "")),
    (InvalidRequest(), ("invalid", "")),
    (Forbidden(), ("filtered", "dsn")),
    (Unavailable(), ("failed", "unavailable")),
]


@pytest.mark.parametrize(("problem", "expected"), PROBLEMS)
def test_every_refusal_has_an_outcome(problem: Problem, expected: tuple[str, str]) -> None:
    assert outcomes.of_problem(problem) == expected


async def test_a_flood_of_refusals_is_counted_to_the_last_and_written_seldom(counted: Counted, database_url: str) -> None:
    one = key(await make_project(database_url))

    def refuse() -> None:
        with counted.refusals(one) as refused:
            refused.events = 2
            raise RateLimited(1)

    for _ in range(50):
        for _ in range(100):
            with pytest.raises(RateLimited):
                refuse()
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    assert counted.writes <= 6
    assert await told(database_url, one.project_id) == {("rate_limited", "key_rate"): 10_000}
    # All is written: nothing waits, and no task goes on.
    assert counted._flushing
    assert counted._flushing.done()


async def test_what_is_counted_is_written_when_an_instance_ends(counted: Counted, database_url: str) -> None:
    one = key(await make_project(database_url))
    counted.count(one, "sdk_dropped", "queue_overflow", 12)
    await counted.close()
    assert await told(database_url, one.project_id) == {("sdk_dropped", "queue_overflow"): 12}


async def test_while_the_database_is_away_counts_are_held(database_url: str, recorder: Recorder) -> None:
    away = True

    async def question(asked: Any) -> None:
        if away:
            raise Unavailable
        await recorder.ask(asked)

    one, counting = key(await make_project(database_url)), Outcomes(question)
    counting.count(one, "invalid", events=3)
    await counting.flush()
    counting.count(one, "invalid", events=4)
    away = False
    await counting.close()
    assert await told(database_url, one.project_id) == {("invalid", ""): 7}


async def test_a_project_that_is_gone_costs_the_others_nothing(counted: Counted, database_url: str) -> None:
    gone, there = key(await make_project(database_url)), key(await make_project(database_url))
    await ask(database_url, "DELETE FROM projects WHERE id = %s", gone.project_id)
    for one in (gone, there):
        counted.count(one, "too_large")
    await counted.close()
    assert await told(database_url, there.project_id) == {("too_large", ""): 1}
    assert await told(database_url, gone.project_id) == {}


async def test_what_an_instance_holds_is_bounded(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "COUNTS_MAX", 10)
    for number in range(100):
        counted.count(key(1_000_000 + number), "invalid")
    assert len(counted._counts) == 10
    for _ in range(100):
        counted.count(key(1_000_000), "invalid")
    assert len(counted._samples[1_000_000]) == outcomes.SAMPLES_HELD_MAX
    await counted.close()


async def test_samples_are_the_newest_and_bounded(counted: Counted, database_url: str) -> None:
    one = key(await make_project(database_url))
    for number in range(12):
        for place in range(10):
            counted.count(one, "invalid", detail=f"{number * 10 + place}: no event")
        await counted.flush()
    await counted.close()
    sql = "SELECT detail FROM outcome_samples WHERE project_id = %s ORDER BY id DESC"
    found = [detail for (detail,) in await ask(database_url, sql, one.project_id)]
    assert found[0] == "119: no event"
    assert outcomes.SAMPLES_KEPT_MAX <= len(found) <= outcomes.SAMPLES_KEPT_MAX + outcomes.SAMPLES_HELD_MAX


async def test_nothing_that_a_client_wrote_is_kept_as_it_was(counted: Counted, database_url: str) -> None:
    one, secret = key(await make_project(database_url)), tokens()["github"]
    counted.count(one, "invalid", detail=f"/0/{secret}: jane@example.com is no field " + "x" * 2_000)
    await counted.close()
    [(detail,)] = await ask(database_url, "SELECT detail FROM outcome_samples WHERE project_id = %s", one.project_id)
    assert secret not in detail
    assert "jane@example.com" not in detail
    assert len(detail) <= outcomes.DETAIL_CHARACTERS_MAX
