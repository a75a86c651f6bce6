"""A person's account: corrected and deleted, here or at the sign-in service, whichever is asked first.

What is deleted: name, address (in messages and channels, too), memberships, invitations to the address, where they
came from in the trail. What stays is a number that the trail names them by. A workspace that they alone own goes to the admin,
else the member, who has been there longest; where there is none, it is deleted, and gone after seven days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib import audit, clerk, db, deletion, members, people
from lib.errors import Conflict, NotFound

MESSAGES_KEPT_HOURS = 24
# So many old ones go with each new one; the rest with the retention cron.
MESSAGES_FORGOTTEN = 20


async def consequences(conn: db.Connection, person_id: int) -> list[dict[str, Any]]:
    """What the deletion of the account would mean for each workspace: `leave`, `hand_over` (to whom) or `delete`."""
    rows = await db.fetch_all(conn, "person_list_memberships", person_id=person_id)
    return [_consequence(row) for row in rows]


def _consequence(row: Mapping[str, Any]) -> dict[str, Any]:
    outcome = "leave"
    if row["role"] == "owner" and not row["has_other_owner"]:
        outcome = "hand_over" if row["heir_id"] else "delete"
    heir = {"id": row["heir_id"], "name": row["heir_name"]} if outcome == "hand_over" else None
    return {"workspace_id": row["workspace_id"], "name": row["name"], "outcome": outcome, "heir": heir}


async def require_deletable(conn: db.Connection, person_id: int) -> None:
    """Before the sign-in service is asked: raises Conflict where a legal hold keeps a workspace that would be deleted."""
    for found in await consequences(conn, person_id):
        if found["outcome"] == "delete" and await db.fetch_one(conn, "deletion_list_held", workspace_id=found["workspace_id"]):
            raise Conflict(f"A legal hold keeps the workspace {found['name']}. End it first, or make somebody else its owner.")


async def clerk_id(conn: db.Connection, person_id: int) -> str:
    """The person's id at the sign-in service. Raises NotFound."""
    row = await db.fetch_one(conn, "person_find_clerk_id", person_id=person_id)
    if row is None:
        raise NotFound("There is no such account.")
    return str(row["clerk_user_id"])


async def delete(conn: db.Connection, person_id: int, address: str | None, *, even_if_held: bool = False) -> None:
    """Delete the account; `conn` is in a transaction. One that is deleted already stays so.

    even_if_held: the sign-in service has deleted it already, so a workspace under legal hold stays without an owner. Raises
    Conflict otherwise.
    """
    person = await db.fetch_one(conn, "person_find", person_id=person_id)
    for found in await consequences(conn, person_id):
        await db.fetch_one(conn, "member_lock_workspace", workspace_id=found["workspace_id"])
    for found in await consequences(conn, person_id):  # as they are now that nobody changes them
        await _settle(conn, person_id, address, found, even_if_held=even_if_held)
    email = person["email"] if person else None
    if email:
        await db.run(conn, "person_delete_invitations", email=email)
        await db.run(conn, "person_delete_mails", email=email)
        await db.run(conn, "person_update_channels", email=email)
    await db.run(conn, "person_delete_memberships", person_id=person_id)
    await db.run(conn, "person_delete_keys_kept", person_id=person_id, email=email)
    await db.fetch_one(conn, "person_update_deleted", person_id=person_id)
    await db.fetch_one(conn, "person_update_forgotten", person_id=person_id)


async def list_deleted(conn: db.Connection) -> list[dict[str, Any]]:
    """Every account that was deleted, by its number and a hash: what `delete_again` takes."""
    return list(await db.fetch_all(conn, "person_list_deleted"))


async def delete_again(conn: db.Connection, person_id: int, clerk_hash: str) -> bool:
    """Delete an account that a restored backup brought back; answers whether it was there. `conn` is in a transaction."""
    if await db.fetch_one(conn, "person_find_by_hash", person_id=person_id, clerk_hash=clerk_hash) is None:
        return False
    await delete(conn, person_id, None, even_if_held=True)
    return True


async def _settle(
    conn: db.Connection, person_id: int, address: str | None, found: Mapping[str, Any], *, even_if_held: bool
) -> None:
    """What becomes of one workspace, written into its trail."""
    workspace_id = found["workspace_id"]
    actor = audit.Actor(workspace_id, None, "person", person_id, address)
    if found["outcome"] == "hand_over":
        await members.change_role(conn, actor, "owner", workspace_id, found["heir"]["id"], "owner")
    elif found["outcome"] == "delete":
        try:
            await deletion.delete_workspace(conn, actor, workspace_id)
        except Conflict:
            if not even_if_held:
                raise
    await audit.record(conn, actor, "account.delete", person_id, None, {"outcome": found["outcome"]})


async def take(conn: db.Connection, message_id: str, message: clerk.Message) -> bool:
    """Do what a webhook tells; `conn` is in a transaction. False where this message was taken before."""
    await db.fetch_one(conn, "clerk_delete_old", hours=MESSAGES_KEPT_HOURS, max_rows=MESSAGES_FORGOTTEN)
    if await db.fetch_one(conn, "clerk_insert", message_id=message_id) is None:
        return False
    if message.kind == "deleted":
        await _delete_known(conn, message)
    elif message.kind in {"created", "updated"}:
        known = await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=message.clerk_user_id)
        if not (known and known["is_deleted"]):  # it comes late
            await people.ensure(conn, message.clerk_user_id, message.email, message.name, message.as_of)
    return True


async def _delete_known(conn: db.Connection, message: clerk.Message) -> None:
    """Also somebody who was never here: what comes late of them finds them deleted."""
    told: dict[str, Any] = {"clerk_user_id": message.clerk_user_id, "email": None, "name": None, "as_of": message.as_of}
    row = await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=message.clerk_user_id)
    if row is None:
        # No row where somebody is at their first sign-in: waited for, and found then.
        made = await db.fetch_one(conn, "person_insert", **told)
        row = made or await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=message.clerk_user_id)
    if row and not row.get("is_deleted"):
        await delete(conn, row["id"], None, even_if_held=True)
