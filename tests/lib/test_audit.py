"""The trail: only added to, with the change it tells about, and without secrets."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from lib import audit, db


async def workspace(conn: db.Connection) -> int:
    row = await (
        await conn.execute("INSERT INTO workspaces (slug, name) VALUES ('w' || gen_random_uuid(), 'W') RETURNING id")
    ).fetchone()
    assert row
    return int(row["id"])


async def trail(conn: db.Connection, workspace_id: int) -> list[dict[str, object]]:
    return await (await conn.execute("SELECT * FROM audit_log WHERE workspace_id = %s ORDER BY id", [workspace_id])).fetchall()


async def test_a_change_and_its_row_are_kept_or_lost_together(database_url: str) -> None:
    async with await db.connect(database_url) as conn:
        actor = audit.Actor(await workspace(conn), 7, "person", 3, "2001:DB8::1")
        async with conn.transaction(force_rollback=True):
            await audit.record(conn, actor, "incident.merge", 5, None, None)
        assert await trail(conn, actor.workspace_id) == []
        async with conn.transaction():
            await audit.record(conn, actor, "incident.merge", 5, {"a": 1}, None)
        [row] = await trail(conn, actor.workspace_id)
        expected = {"project_id": 7, "actor_kind": "person", "actor_id": 3, "action": "incident.merge", "object_id": "5"}
        assert expected.items() <= row.items()
        assert (row["before"], row["after"], row["address"]) == ({"a": 1}, None, "2001:db8::1")


@pytest.mark.parametrize("address", [None, "", "unknown", "1.2.3", "x" * 500, "127.0.0.1, 10.0.0.1"])
async def test_an_address_that_is_none_is_not_kept(database_url: str, address: str | None) -> None:
    async with await db.connect(database_url) as conn:
        actor = audit.Actor(await workspace(conn), None, "cron", None, address)
        await audit.record(conn, actor, "retention.run", "all", None, None)
        assert [row["address"] for row in await trail(conn, actor.workspace_id)] == [None]


async def test_no_secret_enters_the_trail(database_url: str) -> None:
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7H8"
    async with await db.connect(database_url) as conn:
        actor = audit.Actor(await workspace(conn), None, "key", 1)
        await audit.record(conn, actor, "key.rename", 1, {"name": f"was {secret}"}, {"password": "hunter2222"})
        [row] = await trail(conn, actor.workspace_id)
        assert secret not in str(row)
        assert "hunter2222" not in str(row)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET action = 'x.y' WHERE workspace_id = {}",
        "DELETE FROM audit_log WHERE workspace_id = {}",
        "TRUNCATE audit_log",
        "DELETE FROM workspaces WHERE id = {}",
    ],
)
async def test_the_trail_is_only_added_to_unless_erasure_is_declared(database_url: str, change: str) -> None:
    async with await db.connect(database_url) as conn:
        actor = audit.Actor(await workspace(conn), None, "person", 1)
        await audit.record(conn, actor, "key.issue", 1, None, None)
        change = change.format(actor.workspace_id)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(change.encode())
        async with conn.transaction(force_rollback=True):  # others use this database too
            await conn.execute("SET LOCAL sensra.audit_erasure = 'on'")
            await conn.execute(change.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute(change.encode())


async def test_a_list_that_begins_with_a_telling_name_is_kept(database_url: str) -> None:
    secret = "ghp_" + "a1B2c3D4e5" * 3 + "F6g7H8"
    before: dict[str, Any] = {"extra_keys": ["password", "customer_code"], "rules": [{"match": ["--token", "x"]}]}
    after = {"extra_keys": ["password", secret, ["secret", "b"]], "password": ["hunter2222", ["hunter3333"]]}
    async with await db.connect(database_url) as conn:
        actor = audit.Actor(await workspace(conn), None, "person", 1)
        await audit.record(conn, actor, "redaction_rules.replace", 1, before, after)
        [row] = await trail(conn, actor.workspace_id)
        assert row["before"] == before
        assert row["after"] == {
            "extra_keys": ["password", "[redacted:token]", ["secret", "b"]],
            "password": ["[redacted:password]", ["[redacted:password]"]],
        }
