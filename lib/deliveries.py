"""The queue of what is to leave: messages are rows before they are sent, and each is sent once, or known not to have been.

A delivery is written in the transaction that decides it, its content rendered and frozen. A worker claims it with a lease and a
token, sends it outside of any transaction, and writes down what became of it; whoever lost the lease meanwhile may not write
any more. A worker that dies is followed by another one when the lease ends; the provider knows the delivery by its id, so what
both have sent arrives once. Arguments: docs/decisions/0009-deliveries.md.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from lib import db, settings, usage, waking
from lib.channels import KINDS, ChannelError, Kind, Sent
from lib.channels.outcome import HeldBackError

# Longer than a function lives (120 s, vercel.json) and one try takes (15 s): whoever's lease has ended is gone, or will find it
# taken.
LEASE = timedelta(seconds=150)
# What one workspace may have under way at a time, of kinds that are claimed together.
EACH_MAX = 8
# Waiting times between tries, 20 h in all; each up to JITTER longer or shorter, so that what failed together is not repeated so.
BACKOFF = tuple(timedelta(seconds=s) for s in (30, 120, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 21_600))
JITTER = 0.1
# Resend keeps an idempotency key for 24 h: later a try whose answer was lost might be a second mail.
WINDOW = timedelta(hours=23, minutes=30)
# So much later than it is due a last try may still come.
LATE = timedelta(minutes=30)
# No longer than that is waited because the other side asks for it: a receiver that is mended earlier gets it earlier.
ASKED_MAX = BACKOFF[-1]
ERROR_CHARACTERS_MAX = 500


class New(NamedTuple):
    """A delivery to be made.

    recipient: the address of a mail, else None. idempotency_key: the workspace's; what is asked for twice is made once.
    """

    workspace_id: int
    project_id: int | None
    channel_id: int | None
    purpose: str
    kind: Kind
    recipient: str | None
    content: Mapping[str, Any]
    idempotency_key: str
    incident_ids: Sequence[int] = ()


class Claimed(NamedTuple):
    """A delivery that is this worker's until its lease ends.

    token: which try of all it is; number: which of its schedule. erased_at: when somebody was taken out of it. target: its
    channel's at this moment. sender: of a mail, as its first try had it.
    """

    workspace_id: int
    id: uuid.UUID
    project_id: int | None
    channel_id: int | None
    kind: Kind
    recipient: str | None
    sender: str | None
    content: dict[str, Any]
    token: int
    number: int
    first_tried_at: datetime
    erased_at: datetime | None
    target: dict[str, Any] | None


class Ended(NamedTuple):
    """What the channel looks like after a try: failures in a row, and since when."""

    failures: int
    failing_since: datetime | None


async def enqueue(conn: db.Connection, new: New, *, delivery_id: uuid.UUID | None = None, now: datetime | None = None) -> bool:
    """Write a delivery down; `conn` is in the transaction that decides it. False where its key was used before.

    delivery_id: what the content was rendered with. now: where it is not the database's clock that counts.
    """
    row = await db.fetch_one(
        conn, "delivery_insert",
        **new._asdict() | {"content": orjson.dumps(new.content).decode(), "incident_ids": list(new.incident_ids)},
        id=delivery_id or uuid.uuid4(), now=now,
    )  # fmt: skip
    waking.want()
    return row is not None


async def enqueue_mail(
    conn: db.Connection, workspace_id: int, project_id: int | None, to: str, kind: str, content: Mapping[str, Any], *,
    idempotency_key: str,
) -> bool:  # fmt: skip
    """Write down a mail of Sensra itself, such as an invitation; `conn` is in the transaction that decides it.

    kind: what it is about, in small letters and `_`. content: what lib.mail.render_plain_mail gives. idempotency_key: unique in
    the workspace, as `invitation/17`; False where it was used before. The content is forgotten once the mail is sent.
    """
    return await enqueue(conn, New(workspace_id, project_id, None, kind, "email", to, content, idempotency_key))


async def claim(conn: db.Connection, now: datetime, limit: int, kinds: Sequence[Kind] = KINDS) -> list[Claimed]:
    """At most `limit` deliveries of these kinds that are due; they are this worker's for LEASE. One round trip."""
    rows = await db.fetch_all(
        conn, "delivery_claim", now=now, leased_until=now + LEASE, limit=limit, each=EACH_MAX, kinds=list(kinds),
        sender=settings.current().mail_from,
    )  # fmt: skip
    return [Claimed(**row) for row in rows]


def is_too_old(claimed: Claimed, now: datetime) -> bool:
    """Whether the provider may have forgotten an earlier try: another one could then arrive twice."""
    return now - claimed.first_tried_at > WINDOW


def next_try(number: int, first_tried_at: datetime, now: datetime, wait_seconds: int | None = None) -> datetime | None:
    """When to try again after the try of this number, or None where that was the last.

    wait_seconds: how long the other side asks to wait; the schedule may ask for longer. It ends nothing: what it asks for is
    waited as far as ASKED_MAX and the time that is left allow.
    """
    if number > len(BACKOFF):
        return None
    at = now + BACKOFF[number - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    last = _last(first_tried_at)
    return min(max(at, _asked(now, wait_seconds)), last) if at <= last else None


def _last(first_tried_at: datetime) -> datetime:
    return first_tried_at + WINDOW - LATE


def _asked(now: datetime, wait_seconds: int | None) -> datetime:
    return now + min(timedelta(seconds=wait_seconds or 0), ASKED_MAX)


async def finish(conn: db.Connection, claimed: Claimed, result: Sent | ChannelError, now: datetime) -> Ended | None:
    """Write down what became of a try: sent, to be tried again, or dead; a mail that was sent is counted. `conn` is in a
    transaction. What was held back is no try of its schedule, and no failure of its channel.

    None where the lease went to another worker meanwhile: then the delivery is left as that one has it.
    """
    retry_at, error = None, None
    if isinstance(result, ChannelError):
        error = result.detail[:ERROR_CHARACTERS_MAX]
        if isinstance(result, HeldBackError):
            retry_at = min(_asked(now, result.retry_after_seconds), _last(claimed.first_tried_at))
            retry_at = retry_at if retry_at > now else None
        elif not result.permanent:
            retry_at = next_try(claimed.number, claimed.first_tried_at, now, result.retry_after_seconds)
    row = await db.fetch_one(
        conn, "delivery_update_tried", workspace_id=claimed.workspace_id, id=claimed.id, token=claimed.token, now=now,
        outcome="sent" if isinstance(result, Sent) else "refused" if result.permanent else "failed",
        state="sent" if isinstance(result, Sent) else "pending" if retry_at else "dead", next_try_at=retry_at, error=error,
        is_try=not isinstance(result, HeldBackError),
        provider_id=result.provider_id if isinstance(result, Sent) else None,
    )  # fmt: skip
    if row is None:
        return None
    if isinstance(result, Sent) and claimed.kind == "email":
        await usage.add(conn, claimed.workspace_id, claimed.project_id, mails=1)
    return Ended(row["failures"] or 0, row["failing_since"])
