"""What may not be deployed is refused: each row spoils one thing of a build that is otherwise good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import vercel
from local.folders import ROOT

FILES = {"api/ingest.py": "api/ingest.py", "lib/db.py": "lib/db.py"} | {
    f"_vendor/{name}/__init__.py": ".vercel/python/x.py" for name in ("starlette", "psycopg")
}
CONFIG: dict[str, Any] = {
    "framework": None,
    "functions": {"api/**/*.py": {"excludeFiles": "tests/**"}},
    "rewrites": [{"source": "/api/x", "destination": "/api/ingest"}],
    "crons": [{"path": "/api/ingest", "schedule": "0 0 * * *"}],
}


def write(file: Path, content: Any = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as it is after a good `vercel build`."""
    for name in ("api/ingest.py", "lib/db.py", "public/index.html", ".vercel/python/x.py", ".env", "tests/x.py"):
        write(tmp_path / name)
    output = tmp_path / ".vercel/output"
    write(tmp_path / "vercel.json", CONFIG)
    write(output / "config.json", {"crons": CONFIG["crons"]})
    write(output / "static/index.html")
    write(output / "functions/api/ingest.func/.vc-config.json", {"filePathMap": FILES})
    write(output / "functions/api/ingest.func/vc__handler__python.py")
    return tmp_path


def bundle(project: Path, files: dict[str, str]) -> None:
    write(project / ".vercel/output/functions/api/ingest.func/.vc-config.json", {"filePathMap": files})


def config(project: Path, **changes: Any) -> None:
    write(project / "vercel.json", CONFIG | changes)


def test_a_good_build_passes(project: Path) -> None:
    assert vercel.check(project)[0].startswith("    /api/ingest: 5 files")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda project: config(project, framework="fastapi"), "framework"),
        (lambda project: write(project / "vercel.json", {}), "framework"),
        (lambda project: config(project, functions={"api/*.py": {"excludeFiles": "x" * 257}}), "256 characters"),
        (lambda project: config(project, rewrites=[{"source": "/x", "destination": "/api/gone"}]), "/api/gone"),
        (lambda project: config(project, crons=[]), "crons"),
        (lambda project: write(project / "api/unbuilt.py"), "/api/unbuilt"),
        (lambda project: write(project / ".vercel/output/functions/api/more.func/.vc-config.json", {}), "/api/more"),
        (lambda project: write(project / ".vercel/output/static/lib/db.py"), "lib/db.py"),
        (lambda project: bundle(project, FILES | {".env": ".env"}), ".env"),
        (lambda project: bundle(project, FILES | {"tests/x.py": "tests/x.py"}), "tests/x.py"),
        (lambda project: bundle(project, {"api/ingest.py": "api/ingest.py"}), "lacks starlette"),
    ],
)
def test_a_bad_build_is_refused_with_its_reason(project: Path, spoil: Callable[[Path], None], reason: str) -> None:
    spoil(project)
    with pytest.raises(vercel.RefusedError, match=reason):
        vercel.check(project)


def test_the_committed_settings_hold_without_a_build() -> None:
    """The quick half of `make vercel`."""
    settings = json.loads((ROOT / "vercel.json").read_text())
    assert list(vercel._wrong_settings(settings)) == []
    assert (ROOT / "public/index.html").exists()  # without public/, Vercel would publish lib/ and db/
    assert not (ROOT / "pyproject.toml").exists()  # it would silently take the place of requirements.txt
