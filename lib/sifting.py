"""Which of an incident's events met a person, or have a tag: one stands in their row as a hash, the other in payloads alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from lib import db, payloads

# So many are looked at for a page, which leads on: light rows, and payloads that have to be read whole.
ROWS_MAX = 2_000
PAYLOADS_MAX = 100


class Sieve(NamedTuple):
    """None: not asked. tag: `name=value`, or a value of whatever tag."""

    user_hashes: Sequence[bytes] | None = None
    tag: str | None = None

    @property
    def rows_max(self) -> int | None:
        """How many rows it takes at a time; None where everything goes through."""
        if self.tag:
            return PAYLOADS_MAX
        return None if self.user_hashes is None else ROWS_MAX


OPEN = Sieve()


async def sift(conn: db.Connection, project_id: int, rows: list[dict[str, Any]], sieve: Sieve) -> list[dict[str, Any]]:
    """Those rows of event_list_by_incident that go through, in their order. Tags of payloads that have expired are not known."""
    if sieve.user_hashes is not None:
        rows = [row for row in rows if row["user_hash"] in sieve.user_hashes]
    if not sieve.tag or not rows:
        return rows
    stored = await db.fetch_all(
        conn, "event_list_payloads_by_key", project_id=project_id, expires_on=[row["expires_on"] for row in rows],
        received_at=[row["received_at"] for row in rows], event_ids=[row["event_id"] for row in rows],
    )  # fmt: skip
    tagged = await asyncio.to_thread(_tagged, stored, sieve.tag)
    return [row for row in rows if row["event_id"] in tagged]


def _tagged(stored: list[dict[str, Any]], wanted: str) -> set[Any]:
    """Ids of those events that have the tag."""
    found = set()
    for row in stored:
        body = orjson.loads(payloads.decompress(row["dictionary"], row["payload"]))
        tags = body["payload"].get("tags", {})
        if isinstance(tags, dict) and _has(tags, wanted):
            found.add(row["event_id"])
    return found


def _has(tags: dict[str, Any], wanted: str) -> bool:
    """Upper and lower case are the same, as in the list's search."""
    name, mark, value = wanted.lower().partition("=")
    said = {(key.lower(), str(one).lower()) for key, one in tags.items()}
    return (name, value) in said if mark and name else (value if mark else name) in {one for _, one in said}
