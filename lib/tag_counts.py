"""How the tags of an incident's newest events are spread. Tags live in payloads alone, so the newest are read and counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import orjson

from lib import db, incidents, payloads

EVENTS_MAX = 100
TAGS_MAX = 50
VALUES_MAX = 8


async def read(conn: db.Connection, project_id: int, incident_id: int) -> dict[str, Any]:
    """`{"event_count", "items": [{tag, event_count, value_count, values: [{value, event_count}]}]}`

    of the newest EVENTS_MAX events. The most frequent tags and values come first. Raises NotFound.
    """
    page = await incidents.list_events(conn, project_id, incident_id, EVENTS_MAX)
    keys = page["items"]
    rows = await db.fetch_all(
        conn, "event_list_payloads_by_key", project_id=project_id, expires_on=[one["expires_on"] for one in keys],
        received_at=[one["received_at"] for one in keys], event_ids=[incidents.event_uuid(one["event_id"]) for one in keys],
    )  # fmt: skip
    counts = await asyncio.to_thread(_counted, rows)
    items = sorted(counts.items(), key=lambda one: (-one[1].total(), one[0]))[:TAGS_MAX]
    return {"event_count": len(rows), "items": [_item(tag, values) for tag, values in items]}


def _counted(rows: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        body = orjson.loads(payloads.decompress(row["dictionary"], row["payload"]))
        for tag, value in body["payload"].get("tags", {}).items():
            counts.setdefault(tag, Counter())[str(value)] += 1
    return counts


def _item(tag: str, values: Counter[str]) -> dict[str, Any]:
    shown = [{"value": value, "event_count": number} for value, number in values.most_common(VALUES_MAX)]
    return {"tag": tag, "event_count": values.total(), "value_count": len(values), "values": shown}
