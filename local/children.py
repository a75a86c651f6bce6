"""Child processes that never outlive us, however we end: by return, by Ctrl-C or by kill -9."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import IO, Any

PR_SET_PDEATHSIG = 1  # prctl(2)
WATCH = 'read -r _; kill -s "$0" "$1"'


def spawn(
    command: Sequence[str],
    *,
    last_signal: signal.Signals = signal.SIGTERM,
    watcher: bool = sys.platform != "linux",
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; `last_signal` reaches it when this process is gone.

    On Linux the kernel sends the signal, but when the calling THREAD ends: call it from the main thread. Elsewhere a
    shell waits for the end of a pipe that only we hold open. Raises OSError where the command cannot be started.
    """
    if not watcher:
        options["preexec_fn"] = _tie_to_parent(last_signal)
    child = subprocess.Popen(command, start_new_session=True, **options)
    if watcher:
        child.watcher = _watch(child.pid, last_signal)  # type: ignore[attr-defined]  # keeps the pipe open as long as the child
    return child


def stop(child: subprocess.Popen[bytes], *signals: signal.Signals, patience_seconds: float = 10) -> None:
    """Send each signal in turn, the next after `patience_seconds`; SIGKILL comes last. Returns when the child is gone."""
    for name in (*signals, signal.SIGKILL):
        if child.poll() is None:
            child.send_signal(name)
            try:
                child.wait(patience_seconds)
            except subprocess.TimeoutExpired:
                continue
        break
    watcher: subprocess.Popen[bytes] | None = getattr(child, "watcher", None)
    if watcher:
        watcher.kill()
        watcher.wait()
        _pipe_of(watcher).close()


def _tie_to_parent(last_signal: signal.Signals) -> Callable[[], None]:
    """What the forked child runs before its program: only calls prepared here, since other threads' locks may be held."""
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()
    number = int(last_signal)

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # we died between the fork and the line above
            os._exit(1)

    return tie


def _watch(pid: int, last_signal: signal.Signals) -> subprocess.Popen[bytes]:
    name = last_signal.name.removeprefix("SIG")
    return subprocess.Popen(["sh", "-c", WATCH, name, str(pid)], stdin=subprocess.PIPE, start_new_session=True)


def _pipe_of(watcher: subprocess.Popen[bytes]) -> IO[bytes]:
    assert watcher.stdin is not None
    return watcher.stdin
