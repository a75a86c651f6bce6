"""Connections: none without the schema this code needs, none that breaks costs more than a 503, all bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import psycopg
import pytest

from lib import db, queries
from lib.errors import NotConfigured, NotFound, SchemaOutdated, Unavailable
from lib.settings import current
from local import testing
from tests.lib.rows import ask, make_project, sessions

NOWHERE = "postgresql://nobody@/nothing?host=/nowhere"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[db.Database]:
    made = db.Database(database_url)
    yield made
    await made.close()


@pytest.fixture
async def own_url(server_url: str, worker_id: str, database_url: str) -> AsyncIterator[str]:
    """A database of its own, to be spoiled. The first of a run, of which it is a copy, is made outside of the event loop."""
    with testing.database(server_url, f"spoiled_{worker_id}") as url:
        yield url


async def one(conn: db.Connection) -> int:
    row = await (await conn.execute("SELECT 1 AS n")).fetchone()
    assert row
    return int(row["n"])


async def test_a_connection_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    current.cache_clear()
    with pytest.raises(NotConfigured):
        await db.connect()
    current.cache_clear()


async def test_a_database_that_is_not_there_is_503_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await db.connect(NOWHERE)
    assert time.monotonic() - began < db.CONNECT_TIMEOUT_SECONDS - 1


async def test_an_older_schema_is_refused_and_a_newer_one_taken(own_url: str) -> None:
    required = db.schema_required()
    async with await db.connect(own_url) as conn:
        assert await db.schema_version(conn) == required
    await ask(own_url, "INSERT INTO schema_migrations (version, name) VALUES (%s, 'newer')", required + 1)
    async with await db.connect(own_url) as conn:
        assert await one(conn) == 1
    await ask(own_url, "DELETE FROM schema_migrations WHERE version >= %s", required)
    database = db.Database(own_url)
    with pytest.raises(SchemaOutdated, match="make migrate"):
        await db.connect(own_url)
    with pytest.raises(SchemaOutdated):
        async with database.connection():
            pass
    await ask(own_url, "DROP TABLE schema_migrations")
    with pytest.raises(SchemaOutdated, match="version 0"):
        await db.connect(own_url)
    # Migrated meanwhile: no restart is needed.
    await ask(own_url, "CREATE TABLE schema_migrations AS SELECT %s::int AS version", required)
    async with database.connection() as conn:
        assert await one(conn) == 1
    await database.close()


async def test_requests_at_once_share_a_few_connections(database: db.Database, database_url: str) -> None:
    async def question() -> int:
        async with database.connection() as conn:
            await asyncio.sleep(0.005)
            return await one(conn)

    assert await asyncio.gather(*(question() for _ in range(100))) == [1] * 100
    assert await sessions(database_url) <= db.CONNECTIONS_MAX


async def test_who_waits_too_long_for_a_connection_gets_503(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "CHECKOUT_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(db, "CONNECTIONS_MAX", 1)
    database = db.Database(database_url)
    async with database.connection():
        with pytest.raises(Unavailable):
            async with database.connection():
                pass
    async with database.connection() as conn:
        assert await one(conn) == 1
    await database.close()


async def test_a_connection_that_died_idle_is_replaced_before_it_is_given_out(database: db.Database, database_url: str) -> None:
    async with database.connection() as conn:
        pid = conn.info.backend_pid
    await ask(database_url, "SELECT pg_terminate_backend(%s, 2000)", pid)
    async with database.connection() as conn:
        assert await one(conn) == 1


async def test_a_connection_that_breaks_underway_is_503_and_the_next_one_works(database: db.Database, database_url: str) -> None:
    async def broken() -> None:
        async with database.connection() as conn:
            await ask(database_url, "SELECT pg_terminate_backend(%s, 2000)", conn.info.backend_pid)
            await one(conn)

    with pytest.raises(Unavailable):
        await broken()
    async with database.connection() as conn:
        assert await one(conn) == 1


async def test_raising_rolls_back_and_returning_commits(database: db.Database, database_url: str) -> None:
    project_id = await make_project(database_url)
    rename = "UPDATE projects SET name = %s WHERE id = %s"

    async def refused() -> None:
        async with database.transaction() as conn:
            await conn.execute(rename, ["undone", project_id])
            raise NotFound

    with pytest.raises(NotFound):
        await refused()
    assert await ask(database_url, "SELECT name FROM projects WHERE id = %s", project_id) == [("Shop",)]
    async with database.transaction() as conn:
        await conn.execute(rename, ["done", project_id])
    assert await ask(database_url, "SELECT name FROM projects WHERE id = %s", project_id) == [("done",)]


async def test_nothing_is_kept_by_a_session(database: db.Database) -> None:
    """A transaction-mode pooler gives each transaction another session: no prepared statements."""
    async with database.connection() as conn:
        for _ in range(20):
            await db.fetch_one(conn, "incident_find", project_id=1, incident_id=1)
        row = await (await conn.execute("SELECT count(*) AS n FROM pg_prepared_statements")).fetchone()
    assert row == {"n": 0}


def test_a_query_that_does_not_exist_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        queries.get("incident_nonsense")
    with pytest.raises(FileNotFoundError):
        queries.get("nonsense_find")


async def test_a_statement_that_is_refused_is_no_503(database: db.Database) -> None:
    """What is wrong with a query of ours must not look like a database that is away."""
    with pytest.raises(psycopg.errors.UndefinedTable):
        async with database.connection() as conn:
            await conn.execute("SELECT FROM nonsense")
