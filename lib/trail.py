"""The trail as people read it: filtered, page by page, or whole as CSV or JSON. lib/audit.py writes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from lib import db, incidents, paging, spreadsheet

EXPORT_PAGE_ROWS = 1_000
EXPORT_ROWS_MAX = 200_000
COLUMNS = (
    "id", "at", "project_id", "actor_kind", "actor_id", "actor_name", "action", "object_id", "before", "after", "address",
)  # fmt: skip
Connect = Callable[[], AbstractAsyncContextManager[db.Connection]]


class Place(NamedTuple):
    """Whose trail: a workspace's, or what of it is about one project."""

    workspace_id: int
    project_id: int | None


class Filters(NamedTuple):
    """What a list is narrowed to. action: `incident.merge`, or `incident` for all about them."""

    actor_kind: str | None = None
    actor_id: int | None = None
    action: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _params(place: Place, filters: Filters) -> dict[str, Any]:
    # The action's form, which the model has checked, holds no % and needs no escape for _, which fits itself.
    action = filters.action and (filters.action if "." in filters.action else f"{filters.action}.%")
    return {**place._asdict(), **filters._asdict(), "action": action}


async def list_page(conn: db.Connection, place: Place, filters: Filters, limit: int, cursor: str | None) -> dict[str, Any]:
    """Changes, the newest first: `{"items": […], "next_cursor": …}`. Raises InvalidRequest for a foreign cursor."""
    after_id = paging.decode(cursor, (int,))[0] if cursor else None
    rows = await db.fetch_all(conn, "audit_list", **_params(place, filters), after_id=after_id, limit=limit + 1)
    return paging.page(rows, limit, ("id",))


async def list_refusals(conn: db.Connection, place: Place, filters: Filters, limit: int, cursor: str | None) -> dict[str, Any]:
    """Refused attempts, the newest first; as list_page."""
    minute, kind, actor, action = paging.decode(cursor, (str, str, int, str)) if cursor else (None, None, None, None)
    rows = await db.fetch_all(
        conn, "audit_list_refusals", **_params(place, filters), after=incidents.moment(minute) if minute else None,
        after_kind=kind, after_actor=actor, after_action=action, limit=limit + 1,
    )  # fmt: skip
    return paging.page(rows, limit, ("minute", "actor_kind", "actor_id", "action"))


async def export(connect: Connect, place: Place, filters: Filters, form: str) -> AsyncIterator[bytes]:
    """The changes as CSV (RFC 4180) or newline-delimited JSON, the newest first, EXPORT_ROWS_MAX at most.

    No connection is held between pages, whatever the reader's pace.
    """
    if form == "csv":
        yield spreadsheet.header(COLUMNS)
    after_id, left = None, EXPORT_ROWS_MAX
    while left:
        async with connect() as conn:
            rows = await db.fetch_all(
                conn, "audit_list", **_params(place, filters), after_id=after_id, limit=min(EXPORT_PAGE_ROWS, left)
            )
        if not rows:
            return
        after_id, left = rows[-1]["id"], left - len(rows)
        yield spreadsheet.lines(rows, COLUMNS) if form == "csv" else b"".join(orjson.dumps(row) + b"\n" for row in rows)
