"""`.local/dev.json`: what `make dev` prints, for programs. It is valid while `ready` is true and the process `pid` lives.

It stays after the end, with `ready` false, because it also keeps the demo key.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from local.folders import data_folder

NAME = "dev.json"


def read() -> dict[str, Any]:
    """The last run's facts; empty where there was none, or where the file is damaged."""
    try:
        facts = json.loads((data_folder() / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def write(facts: dict[str, Any]) -> None:
    """Replace the file in one step, readable by us only: it holds a key."""
    handle, name = tempfile.mkstemp(dir=data_folder(), prefix=NAME)
    with os.fdopen(handle, "w") as file:
        json.dump(facts, file, indent=2)
        file.write("\n")
    Path(name).replace(data_folder() / NAME)


def invalidate() -> None:
    """Say that nothing is running. The time of change stays, so that a newer file always means: ready again."""
    file = data_folder() / NAME
    facts = read()
    if facts.get("ready"):
        changed = file.stat().st_mtime
        write({**facts, "ready": False})
        os.utime(file, (changed, changed))
