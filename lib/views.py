"""Searches that a project's members keep under a name, for everybody in the project."""

from __future__ import annotations

from typing import Any

import psycopg

from lib import audit, db
from lib.errors import Conflict, NotFound

VIEWS_MAX = 50
"""Of one project: more than a menu can hold."""


async def list_all(conn: db.Connection, project_id: int) -> dict[str, Any]:
    """`{"items": [{id, name, query, sort, created_by, created_at}]}`, by name."""
    return {"items": [_shown(row) for row in await db.fetch_all(conn, "view_list", project_id=project_id)]}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    by = {"id": row["created_by"], "name": row["created_by_name"]} if row["created_by"] else None
    return {name: row[name] for name in ("id", "name", "query", "sort", "created_at")} | {"created_by": by}


async def create(
    conn: db.Connection, actor: audit.Actor, project_id: int, name: str, query: str, sort: str
) -> dict[str, Any]:  # fmt: skip
    """Keep a search. Raises Conflict where the name is taken, or VIEWS_MAX are there already."""
    person_id = actor.id if actor.kind == "person" else None
    try:
        async with conn.transaction():
            row = await db.fetch_one(
                conn, "view_insert", project_id=project_id, name=name, query=query, sort=sort, person_id=person_id, max=VIEWS_MAX
            )  # fmt: skip
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("There is a view of this name already. Choose another name, or delete that one first.") from error
    if row is None:
        raise Conflict(f"A project keeps {VIEWS_MAX} views at most. Delete one first.")
    await audit.record(conn, actor, "view.create", row["id"], None, {"name": name, "query": query})
    return _shown(row)


async def delete(conn: db.Connection, actor: audit.Actor, project_id: int, view_id: int) -> None:
    """Forget a search. Raises NotFound."""
    row = await db.fetch_one(conn, "view_delete", project_id=project_id, view_id=view_id)
    if row is None:
        raise NotFound("There is no such view in this project.")
    await audit.record(conn, actor, "view.delete", view_id, {"name": row["name"], "query": row["query"]}, None)
