"""Workspaces: what tenants are. Each has members, projects, limits and a trail of its own."""

from __future__ import annotations

from typing import Any

from lib import audit, db, paging, slugs
from lib.errors import Conflict, NotFound

# Which one person owns; being a member of others is not limited.
OWNED_MAX = 20
NOT_THERE = "There is no such workspace, or it is not yours to see."


async def create(conn: db.Connection, person_id: int, name: str, slug: str | None, address: str | None) -> dict[str, Any]:
    """A new workspace with this person as its owner; `conn` is in a transaction.

    slug: None makes one from the name. Raises Conflict where it is, or once was, another's, and beyond OWNED_MAX.
    """
    await db.fetch_one(conn, "person_lock", person_id=person_id)
    counted = await db.fetch_one(conn, "workspace_count_owned", person_id=person_id)
    if counted and counted["owned"] >= OWNED_MAX:
        raise Conflict(f"One person owns {OWNED_MAX} workspaces at most, those deleted within seven days included.")
    row = await slugs.take_first(conn, "workspace_insert", [slug] if slug else slugs.candidates(name), name=name)
    await db.run(conn, "workspace_insert_owner", workspace_id=row["id"], person_id=person_id)
    actor = audit.Actor(row["id"], None, "person", person_id, address)
    await audit.record(conn, actor, "workspace.create", row["id"], None, {"name": row["name"], "slug": row["slug"]})
    return {**row, "role": "owner"}


async def list_page(conn: db.Connection, person_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """Those that a person is in, by name: `{"items": […], "next_cursor": …}`. Raises InvalidRequest for a foreign cursor."""
    after, after_id = paging.decode(cursor, (str, int)) if cursor else (None, None)
    rows = await db.fetch_all(
        conn, "workspace_list_by_person", person_id=person_id, after=after, after_id=after_id, limit=limit + 1
    )  # fmt: skip
    return paging.page(rows, limit, ("name", "id"))


async def read(conn: db.Connection, workspace_id: int) -> dict[str, Any]:
    """One workspace. Raises NotFound."""
    row = await db.fetch_one(conn, "workspace_find", workspace_id=workspace_id)
    if row is None:
        raise NotFound(NOT_THERE)
    return row


async def lock(conn: db.Connection, workspace_id: int) -> dict[str, Any]:
    """One workspace, which stays as it is and keeps its projects until the transaction of `conn` ends. Raises NotFound."""
    row = await db.fetch_one(conn, "workspace_lock", workspace_id=workspace_id)
    if row is None:
        raise NotFound(NOT_THERE)
    return row


async def change(
    conn: db.Connection, actor: audit.Actor, workspace_id: int, name: str | None, slug: str | None
) -> dict[str, Any]:
    """Rename it; None leaves as it is. Its earlier slugs lead on. Raises NotFound, Conflict (a slug too many, or another's)."""
    before = await lock(conn, workspace_id)
    if slug:
        await slugs.require_room(conn, "workspace_count_slugs", slug, workspace_id=workspace_id)
    after = await slugs.take_first(
        conn, "workspace_update", [slug or before["slug"]], workspace_id=workspace_id, name=name or before["name"]
    )  # fmt: skip
    await audit.record(conn, actor, "workspace.change", workspace_id, *slugs.renamed(before, after))
    return after


async def find_by_slug(conn: db.Connection, person_id: int, slug: str) -> dict[str, Any]:
    """The workspace that has this slug, or once had it, and the person's role in it. Raises NotFound."""
    row = await db.fetch_one(conn, "workspace_find_by_slug", person_id=person_id, slug=slug)
    if row is None:
        raise NotFound(NOT_THERE)
    return row
