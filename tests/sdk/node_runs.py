"""Runs the sample programs in node/app under the unmodified @sentry/node: as they are, bundled, and minified."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path

from local import node
from tests.sdk import programs, render
from tests.sdk.cases import Variation, run_of

FOLDER = Path(__file__).with_name("node")
MODULES = FOLDER / "node_modules"
BUGS = (
    "orders:show",
    "orders:notify",
    "orders:summarise",
    "orders:minimum",
    "pricing:quote",
    "pricing:checkout",
    "pricing:statement",
    "pricing:decline",
    "search:facets",
    "search:breadcrumb",
    "search:filtered",
    "search:imported",
    "search:settings",
    "client:levels",
    "client:availability",
    "client:manifest",
    "client:pick",
    "client:place",
    "client:broadcast",
)
MESSAGES = ("alarms:paymentDeclined", "alarms:refundedTwice", "alarms:coldCache", "alarms:lateDelivery")
IN_PROCESS = ("again", "async", "timer")
BEHIND_HTTP = ("http",)
UNCAUGHT = "uncaught"
BUNDLE, MINIFIED = "bundle", "minified"


def install() -> None:
    """`npm ci` in node/, where it was not done for this lock. Raises RuntimeError with what to install, or ProgramError."""
    lock = FOLDER / "package-lock.json"
    done = MODULES / ".installed"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    path = node.search_path()
    npm = shutil.which("npm", path=path) or "npm"
    programs.run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], FOLDER, environment={**os.environ, "PATH": path})
    done.write_bytes(lock.read_bytes())


def executable() -> str:
    """Node.js. Raises RuntimeError with what to install."""
    return shutil.which("node", path=node.search_path()) or "node"


def esbuild(entry: str, folder: Path, *options: str) -> Path:
    """Bundle `entry` into `folder`/dist under a name that holds its hash; returns the file."""
    tool = MODULES / "esbuild" / "bin" / "esbuild"
    programs.run([executable(), str(tool), entry, "--bundle", "--outdir=dist", "--entry-names=[name]-[hash]", *options], folder)
    return next((folder / "dist").glob("*.js"))


def program(form: str, folder: Path) -> str:
    """The file to run, relative to `folder`, bundled where `form` asks for it."""
    if form not in {BUNDLE, MINIFIED}:
        return "main.js"
    minify = ["--minify"] if form == MINIFIED else []
    return str(esbuild("main.js", folder, "--platform=node", "--external:@sentry/node", *minify).relative_to(folder))


def run(variation: Variation, targets: list[str], sandbox: Path, dsn: str, ping_url: str, form: str = "source") -> None:
    """Write the program for `variation` into `sandbox` and run it; raises ProgramError where it fails."""
    folder = sandbox / variation.folder
    render.write(FOLDER / "app", folder, shift=variation.shift, cosmetic=variation.cosmetic)
    (folder / "node_modules").symlink_to(MODULES)
    command = [variation.runtime or executable(), program(form, folder)]
    uncaught = variation.mode == UNCAUGHT
    for chosen in [[target] for target in targets] if uncaught else [targets]:
        programs.run(command, folder, json.dumps(run_of(variation, chosen, dsn, ping_url)), may_fail=uncaught)


def generic_paths(variation: Variation, sandbox: Path) -> dict[str, str]:
    """What in an event names this machine, and what stands there instead."""
    return {str(MODULES): f"/{variation.folder}/node_modules", str(sandbox): "", platform.release(): "6.8.0-45-generic"}
