"""People: who signed in, and the workspace that each has of their own from the first time on."""

from __future__ import annotations

from typing import Any, NamedTuple

from lib import db, workspaces
from lib.errors import NotFound


class Person(NamedTuple):
    """Somebody who has signed in. email: verified by the sign-in service, where it told."""

    id: int
    email: str | None
    name: str | None


async def ensure(
    conn: db.Connection, clerk_user_id: str, email: str | None, name: str | None, address: str | None = None
) -> Person:
    """The person of a session; the first time, they and a workspace of their own are made.

    email, name: what the session tells, which is taken over where it differs; None: it tells nothing. Several first requests at
    once make one person and one workspace.
    """
    known = await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=clerk_user_id)
    if known is None:
        async with conn.transaction():
            made = await db.fetch_one(conn, "person_insert", clerk_user_id=clerk_user_id, email=email, name=name)
            if made:
                await workspaces.create(conn, made["id"], _own_name(name), None, address)
                return Person(**made)
        known = await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=clerk_user_id)
    assert known  # noqa: S101 - inserted by somebody who was quicker, and not gone within this moment
    if _differs(known, email, name):
        known = await db.fetch_one(conn, "person_update", clerk_user_id=clerk_user_id, email=email, name=name) or known
    return Person(**known)


async def read(conn: db.Connection, person_id: int) -> Person:
    """Somebody who is known. Raises NotFound."""
    row = await db.fetch_one(conn, "person_find", person_id=person_id)
    if row is None:
        raise NotFound("There is no such person.")
    return Person(**row)


def _own_name(name: str | None) -> str:
    return f"{name}’s workspace"[:120] if name else "My workspace"


def _differs(known: dict[str, Any], email: str | None, name: str | None) -> bool:
    return (email is not None and email != known["email"]) or (name is not None and name != known["name"])
