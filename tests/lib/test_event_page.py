"""A page costs a page: of an incident's events however many there are, and of incidents in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.rows import dict_row

from lib import db, queries
from tests.lib.rows import ask, make_project, row

EVENTS = 6_000  # two of three are of one incident, the others of many
BATCH = 1_000
LIMIT = 50
PARAMETERS = (
    "after", "after_id", "status", "level", "environment", "pattern", "since", "until", "assignee_id", "release", "incident_ids",
    "user_hashes", "tag_values", "tag_names",
)  # fmt: skip


async def fill(url: str, project_id: int) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        for first in range(0, EVENTS, BATCH):
            rows = [row(project_id, "hot" if number % 3 else number) for number in range(first, first + BATCH)]
            batch = orjson.dumps([{**one.columns, "ord": number} for number, one in enumerate(rows, 1)]).decode()
            await conn.execute(queries.get("record_events"), {"batch": batch, "payloads": [one.payload for one in rows]})
        await conn.execute("ANALYZE events")


def blocks(plan: dict[str, Any]) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_a_page_of_the_hottest_incident_reads_no_more_than_a_page(database_url: str) -> None:
    project_id = await make_project(database_url)
    await fill(database_url, project_id)
    hottest = "SELECT id, event_count FROM incidents WHERE project_id = %s ORDER BY event_count DESC LIMIT 1"
    [(incident_id, event_count)] = await ask(database_url, hottest, project_id)
    assert event_count == EVENTS * 2 // 3
    given = {
        "project_id": project_id,
        "incident_id": incident_id,
        "since": datetime.now(UTC) - timedelta(days=1),
        "max_rows": LIMIT,
    }
    given |= {"oldest_first": False, "environment": None, "release": None, "max_looked": LIMIT}
    seen: set[str] = set()
    after: Any = {"after": None, "after_id": None}
    async with await psycopg.AsyncConnection[dict[str, Any]].connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        for _ in range(3):
            page = await db.fetch_all(conn, "event_list_by_incident", **given, **after)
            # The second time, so that what the session has to learn of the tables does not count.
            explained = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + queries.get("event_list_by_incident").encode()
            [found] = await (await conn.execute(explained, given | after)).fetchall()
            assert blocks(found["QUERY PLAN"][0]["Plan"]) < 4 * LIMIT
            assert [one["received_at"] for one in page] == sorted((one["received_at"] for one in page), reverse=True)
            seen |= {one["event_id"].hex for one in page}
            after = {"after": page[-1]["received_at"], "after_id": page[-1]["event_id"]}
    assert len(seen) == 3 * LIMIT


def nodes(plan: dict[str, Any]) -> list[str]:
    return [plan["Node Type"], *(name for inner in plan.get("Plans", ()) for name in nodes(inner))]


@pytest.mark.parametrize("order", ["last_seen", "first_seen", "event_count"])
async def test_no_order_of_incidents_is_made_by_sorting(database_url: str, order: str) -> None:
    project_id = await make_project(database_url)
    narrowed = dict.fromkeys(PARAMETERS, None) | {"project_id": project_id, "limit": LIMIT}
    async with await psycopg.AsyncConnection[dict[str, Any]].connect(database_url, row_factory=dict_row) as conn:
        await conn.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        explained = b"EXPLAIN (FORMAT JSON) " + queries.get(f"incident_list_by_{order}").encode()
        [found] = await (await conn.execute(explained, narrowed)).fetchall()
    assert "Sort" not in nodes(found["QUERY PLAN"][0]["Plan"])
