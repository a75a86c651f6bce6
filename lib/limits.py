"""What a project and a workspace may send and keep (docs/limits.md). A change counts within a minute."""

from __future__ import annotations

from typing import Any

from lib import audit, db, settings


async def of_project(conn: db.Connection, project_id: int) -> dict[str, Any]:
    """The project's limits, by name."""
    row = await db.fetch_one(conn, "limits_find_by_project", project_id=project_id)
    assert row  # noqa: S101 - whoever asks was found to be of this project
    return row


async def change_project(conn: db.Connection, actor: audit.Actor, project_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    """Set some of the project's limits; answers all."""
    before = await db.fetch_one(conn, "limits_lock_project", project_id=project_id)
    assert before  # noqa: S101 - as above
    after = before | changes
    await db.run(conn, "limits_update_project", project_id=project_id, **after)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        told = [{name: those[name] for name in changed} for those in (before, after)]
        await audit.record(conn, actor, "project.limits", project_id, *told)
    return after


async def of_workspace(conn: db.Connection, workspace_id: int) -> dict[str, Any]:
    """The workspace's own quota, null where it has none, and the one that holds: the deployment's default then."""
    row = await db.fetch_one(conn, "limits_find_by_workspace", workspace_id=workspace_id)
    assert row  # noqa: S101 - as above
    own = row["events_per_month_max"]
    return {"events_per_month_max": own, "effective": settings.current().events_per_month_max if own is None else own}


async def change_workspace(conn: db.Connection, actor: audit.Actor, quota: int | None) -> dict[str, Any]:
    """Set the workspace's quota, or with null leave it to the deployment."""
    row = await db.fetch_one(
        conn, "limits_update_workspace", workspace_id=actor.workspace_id, events_per_month_max=quota
    )  # fmt: skip
    assert row  # noqa: S101 - as above
    if row["events_per_month_max"] != quota:
        before, after = {"events_per_month_max": row["events_per_month_max"]}, {"events_per_month_max": quota}
        await audit.record(conn, actor, "workspace.limits", actor.workspace_id, before, after)
    return await of_workspace(conn, actor.workspace_id)
