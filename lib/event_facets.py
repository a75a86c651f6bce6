"""What an incident's events can be narrowed to, how many each step leaves, and which of them one is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lib import db, incidents
from lib.errors import NotFound

# Pairs of environment and release that are looked at: those seen last.
PAIRS_MAX = 1_000
VALUES_MAX = 100
# Newer events that are counted: some 20 ms.
NEWER_MAX = 10_000


async def read(
    conn: db.Connection, project_id: int, incident_id: int, environment: str | None, release: str | None, event_id: str | None
) -> dict[str, Any]:
    """`{environment, release: [{value, event_count}], event_count, newer_count}`; each counts by the other, the last seen first.

    event_count: of those that fit both. newer_count: of these, how many were received after event_id; None where none is named,
    and where more than NEWER_MAX were. Raises NotFound.
    """
    incident = await incidents.find(conn, project_id, incident_id)
    pairs = await db.fetch_all(
        conn, "count_list_by_incident", project_id=project_id, incident_id=incident_id, limit=PAIRS_MAX
    )  # fmt: skip
    of = {"environment": environment, "release": release}
    fitting = sum(pair["event_count"] for pair in pairs if _fits(pair, of))
    return {
        "environment": _values(pairs, "environment", {"release": release}),
        "release": _values(pairs, "release", {"environment": environment}),
        "event_count": fitting if environment or release else incident["event_count"],
        "newer_count": await _newer(conn, project_id, incident_id, of, event_id) if event_id else None,
    }


def _fits(pair: dict[str, Any], of: dict[str, str | None]) -> bool:
    return all(value is None or pair[name] == value for name, value in of.items())


def _values(pairs: list[dict[str, Any]], name: str, other: dict[str, str | None]) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    for pair in pairs:
        counts[pair[name]] += pair["event_count"] * _fits(pair, other)
    return [{"value": value, "event_count": number} for value, number in counts.items() if value and number][:VALUES_MAX]


async def _newer(conn: db.Connection, project_id: int, incident_id: int, of: dict[str, str | None], event_id: str) -> int | None:
    """Raises NotFound."""
    identity = incidents.event_uuid(event_id)
    place = await db.fetch_one(conn, "event_find_id", project_id=project_id, event_id=identity)
    if place is None or place["incident_id"] != incident_id:
        raise NotFound("There is no such event here.")
    row = await db.fetch_one(
        conn, "event_count_newer", project_id=project_id, incident_id=incident_id, received_at=place["received_at"],
        event_id=identity, max_looked=NEWER_MAX + 1, **of,
    )  # fmt: skip
    return row["newer_count"] if row and row["looked_count"] <= NEWER_MAX else None
