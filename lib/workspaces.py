"""Workspaces: what tenants are. Each has members, projects, limits and a trail of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from lib import audit, db, slugs
from lib.errors import Conflict


async def create(conn: db.Connection, person_id: int, name: str, slug: str | None, address: str | None) -> dict[str, Any]:
    """A new workspace with this person as its owner; `conn` is in a transaction.

    slug: None makes one from the name. Raises Conflict where it is, or once was, another's.
    """
    row = await _insert(conn, name, [slug] if slug else slugs.candidates(name))
    await db.run(conn, "workspace_insert_owner", workspace_id=row["id"], person_id=person_id)
    actor = audit.Actor(row["id"], None, "person", person_id, address)
    await audit.record(conn, actor, "workspace.create", row["id"], None, {"name": row["name"], "slug": row["slug"]})
    return row


async def _insert(conn: db.Connection, name: str, tried: Iterable[str]) -> dict[str, Any]:
    for slug in tried:
        try:
            async with conn.transaction():
                row = await db.fetch_one(conn, "workspace_insert", name=name, slug=slug)
        except psycopg.errors.UniqueViolation:
            continue
        assert row  # noqa: S101 - INSERT … RETURNING answers a row or raises
        return row
    raise Conflict("This slug is taken, or once was another's. Choose another one.")
