"""Where local data lives: `.local` in the project, git-ignored; SENSRA_LOCAL names another folder."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data_folder() -> Path:
    """The folder of everything a local run keeps; made if missing."""
    folder = Path(os.environ.get("SENSRA_LOCAL") or ROOT / ".local").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
