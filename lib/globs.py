"""Glob patterns over several lines of several fields at once, in time bounded by the limits below.

`*` stands for anything, `?` for one character, everything else for itself; upper and lower case are the same. A value's first
VALUE_CHARS_MAX characters count.

RE2 is of no use here: `*a` and sixteen `?` are an automaton of 65,536 states, of which each value needs others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

STARS_MAX = 3  # in one pattern
QUESTIONS_MAX = 16  # in one pattern
VALUE_CHARS_MAX = 200
_SPACES = str.maketrans({"\x1f": " ", "\n": " ", "\r": " "})


class Table:
    """Lines of fields. Each distinct value is asked once a pattern, however many lines and rules it stands in."""

    def __init__(self, lines: Iterable[Sequence[str]]) -> None:
        self.lines = [tuple(_plain(field[:VALUE_CHARS_MAX]) for field in line) for line in lines]
        self._known: dict[tuple[int, re.Pattern[str]], set[str]] = {}

    def fitting(self, column: int, pattern: re.Pattern[str]) -> set[str]:
        """The values of one column that fit."""
        key = column, pattern
        if key not in self._known:
            values = {line[column] for line in self.lines}
            self._known[key] = {value for value in values if pattern.match(value)}
        return self._known[key]


class Globs:
    """One glob a field, None where any value fits. All of a line's fields must fit."""

    def __init__(self, patterns: Sequence[str | None]) -> None:
        self._columns = [(at, _compiled(pattern)) for at, pattern in enumerate(patterns) if pattern is not None]

    def fits(self, table: Table) -> bool:
        """Whether any line fits."""
        return bool(self.lines(table))

    def lines(self, table: Table) -> set[int]:
        """The numbers of the lines that fit, from 0."""
        numbers = set(range(len(table.lines)))
        for column, pattern in self._columns:
            values = table.fitting(column, pattern)
            numbers = {number for number in numbers if table.lines[number][column] in values} if values else set()
            if not numbers:
                break
        return numbers


def _plain(text: str) -> str:
    return text.translate(_SPACES).lower()


def _compiled(pattern: str) -> re.Pattern[str]:
    """Between two `*` the first place that fits is as good as any: an atomic group, so nothing is tried twice."""
    first, *others = ["".join("." if one == "?" else re.escape(one) for one in part) for part in _plain(pattern).split("*")]
    if not others:
        return re.compile(rf"{first}\Z", re.DOTALL)
    inner = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    return re.compile(rf"{first}{inner}.*{others[-1]}\Z", re.DOTALL)
