"""Retention: what has expired goes, nothing else does, and ingest waits for neither."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest

from lib import db, payloads, pruning, runs
from local.folders import ROOT
from tests.lib import canaries
from tests.lib.expiring import age, day, payload_days, record, record_expired
from tests.lib.rows import ask, counts, make_project, row


async def prune(url: str, seconds: float = 30) -> dict[str, Any]:
    async with await db.connect(url) as conn:
        return await pruning.run(conn, seconds)


async def test_payloads_go_on_the_day_after_they_expire_and_counts_stay(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id, days_ago=1)
    await record(database_url, [row(project_id, retention_days=days) for days in (0, 1, 90)])
    report = await prune(database_url)
    assert await payload_days(database_url, project_id) == [day(0), day(1), day(90)]
    found = await counts(database_url, project_id)
    assert (found["event_payloads"], found["events"], found["event_counts"]) == (3, 6, 6)
    assert report["payloads"]["rows"] >= 3
    assert report["payloads"]["bytes"] > 0
    assert report["failed"] == []
    assert report["complete"]


async def test_each_projects_trail_says_how_much_went(database_url: str) -> None:
    one, other = await make_project(database_url), await make_project(database_url)
    await record_expired(database_url, one, count=2)
    await record_expired(database_url, other, count=5)
    await prune(database_url)
    sql = "SELECT project_id, actor_kind, action, object_id, after FROM audit_log WHERE project_id = ANY (%s) ORDER BY id"
    told = await ask(database_url, sql, [one, other])
    assert sorted(told) == [
        (one, "cron", "retention.prune", str(day(-1)), {"payloads": 2}),
        (other, "cron", "retention.prune", str(day(-1)), {"payloads": 5}),
    ]


async def test_what_has_not_expired_is_never_dropped(database_url: str) -> None:
    async with await db.connect(database_url) as conn:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            await conn.execute("SELECT * FROM prune_payloads(today())")


async def test_partitions_of_the_coming_days_are_made_even_after_a_month_without_a_run(database_url: str) -> None:
    project_id = await make_project(database_url)
    await ask(database_url, "UPDATE projects SET retention_days = 400 WHERE id = %s", project_id)
    last = f"events_{day(14):%Y%m%d}"
    await ask(database_url, f"DROP TABLE {last}")
    await prune(database_url)
    assert await ask(database_url, "SELECT 1 FROM partitions_of('events') WHERE name = %s", last)
    needed = "SELECT expires_on(now() + n * interval '1 day', 400) FROM generate_series(0, 14) AS n"
    missing = f"{needed} EXCEPT SELECT day FROM partitions_of('event_payloads')"
    assert await ask(database_url, missing) == []


async def test_a_run_waits_for_nobody_for_long_and_the_next_one_goes_on(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "DROP_TRIES", 2)
    monkeypatch.setattr(runs, "DROP_PAUSE_SECONDS", 0.01)
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    async with await psycopg.AsyncConnection.connect(database_url) as reader:
        await reader.execute("SELECT count(*) FROM event_payloads")  # a dump, an export: it keeps its lock until it ends
        began = time.perf_counter()
        report = await prune(database_url)
        assert time.perf_counter() - began < 5
        assert report["failed"] == ["payloads"]
        assert not report["complete"]
        # Nothing is half done: not even the trail says that anything went.
        assert (await counts(database_url, project_id))["event_payloads"] == 3
        assert await ask(database_url, "SELECT 1 FROM audit_log WHERE project_id = %s", project_id) == []
    assert (await prune(database_url))["failed"] == []
    assert (await counts(database_url, project_id))["event_payloads"] == 0


async def test_ingest_waits_a_moment_at_most_for_a_drop_that_waits_for_a_reader(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    longest = 0.0
    async with await psycopg.AsyncConnection.connect(database_url) as reader:
        await reader.execute("SELECT count(*) FROM event_payloads")
        pruned = asyncio.create_task(prune(database_url, seconds=2))
        while not pruned.done():
            began = time.perf_counter()
            await record(database_url, [row(project_id)])
            longest = max(longest, time.perf_counter() - began)
        assert (await pruned)["failed"] == ["payloads"]
    assert longest < 5  # 100 ms and the recording itself, on a busy machine; without lock_timeout it would be for ever
    await prune(database_url)


async def test_runs_that_overlap_drop_each_day_once(database_url: str) -> None:
    project_id = await make_project(database_url)
    for days_ago in (1, 2, 3, 4):
        await record_expired(database_url, project_id, days_ago=days_ago)
    reports = await asyncio.gather(*(prune(database_url) for _ in range(4)))
    assert [report["failed"] for report in reports] == [[]] * 4
    assert sum(report.get("payloads", {}).get("rows", 0) for report in reports) == 12
    assert await payload_days(database_url, project_id) == []


async def test_a_run_that_is_out_of_time_says_that_it_is_not_complete(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    assert not (await prune(database_url, seconds=0))["complete"]
    assert (await counts(database_url, project_id))["event_payloads"] == 3
    assert (await prune(database_url))["complete"]


async def test_a_plan_tells_what_would_go_and_changes_nothing(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id, days_ago=2)
    async with await db.connect(database_url) as conn:
        plan = await pruning.plan(conn)
    assert day(-2) in [one["day"] for one in plan["payloads"]]
    assert (await counts(database_url, project_id))["event_payloads"] == 3
    await prune(database_url)


async def test_a_plan_counts_what_the_steps_remove(database_url: str) -> None:
    async def due() -> dict[str, int]:
        async with await db.connect(database_url) as conn:
            return dict((await pruning.plan(conn))["rows"])

    before, project_id = await due(), await make_project(database_url)
    await record(database_url, [row(project_id, number, retention_days=-1) for number in range(3)])
    await age(database_url, project_id, 900)
    await write_old(database_url, project_id)
    after = await due()
    assert {name: after[name] - before[name] for name in after} == {
        "incidents": 3, "counts": 3, "audit": 2, "usage": 1, "outcomes": 1, "invitations": 1, "kept": 0, "erasures": 0,
        "tags": 0, "answers": 0,
    }  # fmt: skip
    await ask(database_url, "UPDATE retention_sweeps SET passed_at = NULL, position = NULL")
    await prune(database_url)
    left = await due()
    assert [name for name in left if left[name] > before[name]] == []


async def write_old(url: str, project_id: int) -> None:
    """One row of each kind that goes at its own time, of years ago."""
    for sql in (
        """INSERT INTO audit_log (workspace_id, project_id, at, actor_kind, action, object_id)
           SELECT workspace_id, id, now() - interval '9 years', 'cron', 'old.one', '1' FROM projects WHERE id = %s""",
        """INSERT INTO audit_refusals (workspace_id, minute, actor_kind, actor_id, action, object_id)
           SELECT workspace_id, now() - interval '9 years', 'person', 1, 'old.one', '' FROM projects WHERE id = %s""",
        """INSERT INTO usage (workspace_id, month, project_id, shard)
           SELECT workspace_id, '2015-01-01', id, 0 FROM projects WHERE id = %s""",
        """INSERT INTO outcomes (project_id, hour, key_id, outcome, reason, shard, event_count)
           VALUES (%s, '2015-01-01', 0, 'accepted', '', 0, 1)""",
        """INSERT INTO deliveries (workspace_id, id, project_id, purpose, kind, recipient, idempotency_key, state, created_at,
                                   next_try_at)
           SELECT workspace_id, gen_random_uuid(), id, 'alert', 'email', 'x@y.example', 'old', 'sent', '2015-01-01', NULL
             FROM projects WHERE id = %s""",
        """INSERT INTO invitations (workspace_id, email, role, token_hash, expires_at)
           SELECT workspace_id, 'x@y.example', 'viewer', sha256(id::text::bytea), '2015-01-01' FROM projects WHERE id = %s""",
    ):
        await ask(url, sql, project_id)


async def test_of_a_held_project_nothing_goes_at_its_own_time(database_url: str) -> None:
    held, neighbour = await make_project(database_url), await make_project(database_url)
    await ask(database_url, "INSERT INTO legal_holds (project_id, reason) VALUES (%s, 'case 7')", held)
    for project_id in (held, neighbour):
        await write_old(database_url, project_id)
    await prune(database_url)
    async with await db.connect(database_url) as conn:
        await db.run(conn, "delivery_delete_old", before=datetime(2020, 1, 1, tzinfo=UTC), limit=1000)
    for table in ("audit_log", "usage", "outcomes", "deliveries"):
        sql = f"SELECT project_id FROM {table} WHERE project_id = ANY (%s)"
        assert await ask(database_url, sql, [held, neighbour]) == [(held,)], table


async def test_a_step_in_rows_rests_while_others_are_at_work_and_not_otherwise(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await db.connect(database_url) as conn, await db.connect(database_url) as other:
        one = runs.Run(conn, 30)
        monkeypatch.setattr(runs, "REST_SHARE", 10_000.0)  # a rest would be minutes
        async with asyncio.timeout(60), runs.gently(one):
            await asyncio.sleep(0.02)
        monkeypatch.setattr(runs, "REST_SHARE", 10.0)
        working = asyncio.create_task(other.execute("SELECT pg_sleep(60)"))
        while not await ask(database_url, "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"):
            pass
        began = time.monotonic()
        async with runs.gently(one):
            await asyncio.sleep(0.02)
        assert time.monotonic() - began >= 0.2
        await other.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await working


async def test_no_rest_reaches_past_the_end_of_a_run_nor_makes_up_for_waiting(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "REST_SHARE", 10_000.0)  # a rest would be minutes
    monkeypatch.setattr(runs, "DROP_TRIES", 3)
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    async with await db.connect(database_url) as conn, await db.connect(database_url) as other:
        ending, waiting = runs.Run(conn, 0.1), runs.Run(conn, 600)
        async with await psycopg.AsyncConnection.connect(database_url) as reader:
            await reader.execute("SELECT count(*) FROM event_payloads")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                await runs.when_free(waiting, "retention_delete_payloads", day=day(-1))
        assert waiting.waited > 0.2  # two tries, at which PostgreSQL waits 100 ms
        working = asyncio.create_task(other.execute("SELECT pg_sleep(121)"))
        while not await ask(database_url, "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(121)'"):
            pass
        async with asyncio.timeout(60), runs.gently(ending):
            await asyncio.sleep(0.05)
        async with asyncio.timeout(60), runs.gently(waiting):
            await asyncio.sleep(0.05)
            waiting.waited += 10
        await other.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await working


def test_what_somebody_asked_to_be_removed_goes_before_a_backlog_of_events() -> None:
    order = list(pruning.STEPS)
    assert order.index("deleted") < order.index("events")
    assert order.index("erased") < order.index("events")


CLOCKS = re.compile(r"datetime\.now|date\.today|time\.time\b|utcnow")


@pytest.mark.parametrize(
    "module", ["pruning", "runs", "purging", "keeping", "retention", "holds", "archives", "erasing", "erasures"]
)
def test_what_day_it_is_the_database_says(module: str) -> None:
    assert not CLOCKS.search((ROOT / f"lib/{module}.py").read_text(encoding="utf-8"))
    assert CLOCKS.search((ROOT / "lib/own.py").read_text(encoding="utf-8"))  # what is looked for can be found


async def test_nothing_of_what_only_a_payload_held_is_left_anywhere(database_url: str) -> None:
    project_id, canary, kept = await make_project(database_url), f"zc{secrets.token_hex(8)}", f"zk{secrets.token_hex(8)}"
    for text, days in ((canary, -1), (kept, 1)):
        dictionary, payload = payloads.compress(orjson.dumps({"payload": {"extra": {"note": text}}, "removals": []}))
        one = row(project_id, retention_days=days)
        await record(database_url, [one._replace(payload=payload, columns={**one.columns, "dictionary": dictionary})])
    assert canaries.found_in(canaries.database(database_url), canary)
    await prune(database_url)
    found = canaries.database(database_url)
    assert not canaries.found_in(found, canary)
    assert canaries.found_in(found, kept)


async def test_answers_kept_for_repeated_requests_and_messages_that_were_taken_go_after_a_day(database_url: str) -> None:
    mark = secrets.token_hex(8)
    for hours in (23, 25, 900):
        sql = """INSERT INTO idempotency_keys (actor_kind, actor_id, idempotency_key, request_hash, created_at)
                 VALUES ('key', %s, %s, sha256(''), now() - make_interval(hours => %s))"""
        await ask(database_url, sql, hours, mark, hours)
        sql = "INSERT INTO clerk_messages VALUES (%s, now() - make_interval(hours => %s))"
        await ask(database_url, sql, f"{mark}/{hours}", hours)
    await prune(database_url)
    assert await ask(database_url, "SELECT actor_id FROM idempotency_keys WHERE idempotency_key = %s", mark) == [(23,)]
    kept = "SELECT message_id FROM clerk_messages WHERE message_id LIKE %s"
    assert await ask(database_url, kept, f"{mark}%") == [(f"{mark}/23",)]
