"""From a transition to an analysis: once for each change that matters, whoever dies, hangs or overlaps meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import orjson
import pytest

from lib import db, settings
from lib.analysis import jobs, run
from lib.analysis.model import Model
from lib.analysis.prompt import VERSION
from tests.lib.analysis.stage import Stage, exception
from tests.lib.redaction.lookalikes import random_text


async def newest(stage: Stage, incident: int) -> Any:
    sql = "SELECT to_jsonb(a) FROM analyses a WHERE project_id = %s AND incident_id = %s ORDER BY id DESC LIMIT 1"
    [(row,)] = await stage.ask(sql, stage.project_id, incident)
    return row


async def test_a_new_incident_is_explained_with_its_provenance(stage: Stage) -> None:
    incident = await stage.record(release="shop@1.0.0", environment="production")
    assert await stage.sweep() == Counter(considered=1, done=1, watched=0)
    row = await newest(stage, incident)
    assert (row["cause"], row["state"], row["model"], row["prompt_version"]) == ("new", "done", "gpt-6-luna", VERSION)
    assert row["result"]["summary"].startswith("crash is raised in total in shop/pay.py")
    assert row["result"]["evidence"][0]["function"] == "total"
    assert row["result"]["evidence"][0]["source"] == "return cart['id'] * 2"
    assert 0.5 <= row["confidence"] <= 1
    assert row["input_tokens"] > 500
    assert row["output_tokens"] > 50
    assert row["cost_microdollars"] == -(-(row["input_tokens"] * 10 + row["output_tokens"] * 50) // 100)
    assert row["latency_ms"] >= 0
    assert row["reserved_microdollars"] == 0
    assert len(row["context_hash"]) == 2 + 64


async def test_a_transition_is_considered_once_however_often_and_by_however_many_it_is_swept(stage: Stage) -> None:
    incidents = [await stage.record(f"crash {number}") for number in range(6)]
    counts = sum(await asyncio.gather(*(stage.sweep() for _ in range(5))), Counter())
    assert (counts["considered"], counts["done"]) == (6, 6)
    assert (await stage.sweep())["considered"] == 0
    assert len(stage.model.asked) == 6
    assert [await stage.told(incident) for incident in incidents] == [[("new", "done", None)]] * 6


async def test_what_is_written_while_a_sweep_considers_is_not_lost(stage: Stage) -> None:
    """A later transition may be committed before an earlier one: no cursor runs ahead of it."""
    first = await stage.record("first")
    async with await db.connect(stage.url) as conn, conn.transaction():
        await conn.execute("UPDATE transitions SET environment = environment WHERE project_id = %s", [stage.project_id])
        second = await stage.record("second")
        assert (await stage.sweep())["considered"] == 1
    assert (await stage.sweep())["considered"] == 1
    assert [len(await stage.told(one)) for one in (first, second)] == [1, 1]


async def test_what_alerts_are_not_done_with_is_left_to_them(stage: Stage) -> None:
    await stage.record()
    async with stage.database.transaction() as conn:
        assert await jobs.consider(conn, stage.now, configured=True) == 0
    assert (await stage.sweep())["considered"] == 1


async def test_a_sweep_that_breaks_before_its_commit_loses_no_transition(stage: Stage) -> None:
    incident = await stage.record()
    await stage.alert()
    async with stage.database.connection() as conn, conn.transaction(force_rollback=True):
        assert await jobs.consider(conn, stage.now, configured=True) == 1
    assert await stage.told(incident) == []
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None)]


async def test_without_a_key_nothing_is_asked_and_setting_one_later_starts_with_what_is_new(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    settings.current.cache_clear()
    old = await stage.record("old")
    assert await stage.sweep() == Counter(considered=1)
    monkeypatch.setenv("OPENAI_API_KEY", stage.stand_in.key)
    settings.current.cache_clear()
    new = await stage.record("new")
    await stage.sweep()
    assert await stage.told(old) == []
    assert await stage.told(new) == [("new", "done", None)]


# Material changes, end to end; the policy itself is in test_analysis_policy.py.


async def test_more_of_the_same_is_not_analysed_until_there_is_ten_times_as_much(stage: Stage) -> None:
    incident = await stage.record()
    await stage.sweep()
    await stage.record(times=8)
    stage.turn(hours=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None)]
    await stage.record()
    stage.turn(minutes=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None), ("growth", "done", None)]


async def test_one_that_comes_back_in_a_new_release_is_analysed_again_and_told_what_changed(stage: Stage) -> None:
    incident = await stage.record(release="shop@1.0.0", release_key="a")
    await stage.sweep()
    await stage.resolve(incident)
    await stage.record(release="shop@1.1.0", release_key="b")
    stage.turn(hours=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None), ("release", "done", None)]
    document = orjson.loads(stage.model.asked[1].split("\n", 1)[1].rsplit("\nEND", 1)[0])
    changed = document["since_the_last_analysis"]
    assert (changed["release_then"], changed["events_then"], changed["events_now"]) == ("shop@1.0.0", 1, 2)
    assert [one["kind"] for one in changed["transitions"]] == ["regressed"]


async def test_one_that_is_back_in_several_environments_is_analysed_again_once(stage: Stage) -> None:
    incident = await stage.record(environment="staging", release="shop@1.0.0", release_key="a")
    await stage.sweep()
    await stage.resolve(incident)
    for environment in ("staging", "production", "demo"):
        await stage.record(environment=environment, release="shop@1.1.0", release_key="b")
    stage.turn(hours=2)
    await stage.sweep()
    await stage.record(environment="preview", release="shop@1.1.0", release_key="b")
    stage.turn(hours=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None), ("release", "done", None)]


async def test_an_incident_of_a_new_kind_of_stack_is_analysed_again(stage: Stage) -> None:
    incident, other = await stage.record("one"), await stage.record("other", exception(function="refund"))
    await stage.sweep()
    await stage.ask("SELECT merge_incidents(%s, %s, %s::bigint[], NULL, 100)", stage.project_id, incident, [other])
    stage.turn(hours=2)
    await stage.sweep()
    assert ("stacks", "done", None) in await stage.told(incident)
    assert await stage.told(other) == [("new", "done", None)]


async def test_the_interval_postpones_a_change_and_loses_none(stage: Stage) -> None:
    incident = await stage.record()
    await stage.sweep()
    await stage.record(times=10)
    stage.turn(minutes=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None), ("growth", "waiting", None)]
    stage.turn(minutes=57)
    await stage.sweep()
    assert len(stage.model.asked) == 1
    stage.turn(minutes=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None), ("growth", "done", None)]


async def test_a_floor_holds_back_single_events_and_is_noticed_when_it_is_reached(stage: Stage) -> None:
    await stage.ask(
        "INSERT INTO analysis_options (project_id, version, enabled, environments, events_min, interval_minutes, hourly_max)"
        " VALUES (%s, 1, true, '{}', 3, 60, 20)", stage.project_id,
    )  # fmt: skip
    incident = await stage.record()
    await stage.sweep()
    assert await stage.told(incident) == []
    await stage.record(times=2)
    stage.turn(minutes=2)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "done", None)]


async def wait(stage: Stage, incident: int, cause: str, *, since_minutes: int = 0) -> None:
    """Let the incident wait for an analysis."""
    at = stage.now - timedelta(minutes=since_minutes)
    sql = "INSERT INTO analyses (project_id, incident_id, cause, created_at, due_at) VALUES (%s, %s, %s, %s, %s)"
    await stage.ask(sql, stage.project_id, incident, cause, at, at)


async def test_the_same_context_is_not_asked_about_twice_unless_a_person_asks(stage: Stage) -> None:
    incident = await stage.record()
    await stage.sweep()
    await wait(stage, incident, "growth")
    assert (await stage.sweep())["skipped"] == 1
    assert len(stage.model.asked) == 1
    await wait(stage, incident, "person")
    await stage.sweep()
    assert (await stage.told(incident))[1:] == [("growth", "skipped", "same_context"), ("person", "done", None)]
    assert len(stage.model.asked) == 2


async def test_whoever_asked_comes_before_what_has_waited_longer(stage: Stage) -> None:
    for minutes in (3, 2, 1):
        await wait(stage, await stage.record(f"old {minutes}"), "new", since_minutes=minutes)
    asked = await stage.record("asked")
    await wait(stage, asked, "person")
    assert (await take_one(stage)).incident_id == asked


async def test_what_a_stored_event_still_holds_is_redacted_before_it_is_sent(stage: Stage) -> None:
    """Events stored before a rule knew better, or under a project's own exceptions."""
    secret = "ghp" + "_" + random_text(36, seed=26)
    payload = exception(f"no plan for {secret}") | {
        "tags": {"token": secret}, "breadcrumbs": {"values": [{"message": f"curl -H 'Authorization: Bearer {secret}'"}]},
    }  # fmt: skip
    await stage.record("crash", payload, title=f"KeyError: {secret}")
    await stage.sweep()
    [prompt] = stage.model.asked
    assert secret not in prompt
    assert prompt.count("[redacted:") == 4


async def test_an_hour_has_only_so_many_analyses_of_a_project_and_the_rest_wait(stage: Stage) -> None:
    await stage.ask(
        "INSERT INTO analysis_options (project_id, version, enabled, environments, events_min, interval_minutes, hourly_max)"
        " VALUES (%s, 1, true, '{}', 1, 60, 3)", stage.project_id,
    )  # fmt: skip
    for number in range(8):
        await stage.record(f"crash {number}", exception(function=f"f{number}"))
    await stage.sweep()
    assert len(stage.model.asked) == 3
    stage.turn(minutes=11)
    await stage.sweep()
    assert len(stage.model.asked) == 3
    stage.turn(minutes=55)
    await stage.sweep()
    assert len(stage.model.asked) == 6


async def test_what_waited_for_days_is_not_worth_money_any_more(stage: Stage) -> None:
    incident = await stage.record()
    await stage.alert()
    async with stage.database.transaction() as conn:
        await jobs.consider(conn, stage.now, configured=True)
    stage.turn(hours=73)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "skipped", "too_old")]
    assert stage.model.asked == []


# Leases


async def take_one(stage: Stage) -> jobs.Job:
    async with stage.database.transaction() as conn:
        [job] = await jobs.take(conn, stage.now, 1)
    return job


async def due(stage: Stage) -> int:
    incident = await stage.record()
    await stage.alert()
    async with stage.database.transaction() as conn:
        await jobs.consider(conn, stage.now, configured=True)
    return incident


async def test_a_taker_whose_lease_ended_can_store_nothing(stage: Stage) -> None:
    incident = await due(stage)
    stale = await take_one(stage)
    stage.turn(seconds=jobs.LEASE.total_seconds() - 1)
    assert (await stage.sweep())["done"] == 0, "the lease still holds"
    stage.turn(seconds=2)
    assert (await stage.sweep())["done"] == 1
    before = await newest(stage, incident)
    async with Model() as model:
        assert await run.run(stage.database, model, stale, stage.clock) in {"stale", "skipped"}
    async with stage.database.transaction() as conn:
        assert not await jobs.finish(conn, stale.held, jobs.Finish("done", result={"summary": "stale"}), stage.now)
        assert not await jobs.postpone(conn, stale.held, stage.now, "stale", is_attempt=True)
    assert await newest(stage, incident) == before


async def test_one_that_kills_its_takers_is_given_up(stage: Stage) -> None:
    incident = await due(stage)
    for _ in range(run.ATTEMPTS_MAX):
        await take_one(stage)
        stage.turn(seconds=jobs.LEASE.total_seconds() + 1)
    await stage.sweep()
    assert await stage.told(incident) == [("new", "failed", "attempts")]
    assert stage.model.asked == []


async def test_no_analysis_is_begun_that_cannot_end_in_time(stage: Stage) -> None:
    incident = await stage.record()
    from lib.analysis.sweeping import sweep

    await stage.alert()
    counts = await sweep(stage.database, deadline=stage.now + timedelta(seconds=30), clock=stage.clock)
    assert counts["considered"] == 1
    assert await stage.told(incident) == [("new", "waiting", None)]
