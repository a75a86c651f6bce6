"""Make .venv hold what requirements-dev.txt pins. Standard library only: this runs before anything is installed.

    python3 local/setup.py

uv (a wheel on PyPI) is put into .tools and does it in seconds; where it cannot be had, pip does the same in a minute.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
LOCK = ROOT / "requirements-dev.txt"
UV_VERSION = "0.13.9"
PYTHON_MIN = (3, 11)
BIN = "Scripts" if os.name == "nt" else "bin"


def find_uv() -> Path | None:
    """The pinned uv in .tools, installed there if it is missing; None where pip cannot get it."""
    folder = TOOLS / f"uv-{UV_VERSION}"
    uv = folder / "bin" / ("uv.exe" if os.name == "nt" else "uv")
    if not uv.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
        done = subprocess.run([*pip, "--target", str(folder), f"uv=={UV_VERSION}"], check=False, capture_output=True, text=True)
        if done.returncode or not uv.exists():
            print("    uv cannot be installed here, so pip does it (slower)", flush=True)
            return None
    return uv


def stamp_of_lock() -> str:
    """What the environment must match: the pins and the Python that made it."""
    return f"{sys.version}\n{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n"


def install() -> None:
    """Create .venv and install the pins; raises CalledProcessError with the installer's own words on the screen."""
    python = VENV / BIN / ("python.exe" if os.name == "nt" else "python")
    uv = find_uv()
    if uv:
        env = {**os.environ, "VIRTUAL_ENV": str(VENV)}
        subprocess.run([str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)], check=True)
        subprocess.run([str(uv), "pip", "sync", "--quiet", "--compile-bytecode", str(LOCK)], check=True, env=env, cwd=ROOT)
        return
    venv.create(VENV, clear=True, with_pip=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(LOCK)], check=True)


def compile_sources() -> None:
    """Bytecode for our own folders, as Vercel's build makes it: without it every start compiles them anew."""
    python = VENV / BIN / ("python.exe" if os.name == "nt" else "python")
    subprocess.run([str(python), "-m", "compileall", "-q", "api", "lib", "db", "local"], check=False, cwd=ROOT)


def main() -> int:
    """Do nothing where the stamp fits; returns the exit status."""
    if sys.version_info < PYTHON_MIN:
        print(
            f"Sensra needs Python {PYTHON_MIN[0]}.{PYTHON_MIN[1]} or newer; this is {sys.version.split()[0]} ({sys.executable})."
        )
        print("Name another one: make PYTHON=python3.12 …")
        return 1
    stamp = VENV / ".installed"
    if stamp.exists() and stamp.read_text() == stamp_of_lock():
        compile_sources()
        return 0
    began = time.monotonic()
    print(f"==> setting up .venv with Python {sys.version.split()[0]}", flush=True)
    try:
        install()
    except subprocess.CalledProcessError as error:
        print(f"The packages of {LOCK.name} could not be installed (command: {' '.join(error.cmd[:3])} …). Is PyPI reachable?")
        return 1
    compile_sources()
    stamp.write_text(stamp_of_lock())
    print(f"    ready in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
