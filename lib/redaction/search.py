"""Which of many strings need a closer look, found in one search over all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from lib.redaction.text import ANY
from lib.redaction.values import bytes_of


def hits(texts: list[str], custom: Callable[[str], list[tuple[int, int]]] | None = None) -> list[int]:
    """The indices of the strings in which a rule has a place to look at, in order.

    The strings are joined by NUL, which no pattern takes for part of a word; a match that begins at the NUL belongs to
    the string after it. One match per string is enough: the search goes on at the next string.
    """
    found = [at for at, text in enumerate(texts) if custom(text)] if custom is not None else []
    data = bytes_of("\0".join(texts))
    match = ANY.search(data)
    if match is None:
        return found
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    own = []
    while match is not None:
        at = bisect_right(starts, match.start() + 1) - 1
        own.append(at)
        if at + 1 >= len(texts):
            break
        match = ANY.search(data, starts[at + 1] - 1)
    return sorted({*found, *own}) if found else own
