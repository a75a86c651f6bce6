"""What was erased or deleted is nowhere: tables, Redis, queued and later mails, the archive, the log, exports."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest
import zstandard

from tests.api.conftest import Stage, Tenant
from tests.conftest import OutboxStandIn
from tests.lib import canaries
from tests.lib.expiring import record_expired
from tests.lib.test_archives import body, keys
from tests.policy.acts import export_workspace, incidents, project, send, workspace
from tests.policy.conftest import Crons

DAYS_OVER = "UPDATE {table} SET expires_on = current_date - 2 WHERE project_id = %s AND event_id = %s"


def archived(client: Any) -> bytes:
    """All objects of the bucket: their names, and what they say."""
    found = []
    for key in keys(client):
        content = body(client, key)
        packed = content.startswith(b"\x28\xb5\x2f\xfd")
        found += [key.encode(), zstandard.ZstdDecompressor().decompressobj().decompress(content) if packed else content]
    return b"\n".join(found)


async def plant(stage: Stage, tenant: Tenant, canary: str) -> None:
    """The canary as a person in two events, one of which has expired already."""
    for number in range(2):
        event = {
            "message": f"no plan for {canary}", "user": {"id": canary}, "tags": {"who": canary}, "level": "error",
            "environment": "production", "breadcrumbs": [{"message": canary}], "metadata": {"note": canary},
        }  # fmt: skip
        sent = await send(stage, tenant, **event)
        if number:
            await stage.rows("SELECT make_partitions(current_date - 3, current_date, array[current_date - 2])")
            for table in ("event_payloads", "events"):
                await stage.rows(DAYS_OVER.format(table=table), tenant.project_id, sent["event_id"])


async def remove(stage: Stage, tenant: Tenant, what: str, canary: str) -> None:
    """As its owner asks for it; a deletion's seven days are over."""
    if what == "person":
        named = {"kind": "id", "value": canary}
        answer = await stage.projects.post(workspace(tenant, "/erasures"), json=named, headers=stage.alice())
        assert answer.status_code == 201, answer.text
        return
    address = project(tenant) if what == "project" else workspace(tenant)
    answer = await stage.projects.delete(address, headers=stage.alice())
    assert answer.status_code == 200, answer.text
    for table, column in (("projects", "workspace_id"), ("workspaces", "id")):
        sql = f"UPDATE {table} SET deleted_at = deleted_at - interval '8 days' WHERE {column} = %s"
        await stage.rows(sql, tenant.workspace_id)


async def rewrite(stage: Stage, canary: str) -> None:
    """Until no file holds it: what an older snapshot could still see, such as autovacuum's, is kept as long as that lasts."""
    deadline = time.monotonic() + 60
    while tables := canaries.pages(stage.database_url, canary):
        assert time.monotonic() < deadline, tables
        for table in tables:
            await stage.rows(f"VACUUM FULL {table}")


@pytest.mark.parametrize("what", ["person", "project", "workspace"])
async def test_nothing_is_left_anywhere_and_the_neighbour_keeps_everything(
    stage: Stage, crons: Crons, outbox: OutboxStandIn, s3: Any, capfdbinary: pytest.CaptureFixture[bytes], what: str
) -> None:
    neighbour, kept = await stage.tenant(), f"zk{secrets.token_hex(8)}"
    await plant(stage, neighbour, kept)
    tenant, canary = await stage.tenant(), f"zc{secrets.token_hex(8)}"
    await plant(stage, tenant, canary)
    await record_expired(stage.database_url, tenant.project_id)
    outbox.failing.mode = 500
    await crons.alerts()  # the mail waits in its queue
    await crons.retention()  # the payload goes to the archive
    database = canaries.database(stage.database_url)
    assert database.count(canary.encode()) > 3
    assert canaries.found_in(archived(s3), canary)
    await stage.rows("ANALYZE")
    await remove(stage, tenant, what, canary)
    await crons.retention()
    outbox.failing.mend()
    outbox.mails.clear()
    await stage.rows("UPDATE deliveries SET next_try_at = now() WHERE next_try_at IS NOT NULL")
    await crons.alerts()
    places = {
        "database": canaries.database(stage.database_url),
        "redis": canaries.redis(stage.redis),
        "archive": archived(s3),
        "mails": b"".join((mail.subject + mail.text + mail.html + str(mail.to)).encode() for mail in outbox.mails),
        "log": capfdbinary.readouterr().out,
    }
    if what != "workspace":
        places["export"] = "".join((await export_workspace(stage, tenant)).values()).encode()
    assert [place for place, content in places.items() if canaries.found_in(content, canary)] == []
    assert canaries.found_in(places["database"], kept)
    assert canaries.found_in(places["archive"], kept)
    assert canaries.found_in(places["mails"], kept)
    # Bytes of rows that are no more stay in PostgreSQL's files until their pages are written anew, as VACUUM FULL does.
    await rewrite(stage, canary)
    assert canaries.pages(stage.database_url, kept)
    if what == "person":
        assert sum(one["event_count"] for one in await incidents(stage, tenant)) == 5
