"""What was deleted more than seven days ago goes for good: archives, rows in bounded steps, Redis, the thing itself."""

from __future__ import annotations

from typing import Any

from lib import archives, db, log
from lib.redis import Redis, RedisUnavailableError
from lib.runs import Run, repeat

PURGED_ROWS = 5_000
# One page of the names that Redis holds; those that fit are deleted. Answers where the next page begins, "0" after the last.
FORGET = """
local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
for _, name in ipairs(page[2]) do
  redis.call('DEL', name)
end
return {page[1]}
"""


async def purge_deleted(one: Run) -> None:
    """Every project and workspace that is due, those deleted first first."""
    redis = Redis()
    try:
        for row in await db.fetch_all(one.conn, "deletion_list_due"):
            await _purge_project(one, redis, row["project_id"])
        for row in await db.fetch_all(one.conn, "deletion_list_due_workspaces"):
            await _purge_workspace(one, redis, row["workspace_id"])
    finally:
        await redis.close()


async def _purge_project(one: Run, redis: Redis, project_id: int) -> None:
    for archive in await archives.list_all(one.conn, project_id):
        await archives.remove(one.conn, one.store, archive)
    await repeat(one, "deleted", "deletion_delete_rows", owner="project_id", id=project_id, max_rows=PURGED_ROWS)
    await repeat(one, "deleted", "deletion_update_trail", project_id=project_id, max_rows=PURGED_ROWS)
    if one.over:
        return
    await _forget(redis, [f"admission:{project_id}:*", f"*:key:{project_id}:*", f"*:project:{project_id}"])
    await _finish(one, "projects", "deletion_delete_project", project_id=project_id)


async def _purge_workspace(one: Run, redis: Redis, workspace_id: int) -> None:
    await repeat(one, "deleted", "deletion_delete_rows", owner="workspace_id", id=workspace_id, max_rows=PURGED_ROWS)
    if one.over:
        return
    await _forget(redis, [f"{{w{workspace_id}}}:*"])
    await _finish(one, "workspaces", "deletion_delete_workspace", workspace_id=workspace_id)


async def _finish(one: Run, what: str, query: str, **params: Any) -> None:
    row = await db.fetch_one(one.conn, query, **params)
    one.add("deleted", **{what: int(bool(row and row["gone"]))})


async def _forget(redis: Redis, patterns: list[str]) -> None:
    """Redis holds counters only, which expire by themselves: where it is away, that is how they go."""
    try:
        for pattern in patterns:
            cursor = "0"
            while True:
                [cursor] = await redis.run(FORGET, [], [cursor, pattern])
                if str(cursor) == "0":
                    break
    except RedisUnavailableError:
        log.write("redis_not_purged", state=redis.state)
