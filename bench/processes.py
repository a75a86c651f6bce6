"""What processes cost, as Linux counts it in /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

LOWEST_PRIORITY = 19
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Positions in /proc/PID/stat after the name in brackets (proc_pid_stat(5), whose numbers start at 1 with the pid).
PARENT, USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM = 4 - 3, 14 - 3, 15 - 3, 16 - 3, 17 - 3


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads."""
    stat = _stat(pid)
    return (int(stat[USER]) + int(stat[SYSTEM])) / TICKS_PER_SECOND


def family_cpu_seconds(pid: int) -> float:
    """The same of a process, its children that live, and its children that have ended: all of a PostgreSQL server."""
    stat = _stat(pid)
    ended = (int(stat[CHILDREN_USER]) + int(stat[CHILDREN_SYSTEM])) / TICKS_PER_SECOND
    total = cpu_seconds(pid) + ended
    for child in children(pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended just now: what it cost shows the next time
            total += cpu_seconds(child)
    return total


def machine_cpu_seconds() -> float:
    """What all processes of the machine used since it started: everything but idle and waiting (proc_stat(5))."""
    user, nice, system, _idle, _waiting, *rest = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return sum(map(int, [user, nice, system, *rest])) / TICKS_PER_SECOND


def own_cpu_seconds() -> float:
    """This process and its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def children(pid: int) -> list[int]:
    """Living processes whose parent is this one."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if folder.name.isdigit() and int(_stat(int(folder.name))[PARENT]) == pid:
                found.append(int(folder.name))
    return found


def peak_rss_bytes(pid: int) -> int:
    """The most memory the process ever held: VmHWM."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def give_way(pid: int) -> None:
    """Run it where nothing else wants to; a session of its own has a priority of its own, too (sched(7), autogroup)."""
    os.setpriority(os.PRIO_PROCESS, pid, LOWEST_PRIORITY)
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text(str(LOWEST_PRIORITY))
