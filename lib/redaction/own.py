"""A project's own patterns and names in text, within a bound on the work that they may be.

RE2 takes linear time for one search, but one search follows every match, and a pattern such as `a(.*b)?` reads on to the end for
each `a`. So text is searched in windows, and every search is counted before it is done: its characters times the pattern's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import re2

from lib.redaction import assignments
from lib.redaction.patterns import Locate
from lib.redaction.values import bytes_of

# Characters searched times instructions of the compiled pattern, in one event: RE2 takes 5 ns each at worst, mostly 0.1.
STEPS_MAX = 40_000_000
WINDOW_CHARS = 512  # at first, and after a match; where nothing is found, four times as much, and again
WINDOW_CHARS_MAX = 8_192  # a match that fills it takes the rest of the string with it
STRIDE_CHARS = 4_096  # from one such window to the next: a match of so many characters lies in one of them as a whole

Span = tuple[int, int, str]
_PLACEHOLDER = re2.compile(r"\[redacted:[a-z0-9-]{1,13}\]")


class Budget:
    """Steps that are left for a project's patterns in one event."""

    def __init__(self, steps: int = STEPS_MAX) -> None:
        self.steps = steps

    def affords(self, chars: int, pattern: Any) -> bool:
        """Counts a search beforehand; once there is too little left for one, there is for none."""
        self.steps -= chars * pattern.programsize
        return self.steps >= 0


@dataclass(frozen=True, eq=False)
class Own:
    """patterns: RE2, one by one. joined: the same as few as can be. names: rules for the project's names. name: any of these."""

    patterns: tuple[Any, ...]
    joined: tuple[Any, ...]
    names: tuple[tuple[str, Locate, Any, int], ...]
    name: Any

    def finds(self, text: str, budget: Budget) -> bool:
        """Whether there is a place to look at, or too little left to find that out."""
        if self.name is not None and self.name.search(bytes_of(text)) is not None:
            return True
        text = sound(text)
        return any(not budget.affords(len(text), pattern) or pattern.search(text) is not None for pattern in self.joined)

    def spans(self, text: str, budget: Budget, count_max: int) -> list[Span]:
        """What the patterns match outside of placeholders, in order; the last is an overflow where that was too much."""
        text, stop = sound(text), len(text)
        found: list[tuple[int, int]] = []
        for pattern in self.patterns:
            matches = (match for start, end in _outside(text) for match in _search(pattern, text, start, end, budget))
            for number, (first, last) in enumerate(matches):
                if first >= stop:
                    break
                if last < 0 or number * len(self.patterns) >= count_max:
                    stop = first
                    break
                found.append((first, last))
        spans: list[Span] = [(first, last, "custom") for first, last in sorted(found) if first < stop]
        if stop < len(text):  # a match may reach beyond: then its placeholder is followed by that of the rest
            spans.append((max([stop, *(last for _, last, _ in spans)]), len(text), "overflow"))
        return spans


def own(names: frozenset[tuple[str, ...]], patterns: tuple[Any, ...]) -> Own | None:
    """What a project's names (as words) and patterns find in text; None where it has none."""
    if not names and not patterns:
        return None
    return Own(patterns, _joined(patterns), *_names(names))


def sound(text: str) -> str:
    """The text as UTF-8 can say it, of the same length: lone surrogates become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _options(**more: Any) -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    for name, value in more.items():
        setattr(options, name, value)
    return options


def _joined(patterns: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(patterns) < 2:
        return patterns
    try:
        joined = "|".join(f"(?:{pattern.pattern})" for pattern in patterns)
        return (re2.compile(joined, _options(max_mem=len(patterns) << 20)),)
    except re2.error:  # two name a group alike
        return patterns


def _names(names: frozenset[tuple[str, ...]]) -> tuple[tuple[tuple[str, Locate, Any, int], ...], Any]:
    if not names:
        return (), None
    # Between two words of a name stands what separates words, or nothing, as in camelCase.
    telling = "|".join(sorted(r"[0-9_.\-]*".join(re2.escape(bytes_of(word).decode()) for word in name) for name in names))
    named, flag = assignments.named_pattern(telling), assignments.flag_pattern(telling)
    options = _options(never_capture=True)
    rules = (
        ("custom", partial(assignments.locate, extra=names), re2.compile(named.encode(), options), 0),
        ("custom", partial(assignments.locate_flag, extra=names), re2.compile(flag.encode(), options), 0),
    )
    return rules, re2.compile(f"(?:{named})|(?:{flag})|{assignments.name_pattern(telling)}".encode(), options)


def _outside(text: str) -> list[tuple[int, int]]:
    """The spans of text around the placeholders in it."""
    inside = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[redacted:" in text else []
    starts = [0, *(end for _, end in inside)]
    ends = [*(start for start, _ in inside), len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _search(pattern: Any, text: str, start: int, end: int, budget: Budget) -> Iterator[tuple[int, int]]:
    """Matches in text[start:end]. (first, -1): what follows `first` is too much to search."""
    at, window = start, WINDOW_CHARS
    while at < end:
        stop = min(end, at + window)
        if not budget.affords(stop - at, pattern):
            yield at, -1
            return
        span = _first(pattern, text, at, stop, is_start=at == start)
        if span is not None and (span[1] < stop or stop == end):
            yield span
            at, window = span[1], WINDOW_CHARS
        elif window < WINDOW_CHARS_MAX and stop < end:
            at, window = at if span is None else span[0], window * 4
        elif span is not None:
            yield span[0], -1
            return
        else:
            at = end if stop == end else at + STRIDE_CHARS


def _first(pattern: Any, text: str, at: int, stop: int, *, is_start: bool) -> tuple[int, int] | None:
    """The first match in text[at:stop] that is not empty. What stands before `at` is seen: no word and no line begins there."""
    before = at if is_start else at - 1
    for match in pattern.finditer(text[before:stop], at - before):
        if match.end() > match.start():
            return before + match.start(), before + match.end()
    return None
