"""What runs on this machine, as `ps` sees it."""

from __future__ import annotations

import subprocess
import time


def is_running(pid: int) -> bool:
    """Whether this process is there and no zombie."""
    return pid in {number for number, _ in _processes()}


def descendants(pid: int) -> list[int]:
    """The children of a process, their children, and so on."""
    processes = _processes()
    found = [pid]
    for parent in found:
        found += [number for number, its_parent in processes if its_parent == parent]
    return found[1:]


def wait_until_gone(pids: list[int], seconds: float = 8) -> bool:
    """True once none of them runs, False when that takes too long."""
    deadline = time.monotonic() + seconds
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _processes() -> list[tuple[int, int]]:
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [(int(pid), int(parent)) for pid, parent, state in rows if not state.startswith("Z")]
