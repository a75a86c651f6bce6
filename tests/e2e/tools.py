"""What these tests need and a Python environment does not have: browsers, Node.js, npm packages and Clerk's own script.

Whatever can be fetched without asking is fetched once, into .tools and tests/sdk/node; for the rest MissingToolError says what
to install. Nothing is skipped: a browser test that did not run has proven nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from local import node
from local.folders import ROOT
from local.setup import TOOLS, find_uv
from tests.sdk import node_runs

LOCK = ROOT / "requirements-e2e.txt"
CLERK_SCRIPT = "@clerk/clerk-js@5.128.0"
CLERK_SCRIPT_SHA512 = (
    "6b0f1448a9eb6553cea897e9d5e2a96da40bfa3518917267fefdd7741b257d3e"
    "235c4508aa4c884e696063c6c0f46a9517bc4672bfa6fc7253a60bc66ed22f5c"
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class MissingToolError(RuntimeError):
    """Something is needed that cannot be fetched; the message says how to install it."""


def prepare() -> None:
    """Fetch everything. Raises MissingToolError, or RuntimeError where Node.js is neither here nor to be had."""
    add_packages()
    chromium()
    node_runs.install()
    clerk_script()


def add_packages() -> None:
    """Make `playwright` and `schemathesis` importable in this process."""
    folder = TOOLS / f"e2e-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-{sys.version_info[0]}.{sys.version_info[1]}"
    if not (folder / "playwright").is_dir():
        uv = find_uv()
        installer = [str(uv), "pip", "install"] if uv else [sys.executable, "-m", "pip", "install"]
        command = [*installer, "--quiet", "--target", str(folder), "-r", str(LOCK)]
        if subprocess.run(command, check=False).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise MissingToolError(f"{LOCK.name} could not be installed ({' '.join(command)}). Is PyPI reachable?")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def chromium() -> str:
    """Its executable: what CHROMIUM names, what is installed, or Debian's package, installed now where we may."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = _installed()
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(
                command, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            )
        found = _installed()
    if not found:
        raise MissingToolError(
            "Chromium is needed and was not found. Install it (Debian: apt-get install chromium; macOS: brew install --cask"
            " chromium), or let CHROMIUM name the executable of a Chromium or Chrome."
        )
    return found


def _installed() -> str | None:
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def clerk_script() -> Path:
    """The folder of Clerk's own script and its parts, as Clerk's hosts serve them. Without its packages: they are built in."""
    folder = TOOLS / CLERK_SCRIPT.replace("/", "-")
    if not folder.is_dir():
        path = node.search_path()
        with tempfile.TemporaryDirectory(dir=TOOLS) as name:
            command = [shutil.which("npm", path=path) or "npm", "pack", CLERK_SCRIPT, "--silent", "--pack-destination", name]
            subprocess.run(command, check=True, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL)
            archive = next(Path(name).iterdir())
            if hashlib.sha512(archive.read_bytes()).hexdigest() != CLERK_SCRIPT_SHA512:
                raise RuntimeError(f"what npm sent as {CLERK_SCRIPT} is not what it was when it was pinned")
            with tarfile.open(archive) as packed:
                packed.extractall(name, filter="data")
            (Path(name) / "package").rename(folder)
    return folder / "dist"


def folder_of_browser_programs() -> Path:
    """The templates of the page's program."""
    return node_runs.FOLDER / "browser"
