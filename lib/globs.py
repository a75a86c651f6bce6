"""Glob patterns over several lines of several fields at once, in time linear in the text (RE2).

`*` stands for anything, `?` for one character, everything else for itself; upper and lower case are the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

import re2

FIELD, LINE = "\x1f", "\n"
_SPACES = str.maketrans({FIELD: " ", LINE: " ", "\r": " "})


class Table:
    """Lines of fields, laid out so that one search finds the lines that fit."""

    def __init__(self, lines: Iterable[Sequence[str]]) -> None:
        rows = [FIELD.join(field.translate(_SPACES) for field in line) for line in lines]
        self.text = LINE.join(rows)
        self._starts = [0, *accumulate(len(row) + 1 for row in rows)]

    def line_at(self, position: int) -> int:
        """The number of the line, from 0, that holds this position of the text."""
        return bisect_right(self._starts, position) - 1


class Globs:
    """One glob a field, None where any value fits. All of a line's fields must fit."""

    def __init__(self, patterns: Sequence[str | None]) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        fields = FIELD.join(_expression(pattern) for pattern in patterns)
        self._compiled = re2.compile(f"(?m)^{fields}$", options)

    def fits(self, table: Table) -> bool:
        """Whether any line fits."""
        return self._compiled.search(table.text) is not None

    def lines(self, table: Table) -> set[int]:
        """The numbers of the lines that fit."""
        return {table.line_at(match.start()) for match in self._compiled.finditer(table.text)}


def _expression(pattern: str | None) -> str:
    anything = f"[^{FIELD}{LINE}]*"
    if pattern is None:
        return anything
    stands = {"*": anything, "?": f"[^{FIELD}{LINE}]"}
    return "".join(stands.get(character) or re2.escape(character) for character in pattern.translate(_SPACES))
