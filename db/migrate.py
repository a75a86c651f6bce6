"""Bring a database to the schema this code needs: `python -m db.migrate` over DATABASE_URL_UNPOOLED, else DATABASE_URL.

Migrations are the files of db/migrations in the order of their numbers, each applied once, in its own transaction. They only
go forward. Several may run this at the same time: they take turns.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TIMEOUT_SECONDS = 4
# Any number, as long as everybody who migrates takes the same.
ADVISORY_LOCK = 7304
RECEIVED_DAYS_AHEAD = 14
EXPIRING_DAYS_AHEAD = 100


def migrations() -> dict[int, Path]:
    """Version → file, in order. Raises ValueError where two files have one number."""
    found: dict[int, Path] = {}
    for path in sorted(MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        first = found.setdefault(int(path.name[:4]), path)
        if first is not path:
            raise ValueError(f"{first.name} and {path.name} have the same number: the second would never be applied")
    return found


def required_version() -> int:
    """The schema version that this code was written for."""
    return max(migrations())


async def migrate(url: str) -> list[str]:
    """Apply what is missing and make the partitions of the coming weeks; returns the names of the files applied.

    Raises psycopg.Error (nothing of the failing file stays) where PostgreSQL refuses, such as a lock not had in 4 s.
    """
    applied: list[str] = []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None) as conn:
        await conn.execute(f"set lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
        for version, path in migrations().items():
            async with conn.transaction():
                await conn.execute("select pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
                await conn.execute(
                    "create table if not exists schema_migrations"
                    " (version integer primary key, name text not null, applied_at timestamptz not null default now())"
                )
                done = await conn.execute("select from schema_migrations where version = %s", [version])
                if done.rowcount:
                    continue
                await conn.execute(path.read_bytes())
                await conn.execute("insert into schema_migrations (version, name) values (%s, %s)", [version, path.name])
                applied.append(path.name)
        await make_partitions(conn, datetime.now(UTC).date())
    return applied


async def make_partitions(conn: psycopg.AsyncConnection, today: date) -> None:
    """Make ahead of time the partitions that events of the coming weeks need."""
    expiring = [today + timedelta(days=n) for n in range(EXPIRING_DAYS_AHEAD + 1)]
    async with conn.transaction():
        await conn.execute(
            "select make_partitions(%s, %s, %s)",
            [today - timedelta(days=1), today + timedelta(days=RECEIVED_DAYS_AHEAD), expiring],
        )


def main() -> int:
    """Migrate the database that the environment names, and say what was done."""
    url = os.environ.get("DATABASE_URL_UNPOOLED") or os.environ.get("DATABASE_URL")
    if not url:
        print("Set DATABASE_URL_UNPOOLED (or DATABASE_URL) to the database that is to be migrated.", file=sys.stderr)
        return 2
    try:
        applied = asyncio.run(migrate(url))
    except psycopg.Error as error:
        print(f"Not migrated: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"applied {name}" for name in applied) or f"up to date at version {required_version()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
