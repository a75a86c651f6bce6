"""Events of a chosen age, as if they had been recorded then."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from lib import db, queries
from lib.recording import Row
from tests.lib.rows import ask, row


def day(offset: int) -> date:
    """Today in UTC, and so many days on."""
    return datetime.now(UTC).date() + timedelta(days=offset)


async def record(url: str, rows: list[Row]) -> None:
    """Store these rows; a row's `retention_days` may be negative: then it expired so many days ago."""
    batch = orjson.dumps([{**one.columns, "ord": ord_} for ord_, one in enumerate(rows, 1)]).decode()
    retention_days = sorted({one.columns["retention_days"] for one in rows})
    async with await db.connect(url) as conn:
        await conn.execute(queries.get("record_make_partitions"), {"retention_days": retention_days})
        await conn.execute(queries.get("record_events"), {"batch": batch, "payloads": [one.payload for one in rows]})


async def record_expired(url: str, project_id: int, *, days_ago: int = 1, count: int = 3, **columns: Any) -> list[Row]:
    """Events whose payloads expired so many days ago."""
    rows = [row(project_id, retention_days=-days_ago, **columns) for _ in range(count)]
    await record(url, rows)
    return rows


async def payload_days(url: str, project_id: int) -> list[date]:
    """The days on which what is stored of a project expires, each once."""
    found = await ask(url, "SELECT DISTINCT expires_on FROM event_payloads WHERE project_id = %s ORDER BY 1", project_id)
    return [one for (one,) in found]


AGE = """
    UPDATE events SET received_at = received_at - $2, occurred_at = occurred_at - $2
     WHERE project_id = $1 AND received_at > now() - interval '1 hour';
    UPDATE event_payloads SET received_at = received_at - $2 WHERE project_id = $1 AND received_at > now() - interval '1 hour';
    UPDATE event_ids SET received_at = received_at - $2 WHERE project_id = $1 AND received_at > now() - interval '1 hour';
    UPDATE event_counts SET hour = hour - $2 WHERE project_id = $1 AND hour > now() - interval '2 hours';
    UPDATE incident_fingerprints SET first_seen = first_seen - $2, last_seen = last_seen - $2
     WHERE project_id = $1 AND last_seen > now() - interval '1 hour';
    UPDATE incidents SET first_seen = first_seen - $2, last_seen = last_seen - $2
     WHERE project_id = $1 AND last_seen > now() - interval '1 hour'"""


async def age(url: str, project_id: int, days: int) -> None:
    """Let what a project has recorded just now have happened so many days earlier. When it expires stays as it is."""
    async with await db.connect(url) as conn:
        await conn.execute("SELECT make_partitions(%s, %s, '{}')", [day(-days) - timedelta(days=1), day(-days)])
        for statement in AGE.split(";"):
            sql = statement.replace("$1", "%(project_id)s").replace("$2", "%(age)s")
            await conn.execute(sql.encode(), {"project_id": project_id, "age": timedelta(days=days)})
