"""A model that refuses, rambles, fails, hangs or is not there: what is stored, what is tried again, what stays untouched."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from lib import settings
from lib.analysis import model, provider, run
from tests.lib.analysis.stage import Stage, exception


@pytest.mark.parametrize(("mode", "reason"), [("refusal", "refused"), ("truncated", "truncated"), ("invalid", "invalid")])
async def test_an_unusable_answer_is_asked_for_once_more_then_it_failed_for_that_reason(
    stage: Stage, mode: Any, reason: str
) -> None:
    stage.model.mode = mode
    incident = await stage.record()
    await stage.sweep()
    assert await stage.told(incident) == [("new", "failed", reason)]
    assert len(stage.model.asked) == 2
    [(cost, result)] = await stage.ask("SELECT cost_microdollars, result FROM analyses")
    assert cost > 0
    assert result is None
    stage.turn(hours=2)
    await stage.sweep()
    assert len(stage.model.asked) == 2, "it is not tried for ever"


@pytest.mark.parametrize("mode", ["refusal", "truncated", "invalid"])
async def test_the_second_try_counts_and_both_are_paid_for(stage: Stage, mode: Any) -> None:
    stage.model.modes = [mode]
    incident = await stage.record()
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None)]
    [(read,)] = await stage.ask("SELECT input_tokens FROM analyses")
    assert read > 1.5 * len(stage.model.asked[0]) / 4


@pytest.mark.parametrize(
    ("mode", "reason"), [("401", "status_401"), ("429", "status_429"), ("500", "status_500"), ("garbage", "garbage")]
)
async def test_a_provider_that_fails_is_tried_later_and_not_at_once(stage: Stage, mode: Any, reason: str) -> None:
    stage.model.mode = mode
    incident = await stage.record()
    await stage.sweep()
    assert len(stage.model.asked) == 1
    assert await stage.told(incident) == [("new", "waiting", reason)]
    stage.model.mode = "work"
    stage.turn(minutes=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None)]


@pytest.mark.parametrize("mode", ["400", "413", "422"])
async def test_what_one_incident_is_refused_for_is_not_asked_again_and_holds_up_no_other(stage: Stage, mode: Any) -> None:
    stage.model.modes = [mode] * (provider.FAILURES_MAX + 1)
    for number in range(provider.FAILURES_MAX + 2):
        await stage.record(f"crash {number}", exception(function=f"f{number}"))
    counts = await stage.sweep()
    assert (counts["failed"], counts["done"]) == (provider.FAILURES_MAX + 1, 1)
    assert set(await stage.ask("SELECT reason, cost_microdollars FROM analyses WHERE state = 'failed'")) == {
        (f"status_{mode}", 0)
    }
    async with stage.database.transaction() as conn:
        assert (await provider.state(conn))["failures"] == 0


async def test_no_call_is_stored_by_the_provider(stage: Stage) -> None:
    await stage.record()
    await stage.sweep()
    assert stage.model.stored == [False]


async def test_at_last_it_is_given_up(stage: Stage) -> None:
    stage.model.mode = "500"
    incident = await stage.record()
    for _ in range(60):
        await stage.sweep()
        stage.turn(minutes=10)
    assert await stage.told(incident) == [("new", "failed", "status_500")]
    assert len(stage.model.asked) == run.ATTEMPTS_MAX


async def test_there_is_no_storm_while_the_provider_fails(stage: Stage) -> None:
    """40 incidents, five sweeps a minute for an hour: after three failures one call tries it, ever more rarely."""
    stage.model.mode = "500"
    for number in range(40):
        await stage.record(f"crash {number}", exception(function=f"f{number}"))
    for _ in range(60):
        await asyncio.gather(*(stage.sweep() for _ in range(2)))
        stage.turn(minutes=1)
    assert len(stage.model.asked) <= 20
    stage.model.mode = "work"
    stage.turn(hours=1)
    counts = await stage.sweep()
    assert counts["done"] > 1, "one call that worked opens the way again"
    async with stage.database.transaction() as conn:
        assert (await provider.state(conn))["failures"] == 0


async def test_pauses_grow_up_to_an_hour(stage: Stage) -> None:
    pauses = []
    async with stage.database.connection() as conn:
        for _ in range(12):
            await provider.failed(conn, "timeout", stage.now)
            until = (await provider.state(conn))["paused_until"]
            pauses.append(until - stage.now if until else None)
    assert pauses[:5] == [None, None, timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == provider.PAUSE_MAX


async def test_a_model_that_hangs_is_given_up_in_time_and_paid_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TIMEOUT_SECONDS", 1.0)
    stage.model.mode = "hang"
    incident = await stage.record()
    began = time.monotonic()
    await stage.sweep()
    assert time.monotonic() - began < 15
    assert await stage.told(incident) == [("new", "waiting", "timeout")]
    [(cost,)] = await stage.ask("SELECT cost_microdollars FROM analyses")
    assert cost > model.OUTPUT_TOKENS_MAX * 0.5, "it may have worked all the same"


def test_the_time_limits_are_those_that_were_promised() -> None:
    assert (model.CONNECT_TIMEOUT_SECONDS, model.TIMEOUT_SECONDS) == (3.0, 30.0)
    assert run.TRY_SECONDS_MIN < model.TIMEOUT_SECONDS


async def test_both_tries_have_the_time_of_one(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TIMEOUT_SECONDS", run.TRY_SECONDS_MIN)
    stage.model.modes = ["invalid"]
    incident = await stage.record()
    await stage.sweep()
    assert await stage.told(incident) == [("new", "failed", "invalid")]
    assert len(stage.model.asked) == 1


async def test_ingest_is_untouched_while_the_model_hangs(stage: Stage) -> None:
    """No connection is held and no row is locked during a call: events of the same incident are stored as quickly as ever."""
    stage.model.mode = "hang"
    for number in range(4):
        await stage.record(f"crash {number}", exception(function=f"f{number}"))
    sweeping = asyncio.create_task(stage.sweep())
    while stage.model.at_once_max < 4:  # noqa: ASYNC110 - the model counts in a thread of its own
        await asyncio.sleep(0.02)
    for number in range(40):
        await stage.record(f"crash {number % 4}")
    assert not sweeping.done()
    [(open_ones,)] = await stage.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%%'"
    )
    assert open_ones == 0
    stage.model.mode = "work"
    assert (await sweeping)["done"] == 4


async def test_a_server_that_is_not_there_costs_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    settings.current.cache_clear()
    incident = await stage.record()
    await stage.sweep()
    assert await stage.told(incident) == [("new", "waiting", "unreachable")]
    assert await stage.ask("SELECT sum(cost_microdollars)::int FROM analyses") == [(0,)]


async def test_the_model_can_be_chosen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYSIS_MODEL", "gpt-5.6-luna")
    settings.current.cache_clear()
    await stage.record()
    await stage.sweep()
    assert await stage.ask("SELECT model FROM analyses") == [("gpt-5.6-luna",)]


async def test_one_that_breaks_does_not_stop_the_others(stage: Stage) -> None:
    broken, well = await stage.record("broken"), await stage.record("well", exception(function="refund"))
    await stage.ask(
        "UPDATE event_payloads SET payload = 'x' WHERE project_id = %s AND event_id ="
        " (SELECT event_id FROM transitions WHERE project_id = %s AND incident_id = %s)",
        stage.project_id, stage.project_id, broken,
    )  # fmt: skip
    counts = await stage.sweep()
    assert (counts["broken"], counts["done"]) == (1, 1)
    assert await stage.told(well) == [("new", "done", None)]
