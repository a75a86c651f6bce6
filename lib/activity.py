"""What an incident did and what was done to it, as its page tells it."""

from __future__ import annotations

from typing import Any

from lib import db, incidents

LISTED_MAX = 50


async def read(conn: db.Connection, workspace_id: int, project_id: int, incident_id: int) -> dict[str, Any]:
    """`{"items": [{at, kind, release, environment, event_id, actor_kind, actor_name, assignee_name, before, after}]}`,
    the newest first.

    kind: new, regressed, escalated or appeared; or what the trail calls a change: `incident.status`. Raises NotFound.
    """
    await incidents.find(conn, project_id, incident_id)
    rows = await db.fetch_all(
        conn, "activity_list", workspace_id=workspace_id, project_id=project_id, incident_id=incident_id, limit=LISTED_MAX
    )  # fmt: skip
    return {"items": [{**row, "event_id": row["event_id"].hex if row["event_id"] else None} for row in rows]}
