"""Exporting a workspace: asked for once, downloaded in parts, each a ZIP that reads on its own and is made while it is sent.

Where parts begin and end is decided when the export is asked for, so that a part can be asked for again, or several at once. They
are read from the tables as these are then: what was erased meanwhile is in none of them, and nothing is stored anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import orjson

from lib import access, audit, db, exported, zipped
from lib.errors import Conflict, NotFound
from lib.sheets import Connect, Sheet, chunks, columns

LINK_HOURS = 24
LIVE_MAX = 5
# A part is sent within a minute: so many events with their payloads, or so many other rows, or a mixture.
PART_EVENTS = 2_000
PART_ROWS = 20_000
PART_FILES = 100
SHEETS = {sheet.name: sheet for sheet in (*exported.WORKSPACE, *exported.PROJECT, exported.EVENTS)}
GONE = "There is no such export, or its time is over. Ask for a new one."


class Piece(NamedTuple):
    """One file of a part. since, until: the keys between which its rows are; day: of events."""

    sheet: str
    file: str
    project_id: int | None
    rows: int
    since: list[str] | None = None
    until: list[str] | None = None
    day: str | None = None


async def create(conn: db.Connection, actor: audit.Actor) -> dict[str, Any]:
    """Plan an export; answers its manifest, and `link`, the secret that downloads it, which is told this once.

    `conn` is in a transaction. Takes a second for each million events. Raises Conflict while LIVE_MAX of them are live.
    """
    await db.run(conn, "export_delete_expired", workspace_id=actor.workspace_id)
    if len(await db.fetch_all(conn, "export_list", workspace_id=actor.workspace_id)) >= LIVE_MAX:
        raise Conflict(f"There are {LIVE_MAX} exports already. End one, or wait until its time is over.")
    parts = list(_packed(await _pieces(conn, actor.workspace_id)))
    link = secrets.token_urlsafe(32)
    made = await db.fetch_one(
        conn, "export_insert", workspace_id=actor.workspace_id, person_id=actor.person_id, hours=LINK_HOURS,
        link_hash=_hashed(link), parts=orjson.dumps([list(map(list, part)) for part in parts]).decode(),
    )  # fmt: skip
    assert made  # noqa: S101 - inserted
    rows = sum(piece.rows for part in parts for piece in part)
    await audit.record(conn, actor, "export.create", made["id"], None, {"parts": len(parts), "rows": rows})
    return await read(conn, actor.workspace_id, made["id"]) | {"link": link}


async def read(conn: db.Connection, workspace_id: int, export_id: int) -> dict[str, Any]:
    """The manifest: `{"id", "requested_at", "expires_at", "parts": [{"number", "name", "rows", "files"}]}`. Raises NotFound."""
    row = await _find(conn, workspace_id, export_id)
    parts = [
        {
            "number": number,
            "name": part_name(row, number),
            "rows": sum(piece.rows for piece in part),
            "files": [piece.file for piece in part],
        }
        for number, part in enumerate(row["parts"], 1)
    ]
    return {**{name: row[name] for name in ("id", "requested_at", "expires_at")}, "parts": parts}


async def list_live(conn: db.Connection, workspace_id: int) -> list[dict[str, Any]]:
    """Those that can be downloaded, the newest first."""
    return list(await db.fetch_all(conn, "export_list", workspace_id=workspace_id))


async def end(conn: db.Connection, actor: audit.Actor, export_id: int) -> None:
    """Its link leads nowhere from now on. Raises NotFound."""
    if not await db.run(conn, "export_delete", workspace_id=actor.workspace_id, export_id=export_id):
        raise NotFound(GONE)
    await audit.record(conn, actor, "export.end", export_id, None, None)


async def find_by_link(conn: db.Connection, link: str) -> tuple[access.Caller, int]:
    """Whose export it is, and which. Raises NotFound for a link that has ended; Forbidden where its owner is one no more."""
    row = await db.fetch_one(conn, "export_find_by_link", link_hash=_hashed(link))
    if row is None:
        raise NotFound(GONE)
    caller = access.Caller("person", row["requested_by"], row["workspace_id"], None, row["role"])
    access.require(caller, "data:read")
    return caller, row["id"]


class Part(NamedTuple):
    """A part to be sent: the name of its file, and its bytes."""

    name: str
    content: AsyncIterator[bytes]


async def open_part(connect: Connect, actor: audit.Actor, export_id: int, number: int) -> Part:
    """One part, told in the trail. Raises NotFound."""
    async with connect() as conn, conn.transaction():
        row = await _find(conn, actor.workspace_id, export_id)
        if not 0 < number <= len(row["parts"]):
            raise NotFound(f"The export has {len(row['parts'])} parts.")
        await audit.record(conn, actor, "export.download", export_id, None, {"part": number})
    files = _files(connect, actor.workspace_id, row, number)
    return Part(part_name(row, number), zipped.stream(files, row["requested_at"]))


def part_name(row: dict[str, Any], number: int) -> str:
    """`sensra-acme-7-001-of-042.zip`: sorts as parts do."""
    count = len(row["parts"])
    width = max(3, len(str(count)))
    return f"sensra-{row['slug']}-{row['id']}-{number:0{width}}-of-{count:0{width}}.zip"


async def _find(conn: db.Connection, workspace_id: int, export_id: int) -> dict[str, Any]:
    row = await db.fetch_one(conn, "export_find", workspace_id=workspace_id, export_id=export_id)
    if row is None:
        raise NotFound(GONE)
    return row | {"parts": [[Piece(*piece) for piece in part] for part in row["parts"]]}


async def _files(connect: Connect, workspace_id: int, row: dict[str, Any], number: int) -> AsyncIterator[zipped.File]:
    pieces = row["parts"][number - 1]
    if number == 1:
        for name, text in (await _about(connect, workspace_id, row["requested_at"])).items():
            yield zipped.whole(name, text)
    for piece in pieces:
        params = {"workspace_id": workspace_id, **piece._asdict()}
        yield zipped.File(piece.file, chunks(connect, SHEETS[piece.sheet], params))


async def _about(connect: Connect, workspace_id: int, at: datetime) -> dict[str, bytes]:
    params = {"workspace_id": workspace_id, "project_id": 0}
    schema = {f"{one.name}.{one.form}": await columns(connect, one, params | {"day": at}) for one in SHEETS.values()}
    return {
        "README.md": exported.readme("A workspace of Sensra", f"{at:%Y-%m-%d %H:%M:%S}", tuple(SHEETS.values())),
        "schema.json": orjson.dumps(schema, option=orjson.OPT_INDENT_2),
    }


# -- planning --------------------------------------------------------------------------------------------------------


async def _pieces(conn: db.Connection, workspace_id: int) -> list[Piece]:
    found = []
    for sheet in exported.WORKSPACE:
        found += await _cut(conn, sheet, None, workspace_id, "workspace")
    for project in await db.fetch_all(conn, "export_list_project_ids", workspace_id=workspace_id):
        for sheet in exported.PROJECT:
            found += await _cut(conn, sheet, project["id"], workspace_id, f"projects/{project['slug']}")
        found += await _cut_events(conn, project)
    return found


async def _cut(conn: db.Connection, sheet: Sheet, project_id: int | None, workspace_id: int, folder: str) -> list[Piece]:
    whole = Piece(sheet.name, f"{folder}/{sheet.name}.{sheet.form}", project_id, 0)
    if sheet.relation is None:
        return [whole]
    relation, length = sheet.relation
    tenant, tenant_id = ("workspace_id", workspace_id) if project_id is None else ("project_id", project_id)
    rows = await db.fetch_all(
        conn, "export_list_pieces", relation=relation, tenant=tenant, id=tenant_id, key=list(sheet.key[:length]),
        max_rows=PART_ROWS,
    )  # fmt: skip
    return _between(whole, rows)


async def _cut_events(conn: db.Connection, project: dict[str, Any]) -> list[Piece]:
    rows = await db.fetch_all(
        conn, "export_list_event_pieces", project_id=project["id"], key=list(exported.EVENTS.key), max_rows=PART_EVENTS
    )  # fmt: skip
    rows.sort(key=lambda row: row["day"])
    found = []
    for day, own in groupby(rows, lambda row: row["day"]):
        file = f"projects/{project['slug']}/events/{day}.ndjson"
        found += _between(Piece("events", file, project["id"], 0, day=f"{day} 00:00:00+00"), list(own))
    return found


def _between(whole: Piece, rows: Sequence[dict[str, Any]]) -> list[Piece]:
    """The pieces of a file, each from where the one before ended; the name of a piece has its number where there are several."""
    found: list[Piece] = []
    stem, _, form = whole.file.rpartition(".")
    for number, row in enumerate(rows, 1):
        file = f"{stem}-{number:04}.{form}" if len(rows) > 1 else whole.file
        since = found[-1].until if found else None
        found.append(whole._replace(file=file, rows=row["row_count"], since=since, until=row["until_key"]))
    return found


def _packed(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Pieces together in parts, in their order."""
    part: list[Piece] = []
    full = 0.0
    for piece in pieces:
        share = piece.rows / (PART_EVENTS if piece.sheet == exported.EVENTS.name else PART_ROWS) + 1 / PART_FILES
        if part and full + share > 1 + 1 / PART_FILES:
            yield part
            part, full = [], 0.0
        part.append(piece)
        full += share
    yield part


def _hashed(link: str) -> bytes:
    return hashlib.sha256(link.encode()).digest()
