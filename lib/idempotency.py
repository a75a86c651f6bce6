"""Idempotency-Key on creating requests: one that is sent again is answered with what the first was answered, and creates nothing.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/. The key is remembered in the transaction of what it
created: after a crash both are there or neither. Two at the same time take turns.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, NamedTuple

import orjson

from lib import db
from lib.errors import IdempotencyMismatch

LIFETIME = timedelta(hours=24)
CHARACTERS_MAX = 200


class Asked(NamedTuple):
    """A creating request that carries a key. actor_kind, actor_id: who asks; request_hash: SHA-256 of what is asked."""

    actor_kind: str
    actor_id: int
    key: str
    request_hash: bytes


class Kept(NamedTuple):
    """What the first request was answered."""

    status: int
    answer: Any


def hashed(method: str, path: str, body: bytes) -> bytes:
    """What makes two requests the same one, in 32 bytes."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


async def begin(conn: db.Connection, asked: Asked) -> Kept | None:
    """What was answered before, or None for the first; `conn` is in the transaction that creates.

    Raises IdempotencyMismatch where the key came with another request.
    """
    await db.run(conn, "idempotency_delete_expired", lifetime=LIFETIME)
    identity: dict[str, Any] = {"actor_kind": asked.actor_kind, "actor_id": asked.actor_id, "key": asked.key}
    first = await db.fetch_one(conn, "idempotency_insert", **identity, request_hash=asked.request_hash, lifetime=LIFETIME)
    if first:
        return None
    row = await db.fetch_one(conn, "idempotency_find", **identity)
    if row is None or bytes(row["request_hash"]) != asked.request_hash:
        raise IdempotencyMismatch
    return Kept(row["status"], row["answer"])


async def keep(conn: db.Connection, asked: Asked, kept: Kept) -> None:
    """Remember what the first request is answered; the caller has taken out what is shown only once."""
    await db.run(
        conn, "idempotency_update_answer", actor_kind=asked.actor_kind, actor_id=asked.actor_id, key=asked.key,
        status=kept.status, answer=orjson.dumps(kept.answer).decode(),
    )  # fmt: skip
