"""Text as it was before it was escaped: `%40`, `%2540`, `\\u0040`, `\\/`, `&quot;`, with a way back to where it stands.

Whoever sends a secret escapes it as the format around it wants, often twice. So a text is searched as it is and once more
without its escapes, instead of every pattern knowing every way to write its separators.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

ESCAPES_MAX = 10_000  # of one string; those behind are left as they are
ROUNDS_MAX = 3  # an escape within an escape, of another kind

_ENTITIES = {"amp": "&", "quot": '"', "lt": "<", "gt": ">", "apos": "'", "commat": "@", "equals": "=", "colon": ":", "sol": "/"}
_ENTITY = rf"&(?:{'|'.join(_ENTITIES)});|&#(?:[xX][0-9A-Fa-f]{{1,4}}|[0-9]{{1,5}});"
PATTERN = rf"%(?:25)*[0-9A-Fa-f]{{2}}|\\+u[0-9A-Fa-f]{{4}}|\\+x[0-9A-Fa-f]{{2}}|\\+/|{_ENTITY}"
# The octets of one character beyond ASCII stand together.
_NEXT = r"%(?:25)*[89ABab][0-9A-Fa-f]"
_CHARACTER = rf"%(?:25)*(?:[CcDd][0-9A-Fa-f]{_NEXT}|[Ee][0-9A-Fa-f](?:{_NEXT}){{2}}|[Ff][0-7](?:{_NEXT}){{3}})"
_ESCAPE = re.compile(rf"({_CHARACTER}|{PATTERN})")
_OCTET = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})")


class Unescaped(NamedTuple):
    """text: without escapes. starts, sources: where each piece of it begins, and where in the original. Escapes are odd."""

    text: str
    starts: list[int]
    sources: list[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The same span of the original; an escape goes as a whole."""
        first, last = (bisect_right(self.starts, at) - 1 for at in (start, max(start, end - 1)))
        begin = self.sources[first] + (0 if first % 2 else start - self.starts[first])
        return begin, self.sources[last + 1] if last % 2 else self.sources[last] + end - self.starts[last]


def unescaped(text: str) -> list[Unescaped]:
    """The text without its escapes, and without those that came out of them; empty where it has none."""
    views: list[Unescaped] = []
    while len(views) < ROUNDS_MAX and ("%" in text or "\\" in text or "&" in text):
        pieces = _ESCAPE.split(text, ESCAPES_MAX)
        if len(pieces) == 1:
            break
        sources = [0, *accumulate(map(len, pieces))]
        pieces[1::2] = map(_character, pieces[1::2])
        text = "".join(pieces)
        views.append(Unescaped(text, [0, *accumulate(map(len, pieces))][:-1], sources))
        if len(pieces) > 2 * ESCAPES_MAX:
            break
    return views


def source(views: list[Unescaped], start: int, end: int) -> tuple[int, int]:
    """Where a span of the last view stands in the text that the first was made of."""
    for view in reversed(views):
        start, end = view.span(start, end)
    return start, end


@lru_cache(maxsize=512)
def _character(escape: str) -> str:
    if escape[:2] == "&#":
        return chr(int(escape[3:-1], 16) if escape[2] in "xX" else min(int(escape[2:-1]), 0xFFFF))
    if escape[0] == "&":
        return _ENTITIES[escape[1:-1]]
    if escape[0] == "%":
        return bytes.fromhex("".join(_OCTET.findall(escape))).decode("utf-8", "replace")
    kind = escape.lstrip("\\")
    return "/" if kind == "/" else chr(int(kind[1:], 16))
