"""How a deployment is: each dependency, the schema, and the age of what waits. Nothing of a tenant is in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from lib import db, settings
from lib.errors import Problem
from lib.redis import PROBE, Redis, RedisUnavailableError

DATABASE_TIMEOUT_SECONDS = 6.0
REPORT_SECONDS = 2.0
# What is best effort, and where (docs/alerts.md).
WAKING = {
    "configured": "Messages leave when something happens. Retries, digests and what is found by frequency are on time where the"
    " cron runs each minute (`make vercel-pro`); where it runs once a day, as on the Hobby plan, they wait for the next request.",
    "not_configured": "Messages leave when the cron runs, on the Hobby plan once a day. Set PUBLIC_URL and CRON_SECRET.",
}


class Shared:
    """One answer for everybody who asks meanwhile and for REPORT_SECONDS after it: what strangers ask costs nothing."""

    def __init__(self, look: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._look = look
        self._looking: asyncio.Task[dict[str, Any]] | None = None
        self._ended_at = 0.0

    async def get(self) -> dict[str, Any]:
        """What was found, REPORT_SECONDS ago at most."""
        looking = self._looking
        if looking is None or (looking.done() and (_failed(looking) or time.monotonic() - self._ended_at >= REPORT_SECONDS)):
            looking = self._looking = asyncio.ensure_future(self._look())
            looking.add_done_callback(self._ended)
        # Shielded: one that hangs up must not cancel what others wait for.
        return await asyncio.shield(looking)

    def _ended(self, _task: asyncio.Task[dict[str, Any]]) -> None:
        self._ended_at = time.monotonic()


def _failed(task: asyncio.Task[dict[str, Any]]) -> bool:
    return task.cancelled() or task.exception() is not None


class Health:
    """What one instance tells of the deployment."""

    def __init__(self) -> None:
        self.database = Shared(database)
        self.redis = Shared(redis)

    async def report(self) -> dict[str, Any]:
        """The whole report; `status` is ok, degraded (events are taken, something is missing) or down (they are not)."""
        config = settings.current()
        found, limits = await asyncio.gather(self.database.get(), self.redis.get())
        status = "down" if found["state"] != "ok" else "ok" if limits["state"] == "ok" else "degraded"
        sign_in = {"state": "configured" if config.clerk_issuer else "not_configured"}
        wakes = "configured" if config.base_url and config.cron_secret else "not_configured"
        waking = {"state": wakes, "detail": WAKING[wakes]}
        mail = {"state": "configured" if config.resend_api_key and config.mail_from else "not_configured"}
        analysis = {"state": "configured" if config.openai_api_key else "not_configured"}
        dependencies = {
            "database": found,
            "redis": limits,
            "sign_in": sign_in,
            "waking": waking,
            "mail": mail,
            "analysis": analysis,
        }
        return {"status": status, "commit": config.commit or None, **dependencies}


async def database() -> dict[str, Any]:
    """`state` (ok, unavailable, not_configured or schema_outdated), milliseconds, schema, and what waits in its queues."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_SECONDS):
            async with await db.connect() as conn:
                return {
                    "state": "ok",
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                    "schema": {"found": await db.schema_version(conn), "required": db.schema_required()},
                    "partitions": {row.pop("table_name"): row for row in await db.fetch_all(conn, "health_partitions")},
                    "transitions": await db.fetch_one(conn, "health_transitions"),
                    "alerts": await db.fetch_one(conn, "health_alerts"),
                    "deliveries": await db.fetch_one(conn, "health_deliveries"),
                    "analyses": await db.fetch_one(conn, "health_analyses"),
                    "crons": await db.fetch_all(conn, "health_crons"),
                }
    except Problem as problem:
        return {"state": problem.slug.replace("-", "_"), "detail": problem.detail, "schema": {"required": db.schema_required()}}
    except (TimeoutError, psycopg.Error):
        return {"state": "unavailable", "schema": {"required": db.schema_required()}}


async def redis() -> dict[str, Any]:
    """`state`: ok, failing or not_configured; `ms`: how long it took. `limits`: shared by all instances, or per_instance without
    Redis: ingest goes on, each instance under the same rates by itself and under the month's account in PostgreSQL.
    """
    client = Redis()
    began = time.perf_counter()
    try:
        await client.run(PROBE, [], [])
    except RedisUnavailableError:
        pass
    finally:
        await client.close()
    shared = client.state == "ok"
    taken = {"ms": round((time.perf_counter() - began) * 1000, 1)} if shared else {}
    return {"state": client.state, "limits": "shared" if shared else "per_instance", **taken}
