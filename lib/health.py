"""How a deployment is: each dependency, the schema, and the age of what waits. Nothing of a tenant is in it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psycopg

from lib import db, settings
from lib.errors import Problem
from lib.redis import Redis, RedisUnavailableError

DATABASE_TIMEOUT_SECONDS = 6.0


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
                    "partitions": await db.fetch_one(conn, "health_partitions"),
                    "transitions": await db.fetch_one(conn, "health_transitions"),
                    "crons": await db.fetch_all(conn, "health_crons"),
                }
    except Problem as problem:
        return {"state": problem.slug.replace("-", "_"), "detail": problem.detail, "schema": {"required": db.schema_required()}}
    except (TimeoutError, psycopg.Error):
        return {"state": "unavailable", "schema": {"required": db.schema_required()}}


async def redis() -> dict[str, Any]:
    """`state`: ok, failing (ingest goes on under each instance's own cap) or not_configured (likewise)."""
    client = Redis()
    try:
        await client.run("return {1}", [], [])
    except RedisUnavailableError:
        pass
    finally:
        await client.close()
    return {"state": client.state}


async def report() -> dict[str, Any]:
    """The whole report; `status` is ok, degraded (events are taken, something is missing) or down (they are not)."""
    config = settings.current()
    found, limits = await asyncio.gather(database(), redis())
    status = "down" if found["state"] != "ok" else "ok" if limits["state"] == "ok" else "degraded"
    sign_in = {"state": "configured" if config.clerk_issuer else "not_configured"}
    return {"status": status, "commit": config.commit or None, "database": found, "redis": limits, "sign_in": sign_in}
