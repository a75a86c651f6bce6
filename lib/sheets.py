"""Files of an export: each a query of db/queries, read page by page, as newline-delimited JSON or CSV.

Queries name their columns, so that nothing is exported that nobody decided to export. No connection is held between pages.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Literal, NamedTuple

import orjson

from lib import db, payloads, spreadsheet

PAGE_ROWS = 1_000
# A payload may have a megabyte, and a page of them has to be held at once.
PAGE_EVENTS = 50
Connect = Callable[[], AbstractAsyncContextManager[db.Connection]]
Params = dict[str, Any]


class Sheet(NamedTuple):
    """query: takes what `params` name, and after (the key of the page's last row), limit. key: its order, unique.

    relation: of one that may grow without end, the table and so many leading columns of its key by which it is cut into pieces;
    its query takes since and until, too.
    """

    name: str
    query: str
    key: tuple[str, ...]
    about: str
    form: Literal["ndjson", "csv"] = "ndjson"
    relation: tuple[str, int] | None = None

    @property
    def page_rows(self) -> int:
        """How many rows are read at once."""
        return PAGE_EVENTS if self.name == EVENTS else PAGE_ROWS


EVENTS = "events"
NOWHERE: Params = {"since": None, "until": None, "day": None, "after": None, "limit": 0}


async def columns(connect: Connect, sheet: Sheet, params: Params) -> dict[str, str]:
    """The columns of the file, and their types as PostgreSQL names them."""
    async with connect() as conn:
        found = await db.describe(conn, sheet.query, **(NOWHERE | params | {"limit": 0}))
    if sheet.name == EVENTS:
        found = {name: kind for name, kind in found.items() if name != "dictionary"} | {"payload": "json", "removals": "json"}
    return found


async def chunks(connect: Connect, sheet: Sheet, params: Params) -> AsyncIterator[Callable[[], bytes]]:
    """The file's content; each chunk is made when it is called."""
    names = list(await columns(connect, sheet, params)) if sheet.form == "csv" else []
    if names:
        yield partial(spreadsheet.header, names)
    after: list[str] | None = None
    while True:
        async with connect() as conn:
            rows = await db.fetch_all(conn, sheet.query, **(NOWHERE | params | {"after": after, "limit": sheet.page_rows}))
        if not rows:
            return
        after = [str(rows[-1][name]) for name in sheet.key]
        yield partial(spreadsheet.lines, rows, names) if names else partial(_lines, sheet, rows)
        if len(rows) < sheet.page_rows:
            return


def _lines(sheet: Sheet, rows: Sequence[Mapping[str, Any]]) -> bytes:
    told = map(_event, rows) if sheet.name == EVENTS else rows
    return b"".join(orjson.dumps(row) + b"\n" for row in told)


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    """With what it said, where that is still there and can be read."""
    light = {name: value for name, value in row.items() if name not in {"dictionary", "payload"}}
    try:
        body = orjson.loads(payloads.decompress(row["dictionary"], row["payload"])) if row["payload"] else {}
    except payloads.UnreadablePayloadError:
        body = {}
    return light | {"payload": body.get("payload"), "removals": body.get("removals")}
