"""public/vendor holds what its manifest says, file by file, and nothing else that runs."""

from __future__ import annotations

import json
import re

import pytest

from local.vendor import FOLDER, SOURCES, Source, changed, sha256

MANIFEST = json.loads((FOLDER / "manifest.json").read_text())


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"])
def test_a_vendored_file_is_the_one_that_was_vendored(entry: dict[str, str]) -> None:
    assert sha256((FOLDER / entry["file"]).read_bytes()) == entry["sha256"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])


def test_nothing_runs_that_the_manifest_does_not_name() -> None:
    named = {entry["file"] for entry in MANIFEST}
    assert {file.name for file in FOLDER.iterdir()} - named == {"manifest.json"} | {
        file.name for file in FOLDER.glob("*.d.ts")
    }
    assert named == {source.name for source in SOURCES}


def test_every_library_comes_with_its_licence() -> None:
    assert {f"{source.package}.LICENSE" for source in SOURCES} == {file.name for file in FOLDER.glob("*.LICENSE")}


def test_a_vendored_module_names_no_other_site_and_no_bare_module() -> None:
    for file in FOLDER.glob("*.js"):
        assert re.findall(r"""[}\w*]\s*from\s*["'](?!\./)""", file.read_text()) == [], file.name
        assert "sourceMappingURL" not in file.read_text(), file.name


def test_a_replacement_that_fits_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        changed(Source("preact", "x", "y", (("absent", ""),)), b"text")
