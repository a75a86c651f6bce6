"""Addresses of people who are no members: each is asked once by mail, and nothing else goes there before somebody has agreed.

The token of that mail is kept as a hash, is used up by agreeing, and ends by itself. How often a workspace asks is bounded, so
that nobody's mailbox can be flooded in Sensra's name.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from lib import audit, db, deliveries, mail, settings
from lib.errors import NotConfigured, NotFound, TooOften

PURPOSE = "address_confirmation"
CONFIRM = "/api/alerts/confirm"
LIVES = timedelta(days=3)
# One address is asked again after so long at the earliest, and a workspace asks so many a day.
AGAIN = timedelta(minutes=15)
ASKED_PER_DAY = 20


def hashed(token: str) -> bytes:
    """SHA-256 of a random token of 256 bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


async def ask(conn: db.Connection, actor: audit.Actor, project_id: int, target: dict[str, Any] | None) -> bool:
    """Ask the address of a channel of mail whether it agrees; False where it need not be asked, or was a moment ago.

    `conn` is in the transaction of the change. Raises TooOften beyond ASKED_PER_DAY; NotConfigured without PUBLIC_URL.
    """
    if target is None or "address" not in target:
        return False
    address = target["address"].lower()
    allowed = await db.fetch_one(conn, "alert_find_address", workspace_id=actor.workspace_id, address=address)
    if allowed and allowed["is_allowed"]:
        return False
    base_url = settings.current().base_url
    if base_url is None:
        raise NotConfigured("PUBLIC_URL is not set: without it the address cannot be asked whether it agrees.")
    counted = await db.fetch_one(conn, "alert_count_asked", workspace_id=actor.workspace_id)
    if counted and counted["asked"] >= ASKED_PER_DAY:
        raise TooOften(f"A workspace may ask {ASKED_PER_DAY} addresses a day. Try again tomorrow.", 3_600)
    token = secrets.token_urlsafe(32)
    row = await db.fetch_one(
        conn, "alert_upsert_address", workspace_id=actor.workspace_id, address=address, token_hash=hashed(token), lives=LIVES,
        again=AGAIN, person_id=actor.id if actor.kind == "person" else None,
    )  # fmt: skip
    if row is None:
        return False
    names = await db.fetch_one(conn, "channel_find_names", project_id=project_id)
    content = _content(names["workspace_name"] if names else "", f"{base_url}{CONFIRM}?token={token}")
    return await deliveries.enqueue_mail(
        conn, actor.workspace_id, project_id, address, PURPOSE, content, idempotency_key=f"{PURPOSE}/{hashed(token).hex()}"
    )


def _content(workspace_name: str, url: str) -> dict[str, Any]:
    asked = f"The workspace {workspace_name} wants to send its alerts about errors to this address."
    meaning = f"Nothing is sent here unless you agree. If you do not, do nothing: this ends by itself after {LIVES.days} days."
    return mail.render_plain_mail(
        "Do you want these alerts?",
        [asked, meaning],
        button=("See what is asked", url),
        footer="This is the only mail that asks.",
    )


async def find_asked(conn: db.Connection, token: str) -> dict[str, Any]:
    """Who asks which address. Raises NotFound where the link was used or is over."""
    row = await db.fetch_one(conn, "alert_find_asked", token_hash=hashed(token))
    if row is None:
        raise NotFound("This link was used already, or is over.")
    return row


async def confirm(conn: db.Connection, token: str, address: str | None) -> dict[str, Any]:
    """The address agrees; `conn` is in a transaction. address: where the request came from. Raises NotFound as find_asked."""
    row = await db.fetch_one(conn, "alert_update_confirmed", token_hash=hashed(token))
    if row is None:
        raise NotFound("This link was used already, or is over.")
    actor = audit.Actor(row["workspace_id"], None, "link", None, address)
    await audit.record(conn, actor, "address.confirm", _digest(row["address"]), None, None)
    return row


async def find_recipient(conn: db.Connection, token: str) -> dict[str, Any]:
    """Whose mails of which project a link ends. Raises NotFound."""
    row = await db.fetch_one(conn, "alert_find_recipient", token=token)
    if row is None:
        raise NotFound("There is no such link.")
    return row


async def unsubscribe(conn: db.Connection, token: str, address: str | None) -> dict[str, Any]:
    """End somebody's mails of a channel; `conn` is in a transaction. Again is no error. Raises NotFound."""
    row = await db.fetch_one(conn, "alert_delete_recipient", token=token)
    if row is None:
        raise NotFound("There is no such link.")
    actor = audit.Actor(row["workspace_id"], row["project_id"], "link", None, address)
    await audit.record(conn, actor, "channel.unsubscribe", row["channel_id"], None, {"recipient": _digest(row["address"])})
    return row


def _digest(address: str) -> str:
    """What the trail knows of an address of somebody who is no member."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]
