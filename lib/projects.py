"""Projects: what sends events. Each belongs to a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib import audit, db, paging, slugs, workspaces
from lib.errors import Conflict, NotFound

# Of one workspace.
PROJECTS_MAX = 200
CHANGED = ("name", "slug", "repository")


async def create(conn: db.Connection, actor: audit.Actor, workspace_id: int, name: str, slug: str | None) -> dict[str, Any]:
    """A new project; `conn` is in a transaction. slug: None makes one from the name.

    Raises Conflict where it is, or once was, another's of the workspace, and beyond PROJECTS_MAX; NotFound where the workspace
    has been deleted meanwhile.
    """
    await workspaces.lock(conn, workspace_id)
    counted = await db.fetch_one(conn, "project_count_by_workspace", workspace_id=workspace_id)
    if counted and counted["projects"] >= PROJECTS_MAX:
        raise Conflict(f"A workspace has {PROJECTS_MAX} projects at most, those deleted within seven days included.")
    tried = [slug] if slug else slugs.candidates(name)
    row = await slugs.take_first(conn, "project_insert", tried, workspace_id=workspace_id, name=name)
    acting = actor._replace(project_id=row["id"])
    await audit.record(conn, acting, "project.create", row["id"], None, {"name": row["name"], "slug": row["slug"]})
    return row


async def list_page(conn: db.Connection, workspace_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """A workspace's projects: `{"items": […], "next_cursor": …}`. Raises InvalidRequest for a foreign cursor."""
    after_id = paging.decode(cursor, (int,))[0] if cursor else None
    rows = await db.fetch_all(
        conn, "project_list_by_workspace", workspace_id=workspace_id, after_id=after_id, limit=limit + 1
    )  # fmt: skip
    return paging.page(rows, limit, ("id",))


async def read(conn: db.Connection, project_id: int) -> dict[str, Any]:
    """One project. Raises NotFound."""
    row = await db.fetch_one(conn, "project_find", project_id=project_id)
    if row is None:
        raise NotFound("There is no such project, or it is not yours to see.")
    return row


async def change(conn: db.Connection, actor: audit.Actor, project_id: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Change its name, slug or repository; what is not in `changes` stays. Its earlier slugs lead on.

    Raises NotFound, Conflict (a slug too many, or another's).
    """
    before = await db.fetch_one(conn, "project_lock", project_id=project_id)
    if before is None:
        raise NotFound
    # Name and slug are never taken away: null means that they stay.
    given = {name: value for name, value in changes.items() if value is not None or name == "repository"}
    if "slug" in given:
        await slugs.require_room(
            conn, "project_count_slugs", given["slug"], workspace_id=before["workspace_id"], project_id=project_id
        )  # fmt: skip
    now: dict[str, Any] = {name: given.get(name, before[name]) for name in CHANGED}
    after = await slugs.take_first(conn, "project_update", [now.pop("slug")], project_id=project_id, **now)
    await audit.record(conn, actor, "project.change", project_id, *slugs.renamed(before, after, CHANGED))
    return after


async def find_by_slug(conn: db.Connection, workspace_id: int, slug: str) -> dict[str, Any]:
    """The project of the workspace that has this slug, or once had it. Raises NotFound."""
    row = await db.fetch_one(conn, "project_find_by_slug", workspace_id=workspace_id, slug=slug)
    if row is None:
        raise NotFound("There is no such project, or it is not yours to see.")
    return row
