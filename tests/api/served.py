"""One instance of a function as a process of its own behind a port: what it costs and what it logs can be looked at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench import instance, processes
from local import children
from local.folders import ROOT

START_SECONDS_MAX = 30.0
LINES_SECONDS_MAX = 10.0


class Served:
    """A running instance."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, output: Path) -> None:
        self.process = process
        self.port = port
        self._output = output

    @property
    def url(self) -> str:
        return f"http://{instance.HOST}:{self.port}"

    def output(self) -> str:
        """All it has written, to both streams."""
        return self._output.read_text(errors="replace")

    def log(self) -> list[dict[str, Any]]:
        """The same as lines of JSON; raises where one is anything else, such as a traceback."""
        return [orjson.loads(line) for line in self.output().splitlines()]

    def wait_for_lines(self, number: int) -> list[dict[str, Any]]:
        """The log once it has so many lines; after some seconds what there is."""
        deadline = time.monotonic() + LINES_SECONDS_MAX
        while self.output().count("\n") < number and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.log()

    def cpu_seconds(self) -> float:
        """What it has used so far; counted in steps of 10 ms."""
        return processes.cpu_seconds(self.process.pid)

    def forget_peak(self) -> None:
        """The peak is what it holds now (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """The most memory it has held since."""
        return processes.peak_rss_bytes(self.process.pid)


@contextmanager
def serve(app: str, folder: Path, **environment: str) -> Iterator[Served]:
    """`app` on a new port, with these variables beside our own; ready when entered. Call it from the main thread."""
    output = folder / "output.txt"
    with instance.reserve() as reserved, output.open("wb") as file:
        port = reserved.getsockname()[1]
        command = [sys.executable, "-m", "bench.instance", app, str(port)]
        options: dict[str, Any] = {"cwd": ROOT, "env": os.environ | environment, "stdout": file, "stderr": file}
        process = children.spawn(command, **options)
        try:
            _wait(process, port)
            yield Served(process, port, output)
        finally:
            children.stop(process, signal.SIGTERM)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Return when it listens. A port that is only reserved refuses."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((instance.HOST, port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the instance did not start")
