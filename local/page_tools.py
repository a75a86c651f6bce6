"""What checks the pages and is not part of them, from npm: the type checker and axe. `python -m local.page_tools` checks them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from local import node
from local.folders import ROOT
from local.vendor import PACKAGES

MANIFEST = json.dumps({"private": True, "dependencies": {**PACKAGES, "typescript": "7.0.2", "axe-core": "4.14.1"}})
TYPES = ROOT / "tests" / "public" / "tsconfig.json"


def modules() -> Path:
    """The folder of node_modules, fetched once. Raises RuntimeError where Node or npm's registry is out of reach."""
    return node.install("page-tools", MANIFEST)


def check_types() -> str:
    """What the type checker has against public/*.js, or an empty string. Raises as `modules`."""
    checker = modules() / "typescript" / "bin" / "tsc"
    program = shutil.which("node", path=node.search_path()) or "node"
    done = subprocess.run([program, checker, "-p", TYPES, "--pretty", "false"], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


def main() -> int:
    """Returns the exit status."""
    found = check_types()
    print(found or "the pages' types are sound")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
