"""Who agrees to a channel's mails, ends them, and begins them again.

An address of nobody who is a member is asked once by mail, and nothing else goes there before somebody has agreed. Whoever ends
mails ends those of one channel, and begins them again themselves: on the page of alerts where they are a member, or by the link
of a mail that asks. What is made to lead later to an address that has ended something is asked for, too. The token of such a
mail is kept as a hash, is used up by agreeing, and ends by itself. How often a workspace asks is bounded, so that nobody's
mailbox can be flooded in Sensra's name.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from lib import audit, db, deliveries, mail, queries, settings
from lib.errors import Conflict, NotConfigured, NotFound, TooOften

PURPOSE = "address_confirmation"
CONFIRM = "/api/alerts/confirm"
LIVES = timedelta(days=3)
# One address is asked again after so long at the earliest, and a workspace asks so many a day.
AGAIN = timedelta(minutes=15)
ASKED_PER_DAY = 20


def hashed(token: str) -> bytes:
    """SHA-256 of a random token of 256 bits."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


async def lead(
    conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int, target: dict[str, Any] | None
) -> None:  # fmt: skip
    """A channel leads to this target from now on; `conn` is in the transaction of the change. Its address is asked where need be.

    Raises as ask.
    """
    if target is not None and "address" in target:
        place = {"project_id": project_id, "channel_id": channel_id, "address": target["address"].lower()}
        await conn.execute(
            queries.get("alert_insert_ended_recipient"),
            {**place, "workspace_id": actor.workspace_id, "token": secrets.token_urlsafe(32)},
        )
    await ask(conn, actor, project_id, channel_id, target)


async def ask(
    conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int, target: dict[str, Any] | None
) -> bool:  # fmt: skip
    """Ask the address of a channel of mail whether it agrees; False where it need not be asked, or was a moment ago.

    `conn` is in the transaction of the change. Raises TooOften beyond ASKED_PER_DAY; NotConfigured without PUBLIC_URL.
    """
    if target is None or "address" not in target:
        return False
    place = {"project_id": project_id, "channel_id": channel_id, "address": target["address"].lower()}
    question = await db.fetch_one(conn, "alert_find_question", workspace_id=actor.workspace_id, **place)
    if question is None or (question["is_allowed"] and not question["is_ended"]):
        return False
    base_url = settings.current().base_url
    if base_url is None:
        raise NotConfigured("PUBLIC_URL is not set: without it the address cannot be asked whether it agrees.")
    counted = await db.fetch_one(conn, "alert_count_asked", workspace_id=actor.workspace_id)
    if counted and counted["asked"] >= ASKED_PER_DAY:
        raise TooOften(f"A workspace may ask {ASKED_PER_DAY} addresses a day. Try again tomorrow.", 3_600)
    token = secrets.token_urlsafe(32)
    link = {"token_hash": hashed(token), "lives": LIVES}
    row = await db.fetch_one(
        conn, "alert_upsert_address", workspace_id=actor.workspace_id, address=place["address"], again=AGAIN,
        is_allowed=question["is_allowed"], person_id=actor.person_id, **link,
    )  # fmt: skip
    if row is None:
        return False
    await conn.execute(queries.get("alert_update_recipient_asked"), {**place, **link})
    content = _content(question, f"{base_url}{CONFIRM}?token={token}")
    return await deliveries.enqueue_mail(
        conn, actor.workspace_id, project_id, place["address"], PURPOSE, content,
        idempotency_key=f"{PURPOSE}/{hashed(token).hex()}",
    )  # fmt: skip


def _content(question: dict[str, Any], url: str) -> dict[str, Any]:
    if question["is_allowed"]:
        title, asked = "Do you want these alerts again?", (
            f"The workspace {question['workspace_name']} asks whether alerts of its project {question['project_name']} may go to"
            f" this address over the channel {question['channel_name']}. You have ended such mails."
        )  # fmt: skip
    else:
        title = "Do you want these alerts?"
        asked = f"The workspace {question['workspace_name']} wants to send its alerts about errors to this address."
    meaning = f"Nothing is sent here unless you agree. If you do not, do nothing: this ends by itself after {LIVES.days} days."
    return mail.render_plain_mail(
        title,
        [asked, meaning],
        button=("See what is asked", url),
        footer="You get this because a member of the workspace named your address.",
    )


async def find_asked(conn: db.Connection, token: str) -> dict[str, Any]:
    """Who asks which address: workspace_name, address; project_name and channel_name where it is asked for one channel alone.

    Raises NotFound where the link was used or is over.
    """
    row = await db.fetch_one(conn, "alert_find_asked", token_hash=hashed(token))
    if row is None:
        raise NotFound("This link was used already, or is over.")
    return row


async def confirm(conn: db.Connection, token: str, address: str | None) -> dict[str, Any]:
    """The address agrees; answers what find_asked does. `conn` is in a transaction. address: where the request came from.

    Raises NotFound as find_asked.
    """
    row = await db.fetch_one(conn, "alert_update_confirmed", token_hash=hashed(token))
    if row is None:
        raise NotFound("This link was used already, or is over.")
    actor = audit.Actor(row["workspace_id"], row["project_id"], "link", None, address)
    if row["channel_id"] is None:
        await audit.record(conn, actor, "address.confirm", _digest(row["address"]), None, None)
    else:
        await audit.record(conn, actor, "channel.resume", row["channel_id"], None, {"recipient": _digest(row["address"])})
    return row


async def resume(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> None:
    """The person who asks gets a channel's mails again; `conn` is in a transaction. Raises Conflict where they get them."""
    row = await db.fetch_one(
        conn, "alert_update_recipient_begun", project_id=project_id, channel_id=channel_id, person_id=actor.person_id
    )
    if row is None:
        raise Conflict("You have not ended this channel's mails: there is nothing to begin again.")
    await audit.record(conn, actor, "channel.resume", channel_id, None, None)


async def find_recipient(conn: db.Connection, token: str) -> dict[str, Any]:
    """Whose mails of which channel a link ends. Raises NotFound."""
    row = await db.fetch_one(conn, "alert_find_recipient", token=token)
    if row is None:
        raise NotFound("There is no such link.")
    return row


async def unsubscribe(conn: db.Connection, token: str, address: str | None) -> dict[str, Any]:
    """End somebody's mails of one channel, and of no other; `conn` is in a transaction. Again is no error. Raises NotFound."""
    row = await db.fetch_one(conn, "alert_delete_recipient", token=token)
    if row is None:
        raise NotFound("There is no such link.")
    actor = audit.Actor(row["workspace_id"], row["project_id"], "link", None, address)
    await audit.record(conn, actor, "channel.unsubscribe", row["channel_id"], None, {"recipient": _digest(row["address"])})
    return row


def _digest(address: str) -> str:
    """What the trail knows of an address of somebody who is no member."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]
