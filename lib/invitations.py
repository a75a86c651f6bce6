"""Invitations: a link that makes the person of one address a member, once, within a week.

Whoever accepts must have signed in with the invited address, verified: a link that was forwarded or found opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, NamedTuple

from lib import audit, db, deliveries, mail, paging, permissions
from lib.errors import Conflict, Forbidden, NotFound, TooOften
from lib.permissions import Role

LIFETIME = timedelta(days=7)
# So that nobody makes us write to strangers by the thousand.
SENT_PER_DAY_MAX = 100
TOKEN_BYTES = 24
GONE = "This invitation is unknown, was used, revoked, or has expired. Ask for a new one."


class Invitation(NamedTuple):
    """Who is invited, as what. invited_by: the name in the mail; base_url: the origin that its link leads to."""

    email: str
    role: Role
    invited_by: str | None
    base_url: str


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def list_page(conn: db.Connection, workspace_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """Invitations that can still be accepted: `{"items": […], "next_cursor": …}`. Raises InvalidRequest for a foreign cursor."""
    after_id = paging.decode(cursor, (int,))[0] if cursor else None
    rows = await db.fetch_all(
        conn, "invitation_list_by_workspace", workspace_id=workspace_id, after_id=after_id, limit=limit + 1
    )  # fmt: skip
    return paging.page(rows, limit, ("id",), _listed)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    by = {"id": row["created_by"], "name": row["created_by_name"]} if row["created_by"] else None
    return {name: value for name, value in row.items() if name != "created_by_name"} | {"created_by": by}


async def create(
    conn: db.Connection, actor: audit.Actor, own_role: str | None, workspace_id: int, invitation: Invitation
) -> dict[str, Any]:
    """Invite an address, by mail; an earlier invitation of it ends. Answers the invitation, and its link this one time.

    own_role: that of the one who asks, who can give no higher one. Raises Forbidden, TooOften.
    """
    if permissions.RANK[invitation.role] > permissions.RANK.get(own_role or "", -1):
        raise Forbidden("Nobody can invite somebody to a higher role than their own.")
    await db.fetch_one(conn, "member_lock_workspace", workspace_id=workspace_id)
    counted = await db.fetch_one(conn, "invitation_count_recent", workspace_id=workspace_id)
    if counted and counted["sent"] >= SENT_PER_DAY_MAX:
        raise TooOften(f"A workspace sends {SENT_PER_DAY_MAX} invitations a day at most. Go on tomorrow.", 3_600)
    await db.run(conn, "invitation_update_replaced", workspace_id=workspace_id, email=invitation.email)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    made = await db.fetch_one(
        conn, "invitation_insert", workspace_id=workspace_id, email=invitation.email, role=invitation.role,
        token_hash=_hashed(token), created_by=actor.person_id, lifetime=LIFETIME,
    )  # fmt: skip
    assert made  # noqa: S101 - INSERT … RETURNING answers a row or raises
    # In the fragment, which no server is sent and no log shows.
    url = f"{invitation.base_url}/invitation#{token}"
    await _send(conn, workspace_id, made, invitation, url)
    await audit.record(
        conn, actor, "invitation.create", made["id"], None, {"email": invitation.email, "role": invitation.role}
    )  # fmt: skip
    return {**made, "url": url}


async def _send(conn: db.Connection, workspace_id: int, made: dict[str, Any], invitation: Invitation, url: str) -> None:
    row = await db.fetch_one(conn, "invitation_find_workspace_name", workspace_id=workspace_id)
    workspace, who = row["name"] if row else "", invitation.invited_by or "A colleague"
    content = mail.render_plain_mail(
        f"{who} invites you to {workspace} on Sensra",
        [
            f"{who} invites you to the workspace {workspace} as {invitation.role}.",
            f"Sign in with this very address, {invitation.email}, to accept. The invitation is good for {LIFETIME.days} days.",
        ],
        button=("Accept the invitation", url),
        footer="If you do not know what this is about, you can leave it alone: nothing happens.",
    )
    await deliveries.enqueue_mail(
        conn, workspace_id, None, invitation.email, "invitation", content, idempotency_key=f"invitation/{made['id']}"
    )  # fmt: skip


async def revoke(conn: db.Connection, actor: audit.Actor, workspace_id: int, invitation_id: int) -> None:
    """End an invitation that was not accepted. Raises NotFound."""
    row = await db.fetch_one(conn, "invitation_update_revoked", workspace_id=workspace_id, invitation_id=invitation_id)
    if row is None:
        raise NotFound("There is no such invitation, or it has been accepted or revoked.")
    before = {"email": row["email"], "role": row["role"]}
    await audit.record(conn, actor, "invitation.revoke", invitation_id, before, None)


async def read(conn: db.Connection, token: str) -> dict[str, Any]:
    """What a link invites to: `workspace_name`, `role`, `email`, `invited_by`, `expires_at`. Raises NotFound."""
    row = await _open(conn, token)
    return {name: row[name] for name in ("workspace_name", "role", "email", "invited_by", "expires_at")}


async def accept(conn: db.Connection, person_id: int, email: str | None, token: str, address: str | None) -> dict[str, Any]:
    """Make the person a member; answers `workspace_id` and `role`. email: theirs, verified.

    Raises NotFound, Forbidden (another address), Conflict (a member already). `conn` is in a transaction.
    """
    row = await _open(conn, token)
    if email is None or email.lower() != row["email"].lower():
        detail = f"This invitation is for another address. {_told(email)} Sign in with the one that was invited."
        raise Forbidden(detail, workspace_id=row["workspace_id"])
    workspace_id = row["workspace_id"]
    await db.fetch_one(conn, "member_lock_workspace", workspace_id=workspace_id)
    identity = {"workspace_id": workspace_id, "person_id": person_id}
    if await db.fetch_one(conn, "invitation_update_accepted", **identity, invitation_id=row["id"]) is None:
        raise NotFound(GONE)
    if await db.fetch_one(conn, "member_insert", **identity, role=row["role"]) is None:
        raise Conflict("You are a member of this workspace already.")
    actor = audit.Actor(workspace_id, None, "person", person_id, address)
    await audit.record(conn, actor, "invitation.accept", row["id"], None, {"role": row["role"]})
    return {"workspace_id": workspace_id, "role": row["role"]}


def _told(email: str | None) -> str:
    return "You have signed in with another one." if email else "The sign-in service told no verified address of yours."


async def _open(conn: db.Connection, token: str) -> dict[str, Any]:
    row = await db.fetch_one(conn, "invitation_find_by_token", token_hash=_hashed(token))
    if row is None or row["is_revoked"] or row["is_accepted"] or row["is_expired"]:
        raise NotFound(GONE)
    return row
