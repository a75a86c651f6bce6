"""Money: never more than the limits, whoever works at once, dies or lies; what is not known to be cheaper is spent."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from lib import settings
from lib.analysis import jobs, prices, spending
from lib.analysis.model import OUTPUT_TOKENS_MAX
from lib.analysis.policy import Options
from lib.analysis.prices import Usage
from tests.lib.analysis.stage import Stage, exception
from tests.lib.rows import make_project


def limits(monkeypatch: pytest.MonkeyPatch, *, deployment: str = "20", workspace: str = "5") -> None:
    monkeypatch.setenv("ANALYSIS_BUDGET_USD", deployment)
    monkeypatch.setenv("ANALYSIS_WORKSPACE_BUDGET_USD", workspace)
    settings.current.cache_clear()


async def spent(stage: Stage) -> dict[str, int]:
    """Microdollars, spent and set aside, as each table tells it."""
    names = ("months", "months_reserved", "spending", "spending_reserved", "analyses", "analyses_reserved")
    [found] = await stage.ask(
        "SELECT (SELECT coalesce(sum(spent_microdollars), 0)::int FROM analysis_months),"
        "       (SELECT coalesce(sum(reserved_microdollars), 0)::int FROM analysis_months),"
        "       (SELECT coalesce(sum(spent_microdollars), 0)::int FROM analysis_spending),"
        "       (SELECT coalesce(sum(reserved_microdollars), 0)::int FROM analysis_spending),"
        "       (SELECT coalesce(sum(cost_microdollars), 0)::int FROM analyses),"
        "       (SELECT coalesce(sum(reserved_microdollars), 0)::int FROM analyses)"
    )
    return dict(zip(names, found, strict=True))


def assert_balanced(found: dict[str, int], total: int) -> None:
    assert found["months"] == found["spending"] == found["analyses"] == total
    assert found["months_reserved"] == found["spending_reserved"] == found["analyses_reserved"] == 0


async def flood(stage: Stage, crashes: int) -> None:
    """So many new fingerprints, each an incident of its own."""
    made = [stage.row(f"crash {number}", exception(function=f"f{number}")) for number in range(crashes)]
    for at in range(0, crashes, 500):
        await stage.recorder.record(made[at : at + 500])


async def new_fingerprints(stage: Stage, count: int) -> None:
    """So many incidents of a fingerprint each, with their transitions: more at once than recording makes of them."""
    await stage.ask(
        "WITH made AS ("
        "  INSERT INTO incidents (project_id, level, title, platform, event_count, first_seen, last_seen)"
        "  SELECT %s, 'error', 'crash ' || n, 'python', 1, now(), now() FROM generate_series(1, %s) n RETURNING project_id, id"
        "), led AS ("
        "  INSERT INTO incident_fingerprints"
        "  (project_id, fingerprint, incident_id, version, rule, reason, parts, first_seen, last_seen)"
        "  SELECT project_id, gen_random_uuid(), id, 1, 'test', 'because', '[]', now(), now() FROM made)"
        " INSERT INTO transitions (project_id, incident_id, kind, created_at) SELECT project_id, id, 'new', now() FROM made",
        stage.project_id, count,
    )  # fmt: skip


@pytest.mark.timeout(300)
async def test_the_cap_holds_with_50_workers_and_10_000_new_fingerprints(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 takers of the same queue at once, each on its own connection; what they spend is what the provider counted."""
    limits(monkeypatch, workspace="0.10")
    await stage.ask(
        "INSERT INTO analysis_options (project_id, version, enabled, environments, events_min, interval_minutes, hourly_max)"
        " VALUES (%s, 1, true, '{}', 1, 60, 1000)", stage.project_id,
    )  # fmt: skip
    await new_fingerprints(stage, 10_000)
    await stage.alert()
    considered = 0
    while True:
        async with stage.database.transaction() as conn:
            found = await jobs.consider(conn, stage.now, configured=True)
        considered += found
        if not found:
            break
    assert considered == 10_000
    amount, cost = 3_000, 2_000
    calls = most = 0

    async def work() -> None:
        nonlocal calls, most
        from lib import db

        async with await db.connect(stage.url) as conn:
            while taken := await jobs.take(conn, stage.now, 1):
                held = taken[0].held
                refusal = await spending.reserve(conn, held, amount, Options(hourly_max=1000), stage.now)
                if refusal == "busy":
                    await jobs.postpone(conn, held, stage.now, refusal, is_attempt=False)
                    await asyncio.sleep(0.01)
                elif refusal:
                    await jobs.finish(conn, held, jobs.Finish("skipped", refusal), stage.now)
                    await jobs.skip_rest(conn, stage.project_id, refusal, stage.now)
                else:
                    calls += 1
                    set_aside = await stage.ask(
                        "SELECT sum(spent_microdollars + reserved_microdollars)::int FROM analysis_months"
                    )
                    most = max(most, set_aside[0][0])
                    assert await spending.settle(conn, held, cost, Usage(1000, 0, 100))

    await asyncio.gather(*(work() for _ in range(50)))
    assert calls == 49  # the 50th would need 98,000 + 3,000 of 100,000
    assert most <= 100_000
    assert_balanced(await spent(stage), calls * cost)
    [(states,)] = await stage.ask(
        "SELECT jsonb_object_agg(state, n) FROM (SELECT state, count(*) AS n FROM analyses GROUP BY 1) s"
    )
    assert states["skipped"] == 9_951
    assert states.get("waiting", 0) == 0


async def test_sweeps_stop_at_the_budget_and_the_rest_is_skipped_for_that_reason(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits(monkeypatch, workspace="0.005")
    await flood(stage, 300)
    for _ in range(5):
        await asyncio.gather(*(stage.sweep() for _ in range(3)))
        stage.turn(minutes=2)
    found = await spent(stage)
    assert 0 < found["months"] <= 5_000
    assert_balanced(found, found["months"])
    assert 0 < len(stage.model.asked) < 20
    [(reasons,)] = await stage.ask(
        "SELECT jsonb_object_agg(reason, n) FROM (SELECT reason, count(*) n FROM analyses WHERE state = 'skipped' GROUP BY 1) s"
    )
    assert reasons == {"budget_workspace": 300 - len(stage.model.asked)}


async def held_of(stage: Stage, project_id: int | None = None) -> spending.Held:
    row = stage.row(uuid.uuid4().hex, project_id=project_id or stage.project_id)
    await stage.recorder.record([row])
    await stage.alert()
    async with stage.database.transaction() as conn:
        await jobs.consider(conn, stage.now, configured=True)
    async with stage.database.transaction() as conn:
        [job] = await jobs.take(conn, stage.now, 1)
    return job.held


async def reserve(stage: Stage, held: spending.Held, amount: int, **options: Any) -> str | None:
    async with stage.database.transaction() as conn:
        return await spending.reserve(conn, held, amount, Options(**options), stage.now)


async def settle(stage: Stage, held: spending.Held, cost: int) -> bool:
    async with stage.database.transaction() as conn:
        return await spending.settle(conn, held, cost, Usage(1, 0, 1))


async def test_each_limit_is_named_when_it_is_reached(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, deployment="0.0010", workspace="0.0008")
    first = await held_of(stage)
    assert await reserve(stage, first, 501, budget_microdollars=500) == "project"
    assert await reserve(stage, first, 801) == "workspace"
    assert await reserve(stage, first, 600) is None
    second = await held_of(stage)
    assert await reserve(stage, second, 300) == "busy", "there would be room if the first turns out cheaper"
    assert await settle(stage, first, 600)
    assert await reserve(stage, second, 300) == "workspace"
    elsewhere = await held_of(stage, await make_project(stage.url))
    assert await reserve(stage, elsewhere, 300) is None, "another workspace has its own"
    assert await settle(stage, elsewhere, 300)
    assert await reserve(stage, await held_of(stage, await make_project(stage.url)), 300) == "deployment"


async def test_a_limit_of_nothing_lets_nothing_through(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    held = await held_of(stage)
    for amount in ("0", "none", "-1", "1e9", "infinity"):
        limits(monkeypatch, workspace=amount)
        assert await reserve(stage, held, 1) == "workspace", amount
    limits(monkeypatch, deployment="unlimited")
    assert await reserve(stage, held, 1) == "deployment"


async def test_a_month_ends_and_its_money_is_not_taken_along(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, workspace="0.001")
    held = await held_of(stage)
    assert await reserve(stage, held, 1_000) is None
    assert await settle(stage, held, 1_000)
    assert await reserve(stage, held, 1_000) == "workspace"
    stage.turn(days=31)
    assert await reserve(stage, held, 1_000) is None


async def test_money_is_settled_once_and_by_its_holder_only(stage: Stage) -> None:
    held = await held_of(stage)
    assert await reserve(stage, held, 1_000) is None
    assert await reserve(stage, held, 1_000) == "stale", "one call at a time"
    assert not await settle(stage, held._replace(fence=held.fence + 1), 10)
    assert await settle(stage, held, 10)
    assert not await settle(stage, held, 10)
    assert_balanced(await spent(stage), 10)


async def test_what_a_taker_who_died_had_set_aside_is_spent(stage: Stage) -> None:
    held = await held_of(stage)
    assert await reserve(stage, held, 1_234) is None
    stage.turn(seconds=jobs.LEASE.total_seconds() + 1)
    assert (await stage.sweep())["done"] == 1
    [(cost, read, written)] = await stage.ask("SELECT cost_microdollars, input_tokens, output_tokens FROM analyses")
    assert cost == 1_234 + prices.cost("gpt-6-luna", Usage(read, 0, written))
    assert_balanced(await spent(stage), cost)


async def test_deleting_a_project_gives_no_money_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, workspace="0.001")
    held = await held_of(stage)
    assert await reserve(stage, held, 900) is None
    assert await settle(stage, held, 900)
    [(workspace,)] = await stage.ask("SELECT workspace_id FROM projects WHERE id = %s", stage.project_id)
    await stage.ask("DELETE FROM projects WHERE id = %s", stage.project_id)
    [(project,)] = await stage.ask(
        "INSERT INTO projects (workspace_id, slug, name) VALUES (%s, 'again', 'Again') RETURNING id", workspace
    )
    assert await reserve(stage, await held_of(stage, project), 200) == "workspace"


# Which failures cost what


@pytest.mark.parametrize(("mode", "is_charged"), [("500", False), ("429", False), ("401", False), ("garbage", True)])
async def test_a_failed_call_costs_nothing_only_where_the_provider_said_so(stage: Stage, mode: Any, is_charged: bool) -> None:
    stage.model.mode = mode
    await stage.record()
    await stage.sweep()
    found = await spent(stage)
    assert_balanced(found, found["months"])
    assert (found["months"] > 0) is is_charged
    if is_charged:
        assert found["months"] > OUTPUT_TOKENS_MAX * 0.5, "all that was set aside"


@pytest.mark.parametrize(
    ("model", "usage", "cost"),
    [
        ("gpt-6-luna", Usage(1_000_000, 0, 0), 100_000),
        ("gpt-6-luna", Usage(1_000_000, 1_000_000, 0), 10_000),
        ("gpt-6-luna", Usage(0, 0, 1_000_000), 500_000),
        ("gpt-5.6-luna", Usage(1_000_000, 500_000, 1_000_000), 1_310_000),
        ("gpt-6-luna", Usage(1, 0, 0), 1),  # rounded up
        ("my-own", Usage(1_000_000, 0, 1_000_000), 12_000_000),  # not listed: dearer than all that are
    ],
)
def test_prices(model: str, usage: Usage, cost: int) -> None:
    assert prices.cost(model, usage) == cost


def test_a_call_cannot_cost_more_than_what_is_set_aside() -> None:
    for model in (*prices.PRICES, "unknown"):
        for read, written in [(1, 1), (30_000, 4_000), (17, 4_000)]:
            assert prices.cost(model, Usage(read, 0, written)) <= prices.most(model, read, 4_000)
