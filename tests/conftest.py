"""Fixtures every test may use: a migrated PostgreSQL, the Upstash stand-in, the local issuer; no network but loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from local import loopback, postgres, testing

server_key = pytest.StashKey[postgres.Postgres]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller of a run starts PostgreSQL; its workers get the URL (xdist fills `workerinput` for them)."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        config.stash[server_key] = testing.start_server()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called in the controller for each xdist worker."""
    node.workerinput["server_url"] = node.config.stash[server_key].url


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also after a failed start: leave nothing running."""
    server = config.stash.get(server_key, None)
    if server:
        server.stop()


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    with loopback.only():
        yield


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """The DSN of the run's PostgreSQL (a superuser's): for tests that make databases of their own."""
    if hasattr(request.config, "workerinput"):
        return str(request.config.workerinput["server_url"])
    return request.config.stash[server_key].url


@pytest.fixture(scope="session")
def database_url(server_url: str, worker_id: str) -> Iterator[str]:
    """A migrated database of this worker, empty at its start."""
    with testing.database(server_url, f"test_{worker_id}") as url:
        yield url
