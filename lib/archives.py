"""Archives: a project's payloads of a day, as compressed NDJSON in an S3-compatible store, written before the day is dropped.

Off unless ARCHIVE_BUCKET is set: removing is the promise. Beside each object stands a manifest with its checksum. A day is
dropped only when its object was read back and is what was written, and holds exactly the rows that are still there. An archive
has an end of its own (RETENTION_ARCHIVE_DAYS), and erasure reaches it.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime
from typing import Any

import orjson
import zstandard

from lib import db, payloads, settings
from lib.errors import Conflict, NotFound
from lib.objects import Store, Written

FORMAT = "sensra-payloads/1"
PAGE_ROWS = 200
# Of text that is decompressed at a time.
CHUNK_BYTES = 256 * 1024
LEVEL = 6
RESTORED_DAYS = 7
ENDING = ".ndjson.zst"
# Before what tells an archive that was written anew from the one it was.
TRY = ".try-"


async def write_day(conn: db.Connection, store: Store, day: date, keep_days: int) -> int:
    """Archive what of a day is not archived as it is, for so many days; answers how many rows were written.

    `conn`: in autocommit. Raises Conflict where an object reads back as something else than was written.
    """
    rows = 0
    for missing in await db.fetch_all(conn, "archive_list_missing", day=day):
        await _write(conn, store, missing, day, keep_days)
        rows += missing["row_count"]
    return rows


async def _write(conn: db.Connection, store: Store, missing: Mapping[str, Any], day: date, keep_days: int) -> None:
    project_id = missing["project_id"]
    key = missing["object_key"] or f"{settings.current().archive_prefix}payloads/{project_id}/{day.isoformat()}{ENDING}"
    counted = Counted()
    written = await _write_object(store, key, project_id, day, counted, counted.count(_lines(conn, project_id, day)))
    if counted.rows == missing["row_count"]:  # else something was moved or erased meanwhile: the next try begins anew
        await db.run(
            conn, "archive_upsert", project_id=project_id, day=day, object_key=key, row_count=counted.rows, bytes=written.bytes,
            sha256=written.sha256, signature=missing["signature"], days=keep_days,
        )  # fmt: skip


class Counted:
    """How many lines went through."""

    def __init__(self) -> None:
        self.rows = 0

    async def count(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same lines."""
        async for line in lines:
            self.rows += 1
            yield line


async def _write_object(
    store: Store, key: str, project_id: int, day: date, counted: Counted, lines: AsyncIterator[bytes]
) -> Written:
    """The object and its manifest, read back. Raises Conflict where what is read is not what was written."""
    written = await store.write(key, _compressed(lines))
    manifest = {
        "format": FORMAT, "project_id": project_id, "expires_on": day.isoformat(), "rows": counted.rows, **written._asdict()
    }  # fmt: skip
    await store.write(manifest_of(key), _once(orjson.dumps(manifest, option=orjson.OPT_INDENT_2)))
    told = orjson.loads(b"".join([piece async for piece in store.read(manifest_of(key))]))
    if await store.digest(key) != written or told != manifest:
        raise Conflict("An archive read back differently from what was written. Nothing was removed.")
    return written


def manifest_of(key: str) -> str:
    """Where the manifest of an object stands."""
    return f"{key}.manifest.json"


async def _lines(conn: db.Connection, project_id: int, day: date) -> AsyncIterator[bytes]:
    after: dict[str, Any] = {"after_at": None, "after": None}
    while True:
        rows = await db.fetch_all(conn, "archive_list_rows", project_id=project_id, day=day, limit=PAGE_ROWS, **after)
        for row in rows:
            body = orjson.loads(payloads.decompress(row["dictionary"], row["payload"]))
            told = {name: row[name] for name in ("event_id", "received_at", "fingerprint", "user_hash")}
            yield orjson.dumps({**told, **body}) + b"\n"
        if len(rows) < PAGE_ROWS:
            return
        after = {"after_at": rows[-1]["received_at"], "after": rows[-1]["event_id"]}


async def _compressed(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compressobj()
    async for line in lines:
        if piece := compressor.compress(line):
            yield piece
    yield compressor.flush()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def read_lines(store: Store, key: str) -> AsyncIterator[bytes]:
    """The lines of an archive, each with its end."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
    rest = b""
    async for piece in store.read(key):
        for start in range(0, len(piece), CHUNK_BYTES // 8):
            *lines, rest = (rest + decompressor.decompress(piece[start : start + CHUNK_BYTES // 8])).split(b"\n")
            for line in lines:
                yield line + b"\n"


async def restore(conn: db.Connection, store: Store, project_id: int, day: date, days: int = RESTORED_DAYS) -> int:
    """Put a day's payloads back for reading, for so many days; answers how many. `conn`: in autocommit.

    day: on which they expired. Raises NotFound where there is no such archive, Conflict where it is not what was written.
    """
    archive = await db.fetch_one(conn, "archive_find", project_id=project_id, day=day)
    if archive is None:
        raise NotFound("There is no archive of this project and day.")
    if await store.digest(archive["object_key"]) != Written(archive["bytes"], archive["sha256"]):
        raise Conflict("The archive is not what was written: its checksum differs. Nothing was restored.")
    rows = 0
    async for line in read_lines(store, archive["object_key"]):
        event = orjson.loads(line)
        body = orjson.dumps({"payload": event["payload"], "removals": event["removals"]})
        dictionary, payload = payloads.compress(body)
        await db.run(
            conn, "archive_upsert_payload", project_id=project_id, day=day, days=days, dictionary=dictionary, payload=payload,
            received_at=datetime.fromisoformat(event["received_at"]), event_id=uuid.UUID(event["event_id"]),
            fingerprint=uuid.UUID(event["fingerprint"]),
        )  # fmt: skip
        rows += 1
    return rows


async def list_all(conn: db.Connection, project_id: int) -> list[dict[str, Any]]:
    """A project's archives, the newest day first."""
    return list(await db.fetch_all(conn, "archive_list", project_id=project_id))


async def remove(conn: db.Connection, store: Store, archive: Mapping[str, Any]) -> None:
    """Remove an archive: its objects with their manifests, then the row that tells of them. `conn`: in autocommit."""
    for key in (archive["object_key"], *archive["leftovers"]):
        await _delete(store, key)
    await db.run(
        conn, "archive_delete", project_id=archive["project_id"], day=archive["expires_on"], object_key=archive["object_key"]
    )  # fmt: skip


async def remove_leftover(conn: db.Connection, store: Store, left: Mapping[str, Any]) -> None:
    """Remove an object that no archive is; left: as archive_list_leftovers tells it. `conn`: in autocommit."""
    await _delete(store, left["object_key"])
    await db.run(
        conn, "archive_update_leftovers", project_id=left["project_id"], day=left["expires_on"], object_key=left["object_key"]
    )  # fmt: skip


async def _delete(store: Store, key: str) -> None:
    await store.delete(key)
    await store.delete(manifest_of(key))


async def erase(conn: db.Connection, store: Store, project_id: int, day: date, is_person: Callable[[bytes], bool]) -> int | None:
    """Write an archive anew without the lines that are a person's; answers how many went. `conn`: in autocommit.

    Nothing is written where there are none. None: it has become another one meanwhile, by another run; nothing was changed.
    """
    archive = await db.fetch_one(conn, "archive_find", project_id=project_id, day=day)
    if archive is None:
        return 0
    try:
        return await _without(conn, store, archive, is_person)
    except Exception:
        now = await db.fetch_one(conn, "archive_find", project_id=project_id, day=day)
        if now and now["object_key"] == archive["object_key"]:
            raise
        return None  # its object went while it was read


async def _without(
    conn: db.Connection, store: Store, archive: Mapping[str, Any], is_person: Callable[[bytes], bool]
) -> int | None:
    gone = 0
    async for line in read_lines(store, archive["object_key"]):
        gone += is_person(line)
    return gone if gone == 0 or await _switch(conn, store, archive, is_person) else None


async def _switch(conn: db.Connection, store: Store, archive: Mapping[str, Any], is_person: Callable[[bytes], bool]) -> bool:
    project_id, day, counted = archive["project_id"], archive["expires_on"], Counted()
    # Under a name of this try alone: neither a reader of the old object nor another run may find half of each.
    key = f"{archive['object_key'].removesuffix(ENDING).split(TRY)[0]}{TRY}{uuid.uuid4().hex}{ENDING}"
    mine = {"project_id": project_id, "day": day, "object_key": key}
    was = {"was_key": archive["object_key"], "was": archive["sha256"]}
    if not await db.fetch_one(conn, "archive_update_begun", **mine, **was):
        return False

    async def others() -> AsyncIterator[bytes]:
        async for line in read_lines(store, archive["object_key"]):
            if not is_person(line):
                yield line

    written = await _write_object(store, key, project_id, day, counted, counted.count(others()))
    told = await db.fetch_one(
        conn, "archive_update_erased", **mine, **was, row_count=counted.rows, **written._asdict()
    )  # fmt: skip
    await _delete(store, archive["object_key"] if told else key)
    return told is not None
