"""What scheduled jobs share: who may start one, and what is written down of each run.

Vercel sends GET with `Authorization: Bearer $CRON_SECRET`; its Schedules, and whatever wakes a job by hand, may send POST.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request

from lib import db, queries, settings
from lib.errors import NotConfigured, Unauthenticated


def require_cron(request: Request) -> None:
    """Raises NotConfigured where there is no CRON_SECRET, Unauthenticated where the request does not carry it.

    Digests are compared, so that the time it takes tells neither how much is right nor how long the secret is.
    """
    secret = settings.current().cron_secret
    if not secret:
        raise NotConfigured("Scheduled jobs are not set up: set CRON_SECRET.")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(given.strip()), _digest(secret)):
        raise Unauthenticated("A scheduled job is started with `Authorization: Bearer $CRON_SECRET`.")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


@asynccontextmanager
async def run(conn: db.Connection, job: str) -> AsyncIterator[dict[str, Any]]:
    """Writes to cron_runs that the job began and, unless the body raises, that it ended, with the report that the body fills.

    The report is shown by health to everybody: numbers and names of steps only, nothing of a tenant. conn: in autocommit.
    """
    await conn.execute(queries.get("cron_upsert_started"), {"job": job})
    report: dict[str, Any] = {}
    yield report
    await conn.execute(queries.get("cron_update_finished"), {"job": job, "report": orjson.dumps(report).decode()})


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """`request.state.database`, of a job's function."""
    database = db.Database()
    yield {"database": database}
    await database.close()
