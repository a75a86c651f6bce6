"""What a list of incidents can be narrowed to further, and how much each step would leave."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lib import db, incidents

ENVIRONMENTS_MAX = 20
RELEASES_MAX = 8
FACETS = ("status", "level", "environment")


async def read(conn: db.Connection, project_id: int, filters: incidents.Filters) -> dict[str, Any]:
    """`{status, level, environment: [{value, incident_count}], releases}`; counts follow every filter but the facet's own.

    releases: the newest, without counts: an incident has events in many.
    """
    rows = await db.fetch_all(
        conn, "facet_list", project_id=project_id, limit=ENVIRONMENTS_MAX, **incidents.parameters(filters)
    )  # fmt: skip
    found: dict[str, Any] = {facet: [] for facet in FACETS}
    for row in rows:
        found[row["facet"]].append({"value": row["value"], "incident_count": row["incident_count"]})
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    releases = await db.fetch_all(
        conn, "count_list_releases", project_id=project_id, since=beginning, limit=RELEASES_MAX
    )  # fmt: skip
    return found | {"releases": [row["release"] for row in releases]}
