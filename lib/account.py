"""The signed-in person and what they can reach."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from lib import db, permissions


async def read(conn: db.Connection, person_id: int) -> dict[str, Any]:
    """`{"person": {id, name, email}, "workspaces": [{id, slug, name, role, permissions, gives, projects: [{id, slug, name,
    repository}]}]}`, by name.

    permissions: what the role may do, so that pages offer nothing that would be refused; gives: the roles it can hand out.
    """
    rows = await db.fetch_all(conn, "person_list_projects", person_id=person_id)
    person = {name: rows[0][f"person_{name}"] for name in ("id", "name", "email")}
    found = [row for row in rows if row["workspace_id"]]
    return {"person": person, "workspaces": [_workspace(list(own)) for _, own in groupby(found, lambda row: row["workspace_id"])]}


def _workspace(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of one workspace's rows, one a project."""
    first = rows[0]
    projects = [
        {"id": row["project_id"]} | {name: row[f"project_{name}"] for name in ("slug", "name", "repository")}
        for row in rows
        if row["project_id"]
    ]
    workspace = {name: first[f"workspace_{name}"] for name in ("id", "slug", "name")}
    role = first["role"]
    may = {"role": role, "permissions": permissions.of(role), "gives": permissions.given_by(role)}
    return workspace | may | {"projects": projects}
