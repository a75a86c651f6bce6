"""What a result was measured on: without it a figure means nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.corpus import ROOT

FSYNCS = 50
PAGE_BYTES = 8192


def describe(data: Path) -> dict[str, Any]:
    """This machine; `data` is a folder on the disk that PostgreSQL writes to."""
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(_first("/proc/meminfo", "MemTotal").split()[0]) / 1e6, 1),
        "fsync_ms": fsync_ms(data),
        "load_average_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
    }


def _first(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "0 unknown")


def commit() -> str:
    """The commit that was measured, with a + where files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "api", "lib", "db")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def fsync_ms(folder: Path) -> float:
    """The median time to write a page and have it on disk: the floor of every commit."""
    file = folder / "fsync-probe"
    spent = []
    with file.open("wb", buffering=0) as probe:
        for _ in range(FSYNCS):
            start = time.perf_counter()
            probe.write(bytes(PAGE_BYTES))
            os.fdatasync(probe.fileno())
            spent.append(time.perf_counter() - start)
    file.unlink()
    return round(1000 * sorted(spent)[FSYNCS // 2], 3)
