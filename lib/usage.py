"""The exact account of a month (UTC), for each project: events, payload bytes as stored, analyses, mails.

Events and bytes are counted by record_events, in the commit that stores them, analyses and mails in the one that stores that they
were done; nothing that is pruned later changes the account. What is done for a workspace and none of its projects, such as an
invitation's mail, has an account of its own beside theirs.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from lib import db

MONTHS_SHOWN = 24
# Stands in the key of usage for the workspace itself.
NO_PROJECT = 0
COUNTED = ("event_count", "payload_bytes", "analysis_count", "mail_count")


async def add(conn: db.Connection, workspace_id: int, project_id: int | None, *, analyses: int = 0, mails: int = 0) -> None:
    """Count what was done for a project, or (None) for the workspace itself, in the transaction that does it."""
    await db.run(
        conn, "usage_upsert", workspace_id=workspace_id, project_id=project_id or NO_PROJECT, analyses=analyses, mails=mails
    )


async def events_of_month(conn: db.Connection, workspace_id: int, month: date) -> int:
    """The events that count against a workspace's quota of the month that begins on this day."""
    row = await db.fetch_one(conn, "usage_find_events", workspace_id=workspace_id, month=month)
    assert row  # noqa: S101 - an aggregate answers a row
    return int(row["event_count"])


async def of_project(conn: db.Connection, workspace_id: int, project_id: int) -> dict[str, Any]:
    """`{"months": [{"month": "2026-11", …}]}`: the newest first, those without anything left out."""
    rows = await db.fetch_all(
        conn, "usage_list_by_project", workspace_id=workspace_id, project_id=project_id, limit=MONTHS_SHOWN
    )  # fmt: skip
    return {"months": [{"month": _name(row["month"]), **_counts(row)} for row in rows]}


async def of_workspace(conn: db.Connection, workspace_id: int, month: date) -> dict[str, Any]:
    """A month of a workspace: the total, and each project's part, that of deleted ones (without a name) included, and that of no
    project (without an id).
    """
    rows = await db.fetch_all(conn, "usage_list_by_workspace", workspace_id=workspace_id, month=month)
    projects = [
        {"project_id": row["project_id"] or None, "slug": row["slug"], "name": row["name"], **_counts(row)} for row in rows
    ]
    total = {name: sum(row[name] for row in rows) for name in COUNTED}
    return {"month": _name(month), **total, "projects": projects}


def _name(month: date) -> str:
    return f"{month:%Y-%m}"


def _counts(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in COUNTED}
