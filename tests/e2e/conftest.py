"""The real product, started as a developer starts it (`make dev`), with a data folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from local import serving
from local.folders import ROOT, data_folder
from tests.e2e import tools
from tests.sdk.arrivals import Reader

START_SECONDS_MAX = 60
# What would make it use something else than its own stand-ins.
FOREIGN = ("DATABASE_URL", "DATABASE_URL_UNPOOLED", "UPSTASH_REDIS_REST_URL", "KV_REST_API_URL", "CLERK_ISSUER", "VERCEL",
           "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY")  # fmt: skip


class Product(NamedTuple):
    """What a developer is told at the start."""

    url: str
    dsn: str
    project_id: int
    ingest_key: str
    session_token_url: str
    database_url: str

    def dsn_over(self, url: str) -> str:
        """The DSN, for a client that goes through something else at `url`."""
        return self.dsn.replace(self.url.removeprefix("http://"), url.removeprefix("http://"))


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    tools.prepare()


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    with running() as made:
        yield made


@contextmanager
def running(named: Mapping[str, str] | None = None) -> Iterator[Product]:
    """The product, with data of its own that is gone afterwards. named: more of its environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # passable for all: as root, PostgreSQL runs as somebody else
        with serving.listen() as free:
            port = str(free.getsockname()[1])
        mine = {"PORT": port, "SENSRA_LOCAL": name, **(named or {})}
        env = {name: value for name, value in os.environ.items() if name not in FOREIGN} | mine
        log = data_folder() / "e2e.log"  # stays, for whoever asks why a test failed
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-m", "local.dev"], cwd=ROOT, env=env, stdout=output, stderr=output)
        try:
            facts = wait_for_facts(folder, process, log)
            yield Product(**{name: facts[name] for name in Product._fields})
        finally:
            process.terminate()
            process.wait(20)


def wait_for_facts(folder: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """dev.json once it is ready; fails with the log where it never is."""
    deadline = time.monotonic() + START_SECONDS_MAX
    file = folder / "dev.json"
    while time.monotonic() < deadline and process.poll() is None:
        facts: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        if facts.get("ready"):
            return facts
        time.sleep(0.1)
    pytest.fail(f"the product did not start:\n{log.read_text()}")


@pytest.fixture
async def reader(product: Product) -> AsyncIterator[Reader]:
    """The demo project as its owner sees it."""
    async with httpx.AsyncClient(base_url=product.url, timeout=20) as client:
        answer = await client.get(product.session_token_url, params={"email": "owner@example.com"})
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        yield Reader(client, headers, product.project_id)
