"""What the tests share: one PostgreSQL for a whole run, one migrated template, one copy of it for each worker."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from local import postgres
from local.folders import data_folder

SLOTS_MAX = 16
TEMPLATE = "template_sensra"
OWN_DATABASES = ("postgres", "template0", "template1", postgres.DATABASE)
TEMPLATE_LOCK = 7_032_001  # any number: the advisory lock under which a run's template is made and copied


def start_server() -> postgres.Postgres:
    """PostgreSQL with fsync off in the first free of a few folders, so that several runs go side by side.

    The cluster is kept between runs (initdb costs half a second), its databases are not.
    """
    for number in range(SLOTS_MAX):
        folder = data_folder() / "tests" / str(number)
        try:
            server = _start_or_renew(folder)
        except postgres.FolderBusyError:
            continue
        _drop_databases(server)
        return server
    raise postgres.FolderBusyError(f"{SLOTS_MAX} test runs are already going on")


def _start_or_renew(folder: Path) -> postgres.Postgres:
    """Without fsync a cluster does not survive a crash of the machine: then it is made anew."""
    try:
        return postgres.start(folder, fsync=False)
    except postgres.StartError:
        shutil.rmtree(folder / "data", ignore_errors=True)
        return postgres.start(folder, fsync=False)


def _drop_databases(server: postgres.Postgres) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname <> ALL(%s)", [list(OWN_DATABASES)]):
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def database(server_url: str, name: str) -> Iterator[str]:
    """A migrated, empty database called `name` on the server of `server_url`; yields its URL and drops it at the end.

    The first caller of a run migrates the template; everybody then copies its files (20 ms).
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        _ensure_template(connection, server_url)
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
    try:
        yield _url_of(server_url, name)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _ensure_template(connection: psycopg.Connection[Any], server_url: str) -> None:
    from db.migrate import migrate

    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone():
        return
    unfinished = f"{TEMPLATE}_unfinished"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(unfinished)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    asyncio.run(migrate(_url_of(server_url, unfinished)))
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(TEMPLATE)))


def _url_of(server_url: str, name: str) -> str:
    """The same server's DSN with another database, in URL form (some libraries take no key=value form)."""
    return server_url.replace(f"@/{postgres.DATABASE}?", f"@/{name}?")
