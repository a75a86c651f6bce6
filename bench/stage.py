"""What a measurement needs: PostgreSQL with fsync on, the Upstash stand-in, a tenant with a key, instances, a signed-in reader.

PostgreSQL's cluster is new for each run and lies with the project's local data, so that its disk is a real one and not memory.
Everything is a process of its own, started from the main thread, except for the reader: the product's own incidents API, called
in this process as the person that owns the project.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
from psycopg.rows import dict_row

from bench import instance
from bench.corpus import ROOT
from db import migrate
from lib import keys, settings
from local import children, clerk, postgres, serving
from local.folders import data_folder
from local.lifespan import Lifespan

ORIGIN = "https://bench.test"
OWNER = "owner@example.com"
RATE_PER_MINUTE = 60_000_000  # no limit is to be measured here
START_SECONDS_MAX = 20.0
LOAD_SECONDS_MAX = 600.0


class Tenant(NamedTuple):
    """A project and its key."""

    project_id: int
    key: str


class Reader:
    """The incidents API as the project's owner calls it."""

    def __init__(self, client: httpx.AsyncClient, issuer: clerk.Issuer) -> None:
        self._client = client
        self._issuer = issuer

    async def page(self, project_id: int, **query: Any) -> dict[str, Any]:
        """One page of the list. Raises httpx.HTTPStatusError where it is refused."""
        headers = {"Authorization": f"Bearer {self._issuer.token(OWNER, azp=ORIGIN)}"}
        with redirect_stdout(TextIOWrapper(BytesIO())):  # where the function logs, which is ours here
            answer = await self._client.get(f"/api/projects/{project_id}/incidents", params=query, headers=headers)
        page: dict[str, Any] = answer.raise_for_status().json()
        return page

    async def count(self, project_id: int) -> int:
        """The events that are readable: event_count over all pages."""
        total = 0
        cursor: str | None = None
        while True:
            page = await self.page(project_id, limit=100, **({"cursor": cursor} if cursor else {}))
            total += sum(int(item["event_count"]) for item in page["items"])
            cursor = page["next_cursor"]
            if not cursor:
                return total


class Stage:
    """Everything that runs."""

    def __init__(self, server: postgres.Postgres, redis_url: str) -> None:
        self.server = server
        self.redis_url = redis_url
        self.reader: Reader

    async def ask(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row."""
        async with await psycopg.AsyncConnection.connect(self.server.url, autocommit=True) as conn:
            row = await (await conn.execute(sql.encode(), parameters)).fetchone()
            return row[0] if row else None

    async def change(self, sql: str, *parameters: Any) -> None:
        """Run a statement that answers no row."""
        async with await psycopg.AsyncConnection.connect(self.server.url, autocommit=True) as conn:
            await conn.execute(sql.encode(), parameters)

    async def size_bytes(self) -> int:
        """The database on disk, all included, after a checkpoint."""
        async with await psycopg.AsyncConnection.connect(self.server.url, autocommit=True) as conn:
            await conn.execute("CHECKPOINT")
        return int(await self.ask("SELECT pg_database_size(current_database())"))

    async def redis_commands(self) -> int:
        """What Upstash would have billed so far."""
        async with httpx.AsyncClient() as client:
            return int((await client.get(f"{self.redis_url}/commands")).text)

    async def tenant(self) -> Tenant:
        """A new workspace of the owner with a project and a key."""
        name = "t" + secrets.token_hex(6)
        async with await psycopg.AsyncConnection.connect(self.server.url, autocommit=True, row_factory=dict_row) as conn:
            await conn.execute(
                "INSERT INTO people (clerk_user_id, email) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [clerk.subject_of(OWNER), OWNER],
            )
            made = await conn.execute(
                "WITH w AS (INSERT INTO workspaces (slug, name) VALUES (%s, %s) RETURNING id),"
                " m AS (INSERT INTO members SELECT w.id, p.id, 'owner' FROM w, people p WHERE p.clerk_user_id = %s)"
                # Without samples and caps: what is measured is what every event costs that is kept whole.
                " INSERT INTO projects (workspace_id, slug, name, events_per_minute_max, fingerprints_per_minute_max,"
                " payloads_per_day, spike_factor) SELECT id, 'shop', 'Shop', 1000000000, 1000000000, 1000000000, NULL FROM w"
                " RETURNING id",
                [name, name, clerk.subject_of(OWNER)],
            )
            row = await made.fetchone()
            assert row
            key = await keys.issue(conn, row["id"], "bench", rate_per_minute=RATE_PER_MINUTE)
        return Tenant(row["id"], key.secret)


@asynccontextmanager
async def set_up() -> AsyncIterator[Stage]:
    """A stage with a migrated, empty database; nothing of it is left at the end. Call it from the main thread."""
    with _fresh_postgres() as server, serve("bench.upstash:app", 1, UPSTASH_REDIS_REST_TOKEN="bench") as upstash:
        await migrate.migrate(server.url)
        stage = Stage(server, upstash.url)
        os.environ |= {
            "DATABASE_URL": server.url,
            "UPSTASH_REDIS_REST_URL": upstash.url,
            "UPSTASH_REDIS_REST_TOKEN": "bench",
            "CLERK_AUTHORIZED_PARTIES": ORIGIN,
        }
        async with AsyncExitStack() as stack:
            stage.reader = await stack.enter_async_context(_reader(server.folder))
            yield stage


@contextmanager
def _fresh_postgres() -> Iterator[postgres.Postgres]:
    folder = data_folder() / "bench" / "postgres"
    shutil.rmtree(folder / "data", ignore_errors=True)
    server = postgres.start(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder / "data", ignore_errors=True)


@asynccontextmanager
async def _reader(folder: Path) -> AsyncIterator[Reader]:
    listener = serving.listen()
    url = serving.url_of(listener)
    issuer = clerk.Issuer(folder / "issuer.pem", url, ORIGIN)
    os.environ |= {"CLERK_ISSUER": url, "CLERK_JWKS_URL": issuer.jwks_url}
    settings.current.cache_clear()
    from api import incidents  # reads the settings made above

    with serving.in_thread(clerk.create_app(issuer), listener):
        async with Lifespan(incidents.app) as lifespan:

            async def app(scope: Any, receive: Any, send: Any) -> None:
                await incidents.app({**scope, "state": dict(lifespan.state)}, receive, send)

            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
                yield Reader(client, issuer)


class Served(NamedTuple):
    """Instances behind one port."""

    url: str
    processes: list[subprocess.Popen[bytes]]

    def dsn(self, tenant: Tenant) -> str:
        """What an SDK of this tenant is given."""
        return f"{self.url.replace('://', f'://{tenant.key}@')}/{tenant.project_id}"


@contextmanager
def serve(app: str, number: int, **environment: str) -> Iterator[Served]:
    """So many instances of `app` on one new port; returns when each of them listens. Call it from the main thread."""
    with instance.reserve() as reserved:
        port = reserved.getsockname()[1]
        command = [sys.executable, "-m", "bench.instance", app, str(port)]
        options: dict[str, Any] = {"cwd": ROOT, "env": os.environ | environment, "stdout": subprocess.DEVNULL}
        processes = [children.spawn(command, **options) for _ in range(number)]
        try:
            for process in processes:
                _wait_until_listening(process, port)
            yield Served(f"http://{instance.HOST}:{port}", processes)
        finally:
            for process in processes:
                children.stop(process, signal.SIGTERM)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    """Connecting would not tell which of several answered, so the process's own sockets are looked up in /proc/net/tcp."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _listens(process.pid, port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("an instance did not start")
        time.sleep(0.02)


def _listens(pid: int, port: int) -> bool:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}
    return any(_target(link) in listening for link in Path(f"/proc/{pid}/fd").iterdir())


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


async def load(dsn: str, number: int, mode: str, corpus: Sequence[Path] = (), rate: float | None = None) -> dict[str, Any]:
    """Run the generator as a process of its own; answers its summary. Raises RuntimeError where an event was not accepted."""
    command = [sys.executable, "-m", "bench.load", "--dsn", dsn, "-n", str(number), "--mode", mode]
    command += [part for file in corpus for part in ("--corpus", str(file))]
    command += ["--rate", str(rate)] if rate else []
    process = children.spawn(command, cwd=ROOT, stdout=subprocess.PIPE)
    out, _ = await asyncio.to_thread(process.communicate, timeout=LOAD_SECONDS_MAX)
    if process.returncode:
        raise RuntimeError(f"the load generator ended with {process.returncode}: {out.decode()}")
    summary: dict[str, Any] = json.loads(out)
    return summary
