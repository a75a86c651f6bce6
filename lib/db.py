"""PostgreSQL connections. Everything here bears a transaction-mode pooler (Neon's, pgbouncer): no prepared statements, no
session state.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import DictRow, dict_row

from lib import queries, settings
from lib.errors import NotConfigured, SchemaOutdated, Unavailable

if TYPE_CHECKING:
    import psycopg_pool

CONNECT_TIMEOUT_SECONDS = 5
CHECKOUT_TIMEOUT_SECONDS = 5
CONNECTIONS_MAX = 5
WAITING_MAX = 200
TRANSACTION_LIMITS = "set local statement_timeout = '10s'; set local idle_in_transaction_session_timeout = '10s'"
Connection = psycopg.AsyncConnection[DictRow]
_CONNECTION: dict[str, Any] = {
    "autocommit": True, "prepare_threshold": None, "row_factory": dict_row, "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    # A connection whose other end has gone silent is given up within seconds, not after the kernel's quarter of an hour.
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 10_000,
}  # fmt: skip


def _url(url: str | None) -> str:
    url = url or settings.current().database_url
    if not url:
        raise NotConfigured("DATABASE_URL is not set: name the PostgreSQL that is to be used.")
    return url


@cache
def schema_required() -> int:
    """The number of the newest file in db/migrations: the schema that this code was written for."""
    folder = queries.FOLDER.parent / "migrations"
    return max(int(path.name[:4]) for path in folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))


async def schema_version(conn: psycopg.AsyncConnection[Any]) -> int:
    """The newest migration that the database has; 0 before the first."""
    try:
        row = await (await conn.execute("select max(version) as version from schema_migrations")).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    found = row["version"] if isinstance(row, dict) else row[0] if row else 0
    return int(found or 0)


async def connect(url: str | None = None) -> Connection:
    """An autocommit connection whose database has the schema this code needs.

    Raises NotConfigured, Unavailable (not reached within CONNECT_TIMEOUT_SECONDS) or SchemaOutdated.
    """
    try:
        conn: Connection = await psycopg.AsyncConnection.connect(_url(url), **_CONNECTION)
    except (psycopg.OperationalError, OSError) as error:
        raise Unavailable from error
    try:
        await require_schema(conn)
    except BaseException:
        await conn.close()
        raise
    return conn


async def require_schema(conn: Connection) -> None:
    """Raise SchemaOutdated where the database is behind this code. A newer one is fine: migrations only expand."""
    try:
        version = await schema_version(conn)
    except psycopg.OperationalError as error:
        raise Unavailable from error
    if version < schema_required():
        raise SchemaOutdated(
            f"The database's schema is at version {version}, this deployment needs {schema_required()}. Run `make migrate`."
        )


class Database:
    """The connections of one instance: opened when first needed, shared by its concurrent requests."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._pool: psycopg_pool.AsyncConnectionPool[Connection] | None = None
        self._schema_fits = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit. Raises Unavailable where none can be had in time, or where it broke underway."""
        pool = await self._opened()
        try:
            async with pool.connection() as conn:
                if not self._schema_fits:
                    await require_schema(conn)
                    self._schema_fits = True
                yield conn
        except psycopg.OperationalError as error:  # the pool's own time-outs and refusals among them
            raise Unavailable from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction: raising rolls back, returning commits. Never hold it across a network call."""
        async with self.connection() as conn, conn.transaction():
            # An instance that is frozen or killed in here must not keep its locks: events of the project wait for them.
            await conn.execute(TRANSACTION_LIMITS)
            yield conn

    async def _opened(self) -> psycopg_pool.AsyncConnectionPool[Connection]:
        if self._pool is None:
            import psycopg_pool  # 20 ms that ingest, which writes over connections of its own, need not wait for

            self._pool = psycopg_pool.AsyncConnectionPool(
                _url(self._url), connection_class=psycopg.AsyncConnection[DictRow], kwargs=_CONNECTION, open=False, min_size=0,
                max_size=CONNECTIONS_MAX, max_waiting=WAITING_MAX, timeout=CHECKOUT_TIMEOUT_SECONDS,
                check=psycopg_pool.AsyncConnectionPool.check_connection,
            )  # fmt: skip
            await self._pool.open()
        return self._pool

    async def close(self) -> None:
        """Close the connections."""
        if self._pool:
            await self._pool.close()


async def run(conn: Connection, query: str, /, **params: Any) -> int:
    """Run the named block of db/queries for its effect; returns how many rows it touched."""
    return (await conn.execute(queries.get(query), params)).rowcount


async def fetch_all(conn: Connection, query: str, /, **params: Any) -> list[DictRow]:
    """All rows of the named block of db/queries."""
    return await (await conn.execute(queries.get(query), params)).fetchall()


async def fetch_one(conn: Connection, query: str, /, **params: Any) -> DictRow | None:
    """The first row of the named block of db/queries, or None."""
    return await (await conn.execute(queries.get(query), params)).fetchone()


async def describe(conn: Connection, query: str, /, **params: Any) -> dict[str, str]:
    """The columns that the named block of db/queries answers, in order, and their types as PostgreSQL names them."""
    found = await conn.execute(queries.get(query), params)
    return {column.name: column.type_display for column in found.description or ()}
