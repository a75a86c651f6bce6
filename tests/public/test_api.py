"""The table of calls in public/lib/api.js against the routes of the functions."""

from __future__ import annotations

import importlib
import json
import re

import pytest
from starlette.routing import Route

from lib.permissions import PERMISSIONS, SCOPES
from local.folders import ROOT
from local.routing import Router, find_functions
from tests.cases import each

TABLE = re.findall(r"^  (\w+): '([A-Z]+) (/api/[^']*)',$", (ROOT / "public/lib/api.js").read_text(), re.MULTILINE)
CALL = re.compile(r"""\b(?:call|download|addressOf)\(\s*'(\w+)'""")


MAY = re.compile(r"""\bmay\([\w.]+, '([a-z:]+)'\)""")
OURS = [file for file in sorted((ROOT / "public").rglob("*.js")) if file.parent.name != "vendor"]


def routes() -> set[tuple[str, str]]:
    """(method, path) of every route, parameters without their convertors."""
    found = set()
    for name, _ in find_functions(ROOT):
        app = importlib.import_module(name.strip("/").replace("/", ".")).app
        for route in app.routes:
            assert isinstance(route, Route)
            path = re.sub(r":\w+}", "}", route.path)
            found |= {(method, path) for method in route.methods or ()}
    return found


@each(("name", "method", "path"), TABLE)
def test_a_call_of_the_pages_is_an_operation_of_the_api(name: str, method: str, path: str) -> None:
    assert (method, path) in routes()


@each(("name", "method", "path"), TABLE)
def test_a_call_of_the_pages_reaches_a_function_on_vercel(name: str, method: str, path: str) -> None:
    found = Router(ROOT).find(re.sub(r"{\w+}", "7", path), "")
    assert found is not None
    assert found.is_function


def test_the_table_is_whole_and_nothing_in_it_is_unused() -> None:
    used = {
        name
        for file in OURS
        for name in CALL.findall(file.read_text())
    }
    assert used == {name for name, _, _ in TABLE}


def test_the_table_is_that_of_the_openapi_document() -> None:
    paths = json.loads((ROOT / "public/api/openapi.json").read_text())["paths"]
    told = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    # Health is asked by monitors too, so it stands beside the management API.
    assert {(method, path) for _, method, path in TABLE} - told == {("GET", "/api/health")}


def test_pages_ask_for_permissions_that_there_are_and_never_for_a_role() -> None:
    texts = {file.name: file.read_text() for file in OURS}
    asked = {name for text in texts.values() for name in MAY.findall(text)}
    assert len(asked) > 8
    assert asked <= set(PERMISSIONS)
    assert [name for name, text in texts.items() if re.search(r"\.role\s*[=!]==?", text)] == []


def test_an_api_key_can_be_given_every_scope_that_there_is() -> None:
    [listed] = re.findall(r"const SCOPES = \[([^\]]+)\]", (ROOT / "public/views/keys.js").read_text())
    assert set(re.findall(r"'([^']+)'", listed)) == set(SCOPES)


def test_no_other_file_of_the_pages_names_an_address_of_the_api() -> None:
    """But for how to sign in, which is asked before there is anybody; privacy's own page; and what people are to paste."""
    apart = {"api.js", "session.js", "sign-in.js", "privacy.js", "snippets.js"}
    assert {file.name for file in OURS if "/api/" in file.read_text()} - apart == set()
