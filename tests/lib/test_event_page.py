"""A page costs a page: of an incident's events however many there are, and of incidents in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest
from psycopg.rows import dict_row

from lib import db, queries
from tests.lib.expiring import record
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


MERGED = 120  # fingerprints of one incident
LOOKED = 2_000
SPREAD = """
    INSERT INTO events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level, environment)
    SELECT p.project_id, p.fingerprint, t.at, gen_random_uuid(), t.at, today() + 30, 'error',
           CASE WHEN n %% 70 = 0 THEN 'rare' ELSE 'common' END
      FROM (SELECT project_id, fingerprint, row_number() OVER (ORDER BY fingerprint) AS nth
              FROM incident_fingerprints WHERE project_id = %s) p
     CROSS JOIN generate_series(1, CASE WHEN nth = 1 THEN 4000 WHEN nth %% 2 = 0 THEN 120 ELSE 3 END) n
     CROSS JOIN LATERAL (SELECT now() - interval '1 hour' - n * nth * interval '7 milliseconds' AS at) t
"""


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_a_narrowed_page_of_a_much_merged_incident_is_exact(database_url: str, oldest_first: bool) -> None:
    project_id = await make_project(database_url)
    await record(database_url, [row(project_id, number) for number in range(MERGED)])
    await ask(database_url, "DELETE FROM events WHERE project_id = %s", project_id)
    [(incident_id,)] = await ask(database_url, "SELECT max(id) FROM incidents WHERE project_id = %s", project_id)
    moved = "UPDATE incident_fingerprints SET incident_id = %s, event_count = 4000 WHERE project_id = %s"
    await ask(database_url, moved, incident_id, project_id)
    await ask(database_url, SPREAD, project_id)
    order = "ASC" if oldest_first else "DESC"
    listed = f"ORDER BY received_at {order}, event_id {order}"
    sql = f"SELECT received_at, event_id, environment FROM events WHERE project_id = %s {listed}"
    stored = await ask(database_url, sql, project_id)
    given = {
        "project_id": project_id, "incident_id": incident_id, "since": datetime.now(UTC) - timedelta(days=1), "release": None,
        "environment": "rare", "oldest_first": oldest_first, "max_rows": LIMIT, "max_looked": LOOKED,
    }  # fmt: skip
    after: Any = {"after": None, "after_id": None}
    async with await psycopg.AsyncConnection[dict[str, Any]].connect(database_url, autocommit=True, row_factory=dict_row) as conn:
        for first in range(0, len(stored) + LOOKED, LOOKED):
            page = await db.fetch_all(conn, "event_list_by_incident", **given, **after)
            looked = stored[first : first + LOOKED]
            assert [one["event_id"] for one in page if one["event_id"]] == [one[1] for one in looked if one[2] == "rare"]
            assert [one["is_more"] for one in page[:1]] == ([len(looked) == LOOKED] if looked else [])
            if looked:
                assert (page[0]["last_at"], page[0]["last_id"]) == looked[-1][:2]
                after = {"after": looked[-1][0], "after_id": looked[-1][1]}


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
