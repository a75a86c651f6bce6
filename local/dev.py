"""`make dev`: the whole product on this machine, from one command, reloading on change.

What the environment names (DATABASE_URL, UPSTASH_REDIS_REST_URL, NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY, …) is used; a stand-in is
started for the rest. Nothing of it survives this process, however that ends. PORT moves it; INSTANCES says how many serve.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from types import FrameType
from typing import Any

import httpx
import watchfiles

from db.migrate import migrate
from local import children, clerk, clerk_directory, crons, dev_file, model, postgres, receivers, redis, serving
from local.folders import ROOT, data_folder
from local.seed import OWNER, Demo, seed
from local.server import CLERK_PREFIX, KEY_FILE

PORT_DEFAULT = 3000
INSTANCES_DEFAULT = 2
INSTANCES_MAX = 16
READY_SECONDS_MAX = 30.0
TICK_MILLISECONDS = 300
WATCHED = ("api", "lib", "db", "public", "vercel.json")
BANNER = """
Sensra runs at  {url}
sign in         {sign_in_url}
mails           {mail_url}
DSN             {dsn}
database        {database_url}
for programs    {file}

  curl {url}/api/ingest -H 'Authorization: Bearer {ingest_key}' -d '{{"message": "Hello from curl"}}'

  import sentry_sdk; sentry_sdk.init("{dsn}")
  raise ValueError("Hello from Python")

Ctrl-C ends it.
"""


class UnableError(Exception):
    """The product cannot be started here; the message tells the person at the terminal what to do."""


class Server:
    """The serving processes on the socket that this one holds: requests wait, rather than fail, while they are replaced.

    There are several, as on Vercel: what one instance remembers, another does not know, here too.
    """

    def __init__(self, listener: socket.socket, environment: dict[str, str], instances: int) -> None:
        self.url = serving.url_of(listener)
        self._listener = listener
        self._environment = environment
        self._instances = instances
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> str:
        """Start the processes anew and wait until health answers; returns what is wrong, or an empty string."""
        self.stop()
        descriptor = self._listener.fileno()
        command = [sys.executable, "-m", "local.server", str(descriptor)]
        # SIGKILL: a process that hangs would not hear anything else, and what is not committed is not promised.
        self._processes = [
            children.spawn(command, last_signal=signal.SIGKILL, pass_fds=[descriptor], cwd=ROOT, env=self._environment)
            for _ in range(self._instances)
        ]
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline and self.is_running():
            try:
                return _health_problem(self.url)
            except httpx.HTTPError:
                time.sleep(0.05)
        ended = [process.returncode for process in self._processes if process.poll() is not None]
        return f"a serving process ended with status {ended[0]}" if ended else "nothing answers"

    def is_running(self) -> bool:
        """Whether all the processes are there."""
        return bool(self._processes) and all(process.poll() is None for process in self._processes)

    def stop(self) -> None:
        """End the processes: they finish their requests, for a second at most."""
        for process in self._processes:
            children.stop(process, signal.SIGTERM, patience_seconds=3)
        self._processes = []


def main() -> int:
    """Run until told to stop; returns the exit status."""
    parent = os.getppid() if "--with-parent" in sys.argv else None
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for name in signals:
        signal.signal(name, _interrupt)
    try:
        with ExitStack() as stack:
            try:
                _run(stack, parent)
            except KeyboardInterrupt:
                print("\nstopping", flush=True)
            finally:
                for name in signals:
                    signal.signal(name, signal.SIG_IGN)  # an impatient second Ctrl-C would leave the database unclean
    except (UnableError, postgres.StartError) as reason:
        print(f"\n{reason}", file=sys.stderr, flush=True)
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(stack: ExitStack, parent: int | None) -> None:
    began = time.monotonic()
    listener = stack.enter_context(_listen(os.environ.get("PORT") or str(PORT_DEFAULT)))
    environment = dict(os.environ)
    database = _provide_database(stack, environment)
    dev_file.invalidate()
    _provide_redis(stack, environment)
    _provide_model(stack, environment)
    _provide_issuer(environment, serving.url_of(listener))
    with _step("starting the mail outbox and a receiver of webhooks"):
        stack.enter_context(receivers.started(environment))
    environment.setdefault("CRON_SECRET", secrets.token_hex(16))
    environment.setdefault("PUBLIC_URL", serving.url_of(listener))
    demo = _prepare(environment)
    server = Server(listener, environment, _instances(os.environ.get("INSTANCES") or str(INSTANCES_DEFAULT)))
    stack.callback(server.stop)
    with _step("starting the functions"):
        problem = server.start()
    if problem:
        raise UnableError(f"The product does not get ready: {problem}")
    facts = _facts(server.url, environment, demo)
    dev_file.write(facts)
    stack.callback(dev_file.invalidate)
    print(
        BANNER.format(**facts, file=data_folder() / dev_file.NAME),
        f"\nready in {time.monotonic() - began:.1f} s",
        sep="",
        flush=True,
    )
    stack.enter_context(crons.running(server.url, environment["CRON_SECRET"]))
    _watch(server, environment, database, parent)


# -- what the product needs ------------------------------------------------------------------------------------------


def _instances(number: str) -> int:
    if not number.isdecimal() or not 1 <= int(number) <= INSTANCES_MAX:
        raise UnableError(f"INSTANCES is {number!r}: name a number of serving processes from 1 to {INSTANCES_MAX}.")
    return int(number)


def _listen(port: str) -> socket.socket:
    if not port.isdigit() or int(port) > 65_535:
        raise UnableError(f"PORT={port} is no port. Say for instance: make dev PORT={PORT_DEFAULT}")
    try:
        return serving.listen(int(port))
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        raise UnableError(
            f"Port {port} is taken (is another `make dev` running?) or not allowed. Choose another: make dev PORT={int(port) + 1}"
        ) from error


def _provide_database(stack: ExitStack, environment: dict[str, str]) -> postgres.Postgres | None:
    """PostgreSQL, unless DATABASE_URL names one."""
    if environment.get("DATABASE_URL"):
        print("==> PostgreSQL: the one that DATABASE_URL names", flush=True)
        return None
    with _step("starting PostgreSQL"):
        try:
            server = postgres.start(data_folder() / "postgres")
        except postgres.FolderBusyError as error:
            raise UnableError(
                f"{error}. End that one, or keep this one's data elsewhere: SENSRA_LOCAL=/a/folder make dev"
            ) from error
    stack.callback(server.stop)
    environment["DATABASE_URL"] = environment["DATABASE_URL_UNPOOLED"] = server.url
    return server


def _provide_redis(stack: ExitStack, environment: dict[str, str]) -> None:
    """The Upstash REST endpoint, unless one is named. Its data lives as long as this process: limits start afresh."""
    if environment.get("UPSTASH_REDIS_REST_URL") or environment.get("KV_REST_API_URL"):
        print("==> Redis: the one that the environment names", flush=True)
        return
    with _step("starting the Upstash stand-in"):
        upstash = redis.Upstash(secrets.token_hex(16))
        url = stack.enter_context(serving.in_thread(upstash.app))
    environment["UPSTASH_REDIS_REST_URL"], environment["UPSTASH_REDIS_REST_TOKEN"] = url, upstash.token


def _provide_model(stack: ExitStack, environment: dict[str, str]) -> None:
    """The endpoint that explains incidents, unless a key is there for another."""
    if environment.get("OPENAI_API_KEY"):
        print("==> model: the one that the environment names", flush=True)
        return
    with _step("starting the model's stand-in"):
        url = stack.enter_context(serving.in_thread(model.Model().app))
    environment["OPENAI_BASE_URL"], environment["OPENAI_API_KEY"] = f"{url}/v1", model.KEY


def _provide_issuer(environment: dict[str, str], url: str) -> None:
    """The local issuer, unless Clerk is named: it is served on the product's own port, by the serving process."""
    if environment.get("VERCEL"):
        raise UnableError("VERCEL is set: the local issuer believes everybody, so it does not run there. Unset VERCEL.")
    if environment.get("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY") or environment.get("CLERK_ISSUER"):
        print("==> Clerk: the one that the environment names", flush=True)
        return
    if not (data_folder() / KEY_FILE).exists():
        clerk.make_key(data_folder() / KEY_FILE)  # once, before several processes look for it
    issuer = url + CLERK_PREFIX
    environment["LOCAL_ISSUER_ORIGIN"] = url
    environment["CLERK_ISSUER"], environment["CLERK_JWKS_URL"] = issuer, f"{issuer}/.well-known/jwks.json"
    environment["CLERK_API_URL"], environment["CLERK_SECRET_KEY"] = issuer, clerk_directory.SECRET
    environment["CLERK_AUTHORIZED_PARTIES"] = f"{url},{url.replace(serving.HOST, 'localhost')}"


def _prepare(environment: dict[str, str]) -> Demo:
    """Migrate, and make the demo workspace, with the key of the last run where it is still known and good."""
    with _step("migrating"):
        asyncio.run(migrate(environment.get("DATABASE_URL_UNPOOLED") or environment["DATABASE_URL"]))
    with _step("making the demo workspace"):
        return asyncio.run(seed(environment["DATABASE_URL"], dev_file.read().get("ingest_key")))


def _facts(url: str, environment: dict[str, str], demo: Demo) -> dict[str, Any]:
    issuer = environment.get("CLERK_ISSUER")
    pages = url + CLERK_PREFIX if "LOCAL_ISSUER_ORIGIN" in environment else None
    return {
        "ready": True,
        "pid": os.getpid(),
        "url": url,
        "project_id": demo.project_id,
        "ingest_key": demo.ingest_key,
        "dsn": f"{url.replace('://', f'://{demo.ingest_key}@')}/{demo.project_id}",
        "database_url": environment["DATABASE_URL"],
        "session_token_url": f"{pages}/token" if pages else None,
        "mail_url": f"{url}/local/mail",
        "sink_url": f"{url}/local/sink",
        "resend_api_url": environment.get("RESEND_API_URL"),
        "resend_api_key": environment["RESEND_API_KEY"],
        "sign_in_url": f"{pages}/sign-in?email={OWNER}" if pages else None,
        "redis_url": environment.get("UPSTASH_REDIS_REST_URL") or environment.get("KV_REST_API_URL"),
        "redis_token": environment.get("UPSTASH_REDIS_REST_TOKEN") or environment.get("KV_REST_API_TOKEN"),
        "clerk_issuer": issuer,
        "jwks_url": environment.get("CLERK_JWKS_URL"),
        "cron_secret": environment["CRON_SECRET"],
    }


# -- while it runs ---------------------------------------------------------------------------------------------------


def _watch(server: Server, environment: dict[str, str], database: postgres.Postgres | None, parent: int | None) -> None:
    """Serve anew after each change of the product's files; ends when something that it stands on has ended."""
    paths = [ROOT / name for name in WATCHED if (ROOT / name).exists()]
    works = True
    for changes in watchfiles.watch(*paths, rust_timeout=TICK_MILLISECONDS, yield_on_timeout=True):
        if parent is not None and os.getppid() != parent:
            raise KeyboardInterrupt
        if database and database.process.poll() is not None:
            raise UnableError(f"PostgreSQL has ended; its log is {database.folder / postgres.LOG}. Start again.")
        if changes:
            works = _reload(server, environment, {path for _, path in changes})
        elif works and not server.is_running():
            works = _restart(server, "the serving process has ended")


def _reload(server: Server, environment: dict[str, str], paths: set[str]) -> bool:
    if any(path.endswith(".sql") and "migrations" in path for path in paths):
        try:
            _prepare(environment)
        except Exception as error:  # noqa: BLE001 — the next change may mend it
            print(f"not migrated: {error}", file=sys.stderr, flush=True)
    names = sorted(os.path.relpath(path, ROOT) for path in paths)
    return _restart(server, ", ".join(names[:3]) + (" …" if len(names) > 3 else ""))


def _restart(server: Server, cause: str) -> bool:
    """Whether it is ready again; if not, only a change may help."""
    began = time.monotonic()
    problem = server.start()
    outcome = f"but: {problem}" if problem else f"ready after {time.monotonic() - began:.1f} s"
    print(f"==> {cause}: started again, {outcome}", flush=True)
    return not problem


def _health_problem(url: str) -> str:
    """What health says is wrong, or an empty string; raises httpx.HTTPError where nothing answers."""
    answer = httpx.get(f"{url}/api/health", timeout=5, trust_env=False)
    return "" if answer.status_code == HTTPStatus.OK else f"/api/health answers {answer.status_code}: {answer.text[-500:]}"


@contextmanager
def _step(what: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"==> {what}", flush=True)
    yield
    print(f"    {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
