"""What people do to incidents besides looking: several at once, and who looks after one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lib import audit, db, incidents
from lib.errors import Conflict, InvalidRequest

INCIDENTS_MAX = 100


async def change_all(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_ids: Sequence[int], change: incidents.StatusChange
) -> dict[str, Any]:
    """Set the status of several, or of none: `{"items": […]}` as they are then. Raises as incidents.change_status.

    In the order of their ids, so that two who do the same at once wait for each other rather than for ever.
    """
    wanted = sorted(set(incident_ids))
    return {"items": [await incidents.change_status(conn, actor, project_id, one, change) for one in wanted]}


async def assign(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, person_id: int | None
) -> dict[str, Any]:
    """Let a member of the workspace look after an incident, or nobody; answers the incident as it is then.

    Raises NotFound, InvalidRequest for somebody who is no member, Conflict for an incident that was merged into another.
    """
    if person_id is not None and not await db.fetch_one(
        conn, "member_find_person", workspace_id=actor.workspace_id, person_id=person_id
    ):
        raise InvalidRequest(
            "Only a member of this workspace can look after an incident.",
            [{"pointer": "/person_id", "detail": "name a member, or null for nobody"}],
        )
    row = await db.fetch_one(
        conn, "incident_update_assignee", project_id=project_id, incident_id=incident_id, person_id=person_id
    )  # fmt: skip
    if row is None:
        await incidents.find(conn, project_id, incident_id)
        raise Conflict("This incident has been merged into another one; `merged_into` says which.")
    before, after = {"assignee_id": row["was_assignee_id"]}, {"assignee_id": person_id}
    await audit.record(conn, actor, "incident.assign", incident_id, before, after)
    return await incidents.read(conn, project_id, incident_id)


async def assign_all(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_ids: Sequence[int], person_id: int | None
) -> dict[str, Any]:
    """Let somebody look after several, or after none of them: `{"items": […]}` as they are then. Raises as assign.

    In the order of their ids, as change_all.
    """
    wanted = sorted(set(incident_ids))
    return {"items": [await assign(conn, actor, project_id, one, person_id) for one in wanted]}
