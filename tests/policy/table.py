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
# What is true of bytes, and of others.
TAIL = Path(__file__).with_name("beyond.md").read_text(encoding="utf-8")


class Row(NamedTuple):
    """mechanism: what makes the sentence true; file, test: what shows it; also: names of tests elsewhere, wherever they stand."""

    sentence: str
    mechanism: str
    file: str
    test: str
    also: tuple[str, ...]


_rows: dict[tuple[str, str], Row] = {}


def shows(*sentences: str, by: str, also: tuple[str, ...] = ()) -> Callable[[Test], Test]:
    """Say of a test which sentences it shows, by which mechanism, and which tests elsewhere, by name, show more of it."""

    def declare(test: Test) -> Test:
        file = f"tests/policy/{test.__module__.rpartition('.')[2]}.py"
        for sentence in sentences:
            if sentence not in SENTENCES:
                raise ValueError(f"there is no sentence {sentence}")
            _rows[sentence, test.__name__] = Row(sentence, by, file, test.__name__, also)
        return test

    return declare


def rows() -> list[Row]:
    """All of them, in the order of the policy."""
    for name in MODULES:
        importlib.import_module(f"tests.policy.{name}")
    order = list(SENTENCES)
    return sorted(_rows.values(), key=lambda row: (order.index(row.sentence), row.test))


def names() -> set[str]:
    """Every test that there is."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py")]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for tree in trees for node in tree.body if isinstance(node, kinds)}


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
            parts += [f"| {sentence} {says} | {row.mechanism} | {_shown(row)} |\n" for row in own]
            if sentence in APART:
                parts.append(f"| {sentence} {says} | beyond code | {APART[sentence]} |\n")
    return "".join([*parts, "\n", TAIL])


def _shown(row: Row) -> str:
    return "<br>".join((f"[{_words(row.test)}](../{row.file})", *map(_words, row.also)))


def _words(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")


if __name__ == "__main__":
    from tests.policy import table  # which the tests register with

    FILE.write_text(table.text(), encoding="utf-8")
