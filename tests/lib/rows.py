"""A project to record into, rows to record, and what the database says became of them."""

from __future__ import annotations

import asyncio
import itertools
import select
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from lib import payloads
from lib.recording import Row

numbers = itertools.count(1)
LOOKER = "a test that looks"  # what PostgreSQL calls the connections of `ask`
_idle: defaultdict[str, list[psycopg.Connection[Any]]] = defaultdict(list)


async def ask(url: str, sql: str, *params: Any) -> list[Any]:
    """The rows a statement answers, as tuples."""

    def answered() -> list[Any]:
        with connection(url) as conn:
            cursor = conn.execute(sql.encode(), params)
            return cursor.fetchall() if cursor.description else []

    return await asyncio.to_thread(answered)


@contextmanager
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    """One in autocommit that outlives the test: a new one costs more than most statements, its first look at a table as well.

    Others get it afterwards, so leave nothing set in its session. An exception closes it.
    """
    conn = _taken(url) or psycopg.connect(url, autocommit=True, application_name=LOOKER)
    try:
        yield conn
    except BaseException:
        conn.close()
        raise
    _idle[url].append(conn)


def _taken(url: str) -> psycopg.Connection[Any] | None:
    """An idle one that still has its server: where that was ended, or the database is gone, there is something to read."""
    with suppress(IndexError):
        while True:
            conn = _idle[url].pop()
            if not select.select([conn.fileno()], [], [], 0)[0]:
                return conn
            conn.close()
    return None


def close_idle() -> None:
    """Close what `ask` has left open."""
    for conn in itertools.chain.from_iterable(_idle.values()):
        conn.close()
    _idle.clear()


async def sessions(url: str) -> int:
    """How many clients the database has, apart from `ask`: the fewest in half a second, since one that left is seen a while."""
    counted = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> %s"
    )
    seen = []
    for _ in range(6):
        seen.append(int((await ask(url, counted, LOOKER))[0][0]))
        await asyncio.sleep(0.1)
    return min(seen)


async def make_project(url: str, **limits: int) -> int:
    """A project in a new workspace, with these columns of its limits; answers its id."""
    name = f"w{next(numbers)}-{uuid.uuid4().hex[:8]}"
    [(workspace,)] = await ask(url, "INSERT INTO workspaces (slug, name) VALUES (%s, %s) RETURNING id", name, name)
    insert = "INSERT INTO projects (workspace_id, slug, name) VALUES (%s, 'shop', 'Shop') RETURNING id"
    [(project_id,)] = await ask(url, insert, workspace)
    for column, value in limits.items():
        await ask(url, f"UPDATE projects SET {column} = %s WHERE id = %s", value, project_id)
    return int(project_id)


def fingerprint(name: object) -> str:
    """A fingerprint by name: the same name, the same fingerprint."""
    return uuid.uuid5(uuid.NAMESPACE_OID, str(name)).hex


def row(project_id: int, crash: object = "crash", **columns: Any) -> Row:
    """An event of this crash, as lib/intake.py prepares it."""
    event_id = uuid.uuid4().hex
    dictionary, payload = payloads.compress(orjson.dumps({"payload": {"event_id": event_id}, "removals": []}))
    found = {
        "project_id": project_id, "key_id": 1, "event_id": event_id, "fingerprint": fingerprint(crash), "version": 1,
        "rule": "test", "reason": "because", "parts": [str(crash)], "title": str(crash), "culprit": None, "kind": None,
        "level": "error", "platform": "python", "release": None, "release_key": None, "environment": None, "service": None,
        "route": None, "occurred_at": datetime.now(UTC), "retention_days": 90, "user_hash": None, "removed_count": 0,
        "dictionary": dictionary,
    }  # fmt: skip
    return Row(found | columns, payload)


async def counts(url: str, project_id: int) -> dict[str, int]:
    """The number of events as each table tells it: they must agree."""
    sql = """
        SELECT (SELECT count(*) FROM events WHERE project_id = p),
               (SELECT count(*) FROM event_ids WHERE project_id = p),
               (SELECT count(*) FROM event_payloads WHERE project_id = p),
               (SELECT coalesce(sum(event_count), 0)::int FROM incidents WHERE project_id = p),
               (SELECT coalesce(sum(event_count), 0)::int FROM incident_fingerprints WHERE project_id = p),
               (SELECT coalesce(sum(event_count), 0)::int FROM event_counts WHERE project_id = p)
          FROM (SELECT %s::bigint AS p) one"""
    [found] = await ask(url, sql, project_id)
    names = ("events", "event_ids", "event_payloads", "incidents", "incident_fingerprints", "event_counts")
    return dict(zip(names, found, strict=True))


async def assert_stored(url: str, project_id: int, number: int) -> None:
    """Exactly so many events, in every table."""
    found = await counts(url, project_id)
    assert set(found.values()) == {number}, found
