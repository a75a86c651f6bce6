"""A project to record into, rows to record, and what the database says became of them."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from lib import payloads
from lib.recording import Row

numbers = itertools.count(1)


async def ask(url: str, sql: str, *params: Any) -> list[Any]:
    """The rows a statement answers, as tuples."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        cursor = await conn.execute(sql.encode(), params)
        return await cursor.fetchall() if cursor.description else []


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
