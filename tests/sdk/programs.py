"""Starting a sample program, or anything else, and saying why it failed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

RUN_SECONDS_MAX = 120


class ProgramError(RuntimeError):
    """A program ended badly; the message holds its command and last words."""


def run(
    command: list[str], folder: Path, told: str = "", environment: dict[str, str] | None = None, *, may_fail: bool = False
) -> str:
    """What `command` printed, run in `folder` with `told` on its standard input, and in no environment but the one given.

    Raises ProgramError where it ends badly, unless it `may_fail`.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.defpath, **(environment or {})},
        input=told,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
        check=False,
    )
    if done.returncode and not may_fail:
        raise ProgramError(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout
