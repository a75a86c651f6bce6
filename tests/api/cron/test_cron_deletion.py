"""Deleting a project or workspace: at once for its users, back within seven days, then gone everywhere."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import pytest

import api.cron.retention
from lib import audit, db, deletion, holds, projects, pruning, purging, settings
from lib.errors import Conflict, NotFound
from tests.api.conftest import Stage, Tenant
from tests.lib import canaries

# Days on top of the seven.
LATE = 8
KEEP = """INSERT INTO kept_payloads
          SELECT project_id, received_at, event_id, gen_random_uuid(), expires_on, dictionary, payload
            FROM event_payloads WHERE project_id = %s"""


async def send(stage: Stage, tenant: Tenant, canary: str) -> int:
    """An event in which the canary stands wherever an event has room for it; answers the status."""
    event = {
        "message": f"no plan for {canary}", "release": f"shop@1.0.0+{canary}", "environment": f"e-{canary}", "service": canary,
        "route": f"/plans/{canary}", "tags": {"plan": canary}, "user": {"id": canary}, "metadata": {"plan": canary},
        "breadcrumbs": [{"message": canary}],
    }  # fmt: skip
    answer = await stage.ingest.post("/api/ingest", json=event, headers=tenant.bearer)
    return answer.status_code


async def fill(stage: Stage, tenant: Tenant, canary: str) -> None:
    """The canary in events, rules, trail, holds and names."""
    for _ in range(3):
        assert await send(stage, tenant, canary) == 200
    await stage.rows("UPDATE projects SET name = %s WHERE id = %s", canary, tenant.project_id)
    await stage.rows("UPDATE keys SET name = %s WHERE project_id = %s", canary, tenant.project_id)
    rules = '{"rules": [{"match": {"message": "*' + canary + '*"}}]}'
    sql = "INSERT INTO project_rules (project_id, kind, version, rules) VALUES (%s, 'grouping', 1, %s::jsonb)"
    await stage.rows(sql, tenant.project_id, rules)
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        actor = audit.Actor(tenant.workspace_id, tenant.project_id, "person", None, "2001:db8::77")
        hold = await holds.place(conn, actor, tenant.project_id, None, f"because of {canary}")
        await holds.end(conn, actor, tenant.project_id, hold["id"])
        await audit.record(conn, actor, "project.rename", tenant.project_id, {"name": canary}, {"name": canary})


async def delete(stage: Stage, tenant: Tenant, what: str) -> dict[str, Any]:
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        actor = audit.Actor(tenant.workspace_id, tenant.project_id if what == "project" else None, "person", None)
        if what == "project":
            return await deletion.delete_project(conn, actor, tenant.project_id)
        return await deletion.delete_workspace(conn, actor, tenant.workspace_id)


async def restore(stage: Stage, tenant: Tenant, what: str) -> dict[str, Any]:
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        actor = audit.Actor(tenant.workspace_id, tenant.project_id if what == "project" else None, "person", None)
        if what == "project":
            return await deletion.restore_project(conn, actor, tenant.project_id)
        return await deletion.restore_workspace(conn, actor, tenant.workspace_id)


async def pass_days(stage: Stage, tenant: Tenant, days: int) -> None:
    for table, column in (("projects", "workspace_id"), ("workspaces", "id")):
        sql = f"UPDATE {table} SET deleted_at = deleted_at - make_interval(days => %s) WHERE {column} = %s"
        await stage.rows(sql, days, tenant.workspace_id)


async def run(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    secret = secrets.token_hex(16)
    monkeypatch.setenv("CRON_SECRET", secret)
    settings.current.cache_clear()
    client = await stage.client(api.cron.retention.app)
    answer = await client.get("/api/cron/retention", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert answer.json()["failed"] == []
    return dict(answer.json())


async def everything(stage: Stage) -> bytes:
    return canaries.database(stage.database_url) + canaries.redis(stage.redis)


@pytest.mark.parametrize("what", ["project", "workspace"])
async def test_what_was_deleted_is_gone_everywhere_after_seven_days_and_nothing_else_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], what: str
) -> None:
    neighbour, kept = await stage.tenant(), f"zk{secrets.token_hex(8)}"
    await fill(stage, neighbour, kept)
    tenant, canary = await stage.tenant(), f"zc{secrets.token_hex(8)}"
    await fill(stage, tenant, canary)
    await stage.rows(KEEP, tenant.project_id)
    assert canaries.found_in(await everything(stage), canary)  # the scan finds what is there
    assert f":{tenant.project_id}:".encode() in canaries.redis(stage.redis)
    monkeypatch.setattr(purging, "PURGED_ROWS", 2)  # in many steps
    await delete(stage, tenant, what)
    await run(stage, monkeypatch)
    assert canaries.found_in(await everything(stage), canary)  # not before
    await pass_days(stage, tenant, LATE)
    report = await run(stage, monkeypatch)
    assert report["deleted"]["projects"] == 1
    found = await everything(stage)
    assert not canaries.found_in(found, canary)
    assert b"2001:db8::77" in found  # the neighbour's
    assert f":{tenant.project_id}:".encode() not in canaries.redis(stage.redis)
    assert canaries.found_in(found, kept)
    assert not canaries.found_in(capfdbinary.readouterr().out, canary)
    trail = await stage.rows("SELECT action, before FROM audit_log WHERE workspace_id = %s ORDER BY id", tenant.workspace_id)
    actions = [one["action"] for one in trail]
    if what == "project":
        assert actions == ["hold.place", "hold.end", "project.rename", "project.delete", "project.purge"]
        assert all(one["before"] is None for one in trail)
    else:
        assert actions == []
        assert await stage.rows("SELECT 1 FROM workspaces WHERE id = %s", tenant.workspace_id) == []


@pytest.mark.parametrize("what", ["project", "workspace"])
async def test_within_seven_days_it_comes_back_whole(stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    tenant = await stage.tenant()
    assert await send(stage, tenant, "kept") == 200
    path = f"/api/projects/{tenant.project_id}/incidents"
    await delete(stage, tenant, what)
    assert (await stage.incidents.get(path, headers=stage.alice())).status_code == 404
    fresh = await stage.client(stage.ingest_app)  # another instance, which does not remember the key
    answer = await fresh.post("/api/ingest", json={"message": "late"}, headers=tenant.bearer)
    assert answer.status_code == 401
    await pass_days(stage, tenant, 6)
    await run(stage, monkeypatch)
    await restore(stage, tenant, what)
    [incident] = (await stage.incidents.get(path, headers=stage.alice())).json()["items"]
    assert incident["event_count"] == 1
    again = await stage.client(stage.ingest_app)
    assert (await again.post("/api/ingest", json={"message": "back"}, headers=tenant.bearer)).status_code == 200


@pytest.mark.parametrize("what", ["project", "workspace"])
async def test_after_seven_days_it_is_too_late(stage: Stage, what: str) -> None:
    tenant = await stage.tenant()
    with pytest.raises(NotFound):
        await restore(stage, tenant, what)
    await delete(stage, tenant, what)
    with pytest.raises(NotFound):
        await delete(stage, tenant, what)
    await pass_days(stage, tenant, LATE)
    with pytest.raises(NotFound):
        await restore(stage, tenant, what)


async def test_a_workspace_comes_back_without_what_was_deleted_before_it(stage: Stage) -> None:
    tenant = await stage.tenant()
    sql = "INSERT INTO projects (workspace_id, slug, name) VALUES (%s, 'second', 'Second') RETURNING id"
    [second] = await stage.rows(sql, tenant.workspace_id)
    await delete(stage, tenant, "project")
    await delete(stage, tenant, "workspace")
    with pytest.raises(NotFound):  # first the workspace
        await restore(stage, tenant, "project")
    await restore(stage, tenant, "workspace")
    rows = await stage.rows("SELECT id FROM projects WHERE workspace_id = %s AND deleted_at IS NULL", tenant.workspace_id)
    assert rows == [second]
    async with await db.connect(stage.database_url) as conn:
        assert [one["project_id"] for one in await deletion.list_deleted(conn, tenant.workspace_id)] == [tenant.project_id]
    await restore(stage, tenant, "project")


@pytest.mark.parametrize("what", ["project", "workspace"])
async def test_what_is_held_is_not_deleted(stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    tenant = await stage.tenant()
    assert await send(stage, tenant, "held") == 200
    actor = audit.Actor(tenant.workspace_id, tenant.project_id, "person", None)
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        hold = await holds.place(conn, actor, tenant.project_id, None, "case 7")
    with pytest.raises(Conflict):
        await delete(stage, tenant, what)
    # Deleted in the same moment in which it was held: the hold wins.
    await stage.rows("UPDATE projects SET deleted_at = now() - interval '30 days' WHERE id = %s", tenant.project_id)
    await run(stage, monkeypatch)
    assert len(await stage.rows("SELECT 1 FROM events WHERE project_id = %s", tenant.project_id)) == 1
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        await holds.end(conn, actor, tenant.project_id, hold["id"])
    await run(stage, monkeypatch)
    assert await stage.rows("SELECT 1 FROM projects WHERE id = %s", tenant.project_id) == []


async def test_a_purge_goes_on_without_redis(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    await delete(stage, tenant, "project")
    await pass_days(stage, tenant, LATE)
    stage.redis.upstash.mode = "fail"
    assert (await run(stage, monkeypatch))["deleted"]["projects"] == 1


async def test_every_table_of_a_tenant_is_purged_even_one_that_a_later_version_adds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await stage.tenant()
    await stage.rows(
        "CREATE TABLE later (project_id bigint NOT NULL REFERENCES projects, id bigint, PRIMARY KEY (project_id, id))"
    )
    await stage.rows(
        "CREATE TABLE latest (project_id bigint, id bigint, PRIMARY KEY (project_id, id),"
        " FOREIGN KEY (project_id, id) REFERENCES later)"
    )
    try:
        for table in ("later", "latest"):
            await stage.rows(f"INSERT INTO {table} SELECT %s, n FROM generate_series(1, 5) n", tenant.project_id)
        monkeypatch.setattr(purging, "PURGED_ROWS", 2)
        await delete(stage, tenant, "project")
        await pass_days(stage, tenant, LATE)
        await run(stage, monkeypatch)
        assert await stage.rows("SELECT 1 FROM later UNION ALL SELECT 1 FROM latest") == []
    finally:
        await stage.rows("DROP TABLE latest, later")


async def test_what_cannot_be_removed_is_an_error_and_no_endless_task(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    await stage.rows("CREATE TABLE in_the_way (id bigint PRIMARY KEY, project bigint, release text)")
    await stage.rows("ALTER TABLE in_the_way ADD FOREIGN KEY (project, release) REFERENCES releases (project_id, release)")
    try:
        await stage.rows("INSERT INTO releases VALUES (%s, '1', NULL, now())", tenant.project_id)
        await stage.rows("INSERT INTO in_the_way VALUES (1, %s, '1')", tenant.project_id)
        await delete(stage, tenant, "project")
        await pass_days(stage, tenant, LATE)
        async with await db.connect(stage.database_url) as conn:
            report = await pruning.run(conn, 20)
        assert report["failed"] == ["deleted"]
    finally:
        await stage.rows("DROP TABLE in_the_way")
    assert (await run(stage, monkeypatch))["deleted"]["projects"] >= 1


@pytest.mark.parametrize("what", ["made", "brought back"])
async def test_a_project_that_comes_while_its_workspace_is_deleted_is_deleted_with_it(stage: Stage, what: str) -> None:
    tenant = await stage.tenant()
    if what == "brought back":
        await delete(stage, tenant, "project")
    actor = audit.Actor(tenant.workspace_id, None, "person", None)
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        if what == "made":
            await projects.create(conn, actor, tenant.workspace_id, "Late", None)
        else:
            await deletion.restore_project(conn, actor, tenant.project_id)
        deleting = asyncio.create_task(delete(stage, tenant, "workspace"))
        await asyncio.sleep(0.3)
        assert not deleting.done()  # it waits
    await deleting
    found = "SELECT id FROM projects WHERE workspace_id = %s AND deleted_at IS NULL"
    assert await stage.rows(found, tenant.workspace_id) == []
    # And the other way round: who waited for the deletion finds no workspace.
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        with pytest.raises(NotFound):
            await projects.create(conn, actor, tenant.workspace_id, "Later", None)
