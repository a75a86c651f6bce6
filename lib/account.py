"""The signed-in person and what they can reach."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from lib import db


async def read(conn: db.Connection, person_id: int) -> dict[str, Any]:
    """`{"person": {id, name, email}, "workspaces": [{id, slug, name, role, projects: [{id, slug, name}]}]}`, by name."""
    rows = await db.fetch_all(conn, "person_list_projects", person_id=person_id)
    person = {name: rows[0][f"person_{name}"] for name in ("id", "name", "email")}
    found = [row for row in rows if row["workspace_id"]]
    return {"person": person, "workspaces": [_workspace(list(own)) for _, own in groupby(found, lambda row: row["workspace_id"])]}


def _workspace(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of one workspace's rows, one a project."""
    first = rows[0]
    projects = [
        {"id": row["project_id"], "slug": row["project_slug"], "name": row["project_name"]} for row in rows if row["project_id"]
    ]
    workspace = {name: first[f"workspace_{name}"] for name in ("id", "slug", "name")}
    return workspace | {"role": first["role"], "projects": projects}
