"""A stage for the functions: the real apps over ASGI, PostgreSQL, Redis and issuer behind them, tenants made to order.

alice owns the workspace, anna is an admin, bob is a member of it, vera may only look, charlie is elsewhere.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from starlette.applications import Starlette

import api.account
import api.audit
import api.exports
import api.health
import api.incidents
import api.ingest
import api.keys
import api.members
import api.projects
from lib import keys, settings
from local import clerk, testing
from tests.api import answers
from tests.conftest import RedisStandIn

ORIGIN = "https://sensra.test"
numbers = itertools.count(1)


class Tenant(NamedTuple):
    """A workspace of its own with one project and one ingest key."""

    workspace_id: int
    project_id: int
    key_id: int
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        """Headers for plain JSON."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def sentry_auth(self) -> dict[str, str]:
        """Headers as SDKs send them."""
        return {"X-Sentry-Auth": f"Sentry sentry_key={self.key}, sentry_version=7, sentry_client=test/1"}


class Stage:
    """Clients of the functions, and ways to look behind them."""

    def __init__(self, database_url: str, issuer: clerk.Issuer, redis: RedisStandIn, stack: AsyncExitStack) -> None:
        self.database_url = database_url
        self.issuer = issuer
        self.redis = redis
        self._stack = stack
        self._conn: psycopg.AsyncConnection[dict[str, Any]] | None = None
        self.ingest_app = api.ingest.app
        self.ingest: httpx.AsyncClient
        self.incidents: httpx.AsyncClient
        self.account: httpx.AsyncClient
        self.projects: httpx.AsyncClient
        self.keys: httpx.AsyncClient
        self.members: httpx.AsyncClient
        self.audit: httpx.AsyncClient
        self.exports: httpx.AsyncClient
        self.health: httpx.AsyncClient

    async def client(self, app: Starlette) -> httpx.AsyncClient:
        """A client of this app, whose lifespan runs until the test ends."""
        state = await self._stack.enter_async_context(_lifespan(app))
        transport = httpx.ASGITransport(_with_state(app, state), raise_app_exceptions=True)
        return await self._stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ORIGIN))

    def session(self, email: str, **claims: Any) -> dict[str, str]:
        """Headers of a signed-in person."""
        return {"Authorization": f"Bearer {self.issuer.token(email, azp=ORIGIN, **claims)}"}

    async def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """What the database holds."""
        conn = await self._connection()
        cursor = await conn.execute(sql.encode(), params)
        return await cursor.fetchall() if cursor.description else []

    async def _connection(self) -> psycopg.AsyncConnection[dict[str, Any]]:
        """One for as long as the stage lasts: opening one costs more than most statements."""
        if self._conn is None or self._conn.closed:
            opened = await psycopg.AsyncConnection.connect(self.database_url, autocommit=True, row_factory=dict_row)
            self._conn = await self._stack.enter_async_context(opened)
        return self._conn

    async def tenant(self, rate_per_minute: int = 600_000, retention_days: int = 90, payloads_per_day: int = 1_000) -> Tenant:
        """A new workspace with a project, a key, and alice, anna, bob and vera in it."""
        name = f"t{next(numbers)}"
        conn = await self._connection()

        async def one(sql: str, *params: Any) -> int:
            [row] = await self.rows(sql, *params)
            return int(row["id"])

        workspace = await one("INSERT INTO workspaces (slug, name) VALUES (%s, %s) RETURNING id", f"{name}-{id(self)}", name)
        project = await one(
            "INSERT INTO projects (workspace_id, slug, name, retention_days, payloads_per_day, events_per_minute_max)"
            " VALUES (%s, 'shop', 'Shop', %s, %s, 600000) RETURNING id",
            workspace, retention_days, payloads_per_day,
        )  # fmt: skip
        for person, role in {"alice": "owner", "anna": "admin", "bob": "member", "vera": "viewer"}.items():
            identity = await one(
                "INSERT INTO people (clerk_user_id, email) VALUES (%s, %s) ON CONFLICT (clerk_user_id)"
                " DO UPDATE SET email = excluded.email RETURNING id",
                clerk.subject_of(f"{person}@{name}.example"), f"{person}@{name}.example",
            )  # fmt: skip
            await self.rows("INSERT INTO members VALUES (%s, %s, %s)", workspace, identity, role)
        key = await keys.issue(conn, project, "test", rate_per_minute=rate_per_minute)
        self.name = name
        return Tenant(workspace, project, key.key_id, key.secret)

    def anna(self) -> dict[str, str]:
        """An admin of the tenant made last."""
        return self.session(f"anna@{self.name}.example")

    def alice(self) -> dict[str, str]:
        """The owner of the tenant made last."""
        return self.session(f"alice@{self.name}.example")

    def bob(self) -> dict[str, str]:
        """A member of the tenant made last."""
        return self.session(f"bob@{self.name}.example")

    def vera(self) -> dict[str, str]:
        """A viewer of the tenant made last."""
        return self.session(f"vera@{self.name}.example")

    def charlie(self) -> dict[str, str]:
        """Somebody who is in no workspace of these."""
        return self.session("charlie@elsewhere.example")


def _lifespan(app: Starlette) -> Any:
    return app.router.lifespan_context(app)


def _with_state(app: Starlette, state: Any) -> Any:
    """The app as its server has it; whatever an operation answers has to be what it declares."""

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = dict(state or {})
        sent: list[Any] = []

        async def send_on(message: Any) -> None:
            sent.append(message)
            await send(message)

        await app(scope, receive, send_on)
        if operation := answers.operation_of(app, scope):
            answers.check_sent(operation, sent)

    return with_state


@asynccontextmanager
async def staged(
    database_url: str, issuer: clerk.Issuer, redis: RedisStandIn, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:  # fmt: skip
    """The functions, with the environment leading to these stand-ins; `monkeypatch` takes it back."""
    for name, value in {
        "DATABASE_URL": database_url,
        "UPSTASH_REDIS_REST_URL": redis.url,
        "UPSTASH_REDIS_REST_TOKEN": redis.token,
        "CLERK_ISSUER": issuer.issuer,
        "CLERK_JWKS_URL": issuer.jwks_url,
        "CLERK_AUTHORIZED_PARTIES": ORIGIN,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)  # somebody's own: no test asks a model unless it says so
    settings.current.cache_clear()
    async with AsyncExitStack() as stack:
        made = Stage(database_url, issuer, redis, stack)
        made.ingest = await made.client(api.ingest.app)
        made.incidents = await made.client(api.incidents.app)
        made.projects = await made.client(api.projects.app)
        made.account = await made.client(api.account.app)
        made.keys = await made.client(api.keys.app)
        made.members = await made.client(api.members.app)
        made.audit = await made.client(api.audit.app)
        made.exports = await made.client(api.exports.app)
        made.health = await made.client(api.health.app)
        yield made
    settings.current.cache_clear()


@pytest.fixture
async def stage(
    database_url: str, issuer: clerk.Issuer, redis_stand_in: RedisStandIn, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """The functions, ready to be called."""
    async with staged(database_url, issuer, redis_stand_in, monkeypatch) as made:
        yield made


@pytest.fixture(scope="module")
def _shared_database_url(server_url: str, worker_id: str) -> Iterator[str]:
    with testing.database(server_url, f"shared_{worker_id}") as url:
        yield url


@pytest.fixture(scope="module")
async def shared_stage(
    _shared_database_url: str, issuer: clerk.Issuer, _redis_server: RedisStandIn
) -> AsyncIterator[Stage]:  # fmt: skip
    """One stage for all tests of a module, over a database of its own: for those that make a world once and ask it often."""
    _redis_server.flush()
    with pytest.MonkeyPatch.context() as patch:
        async with staged(_shared_database_url, issuer, _redis_server, patch) as made:
            yield made
