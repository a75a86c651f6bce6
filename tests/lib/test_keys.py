"""Keys: their form can be checked by anybody, their secret by nobody but the database, which holds only a hash."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import dict_row

from lib import db, keys
from tests.lib.rows import ask, make_project

kinds = st.sampled_from(["ingest", "api"])


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[db.Connection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, row_factory=dict_row) as made:
        yield made


# Form


@given(kinds)
def test_a_key_is_well_formed_and_fits_a_dsn(kind: keys.Kind) -> None:
    key = keys.generate(kind)
    assert keys.well_formed(key)
    assert re.fullmatch(r"[A-Za-z0-9_]{24,}", key)
    assert key.startswith(f"sns_{kind}_")


def test_no_two_keys_are_alike() -> None:
    assert len({keys.generate("ingest") for _ in range(1_000)}) == 1_000


@given(kinds, st.integers(0, 60), st.sampled_from(keys.ALPHABET))
def test_a_mistyped_character_is_found_without_a_question(kind: keys.Kind, place: int, typed: str) -> None:
    key = keys.generate(kind)
    place %= len(key)
    mistyped = key[:place] + typed + key[place + 1 :]
    assert keys.well_formed(mistyped) is (mistyped == key)


@given(st.text(max_size=60))
def test_other_text_is_no_key(text: str) -> None:
    assert not keys.well_formed(text)


@pytest.mark.parametrize("damage", ["\n", " ", "\0", "é", "٣"])
def test_a_key_with_something_around_it_is_none(damage: str) -> None:
    key = keys.generate("ingest")
    for text in (key + damage, damage + key, key[:20] + damage + key[20:], key.upper()):
        assert not keys.well_formed(text)


def test_the_checksum_is_the_crc_32_that_scanners_know() -> None:
    """Of everything before it, in base62."""
    body = "sns_ingest_" + "0" * keys.RANDOM_CHARACTERS
    number = 0
    for digit in keys._checksum(body):
        number = number * 62 + keys.ALPHABET.index(digit)
    assert number == _crc32(body.encode())


def _crc32(data: bytes) -> int:
    """IEEE 802.3, bit by bit."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def test_what_may_be_shown_tells_four_characters() -> None:
    for kind in ("ingest", "api"):
        key = keys.generate(kind)
        assert keys.prefix_of(key) == key[: len(f"sns_{kind}_") + 4]


# Life


async def test_an_issued_key_is_found_with_all_it_stands_for(conn: db.Connection, database_url: str) -> None:
    project_id = await make_project(database_url)
    origins = ("https://shop.example",)
    issued = await keys.issue(conn, project_id, "web", rate_per_minute=77, allowed_origins=origins)
    found = await keys.find(conn, issued.secret)
    assert found
    assert (found.project_id, found.key_id, found.kind, found.rate_per_minute) == (project_id, issued.key_id, "ingest", 77)
    assert (found.allowed_origins, found.retention_days, found.expires_at) == (origins, 90, None)
    assert len(found.person_hash_key) == 32


async def test_the_database_holds_no_key_in_clear(conn: db.Connection, database_url: str) -> None:
    issued = await keys.issue(conn, await make_project(database_url), "web")
    [(whole,)] = await ask(database_url, "SELECT keys::text FROM keys WHERE id = %s", issued.key_id)
    assert issued.secret[len("sns_ingest_") + 4 :] not in whole
    assert issued.secret not in whole


async def test_a_revoked_or_expired_key_is_not_found(conn: db.Connection, database_url: str) -> None:
    project_id = await make_project(database_url)
    issued = await keys.issue(conn, project_id, "web")
    assert not await keys.revoke(conn, project_id + 1, issued.key_id)  # not theirs
    assert await keys.find(conn, issued.secret)
    assert await keys.revoke(conn, project_id, issued.key_id)
    assert not await keys.revoke(conn, project_id, issued.key_id)  # once
    assert await keys.find(conn, issued.secret) is None
    old = await keys.issue(conn, project_id, "old", expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await keys.find(conn, old.secret) is None


async def test_rotation_is_two_keys_that_live_side_by_side(conn: db.Connection, database_url: str) -> None:
    project_id = await make_project(database_url)
    first = await keys.issue(conn, project_id, "first", expires_at=datetime.now(UTC) + timedelta(hours=1))
    second = await keys.issue(conn, project_id, "second")
    assert await keys.find(conn, first.secret)
    assert await keys.find(conn, second.secret)


async def test_a_key_nobody_issued_is_not_found(conn: db.Connection) -> None:
    assert await keys.find(conn, keys.generate("ingest")) is None
