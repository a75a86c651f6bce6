"""A project's deliveries, as people see them: what was sent, what waits, what was given up, and sending that again."""

from __future__ import annotations

import uuid
from typing import Any

from lib import audit, db, incidents, paging, waking
from lib.errors import Conflict, NotFound


async def list_page(
    conn: db.Connection, project_id: int, state: str | None, channel_id: int | None, limit: int, cursor: str | None
) -> dict[str, Any]:  # fmt: skip
    """`{"items": […], "next_cursor": …}`, the newest first. Raises InvalidRequest for a foreign cursor."""
    after, after_id = paging.decode(cursor, (str, str)) if cursor else (None, None)
    rows = await db.fetch_all(
        conn, "delivery_list", project_id=project_id, delivery_id=None, state=state, channel_id=channel_id, limit=limit + 1,
        after=incidents.moment(after) if after else None, after_id=incidents.event_uuid(after_id) if after_id else None,
    )  # fmt: skip
    return paging.page(rows, limit, ("created_at", "id"), _shown)


async def read(conn: db.Connection, workspace_id: int, project_id: int, text: str) -> dict[str, Any]:
    """One delivery with its attempts. Raises NotFound."""
    delivery_id = _id(text)
    row = await db.fetch_one(
        conn, "delivery_list", project_id=project_id, delivery_id=delivery_id, state=None, channel_id=None, limit=1, after=None,
        after_id=None,
    )  # fmt: skip
    if row is None:
        raise _unknown()
    attempts = await db.fetch_all(conn, "delivery_list_attempts", workspace_id=workspace_id, delivery_id=delivery_id)
    return {**_shown(row), "attempts": attempts}


async def send_again(conn: db.Connection, actor: audit.Actor, project_id: int, text: str) -> dict[str, Any]:
    """Let a dead delivery go through its schedule anew; `conn` is in a transaction. Raises NotFound, Conflict."""
    before = await read(conn, actor.workspace_id, project_id, text)
    if await db.fetch_one(conn, "delivery_update_again", project_id=project_id, delivery_id=_id(text)) is None:
        raise Conflict("Only what is dead can be sent again, where its receiver is still there and its channel is switched on.")
    waking.want()
    await audit.record(conn, actor, "delivery.resend", before["id"], {"state": before["state"]}, {"state": "pending"})
    return await read(conn, actor.workspace_id, project_id, text)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "id": str(row["id"])}


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise _unknown() from error


def _unknown() -> NotFound:
    return NotFound("There is no such delivery in this project.")
