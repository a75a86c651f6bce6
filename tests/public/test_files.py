"""The pages as files: small, without anything inline, and without a way for text to become markup."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from local.folders import ROOT
from local.host import Host
from local.routing import Router

PUBLIC = ROOT / "public"
OURS = [file for file in sorted(PUBLIC.rglob("*.js")) if file.parent.name != "vendor"]
FIRST_LOAD_BYTES_MAX = 150_000
ALL_BYTES_MAX = 180_000
IMPORT = re.compile(r"""(?:from|import)\s*\(?["'](\.{1,2}/[^"']+)["']""")
# Ways in which text becomes markup or code.
SINKS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|eval\(|new Function")


def reached(file: Path, found: set[Path] | None = None) -> set[Path]:
    """The file and all it imports, by any detour and at any time."""
    found = set() if found is None else found
    if file not in found:
        found.add(file)
        for name in IMPORT.findall(file.read_text()):
            reached((file.parent / name).resolve(), found)
    return found


def test_no_file_of_ours_turns_text_into_markup() -> None:
    assert [file.name for file in OURS if SINKS.search(file.read_text())] == []


def test_pages_hold_nothing_inline() -> None:
    for page in PUBLIC.rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), page.name
        assert not re.search(r"<style|\sstyle=|\son\w+=", text), page.name


def gzipped_bytes(files: set[Path]) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)


def test_a_first_load_fits_the_budget_and_all_that_is_ever_loaded_is_little_more() -> None:
    """First: what the page names itself. In the end: all views, charts included."""
    shell = {PUBLIC / "index.html", PUBLIC / "app.js", PUBLIC / "theme.js", *(PUBLIC / "style").glob("*.css")}
    named = {PUBLIC / link.lstrip("/") for link in re.findall(r'(?:href|src)="(/[^"]+)"', (PUBLIC / "index.html").read_text())}
    assert gzipped_bytes(shell | named) <= FIRST_LOAD_BYTES_MAX
    everything = shell | named | reached(PUBLIC / "app.js")
    assert gzipped_bytes(everything) <= ALL_BYTES_MAX


def test_what_the_list_needs_is_asked_for_at_once_and_not_found_out_step_by_step() -> None:
    static = re.compile(r"""^import [^;]*?['"](\.{1,2}/[^"']+)["']""", re.MULTILINE)

    def needed(file: Path, found: set[Path]) -> set[Path]:
        if file not in found:
            found.add(file)
            for name in static.findall(file.read_text()):
                needed((file.parent / name).resolve(), found)
        return found

    files = needed(PUBLIC / "app.js", set()) | needed(PUBLIC / "views" / "incidents.js", set())
    preloaded = {PUBLIC / name for name in re.findall(r'modulepreload" href="/([^"]+)"', (PUBLIC / "index.html").read_text())}
    assert files - {PUBLIC / "app.js"} <= preloaded


def test_every_import_and_every_preload_is_there() -> None:
    assert all(file.is_file() for start in OURS for file in reached(start))
    links = re.findall(r'(?:href|src)="(/[^"]+)"', (PUBLIC / "index.html").read_text())
    assert all((PUBLIC / link.lstrip("/")).is_file() for link in links)


def test_every_page_of_the_menu_leads_to_the_shell() -> None:
    router = Router(ROOT)
    patterns = re.findall(r"path: '([^']+)'", (PUBLIC / "views.js").read_text())
    assert len(patterns) > 3
    for pattern in patterns:
        found = router.find(re.sub(r":\w+", "7", pattern), "")
        assert found is not None, pattern
        assert found.file == PUBLIC / "index.html", pattern


def test_the_pages_policy_allows_nothing_foreign_and_nothing_inline() -> None:
    router = Host(ROOT).router
    for path in ("/", "/index.html", "/projects/7/incidents", "/app.js", "/vendor/htm-3.1.1.js", "/api/health", "/sign-in/x"):
        headers = dict(router.headers_for(path))
        policy = headers[b"content-security-policy"].decode()
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers[b"x-content-type-options"] == b"nosniff"
    # The function writes its own, with this deployment's Clerk in it.
    assert b"content-security-policy" not in dict(router.headers_for("/sign-in"))
