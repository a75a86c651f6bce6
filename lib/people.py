"""People: who signed in, and the workspace that each has of their own from the first time on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from lib import db, workspaces
from lib.errors import NotFound, Unauthenticated


class Person(NamedTuple):
    """Somebody who has signed in. email: verified by the sign-in service, where it told."""

    id: int
    email: str | None
    name: str | None


async def ensure(
    conn: db.Connection, clerk_user_id: str, email: str | None, name: str | None, as_of: datetime, address: str | None = None
) -> Person:
    """The person of a session; the first time, they and a workspace of their own are made.

    email, name: what is told of them, which is taken over where it differs and nothing newer is known; None: nothing is told.
    as_of: when it was told. Several first requests at once make one person and one workspace. Raises Unauthenticated where the
    account has been deleted: what is still under way of it makes nobody anew.
    """
    known = await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=clerk_user_id)
    if known is None:
        async with conn.transaction():
            made = await db.fetch_one(
                conn, "person_insert", clerk_user_id=clerk_user_id, email=email, name=name, as_of=as_of
            )  # fmt: skip
            if made:
                await workspaces.create(conn, made["id"], _own_name(name), None, address)
                return Person(**made)
        known = await db.fetch_one(conn, "person_find_by_clerk", clerk_user_id=clerk_user_id)
    assert known  # noqa: S101 - inserted by somebody who was quicker; people are never removed
    if known.pop("is_deleted"):
        raise Unauthenticated("This account has been deleted.")
    if _differs(known, email, name):
        told: dict[str, Any] = {"person_id": known["id"], "email": email, "name": name, "as_of": as_of}
        known = await db.fetch_one(conn, "person_update", **told) or known
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
