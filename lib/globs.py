"""Glob patterns over several lines of several fields at once: each character of a pattern is one step over all lines together.

`*` stands for anything, `?` for one character, everything else for itself; upper and lower case are the same.

A column's values stand in one row of bits, a line after the other, each followed by at least one free place. A bit says "fitted
as far as here": a character shifts the bits that stand before it, `*` lets each run on to the end of its value. So the time is
that of one step over CHARS_MAX bits for each character of the patterns, whatever stands in either. RE2 is of no use here: `*a`
and sixteen `?` are an automaton of 65,536 states, of which each value needs others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

VALUE_CHARS_MAX = 1_000  # of one value
CHARS_MAX = 14_000  # of all different lines, each as long as its longest value
_FREE = "\x1f"
_SPACES = str.maketrans({_FREE: " ", "\n": " ", "\r": " "})


class Table:
    """Lines of fields. Lines that are the same count once; where they are too much together, the last ones count."""

    def __init__(self, lines: Iterable[Sequence[str]]) -> None:
        self._numbers = _numbered(lines)
        self._widths = [1 + max(map(len, line)) for line in self._numbers]
        self._columns: dict[int, _Column] = {}

    @cached_property
    def starts(self) -> int:
        """A bit where each line starts."""
        return _row("1" + "0" * (width - 1) for width in self._widths)

    @cached_property
    def lasts(self) -> int:
        """A bit at the last place of each line, which is always free."""
        return _row("0" * (width - 1) + "1" for width in self._widths)

    def fitting(self, column: int, pattern: str) -> int:
        """The lines whose value in a column fits, each by its bit of `lasts`."""
        if column not in self._columns:
            values = [line[column] for line in self._numbers]
            self._columns[column] = _Column(values, self._widths, self.starts, self.lasts)
        return self._columns[column].fitting(pattern)

    def numbers(self, fitting: int) -> set[int]:
        """The numbers of these lines as they were given, from 0."""
        found: set[int] = set()
        bits, place = f"{fitting:b}"[::-1], -1
        for numbers, width in zip(self._numbers.values(), self._widths, strict=True):
            place += width
            if bits[place : place + 1] == "1":
                found.update(numbers)
        return found


class _Column:
    """One field of all lines, as a row of bits."""

    def __init__(self, values: Sequence[str], widths: Sequence[int], starts: int, lasts: int) -> None:
        self._text = "".join(value.ljust(width, _FREE) for value, width in zip(values, widths, strict=True))
        self._starts, self._lasts = starts, lasts
        self._taken = _row("1" * len(value) + "0" * (width - len(value)) for value, width in zip(values, widths, strict=True))
        self._places: dict[str, int] = {}
        self._known: dict[str, int] = {}

    def fitting(self, pattern: str) -> int:
        """The lines that fit, each by the bit of its last place. Patterns are asked again and again: each is looked at once."""
        if pattern not in self._known:
            self._known[pattern] = self._looked_up(pattern)
        return self._known[pattern]

    def _looked_up(self, pattern: str) -> int:
        fitted = self._starts
        for one in pattern:
            if one == "*":
                fitted = _onwards(fitted, self._taken)
            else:
                fitted = (fitted & (self._taken if one == "?" else self._places_of(one))) << 1
            if not fitted:
                return 0
        # A start and the run of its value add up to the place behind it.
        ends = self._starts + self._taken
        free = ((1 << len(self._text)) - 1) ^ self._taken ^ self._lasts
        return _onwards(fitted & ends, free) & self._lasts

    def _places_of(self, one: str) -> int:
        if one not in self._places:
            bits = bytearray(len(self._text) // 8 + 1)
            at = self._text.find(one)
            while at >= 0:
                bits[at >> 3] |= 1 << (at & 7)
                at = self._text.find(one, at + 1)
            self._places[one] = int.from_bytes(bits, "little")
        return self._places[one]


class Globs:
    """One glob a field, None where any value fits. All of a line's fields must fit."""

    def __init__(self, patterns: Sequence[str | None]) -> None:
        self._columns = [(at, plain(pattern)) for at, pattern in enumerate(patterns) if pattern is not None]

    def fits(self, table: Table) -> bool:
        """Whether any line fits."""
        return self.fitting(table) != 0

    def fitting(self, table: Table) -> int:
        """The lines that fit, for `Table.numbers`."""
        found = table.lasts
        for column, pattern in self._columns:
            if found:
                found &= table.fitting(column, pattern)
        return found


def plain(text: str) -> str:
    """A text or pattern as it is compared."""
    return text.translate(_SPACES).lower()


def _onwards(places: int, runs: int) -> int:
    """Each place, and all behind it to the first that its run does not hold: the carry of a sum goes just so far."""
    return ((runs + (places & runs)) ^ runs) | places


def _row(digits: Iterable[str]) -> int:
    """Bits from their digits, the first one lowest."""
    return int("0" + "".join(digits)[::-1], 2)


def _numbered(lines: Iterable[Sequence[str]]) -> dict[tuple[str, ...], list[int]]:
    """The numbers of each different line, from the last one until CHARS_MAX are full."""
    numbers: dict[tuple[str, ...], list[int]] = {}
    chars = 0
    for number, line in reversed(list(enumerate(lines))):
        values = tuple(plain(value[:VALUE_CHARS_MAX]) for value in line)
        if values not in numbers:
            chars += 1 + max(map(len, values))
            if chars > CHARS_MAX:
                break
            numbers[values] = []
        numbers[values].append(number)
    return numbers
