"""Fixtures every test may use: a migrated PostgreSQL, the Upstash stand-in, the local issuer; no network but loopback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import clerk, loopback, postgres, redis, serving, testing

# They need more than Python, or minutes: collected only where the command line names them (make e2e, make soak).
APART = [Path(__file__).parent / name for name in ("e2e", "soak")]
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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """None leaves the decision to pytest."""
    named = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    apart = collection_path in APART and not any(path.is_relative_to(collection_path) for path in named)
    return True if apart else None


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


@dataclass(frozen=True)
class RedisStandIn:
    """`upstash.mode` takes it away ("hang", "fail") and gives it back ("work"); `upstash.commands` counts."""

    url: str
    token: str
    upstash: redis.Upstash

    def flush(self) -> None:
        """Forget all data, and work again."""
        self.upstash.flush()


@pytest.fixture(scope="session")
def _redis_server() -> Iterator[RedisStandIn]:
    upstash = redis.Upstash("stand-in")
    with serving.in_thread(upstash.app) as url:
        yield RedisStandIn(url, upstash.token, upstash)


@pytest.fixture
def redis_stand_in(_redis_server: RedisStandIn) -> RedisStandIn:
    """The Upstash REST endpoint on a loopback port, empty and working at the start of each test."""
    _redis_server.flush()
    return _redis_server


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clerk.Issuer]:
    """The local issuer behind its JWKS URL: `issuer.token("alice@example.com", azp="…")` makes a session token."""
    listener = serving.listen()
    url = serving.url_of(listener)
    made = clerk.Issuer(tmp_path_factory.mktemp("clerk") / "key.pem", url, origin=url)
    with serving.in_thread(clerk.create_app(made), listener):
        yield made
