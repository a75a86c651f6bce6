"""Is a text anywhere? Looks through all rows of the whole database, every key of Redis, and whatever else it is given."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
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

# Of an index its table, of what is kept aside (TOAST) likewise.
OWNERS = """
    SELECT DISTINCT coalesce(i.indrelid, t.oid, c.oid)::regclass::text
      FROM unnest(%s::oid[]) node
      JOIN pg_class c ON c.oid = pg_filenode_relation(0, node)
      LEFT JOIN pg_index x ON x.indexrelid = c.oid
      LEFT JOIN pg_class t ON t.reltoastrelid IN (c.oid, x.indrelid)
      LEFT JOIN pg_index i ON i.indexrelid = c.oid AND t.oid IS NULL"""


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


def pages(url: str, canary: str) -> set[str]:
    """Tables whose files hold it, or whose indexes' do, though no row says it any more. PostgreSQL runs on this machine."""
    with rows.connection(url) as conn:
        conn.execute("CHECKPOINT")
        place = "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = current_database()"
        [(folder,)] = conn.execute(place).fetchall()
        nodes = [int(path.name.split(".")[0]) for path in Path(folder).glob("[0-9]*") if _holds(path, canary)]
        found = conn.execute(OWNERS, [nodes]).fetchall()
    return {table for (table,) in found}


def _holds(path: Path, canary: str) -> bool:
    try:
        return "_" not in path.name and found_in(path.read_bytes(), canary)
    except FileNotFoundError:  # dropped since
        return False


def forms(canary: str) -> list[bytes]:
    """A text as it is, and as it might be hidden by an encoding."""
    raw = canary.encode()
    return [raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")]


def found_in(haystack: bytes, canary: str) -> bool:
    """Whether it is there in any form."""
    return any(form in haystack for form in forms(canary))
