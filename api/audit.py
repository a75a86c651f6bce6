"""/api/workspaces/{workspace_id}/audit-log and /api/projects/{project_id}/audit-log: who changed what, and what was refused."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response, StreamingResponse

from lib import audit, http, trail
from lib.models import trail as models
from lib.operations import Call, Operations

WORKSPACE = "/api/workspaces/{workspace_id:id}/audit-log"
PROJECT = "/api/projects/{project_id:id}/audit-log"
EXPORTED = "text/csv, application/x-ndjson"
operations = Operations()


def _filters(query: models.TrailFilters) -> trail.Filters:
    return trail.Filters(**query.model_dump(include=set(trail.Filters._fields)))


def _place(call: Call) -> trail.Place:
    return trail.Place(call.workspace_id, call.caller.project_id)


async def _list_changes(call: Call, query: models.TrailQuery) -> dict[str, Any]:
    return await trail.list_page(call.conn, _place(call), _filters(query), query.limit, query.cursor)


async def _list_refusals(call: Call, query: models.TrailQuery) -> dict[str, Any]:
    return await trail.list_refusals(call.conn, _place(call), _filters(query), query.limit, query.cursor)


async def _export(call: Call, query: models.ExportQuery) -> Response:
    async with call.database.transaction() as conn:
        await audit.record(conn, call.actor, "audit_log.export", call.workspace_id, None, {"format": query.format})
    media_type = "text/csv; charset=utf-8" if query.format == "csv" else "application/x-ndjson"
    headers = {**http.HEADERS, "Content-Disposition": f'attachment; filename="audit-log.{query.format}"'}
    lines = trail.export(call.database.connection, _place(call), _filters(query), query.format)
    return StreamingResponse(lines, headers=headers, media_type=media_type)


@operations.get(WORKSPACE, "audit:read", answers=models.ChangePage)
async def list_workspace_changes(call: Call, query: models.TrailQuery) -> dict[str, Any]:
    """A page of who changed what in the workspace, the newest first."""
    return await _list_changes(call, query)


@operations.get(WORKSPACE + "/refusals", "audit:read", answers=models.RefusalPage)
async def list_workspace_refusals(call: Call, query: models.TrailQuery) -> dict[str, Any]:
    """A page of attempts that were refused in the workspace, counted by actor, action and minute."""
    return await _list_refusals(call, query)


@operations.get(WORKSPACE + "/export", "audit:read", media_type=EXPORTED, detached=True)
async def export_workspace_changes(call: Call, query: models.ExportQuery) -> Response:
    """Who changed what in the workspace, as CSV or newline-delimited JSON: the newest 200,000 changes."""
    return await _export(call, query)


@operations.get(PROJECT, "audit:read", answers=models.ChangePage)
async def list_project_changes(call: Call, query: models.TrailQuery) -> dict[str, Any]:
    """A page of who changed what in the project, the newest first."""
    return await _list_changes(call, query)


@operations.get(PROJECT + "/refusals", "audit:read", answers=models.RefusalPage)
async def list_project_refusals(call: Call, query: models.TrailQuery) -> dict[str, Any]:
    """A page of attempts that were refused in the project, counted by actor, action and minute."""
    return await _list_refusals(call, query)


@operations.get(PROJECT + "/export", "audit:read", media_type=EXPORTED, detached=True)
async def export_project_changes(call: Call, query: models.ExportQuery) -> Response:
    """Who changed what in the project, as CSV or newline-delimited JSON: the newest 200,000 changes."""
    return await _export(call, query)


app = operations.app()
