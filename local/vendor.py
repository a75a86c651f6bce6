"""Fetch the page's libraries from npm into public/vendor, and write down what came from where: `python -m local.vendor`.

The pages have no build step: what stands in public/vendor is what the browser reads. Running this again changes nothing but
for a new version here.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from local import node
from local.folders import ROOT

FOLDER = ROOT / "public" / "vendor"
PACKAGES = {"preact": "11.2.0", "htm": "3.1.1", "uplot": "1.6.32"}


class Source(NamedTuple):
    """A file of a package, the name it gets here, and the texts that are replaced in it (a browser finds no bare names)."""

    package: str
    path: str
    name: str
    replaced: tuple[tuple[str, str], ...] = ()


SOURCES = (
    Source("preact", "dist/preact.mjs", "preact-11.2.0.js", (("\n//# sourceMappingURL=preact.mjs.map", ""),)),
    Source(
        "preact", "hooks/dist/hooks.mjs", "preact-hooks-11.2.0.js",
        (('from"preact"', 'from"./preact-11.2.0.js"'), ("\n//# sourceMappingURL=hooks.mjs.map", "")),
    ),
    Source("htm", "dist/htm.mjs", "htm-3.1.1.js"),
    Source("uplot", "dist/uPlot.esm.js", "uplot-1.6.32.js"),
    Source("uplot", "dist/uPlot.min.css", "uplot-1.6.32.css"),
    Source("preact", "LICENSE", "preact.LICENSE"),
    Source("htm", "LICENSE", "htm.LICENSE"),
    Source("uplot", "LICENSE", "uplot.LICENSE"),
)  # fmt: skip


def sha256(content: bytes) -> str:
    """As hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def changed(source: Source, content: bytes) -> bytes:
    """The file as it stands here. Raises ValueError where a text that is to be replaced is not in it exactly once."""
    for old, new in source.replaced:
        if content.count(old.encode()) != 1:
            raise ValueError(f"{source.path} of {source.package} does not hold {old!r} once")
        content = content.replace(old.encode(), new.encode())
    return content


def copy(modules: Path) -> list[dict[str, Any]]:
    """Write every file of SOURCES; returns the entries of the manifest."""
    entries = []
    for source in SOURCES:
        original = (modules / source.package / source.path).read_bytes()
        kept = changed(source, original)
        (FOLDER / source.name).write_bytes(kept)
        entries.append({
            "file": source.name, "package": source.package, "version": PACKAGES[source.package], "path": source.path,
            "path_sha256": sha256(original), "sha256": sha256(kept), "replaced": source.replaced,
        })  # fmt: skip
    return entries


def main() -> int:
    """Returns the exit status."""
    manifest = json.dumps({"private": True, "dependencies": PACKAGES})
    FOLDER.mkdir(parents=True, exist_ok=True)
    entries = copy(node.install("vendor", manifest))
    (FOLDER / "manifest.json").write_text(json.dumps(entries, indent=2) + "\n")
    print("\n".join(f"{entry['sha256'][:12]}  {entry['file']}" for entry in entries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
