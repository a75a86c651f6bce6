"""The migrated schema: written down as it is, every tenant's rows under its own key, no way from one tenant to another's."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from local import schema

TENANT = {"project_id", "workspace_id"}
# Tables whose primary key does not start with a tenant, and why that is right.
SHARED = {
    "workspaces": "the tenant itself",
    "people": "a person may be a member of several workspaces",
    "projects": "its id names the tenant everywhere else; (workspace_id, id) is unique beside it",
    "idempotency_keys": "the person's or key's who asks; some ask for what is in no workspace yet",
    "clerk_messages": "the deployment's own",
    "workspace_slugs": "unique over all workspaces",
    "cron_runs": "the deployment's own",
    "retention_sweeps": "the deployment's own",
    "analysis_months": "the deployment's own: what it spent",
    "analysis_provider": "the deployment's own: how the model's provider is",
    "schema_migrations": "the deployment's own",
}
TABLES = """
    SELECT c.relname, c.relkind, array(
             SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS o (number, place)
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = o.number ORDER BY o.place)
      FROM pg_class c
      LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"""
FOREIGN_KEYS = """
    SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, array(
             SELECT a.attname FROM unnest(k.conkey) AS number
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = number)
      FROM pg_constraint k
     WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace"""


@pytest.fixture(scope="module")
def conn(request: pytest.FixtureRequest) -> Any:
    with psycopg.connect(request.getfixturevalue("database_url"), autocommit=True) as made:
        yield made


def test_the_schema_is_written_down_as_it_is(database_url: str) -> None:
    assert schema.dump(database_url) == schema.FILE.read_text(encoding="utf-8"), "run `make schema`"


def test_every_tenants_rows_stand_under_its_own_key(conn: psycopg.Connection[Any]) -> None:
    tables = {name: key for name, _, key in conn.execute(TABLES)}
    assert {name for name, key in tables.items() if not key} == set(), "each table has a primary key"
    assert {name for name, key in tables.items() if key[0] not in TENANT} == set(SHARED)


def test_a_row_cannot_point_at_a_row_of_another_tenant(conn: psycopg.Connection[Any]) -> None:
    """The tenant is a part of every foreign key between tenants' tables."""
    loose = [
        (source, target)
        for source, target, columns in conn.execute(FOREIGN_KEYS)
        if target not in SHARED and not TENANT & set(columns)
    ]
    assert loose == []


def test_pruning_is_drop_partition(conn: psycopg.Connection[Any]) -> None:
    """No foreign key holds a partitioned table, and no default partition swallows what has none of its own."""
    partitioned = {name for name, kind, _ in conn.execute(TABLES) if kind in {"p", b"p"}}
    assert {"events", "event_payloads"} <= partitioned
    assert not {name for source, target, _ in conn.execute(FOREIGN_KEYS) for name in (source, target)} & partitioned
    defaults = conn.execute("SELECT partrelid::regclass FROM pg_partitioned_table WHERE partdefid <> 0").fetchall()
    assert defaults == []


def test_no_table_grows_without_a_primary_key_of_64_bits(conn: psycopg.Connection[Any]) -> None:
    """1,000 conflicting upserts burn 1,000 numbers of a sequence: ids are bigint."""
    small = conn.execute("SELECT sequencename FROM pg_sequences WHERE data_type <> 'bigint'::regtype").fetchall()
    assert small == []
