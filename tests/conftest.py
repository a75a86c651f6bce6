"""Fixtures every test may use: a migrated PostgreSQL, stand-ins of all services; no network but loopback."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest

from lib import settings
from lib.channels.webhook import new_secret
from local import clerk, loopback, model, postgres, redis, serving, testing
from local.failing import Failing
from local.mail import Mail, Outbox
from local.sink import Post, Sink
from tests.lib import rows

# They need more than Python, or minutes: collected only where the command line names them (make e2e, proof and soak).
APART = [Path(__file__).parent / name for name in ("e2e", "proof", "soak")]
# Files that take longest begin first, so that no worker is left alone with one of them at the end.
LONGEST = (
    "api/test_isolation.py", "lib/test_erasures.py", "lib/test_auth.py", "lib/test_retention.py",
    "lib/redaction/test_redaction_limits.py", "api/test_merging.py", "lib/test_permits.py", "api/test_alerts.py",
    "lib/analysis/test_analysis_model.py", "lib/redaction/test_redaction_texts.py", "lib/redaction/test_redaction_laws.py",
    "lib/test_archives.py", "lib/alerts/test_alerts_sending.py", "lib/analysis/test_analysis_spending.py", "lib/test_pruning.py",
    "lib/test_recording.py", "policy/test_everywhere.py", "api/test_ingest_neighbours.py", "api/test_operations.py",
    "proof/test_hostile_generated.py", "proof/test_hostile_generated_plain.py", "proof/test_dev.py",
    "proof/test_sdk_python.py", "proof/test_ingest_without_redis.py",
)  # fmt: skip
# A busy machine, or a fresh one that has yet to learn Unicode's tables (5 s), is slow at drawing, and not wrong.
hypothesis.settings.register_profile(
    "house", hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
)
hypothesis.settings.load_profile("house")
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of LONGEST first, in that order."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish() -> None:
    """What has been imported and collected stays to the end: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    with loopback.only():
        yield


@pytest.fixture(autouse=True, scope="session")
def _authorities_read_once() -> Iterator[None]:
    """Each client of httpx would read all certificate authorities anew, which takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
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
    rows.close_idle()


@dataclass(frozen=True)
class RedisStandIn:
    """`upstash.mode` takes it away ("slow", "hang", "fail") and gives it back ("work"); `upstash.commands` counts."""

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


@dataclass(frozen=True)
class SinkStandIn:
    """A receiver of webhooks: POST to `url`/local/sink/webhook, slack or discord. `failing` tells it to fail."""

    url: str
    secret: str
    failing: Failing
    posts: deque[Post]
    patch: pytest.MonkeyPatch

    def forbid_private(self) -> None:
        """From now on the machine's own network may not be called, as on Vercel."""
        self.patch.delenv("OUTBOUND_PRIVATE_ALLOWED")
        settings.current.cache_clear()


@pytest.fixture(scope="session")
def _sink_server() -> Iterator[tuple[str, Sink]]:
    made = Sink(new_secret())
    with serving.in_thread(made.app) as url:
        yield url, made


@pytest.fixture
def sink(_sink_server: tuple[str, Sink], monkeypatch: pytest.MonkeyPatch) -> Iterator[SinkStandIn]:
    """The receiver on a loopback port, empty and working at the start of each test; the settings let it be called."""
    url, made = _sink_server
    made.clear()
    monkeypatch.setenv("OUTBOUND_PRIVATE_ALLOWED", "1")
    settings.current.cache_clear()
    yield SinkStandIn(url, made.secret or "", made.failing, made.posts, monkeypatch)
    settings.current.cache_clear()


@dataclass(frozen=True)
class OutboxStandIn:
    """Resend's place. `mails` are those it took; `failing` tells it to fail; `sender` is MAIL_FROM."""

    url: str
    api_key: str
    sender: str
    failing: Failing
    mails: list[Mail]


@pytest.fixture(scope="session")
def _outbox_server() -> Iterator[tuple[str, Outbox]]:
    made = Outbox("stand-in")
    with serving.in_thread(made.app) as url:
        yield url, made


@pytest.fixture
def outbox(_outbox_server: tuple[str, Outbox], monkeypatch: pytest.MonkeyPatch) -> Iterator[OutboxStandIn]:
    """The outbox on a loopback port, empty and working at the start of each test; the settings send mails there."""
    url, made = _outbox_server
    made.clear()
    stand_in = OutboxStandIn(url, made.api_key, "Sensra <alerts@sensra.example>", made.failing, made.mails)
    for name, value in {"RESEND_API_KEY": made.api_key, "RESEND_API_URL": url, "MAIL_FROM": stand_in.sender}.items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    yield stand_in
    settings.current.cache_clear()


@dataclass(frozen=True)
class ModelStandIn:
    """`model.mode` makes it fail (local/model.py tells how), `model.asked` is what it was asked. url, key: for the SDK."""

    url: str
    key: str
    model: model.Model


@pytest.fixture(scope="session")
def _model_server() -> Iterator[ModelStandIn]:
    made = model.Model()
    with serving.in_thread(made.app) as url:
        yield ModelStandIn(f"{url}/v1", model.KEY, made)


@pytest.fixture
def model_stand_in(_model_server: ModelStandIn) -> ModelStandIn:
    """The model's endpoint on a loopback port, working and asked nothing yet at the start of each test."""
    _model_server.model.reset()
    return _model_server
