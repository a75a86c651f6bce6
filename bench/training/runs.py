"""Makes the events that a dictionary is trained on: many frameworks' faults, as the real SDKs report them.

The programs in python/ and node/ are rendered into a temporary folder and run in environments of their own. What an event says of
this machine is replaced by where containers usually keep things, and what it says of the programs' own code is taken out:
everybody has frameworks' lines in their events, and nobody has ours.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import tempfile
import venv
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tests.sdk import collector, node_runs, programs, render
from tests.sdk.capture import translated

FOLDER = Path(__file__).parent
PYTHON_MODULES = ("stdlib", "web_flask", "web_django", "web_fastapi", "storage", "clients", "work")
NODE_MODULES = ("servers", "clients")
ROUNDS = 3
Event: TypeAlias = dict[str, Any]


class Site(NamedTuple):
    """Where a deployment keeps its own code, its packages and its runtime, and what it calls itself."""

    code: str
    packages: str
    runtime: str
    release: str
    environment: str
    server_name: str
    traces: float


SITES = (
    Site("app", "/usr/local/lib/{python}/site-packages", "/usr/local", "web@2.14.0", "production", "web-5d8f7c9b4-kx2lp", 1.0),
    Site(
        "usr/src/app", "/usr/local/lib/{python}/site-packages", "/usr/local", "9f86d081884c7d65", "staging", "ip-10-0-3-17", 0.0
    ),
    Site("srv/app", "/srv/app/.venv/lib/{python}/site-packages", "/usr", "1.0.3", "production", "app-1.example.com", 1.0),
    Site("var/task", "/var/task", "/var/lang", "api@20261101", "prod", "169.254.10.1", 0.0),
)


def environment(work: Path, interpreter: str) -> str:
    """The Python of a virtual environment with requirements.txt, made in `work` where it is missing."""
    name = programs.run([interpreter, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"], work).strip()
    folder = work / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter, "-m", venv.__name__, str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(FOLDER / "requirements.txt")], check=True)
    return str(python)


def node_modules(work: Path) -> Path:
    """The folder of node/package-lock.json's packages, installed into `work` where it is missing."""
    folder = work / "node"
    if not (folder / "node_modules").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(FOLDER / "node" / name, folder)
        npm = shutil.which("npm") or "npm"
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder / "node_modules"


def told(site: Site, module: str, dsn: str) -> dict[str, Any]:
    """What a program reads from its standard input."""
    return {"module": module, "dsn": dsn, "rounds": ROUNDS, "seed": f"{site.release} {module}"} | {
        name: getattr(site, name) for name in ("release", "environment", "server_name", "traces")
    }


def sent(site: Site, run: Callable[[Path, str], dict[str, str]]) -> Iterator[Event]:
    """The events that `run(folder, dsn)` sends; it returns what to replace in them."""
    with collector.listening() as collecting, tempfile.TemporaryDirectory() as sandbox:
        folder = Path(sandbox).resolve() / site.code
        machine = run(folder, collecting.dsn) | {
            str(folder.parents[site.code.count("/")]): "",
            platform.release(): "6.8.0-45-generic",
        }
        for event in collecting.events():
            yield without_own_code(translated(event, machine))


def python_events(work: Path, interpreters: list[str]) -> Iterator[Event]:
    """Every module on every site, the interpreters taking turns."""
    pythons = cycle([environment(work, interpreter) for interpreter in interpreters])
    for module in PYTHON_MODULES:
        for site, python in zip(SITES, pythons, strict=False):
            yield from sent(site, lambda folder, dsn: run_python(folder, dsn, python, module, site))  # noqa: B023 - used at once


def run_python(folder: Path, dsn: str, python: str, module: str, site: Site) -> dict[str, str]:
    """Run one module; returns this machine's paths and what stands there on `site`."""
    render.write(FOLDER / "python", folder)
    programs.run([python, "train.py"], folder, json.dumps(told(site, module, dsn)))
    lines = "import sys, sysconfig; print(sysconfig.get_path('purelib'), sys.prefix, sys.base_prefix, sep='\\n')"
    packages, prefix, base = programs.run([python, "-c", lines], folder).splitlines()
    generic = site.packages.format(python=Path(packages).parent.name)
    return {packages: generic, f"{packages}64": generic, prefix: site.runtime, base: site.runtime}


def node_events(work: Path) -> Iterator[Event]:
    """Every module on every site, and a minified bundle in a page."""
    modules = node_modules(work)
    for module in NODE_MODULES:
        for site in SITES:
            yield from sent(site, lambda folder, dsn: run_node(folder, dsn, modules, module, site))  # noqa: B023 - used at once
    for site in SITES:
        yield from sent(site, lambda folder, dsn: run_page(folder, dsn, modules, site))  # noqa: B023 - used at once


def run_node(folder: Path, dsn: str, modules: Path, module: str, site: Site) -> dict[str, str]:
    """Run one module; returns this machine's paths and what stands there on `site`."""
    render.write(FOLDER / "node" / "app", folder)
    (folder / "node_modules").symlink_to(modules)
    programs.run([node_runs.executable(), "train.js"], folder, json.dumps(told(site, module, dsn)))
    return {str(modules): f"/{site.code}/node_modules", str(Path(node_runs.executable()).parent): "/usr/local/bin"}


def run_page(folder: Path, dsn: str, modules: Path, site: Site) -> dict[str, str]:
    """Bundle browser.js and run it in a page that jsdom makes."""
    render.write(FOLDER / "node" / "app", folder)
    (folder / "node_modules").symlink_to(modules)
    esbuild = [node_runs.executable(), str(modules / "esbuild" / "bin" / "esbuild"), "browser.js", "--bundle", "--minify"]
    programs.run([*esbuild, "--outdir=dist", "--entry-names=[name]-[hash]"], folder)
    bundle = next((folder / "dist").glob("*.js"))
    programs.run(
        [node_runs.executable(), "page.js", str(bundle)],
        folder,
        json.dumps(told(site, "browser", dsn) | {"word": site.server_name}),
    )
    return {str(modules): f"/{site.code}/node_modules"}


def without_own_code(event: Event) -> Event:
    """The event without the source lines and plain values of the programs in this folder."""
    stacks = [event, *event.get("exception", {}).get("values", []), *event.get("threads", {}).get("values", [])]
    for frame in (frame for stack in stacks for frame in (stack.get("stacktrace") or {}).get("frames", [])):
        if frame.get("in_app"):
            for name in ("pre_context", "context_line", "post_context"):
                frame.pop(name, None)
            frame["vars"] = {name: value for name, value in frame.get("vars", {}).items() if str(value).startswith("<")}
    return event
