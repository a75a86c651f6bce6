"""Text from events, made harmless for messages: one can read it, but it is never a link, a mention or markup.

Mail and chat clients turn whatever looks like an address into a link. What plainly is one is broken up visibly, as security
people write it (`https[:]//evil[.]example`). Other names with dots, which may look like a host (`app.py` does), get a
zero-width space after each dot: they look as before, and break nicely on a phone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

ZERO_WIDTH_SPACE = "\u200b"
ELLIPSIS = "…"

# Characters that move others around, hide, or end lines.
_KEPT_CONTROLS = {"\n", "\t"}
_UNWANTED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SPACES = re.compile(r"\s+")
# `.` as hosts may also have it (UTS 46).
_DOT = ".。．｡"
_WORD = re.compile(r"\S+")
_SCHEME = r"[a-z0-9+.-]:/|(?<![a-z])(?:mailto|tel|sms|javascript|data|vbscript):(?=\S)"
_MAIL = rf"[^\s@(]@[^\s@]*[{_DOT}][^\W\d_]{{2}}"
_LINK = re.compile(rf"(?i){_SCHEME}|\bwww[{_DOT}]|//\w|\\\\\w|{_MAIL}")
_INNER_DOT = re.compile(rf"([{_DOT}@])(?=[^\s\]])")
_BREAK = {":": "[:]", "@": "[@]", **dict.fromkeys(_DOT, "[.]")}


def clean(text: str) -> str:
    """The text without control, format and unassigned characters; line breaks and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one for one in text if one in _KEPT_CONTROLS or unicodedata.category(one) not in _UNWANTED)


def cut(text: str, chars_max: int) -> str:
    """At most this many characters, the last of which says where something is missing."""
    return text if len(text) <= chars_max else text[: chars_max - 1].rstrip() + ELLIPSIS


def one_line(text: str, chars_max: int) -> str:
    """Clean, on one line, with single spaces, and cut."""
    return cut(_SPACES.sub(" ", clean(text)).strip(), chars_max)


def within(text: str, chars_max: int, escape: Callable[[str], str]) -> str:
    """The text as `escape` makes it, cut before that, so that at most this many characters (10 or more) come out."""
    shorter = cut(text, chars_max)
    while len(escaped := escape(shorter)) > chars_max:
        shorter = cut(text, len(shorter) * 3 // 4)
    return escaped


def unlinked(text: str) -> str:
    """What plainly is a link, broken up visibly; for places where no client looks for hosts, such as subjects."""
    return _WORD.sub(lambda word: _broken(word[0]) if _is_link(word[0]) else word[0], text)


def _is_link(word: str) -> bool:
    """Also where it is written in letters of another width, which some clients take for the usual ones."""
    return bool(_LINK.search(word) or (not word.isascii() and _LINK.search(unicodedata.normalize("NFKC", word))))


def inert(text: str) -> str:
    """Nothing in it is taken for a link, by any client."""
    return _INNER_DOT.sub(rf"\1{ZERO_WIDTH_SPACE}", unlinked(text))


def _broken(word: str) -> str:
    return "".join(_BREAK.get(one, one) for one in word)


def listed(parts: Sequence[str | None]) -> str:
    """Those that are there, between dots."""
    return " · ".join(part for part in parts if part)
