"""Everything that is held about a person who signs in here, as one ZIP. People who stand in events: lib/subjects.py."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson

from lib import exported, zipped
from lib.sheets import Connect, chunks, columns


def export(connect: Connect, person_id: int) -> AsyncIterator[bytes]:
    """The archive, made while it is sent; no connection is held between pages."""
    at = datetime.now(UTC)
    return zipped.stream(_files(connect, person_id, at), at)


async def _files(connect: Connect, person_id: int, at: datetime) -> AsyncIterator[zipped.File]:
    params = {"person_id": person_id}
    schema = {f"{one.name}.{one.form}": await columns(connect, one, params) for one in exported.PERSON}
    about = exported.readme("What Sensra holds about you", f"{at:%Y-%m-%d %H:%M:%S}", exported.PERSON)
    yield zipped.whole("README.md", about)
    yield zipped.whole("schema.json", orjson.dumps(schema, option=orjson.OPT_INDENT_2))
    for sheet in exported.PERSON:
        yield zipped.File(f"{sheet.name}.{sheet.form}", chunks(connect, sheet, params))
