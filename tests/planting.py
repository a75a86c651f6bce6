"""Plant a bug: one place of the source, or one query, reads differently until the test ends. For tests of tests."""

from __future__ import annotations
import __future__

import inspect
import textwrap
from importlib import import_module
from typing import Any

import pytest

from lib import queries


def plant(patch: pytest.MonkeyPatch, place: str, right: str, wrong: str) -> None:
    """`right`, which must stand in `place`, becomes `wrong`. place: `lib.access:require`, `lib.auth:Verifier.who`, or a query."""
    module, _, path = place.partition(":")
    if path:
        _plant_code(patch, import_module(module), path.split("."), right, wrong)
    else:
        _plant_query(patch, place, right, wrong)


def _plant_query(patch: pytest.MonkeyPatch, place: str, right: str, wrong: str) -> None:
    get = queries.get
    text = _changed(get(place), right, wrong)
    patch.setattr(queries, "get", lambda name: text if name == place else get(name))


def _plant_code(patch: pytest.MonkeyPatch, module: Any, path: list[str], right: str, wrong: str) -> None:
    owner = module if len(path) == 1 else getattr(module, path[0])
    found = inspect.getattr_static(owner, path[-1])
    code: Any = found.fget if isinstance(found, property) else found
    source = _changed(textwrap.dedent(inspect.getsource(code)), right, wrong)
    made: dict[str, Any] = {}
    flags = __future__.annotations.compiler_flag
    exec(compile(source, path[-1], "exec", flags, dont_inherit=True), vars(module), made)
    patch.setattr(owner, path[-1], made[path[-1]])


def _changed(text: str, right: str, wrong: str) -> str:
    assert right in text, "the place has changed: plant the bug where it would be now"
    return text.replace(right, wrong)
