"""The table of calls in public/lib/api.js against the routes of the functions."""

from __future__ import annotations

import importlib
import re

import pytest
from starlette.routing import Route

from local.folders import ROOT
from local.routing import Router, find_functions

TABLE = re.findall(r"^  (\w+): '([A-Z]+) (/api/[^']*)',$", (ROOT / "public/lib/api.js").read_text(), re.MULTILINE)
CALL = re.compile(r"""\b(?:call|download)\(\s*'(\w+)'""")


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


@pytest.mark.parametrize(("name", "method", "path"), TABLE)
def test_a_call_of_the_pages_is_an_operation_of_the_api(name: str, method: str, path: str) -> None:
    assert (method, path) in routes()


@pytest.mark.parametrize(("name", "method", "path"), TABLE)
def test_a_call_of_the_pages_reaches_a_function_on_vercel(name: str, method: str, path: str) -> None:
    found = Router(ROOT).find(re.sub(r"{\w+}", "7", path), "")
    assert found is not None
    assert found.is_function


def test_the_table_is_whole_and_nothing_in_it_is_unused() -> None:
    used = {
        name
        for file in (ROOT / "public").rglob("*.js")
        if file.parent.name != "vendor"
        for name in CALL.findall(file.read_text())
    }
    assert used == {name for name, _, _ in TABLE}
