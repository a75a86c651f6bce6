"""Deleting a project or workspace: at once for everybody who uses it, for good after seven days, in which it can come back.

The seven days stand in db/queries/deletion.sql and db/migrations/0052_deletion.sql; lib/purging.py does what follows from them.
"""

from __future__ import annotations

from typing import Any

from lib import audit, db, holds, workspaces
from lib.errors import Conflict, NotFound

TOO_LATE = "There is nothing to bring back: it was not deleted, or more than seven days ago."


async def delete_project(conn: db.Connection, actor: audit.Actor, project_id: int) -> dict[str, Any]:
    """Answers `deleted_at` and `gone_after`. Its keys end within a minute. `conn` is in a transaction.

    Raises NotFound; Conflict while the project or an incident of it is held.
    """
    await holds.require_none(conn, project_id)
    row = await db.fetch_one(conn, "deletion_update_project", project_id=project_id)
    if row is None:
        raise NotFound("There is no such project, or it is not yours to see.")
    await audit.record(conn, actor, "project.delete", project_id, {"slug": row["slug"]}, None)
    return {"deleted_at": row["deleted_at"], "gone_after": row["gone_after"]}


async def restore_project(conn: db.Connection, actor: audit.Actor, project_id: int) -> dict[str, Any]:
    """Bring back a deleted project whole; answers its id, slug and name. Raises NotFound where it is too late for that."""
    await workspaces.lock(conn, actor.workspace_id)
    row = await db.fetch_one(conn, "deletion_update_project_restored", project_id=project_id)
    if row is None:
        raise NotFound(TOO_LATE)
    await audit.record(conn, actor, "project.restore", project_id, None, {"slug": row["slug"]})
    return dict(row)


async def delete_workspace(conn: db.Connection, actor: audit.Actor, workspace_id: int) -> dict[str, Any]:
    """The workspace with all its projects; answers as delete_project does, and raises what it raises."""
    await workspaces.lock(conn, workspace_id)  # a project that is being made or brought back is deleted with the others
    if await db.fetch_one(conn, "deletion_list_held", workspace_id=workspace_id):
        raise Conflict("A legal hold suspends removal here. An owner can end it.")
    row = await db.fetch_one(conn, "deletion_update_workspace", workspace_id=workspace_id)
    assert row  # noqa: S101 - it is locked
    await audit.record(conn, actor, "workspace.delete", workspace_id, {"slug": row["slug"]}, None)
    return {"deleted_at": row["deleted_at"], "gone_after": row["gone_after"]}


async def restore_workspace(conn: db.Connection, actor: audit.Actor, workspace_id: int) -> dict[str, Any]:
    """Bring back a deleted workspace, with the projects that were deleted with it. Raises NotFound where it is too late."""
    row = await db.fetch_one(conn, "deletion_update_workspace_restored", workspace_id=workspace_id)
    if row is None:
        raise NotFound(TOO_LATE)
    await audit.record(conn, actor, "workspace.restore", workspace_id, None, {"slug": row["slug"]})
    return dict(row)


async def list_deleted(conn: db.Connection, workspace_id: int) -> list[dict[str, Any]]:
    """A workspace's deleted projects that can still be brought back: id, slug, name, `deleted_at`, `gone_after`."""
    return list(await db.fetch_all(conn, "deletion_list_by_workspace", workspace_id=workspace_id))
