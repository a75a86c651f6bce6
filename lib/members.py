"""Members of a workspace: who is in it, in which role; how roles change and membership ends.

Access is asked for with every request, so that whoever leaves or is removed has none from the next one on.
"""

from __future__ import annotations

from typing import Any

from lib import audit, db, paging
from lib.errors import Conflict, Forbidden, NotFound
from lib.permissions import Role

OWNERS_ONLY = "What concerns an owner only an owner may do."
LAST_OWNER = "This is the workspace's last owner. Make somebody else an owner first, or delete the workspace."


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("person_id", "name", "email", "role")} | {"joined_at": row["created_at"]}


async def list_page(conn: db.Connection, workspace_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{"items": […], "next_cursor": …}`. Raises InvalidRequest for a foreign cursor."""
    after = paging.decode(cursor, (int,))[0] if cursor else None
    rows = await db.fetch_all(conn, "member_list_by_workspace", workspace_id=workspace_id, after=after, limit=limit + 1)
    return paging.page(rows, limit, ("person_id",), _shown)


async def find(conn: db.Connection, workspace_id: int, person_id: int) -> dict[str, Any]:
    """One member. Raises NotFound."""
    row = await db.fetch_one(conn, "member_find", workspace_id=workspace_id, person_id=person_id)
    if row is None:
        raise NotFound("There is no such member in this workspace.")
    return _shown(row)


async def change_role(
    conn: db.Connection, actor: audit.Actor, own_role: str | None, workspace_id: int, person_id: int, role: Role
) -> dict[str, Any]:
    """Give a member another role; answers the member. own_role: that of the one who asks.

    Ownership is passed on this way: make somebody an owner, then step down. Raises NotFound, Forbidden, Conflict.
    """
    await db.fetch_one(conn, "member_lock_workspace", workspace_id=workspace_id)
    before = await find(conn, workspace_id, person_id)
    if "owner" in {before["role"], role} and own_role != "owner":
        raise Forbidden(OWNERS_ONLY)
    if before["role"] == "owner" and role != "owner":
        await _require_other_owner(conn, workspace_id)
    if before["role"] != role:
        await db.run(conn, "member_update_role", workspace_id=workspace_id, person_id=person_id, role=role)
        await audit.record(conn, actor, "member.role", person_id, {"role": before["role"]}, {"role": role})
    return {**before, "role": role}


async def remove(conn: db.Connection, actor: audit.Actor, own_role: str | None, workspace_id: int, person_id: int) -> None:
    """End a membership, somebody else's or one's own. Raises NotFound, Forbidden, Conflict (the last owner)."""
    await db.fetch_one(conn, "member_lock_workspace", workspace_id=workspace_id)
    before = await find(conn, workspace_id, person_id)
    if before["role"] == "owner":
        if own_role != "owner":
            raise Forbidden(OWNERS_ONLY)
        await _require_other_owner(conn, workspace_id)
    await db.run(conn, "member_delete", workspace_id=workspace_id, person_id=person_id)
    action = "member.leave" if actor.person_id == person_id else "member.remove"
    await audit.record(conn, actor, action, person_id, {"role": before["role"]}, None)


async def _require_other_owner(conn: db.Connection, workspace_id: int) -> None:
    row = await db.fetch_one(conn, "member_count_owners", workspace_id=workspace_id)
    if row is None or row["owners"] < 2:
        raise Conflict(LAST_OWNER)
