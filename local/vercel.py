"""Build as Vercel would, without a login, check what would be deployed, and run the built ingest function.

    python -m local.vercel

It works on a copy of the files that git knows or would take, because `vercel build` writes pyproject.toml and uv.lock into
the root. The function runs under the runtime shim that Vercel itself puts into the bundle, and takes in one event.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local import node
from local.folders import ROOT
from local.routing import find_functions
from local.setup import find_uv

CLI = "vercel@64.0.2"
MANIFEST = json.dumps(
    {"private": True, "dependencies": {"vercel": CLI.partition("@")[2]}, "overrides": {"sandbox": "4.5.0"}}, indent=2
)
PROJECT = {"projectId": "prj_none", "orgId": "team_none", "settings": {"framework": None, "nodeVersion": "20.x"}}
PYTHONS = ("3.12", "3.13", "3.14")  # what Vercel runs, its default first
FUNCTIONS_MAX = 12  # Hobby plan
BUNDLE_BYTES_MAX = 500_000_000
EXCLUDE_CHARACTERS_MAX = 256
# Put into the copy before the build, to see that they stay out of the bundles: people deploy from folders that hold such files.
DECOYS = (".env", ".env.local", "tests/x.py", "bench/x.py", "local/x.py", "docs/x.md", ".local/dev.json", ".tools/x", ".ci/x")
FORBIDDEN = ("tests/", "bench/", "local/", "docs/", "public/", ".env", ".local/", ".tools/", ".ci/", ".git/")


class RefusedError(Exception):
    """The build, or what it made, is not what may be deployed."""


def main() -> int:
    """Returns the exit status; what could not be run here is said loudly."""
    python = find_python()
    uv = find_uv()
    if python is None or uv is None:
        missing = "uv" if python else f"a Python of {', '.join(PYTHONS)}"
        print(f"NOT RUN: the Vercel build, and the built function. What is missing: {missing}.", flush=True)
        return 0
    try:
        with _copy_of_project() as project:
            build(project, python, uv)
            report = check(project)
            print("\n".join(report), flush=True)
            _try_ingest(project, python)
    except (RefusedError, RuntimeError) as reason:
        print(f"\nRefused: {reason}", file=sys.stderr)
        return 1
    return 0


def find_python() -> tuple[str, Path] | None:
    """(version, program) of a Python that Vercel runs: on PATH, of pyenv or of uv, or, at last, installed by uv into .tools."""
    home = Path.home()
    folders = [Path(sys.base_prefix) / "bin", *map(Path, os.environ["PATH"].split(os.pathsep))]
    folders += sorted((Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions").glob("*/bin"))
    folders += sorted((home / ".local" / "share" / "uv" / "python").glob("*/bin")) + sorted(
        (ROOT / ".tools/python").glob("*/bin")
    )
    for version in PYTHONS:
        for folder in folders:
            program = folder / f"python{version}"
            if program.exists() and _answers(program, version):
                return version, program
    return _install_python(PYTHONS[0])


def _answers(program: Path, version: str) -> bool:
    """A name on PATH may be a shim that refuses to run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def _install_python(version: str) -> tuple[str, Path] | None:
    uv, folder = find_uv(), ROOT / ".tools" / "python"
    if uv is None:
        return None
    print(f"    no Python {version} is installed here: asking uv for one", flush=True)
    subprocess.run([uv, "python", "install", "--quiet", "--no-bin", "--install-dir", folder, version], check=False)
    found = next(iter(sorted(folder.glob(f"*/bin/python{version}"))), None)
    return (version, found) if found else None


@contextmanager
def _copy_of_project() -> Iterator[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="sensra-vercel-") as name:
        project = Path(name) / "project"
        for file in filter(None, listing.stdout.split("\0")):
            if (ROOT / file).is_file():
                (project / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / file, project / file)
        yield project


# -- the build -------------------------------------------------------------------------------------------------------


def build(project: Path, python: tuple[str, Path], uv: Path) -> None:
    """Run `vercel build` in `project`; raises RefusedError with the end of its output where it fails."""
    version, program = python
    for decoy in DECOYS:
        (project / decoy).parent.mkdir(parents=True, exist_ok=True)
        (project / decoy).write_text("decoy\n")
    (project / ".vercel").mkdir()
    (project / ".vercel" / "project.json").write_text(json.dumps(PROJECT))
    (project / ".python-version").write_text(f"{version}\n")
    programs = project.parent / "bin"
    programs.mkdir()
    for name in (f"python{version}", "python3", "python"):
        (programs / name).symlink_to(program)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}},
        "PATH": os.pathsep.join([str(programs), str(uv.parent), node.search_path()]),
        "VERCEL_TELEMETRY_DISABLED": "1",
    }
    # A folder of its own for the CLI's settings: the build needs no login, and shall not find one.
    command = [
        str(node.install(CLI, MANIFEST) / ".bin" / "vercel"),
        "build",
        "--yes",
        "--global-config",
        str(project.parent / "cli"),
    ]
    print("==> vercel build", flush=True)
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(f"vercel build ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")


def check(project: Path) -> list[str]:
    """Hold the build's output against what may be deployed; returns lines about it.

    Raises RefusedError with all that is wrong.
    """
    output = project / ".vercel" / "output"
    config = json.loads((project / "vercel.json").read_text())
    functions = {
        "/" + str(folder.relative_to(output / "functions").with_suffix("")): folder
        for folder in output.rglob("functions/**/*.func")
    }
    wrong = [*_wrong_settings(config), *_wrong_functions(project, set(functions)), *_wrong_files(project, output, config)]
    lines = []
    for name, folder in sorted(functions.items()):
        files = bundle_of(project, folder)
        wrong += _wrong_bundle(name, files)
        lines.append(f"    {name}: {len(files)} files, {sum(file.stat().st_size for file in files.values()) / 1e6:.1f} MB")
    if wrong:
        raise RefusedError("\n- ".join(["what was built may not be deployed:", *wrong]))
    return lines


def bundle_of(project: Path, folder: Path) -> dict[str, Path]:
    """Name in the bundle → file of one built function."""
    config = json.loads((folder / ".vc-config.json").read_text())
    named = {name: project / file for name, file in config.get("filePathMap", {}).items()}
    own = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file() and file.name != ".vc-config.json"}
    return named | own


def _wrong_settings(config: dict[str, Any]) -> Iterator[str]:
    if "framework" not in config or config["framework"] is not None:
        yield '"framework" is not null in vercel.json: the files of api/ would stop being functions'
    for pattern, settings in config.get("functions", {}).items():
        if len(settings.get("excludeFiles", "")) > EXCLUDE_CHARACTERS_MAX:
            yield f"excludeFiles of {pattern} is longer than {EXCLUDE_CHARACTERS_MAX} characters"


def _wrong_functions(project: Path, built: set[str]) -> Iterator[str]:
    written = {name for name, _ in find_functions(project)}
    if built != written:
        yield f"functions built and files of api/ differ: {sorted(built ^ written)}"
    if len(built) > FUNCTIONS_MAX:
        yield f"{len(built)} functions, and the Hobby plan takes {FUNCTIONS_MAX}"


def _wrong_files(project: Path, output: Path, config: dict[str, Any]) -> Iterator[str]:
    static = {str(file.relative_to(output / "static")) for file in (output / "static").rglob("*") if file.is_file()}
    public = {str(file.relative_to(project / "public")) for file in (project / "public").rglob("*") if file.is_file()}
    if static != public:
        yield f"published files and public/ differ: {sorted(static ^ public)[:10]}"
    routes = json.loads((output / "config.json").read_text())
    if len(routes.get("crons", [])) != len(config.get("crons", [])):
        yield "crons are missing from the build"
    functions = {name for name, _ in find_functions(project)}
    for rule in config.get("rewrites", []):
        target = rule["destination"].partition("?")[0]
        if target.startswith("/api") and target not in functions:
            yield f"the rewrite of {rule['source']} leads to {target}, which is no function"


def _wrong_bundle(name: str, files: dict[str, Path]) -> Iterator[str]:
    leaked = [file for file in files if file.startswith(FORBIDDEN)]
    if leaked:
        yield f"the bundle of {name} holds {leaked[:5]}"
    # A pyproject.toml in the root would silently take the place of requirements.txt.
    for package in ("starlette", "psycopg"):
        if f"_vendor/{package}/__init__.py" not in files:
            yield f"the bundle of {name} lacks {package}"
    size = sum(file.stat().st_size for file in files.values())
    if size > BUNDLE_BYTES_MAX:
        yield f"the bundle of {name} has {size} bytes"


# -- the built function ----------------------------------------------------------------------------------------------


def _try_ingest(project: Path, python: tuple[str, Path]) -> None:
    """Run the bundle of /api/ingest in a folder of its own and send it an event over HTTP."""
    from local import shim, testing

    bundle = project.parent / "bundle"
    for name, file in bundle_of(project, project / ".vercel/output/functions/api/ingest.func").items():
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, bundle / name)
    server = testing.start_server()
    try:
        with testing.database(server.url, "vercel") as url:
            took = shim.take_in_one_event(bundle, python[1], url)
    finally:
        server.stop()
    print(f"    the built ingest function took in one event; it was ready {took} ms after its start", flush=True)


if __name__ == "__main__":
    sys.exit(main())
