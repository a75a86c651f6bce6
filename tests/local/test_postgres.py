"""The launcher's promises: data stays, nothing stays running, one launcher a folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local import children, postgres
from local.folders import ROOT
from tests.local.processes import is_running, wait_until_gone

LAUNCH = """
import sys, time
from pathlib import Path
from local import postgres
print(postgres.start(Path(sys.argv[1]), fsync=False).process.pid, flush=True)
time.sleep(60)
"""


def launch_elsewhere(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A launcher in a process of its own, and the pid of its PostgreSQL."""
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCH, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert launcher.stdout is not None
    return launcher, int(launcher.stdout.readline())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One cluster for all tests here. pytest's folders are closed to `nobody` and long: both detours are taken."""
    place = tmp_path_factory.mktemp("cluster")
    yield place / "data"
    detour = postgres._place(place / "data").parent
    if detour != place:
        shutil.rmtree(detour)


def test_data_is_kept_between_starts(folder: Path) -> None:
    for expected in (1, 2):
        server = postgres.start(folder)
        try:
            with psycopg.connect(server.url) as connection:
                assert connection.execute("SHOW fsync").fetchone() == ("on",)
                connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
                connection.execute("INSERT INTO kept VALUES (1)")
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (expected,)
        finally:
            server.stop()
        assert not is_running(server.process.pid)


def test_a_killed_launcher_leaves_nothing_running_and_its_folder_free(folder: Path) -> None:
    launcher, pid = launch_elsewhere(folder)
    with pytest.raises(postgres.FolderBusyError, match=str(launcher.pid)):
        postgres.start(folder, fsync=False)
    launcher.kill()
    launcher.communicate()
    server = postgres.start(folder, fsync=False)  # waits for the shutdown of the orphan
    assert not is_running(pid)
    server.stop()


def test_a_killed_server_starts_again_whatever_its_pid_file_says(folder: Path) -> None:
    server = postgres.start(folder, fsync=False)
    server.process.kill()
    server.process.wait()
    server.lock.close()
    state = server.folder / postgres.STATE
    state.write_text(f"{os.getpid()}\n")  # as after a restart of a container, where pids come round again
    postgres.start(folder, fsync=False).stop()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    server = postgres.start(folder, fsync=False)
    server.stop()
    settings = server.folder / "data" / "postgresql.conf"
    good = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(postgres.StartError, match="no_such_setting"):
        postgres.start(folder, fsync=False)
    settings.write_text(good)
    postgres.start(folder, fsync=False).stop()  # the folder is free again after the failure


@pytest.mark.parametrize("watcher", [True, False] if sys.platform == "linux" else [True])
def test_a_child_gets_its_last_signal_when_its_parent_is_killed(watcher: bool) -> None:
    code = f"from local import children; print(children.spawn(['sleep', '60'], watcher={watcher}).pid, flush=True); input()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.communicate()
    assert wait_until_gone([pid])


@pytest.mark.parametrize("watcher", [True, False] if sys.platform == "linux" else [True])
def test_a_child_that_ignores_its_signals_is_killed(watcher: bool) -> None:
    child = children.spawn(["sh", "-c", "trap '' TERM; echo ready; exec sleep 60"], watcher=watcher, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    children.stop(child, signal.SIGTERM, patience_seconds=0.2)
    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
