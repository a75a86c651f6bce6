"""Which test shows which sentence of the privacy policy: docs/privacy.md is made from it.

python -m tests.policy.table      writes docs/privacy.md anew (`make privacy`); a test fails where it is not up to date
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from local.folders import ROOT
from tests.policy.sentences import APART, SECTIONS, SENTENCES

FILE = ROOT / "docs/privacy.md"
MODULES = sorted(path.stem for path in Path(__file__).parent.glob("test_policy_[0-9]*.py"))
Test = TypeVar("Test", bound=Callable[..., Any])
HEAD = (
    "# The privacy policy, sentence by sentence\n\n"
    "Written by `make privacy` from tests/policy/, where each factual sentence of the policy stands in our own words and is "
    "shown through the real interfaces. A sentence without a row fails the build. What a deployment says of itself to "
    "everybody is the page `/privacy`: whom it has configured, and for how long it keeps things, from its settings "
    "([deploy.md](deploy.md)).\n"
)


class Row(NamedTuple):
    """mechanism: what makes the sentence true; tests: `tests/…/test_x.py::test_name`, first the one here."""

    sentence: str
    mechanism: str
    tests: tuple[str, ...]


_rows: dict[tuple[str, str], Row] = {}


def shows(*sentences: str, by: str, also: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """Say of a test which sentences it shows, by which mechanism, and which tests elsewhere show more of it."""

    def declare(test: Test) -> Test:
        own = f"tests/policy/{test.__module__.rpartition('.')[2]}.py::{test.__name__}"
        for sentence in sentences:
            if sentence not in SENTENCES:
                raise ValueError(f"there is no sentence {sentence}")
            _rows[sentence, own] = Row(sentence, by, (own, *also))
        return test

    return declare


def rows() -> list[Row]:
    """All of them, in the order of the policy."""
    for name in MODULES:
        importlib.import_module(f"tests.policy.{name}")
    order = list(SENTENCES)
    return sorted(_rows.values(), key=lambda row: (order.index(row.sentence), row.tests))


def there(test: str) -> bool:
    """Whether there is such a test."""
    file, _, name = test.partition("::")
    if not (ROOT / file).is_file():
        return False
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name for node in ast.walk(tree))


def text() -> str:
    """docs/privacy.md."""
    found = rows()
    parts = [HEAD]
    for number, title in SECTIONS.items():
        parts.append(f"\n## {number}. {title}\n\n| sentence | mechanism | shown by |\n|---|---|---|\n")
        for sentence, says in SENTENCES.items():
            if sentence.partition(".")[0] != str(number):
                continue
            own = [row for row in found if row.sentence == sentence]
            parts += [f"| {sentence} {says} | {row.mechanism} | {'<br>'.join(map(_link, row.tests))} |\n" for row in own]
            if sentence in APART:
                parts.append(f"| {sentence} {says} | beyond code | {APART[sentence]} |\n")
    return "".join(parts)


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})"


if __name__ == "__main__":
    from tests.policy import table  # which the tests register with

    FILE.write_text(table.text(), encoding="utf-8")
