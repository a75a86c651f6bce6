"""/api/workspaces/{workspace_id}/exports, /api/exports/{link} and /api/account/export: taking along what is held;
/api/account/privacy: what becomes of it here.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse, StreamingResponse

from lib import audit, exports, http, own, privacy, settings
from lib.models import exports as models
from lib.operations import ANYONE, SIGNED_IN, Call, Operations

EXPORTS = "/api/workspaces/{workspace_id:id}/exports"
EXPORT = EXPORTS + "/{export_id:id}"
LINK = "/api/exports/{link}"
operations = Operations()


@operations.post(EXPORTS, "data:read", answers=models.NewExport, status=201, shown_once=("link",))
async def create_export(call: Call) -> dict[str, Any]:
    """Ask for everything in the workspace. Its parts can be downloaded for a day, here or by the link."""
    made = await exports.create(call.conn, call.actor)
    return made | {"link": f"{http.base_url(call.request)}/api/exports/{made['link']}"}


@operations.get(EXPORTS, "data:read", answers=models.Exports)
async def list_exports(call: Call) -> dict[str, Any]:
    """Exports that can be downloaded."""
    return {"items": await exports.list_live(call.conn, call.workspace_id)}


@operations.get(EXPORT, "data:read", answers=models.Export)
async def read_export(call: Call) -> dict[str, Any]:
    """One export and its parts."""
    return await exports.read(call.conn, call.workspace_id, call.id("export_id"))


@operations.delete(EXPORT, "data:read")
async def end_export(call: Call) -> None:
    """End an export before its time: nobody can download it any more."""
    await exports.end(call.conn, call.actor, call.id("export_id"))


@operations.get(EXPORT + "/parts/{number:id}", "data:read", media_type="application/zip", detached=True)
async def download_part(call: Call) -> StreamingResponse:
    """One part, a ZIP. It can be asked for again, and beside others."""
    return await _part(call, call.actor, call.id("export_id"))


@operations.get(LINK, ANYONE, media_type="text/plain")
async def list_parts_by_link(call: Call) -> PlainTextResponse:
    """Name and address of each part, a line each, for a program to download."""
    caller, export_id = await exports.find_by_link(call.conn, call.text("link"))
    assert caller.workspace_id is not None  # noqa: S101 - an export is of one
    found = await exports.read(call.conn, caller.workspace_id, export_id)
    base = f"{http.base_url(call.request)}/api/exports/{call.text('link')}"
    lines = [f"{part['name']} {base}/parts/{part['number']}\n" for part in found["parts"]]
    return PlainTextResponse("".join(lines), headers=http.HEADERS)


@operations.get(LINK + "/parts/{number:id}", ANYONE, media_type="application/zip", detached=True)
async def download_part_by_link(call: Call) -> StreamingResponse:
    """One part, a ZIP, for whoever has the link, as long as the one who asked for it may have it."""
    async with call.database.connection() as conn:
        caller, export_id = await exports.find_by_link(conn, call.text("link"))
    assert caller.workspace_id is not None  # noqa: S101 - an export is of one
    actor = audit.Actor(caller.workspace_id, None, "person", caller.id, http.client_address(call.request))
    return await _part(call, actor, export_id)


@operations.get("/api/account/export", SIGNED_IN, media_type="application/zip", detached=True)
async def export_account(call: Call) -> StreamingResponse:
    """Everything that is held about the signed-in person, a ZIP."""
    headers = {**http.HEADERS, "Content-Disposition": 'attachment; filename="sensra-account.zip"'}
    content = own.export(call.database.connection, call.person_id)
    return StreamingResponse(content, headers=headers, media_type="application/zip")


@operations.get("/api/account/privacy", ANYONE, answers=models.Privacy, detached=True)
async def read_privacy(call: Call) -> dict[str, Any]:  # noqa: ARG001 - every operation takes it
    """Who handles data for this deployment, where, and for how long things are kept. It holds nothing secret."""
    return privacy.describe(settings.current())


async def _part(call: Call, actor: audit.Actor, export_id: int) -> StreamingResponse:
    part = await exports.open_part(call.database.connection, actor, export_id, call.id("number"))
    headers = {**http.HEADERS, "Content-Disposition": f'attachment; filename="{part.name}"'}
    return StreamingResponse(part.content, headers=headers, media_type="application/zip")


app = operations.app()
