"""Which of many strings, and which keys, need a closer look."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import Any

from lib.redaction.names import NAME_CHARS_MAX, NAME_CHARS_MIN
from lib.redaction.own import Budget, Own
from lib.redaction.text import ANY, KEYS, NAME, is_foreign, is_suspect
from lib.redaction.values import bytes_of

# Finding one string among many costs 2 µs, asking one string alone 0.8 µs: few strings are asked alone, and so are those
# after many finds, by the caller, who may need no more answers.
JOINED_TEXTS_MIN = 40
JOINED_HITS_MAX = 100
# What is new in every event: 32 hexadecimal digits, UUIDs and times. They stay readable, told by their form alone: patterns
# take 50 µs for one, since no two are alike, and to remember them would push out what comes again.
_IDS = re.compile(
    r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
NAMES_CHUNK = 50  # items of a list that are asked together for names: to judge one name costs as much as to ask all of them


def hits(texts: list[str], own: Own | None = None, budget: Budget | None = None) -> tuple[set[str], set[str]]:
    """The strings in which a rule has a place to look at, and those that nobody asked yet, where there are too many.

    The strings are joined by NUL, which no pattern takes for part of a word; a match that begins at the NUL belongs to
    the string after it. One match per string is enough: the search goes on at the next string.
    """
    unasked: list[str] = []
    if len(texts) < JOINED_TEXTS_MIN:
        found = [text for text in texts if is_suspect(text)]
    else:
        found, unasked = _joined(texts)
        found += [text for text in texts if not text.isascii() and is_foreign(text)]
    if own is not None:
        budget = budget or Budget()
        found += [text for text in texts if own.finds(text, budget)]
    return set(found), set(unasked)


def _joined(texts: list[str]) -> tuple[list[str], list[str]]:
    data = bytes_of("\0".join(texts))
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    found: list[str] = []
    at = -1
    while (match := ANY.search(data, max(0, starts[at + 1] - 1))) is not None:
        at = bisect_right(starts, match.start() + 1) - 1
        found.append(texts[at])
        if at + 1 == len(texts):
            break
        if len(found) == JOINED_HITS_MAX:
            return found, texts[at + 1 :]
    return found, []


def is_id(text: str) -> bool:
    """Whether a text is nothing but an id or a time, in which no built-in rule finds anything."""
    return _IDS.fullmatch(text) is not None


def is_plain_key(name: str) -> bool:
    """Whether a key holds no word that could tell anything, and no place for a rule to look at."""
    return KEYS.Match(bytes_of(name)) is None


def chunks_with_names(items: list[Any], own: Own | None) -> set[int]:
    """The numbers of those chunks of a list, NAMES_CHUNK items each, in which an item may be a telling name."""
    if len(items) < NAMES_CHUNK:
        return {0}  # not worth asking
    return {at // NAMES_CHUNK for at in range(0, len(items), NAMES_CHUNK) if _has_name(items[at : at + NAMES_CHUNK], own)}


def _has_name(items: list[Any], own: Own | None) -> bool:
    joined = "\0".join([item for item in items if item.__class__ is str and NAME_CHARS_MIN <= len(item) <= NAME_CHARS_MAX])
    data = bytes_of(joined)
    return (
        NAME.search(data) is not None
        or not joined.isascii()
        or (own is not None and own.name is not None and own.name.search(data) is not None)
    )
