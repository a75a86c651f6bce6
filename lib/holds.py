"""Legal holds: for as long as one lasts, nothing of its project or incident is pruned or erased."""

from __future__ import annotations

from typing import Any

import psycopg

from lib import audit, db, paging
from lib.errors import Conflict, NotFound


async def place(conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int | None, reason: str) -> dict[str, Any]:
    """Hold a project, or one incident of it; answers the hold. `conn` is in a transaction.

    Waits for a day's payloads that are being dropped at this moment, and for merges and splits. What has gone before is gone.
    Raises NotFound where there is no such incident, Conflict where it is held already.
    """
    await db.fetch_one(conn, "hold_lock_project", project_id=project_id)
    try:
        row = await db.fetch_one(
            conn, "hold_insert", project_id=project_id, incident_id=incident_id, reason=reason, person_id=actor.id
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound("There is no such incident in this project.") from error
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("It is held already. End that hold first, or let both reasons stand in one.") from error
    assert row  # noqa: S101 - inserted
    await audit.record(conn, actor, "hold.place", row["id"], None, {"incident_id": incident_id, "reason": reason})
    return dict(row)


async def end(conn: db.Connection, actor: audit.Actor, project_id: int, hold_id: int) -> dict[str, Any]:
    """End a hold: what has expired meanwhile goes with the next run. `conn` is in a transaction. Raises NotFound."""
    row = await db.fetch_one(conn, "hold_update_ended", project_id=project_id, hold_id=hold_id, person_id=actor.id)
    if row is None:
        raise NotFound("There is no such hold in this project, or it has ended.")
    await audit.record(conn, actor, "hold.end", hold_id, {"incident_id": row["incident_id"], "reason": row["reason"]}, None)
    return dict(row)


async def list_page(conn: db.Connection, project_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """A project's holds, those that last first, then the newest: `{"items": […], "next_cursor": …}`.

    Raises InvalidRequest for a foreign cursor.
    """
    after, after_id = paging.decode(cursor, (int, int)) if cursor else (None, None)
    rows = await db.fetch_all(conn, "hold_list", project_id=project_id, after=after, after_id=after_id, limit=limit + 1)
    page = rows[:limit]
    last = [int(page[-1]["ended_at"] is None), page[-1]["id"]] if len(rows) > limit else None
    return {"items": page, "next_cursor": paging.encode(last) if last else None}


async def require_none(conn: db.Connection, project_id: int) -> None:
    """Raises Conflict where the project, or an incident of it, is held."""
    if await db.fetch_one(conn, "hold_find_lasting", project_id=project_id):
        raise Conflict("A legal hold suspends removal here. An owner can end it.")
