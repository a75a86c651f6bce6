"""Is a text anywhere? Looks through all rows of the whole database, every key of Redis, and whatever else it is given."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import psycopg

from lib import payloads
from tests.conftest import RedisStandIn
from tests.lib import rows

# COPY writes bytea as \x…; a payload's frame is read back, whichever dictionary it was made with.
BYTEA = re.compile(rb"\\\\x([0-9a-f]{16,})")
TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%'
       AND n.nspname <> 'information_schema'"""


def database(url: str) -> bytes:
    """Everything that the database holds, as text: rows of all tables, and what their payloads say."""
    with rows.connection(url) as conn:
        told = b"".join(part for (table,) in conn.execute(TABLES).fetchall() for part in _copied(conn, table))
    return told + b"\n" + b"\n".join(_unpacked(told))


def _copied(conn: psycopg.Connection[Any], table: str) -> Iterator[bytes]:
    with conn.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT".encode()) as copy:
        yield from map(bytes, copy)


def _unpacked(dump: bytes) -> Iterator[bytes]:
    for found in BYTEA.finditer(dump):
        frame = bytes.fromhex(found[1].decode())
        for version in (payloads.NO_DICTIONARY, payloads.CURRENT_VERSION):
            try:
                yield payloads.decompress(version, frame)
            except payloads.UnreadablePayloadError:
                continue


def redis(stand_in: RedisStandIn) -> bytes:
    """All names and values that Redis holds."""
    client = stand_in.upstash._redis
    return b"\n".join(name + b" " + client.execute_command("DUMP", name) for name in client.execute_command("KEYS", "*"))


def forms(canary: str) -> list[bytes]:
    """A text as it is, and as it might be hidden by an encoding."""
    raw = canary.encode()
    return [raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")]


def found_in(haystack: bytes, canary: str) -> bool:
    """Whether it is there in any form."""
    return any(form in haystack for form in forms(canary))
