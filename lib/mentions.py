"""Where a text mentions somebody of whom only hashes are known: words that have their hash, and what redaction wrote for them.

Words are runs of letters and digits. Whatever stands around them is no part of an identifier: `shop@1+jane`, `customer-4711`,
`avatars/4711.png`, `?user=4711;` mention jane and 4711. An address is not mentioned where it is a part of a longer one:
`mary-jane@example.com`, `jane@example.com.au`. Searched is the text as it is and what it says without its escapes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from lib.redaction import escapes
from lib.redaction.text import hashed

WORD = re.compile(r"[^\W_]+")
# What messages, markdown and JSON put between an identifier's words; it stays the same: `jane[@]example[.]com`, `jane\_doe`.
_ARMOUR = r"[\[\]\\\u200b]*"
ARMOUR = re.compile(_ARMOUR)
BETWEEN_CHARACTERS_MAX = 64
SPACES = re.compile(r"[\s+]+")
# The letter of an escaped control character, or of a terminal's colour, is no part of the word behind it.
CONTROLS = re.compile(r"\\+[bfnrtv]|\x1b\[[0-9;]*[A-Za-z]")
ESCAPED = re.compile(r"[%\\&\x1b]")
# Words of one kind of programs repeat: those that were looked at are not hashed again, as long as there are not too many.
REMEMBERED_MAX = 100_000
# No longer than what it stands for: fields have a greatest length.
ERASED = "[gone]"


class Sought(NamedTuple):
    """Somebody, by hashes under a workspace's key.

    mark: as redaction writes one that it hashes. word_mark: of the identifier as `canonical` has it. lengths: of its words; only
    what is as long is hashed. joiners: characters that make it a part of a longer one, between it and the next word.
    """

    key: bytes
    mark: str
    word_mark: str
    lengths: list[int]
    joiners: str


def seek(key: bytes, value: str, *, is_ip: bool) -> Sought:
    """What to look for. value: the identifier; where it has no word, nothing is a mention of it."""
    joiners = "." if is_ip else "._-" if "@" in value else ""
    value = composed(value)
    spans = [word.span() for word in WORD.finditer(value)]
    core = value[spans[0][0] : spans[-1][1]] if spans else ""
    lengths = [end - start for start, end in spans]
    return Sought(key, hashed(key, value), hashed(key, canonical(core)), lengths, joiners)


def canonical(text: str) -> str:
    """The same for all ways to write one identifier."""
    return text if text.isalnum() else SPACES.sub(" ", ARMOUR.sub("", text))


def composed(text: str) -> str:
    """`é` is one character, however it is written (Unicode NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def strings(value: Any) -> Iterator[str]:
    """All that JSON says in words: texts, the names of members, whole numbers."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, int) and not isinstance(one, bool):
            yield str(one)


class Mentions:
    """Decides what mentions somebody, and takes it out."""

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        self._others: set[str] = set()
        words = rf"[\W_]{{1,{BETWEEN_CHARACTERS_MAX}}}".join(rf"[^\W_]{{{length}}}" for length in sought.lengths)
        # Looking ahead, so that the next one may begin within this one.
        self._words = re.compile(rf"(?<![^\W_])(?=({words})(?![^\W_]))")
        joiner = f"[{re.escape(sought.joiners)}]" if sought.joiners else "(?!)"
        self._joined_before = re.compile(rf"[^\W_]{_ARMOUR}{joiner}{_ARMOUR}\Z")
        self._joined_after = re.compile(rf"{_ARMOUR}{joiner}{_ARMOUR}[^\W_]")

    def are_in(self, value: Any) -> bool:
        """Whether JSON mentions them anywhere."""
        plain: list[str] = []
        escaped: list[str] = []
        for text in strings(value):
            (escaped if ESCAPED.search(text) else plain).append(text)
        return self._found("\0".join(plain)) or any(map(self._found, escaped))

    def erased(self, value: Any) -> Any:
        """The same JSON without them; names of members and numbers stay."""
        if isinstance(value, str):
            return self._without(value)
        if isinstance(value, dict):
            return {name: self.erased(one) for name, one in value.items()}
        return [self.erased(one) for one in value] if isinstance(value, list) else value

    def _found(self, text: str) -> bool:
        return self._sought.mark in text or next(self._spans(composed(text)), None) is not None

    def _without(self, text: str) -> str:
        text = text.replace(self._sought.mark, ERASED)
        whole = composed(text)
        spans = sorted(self._spans(whole))
        if not spans:
            return text
        pieces, last = [], 0
        for start, end in spans:
            if start >= last:
                pieces += [whole[last:start], ERASED]
            last = max(last, end)
        return ("".join(pieces) + whole[last:])[: len(text)]  # composing may have made it longer

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where they stand, some places more than once."""
        if not self._sought.lengths:
            return
        yield from self._spans_in(text)
        if not ESCAPED.search(text):
            return
        if CONTROLS.search(text):
            yield from self._spans_in(_blanked(text))
        if views := escapes.unescaped(text):
            for shown in (views[-1].text, _blanked(views[-1].text)):
                yield from (escapes.source(views, *span) for span in self._spans_in(shown))

    def _spans_in(self, text: str) -> Iterator[tuple[int, int]]:
        for found in self._words.finditer(text):
            start, end = found.span(1)
            if not self._is_person(found[1]):
                continue
            near = text[max(0, start - BETWEEN_CHARACTERS_MAX) : start]
            if not (self._joined_before.search(near) or self._joined_after.match(text, end)):
                yield start, end

    def _is_person(self, words: str) -> bool:
        if words in self._others:
            return False
        if hashed(self._sought.key, canonical(words)) == self._sought.word_mark:
            return True
        if len(self._others) < REMEMBERED_MAX:
            self._others.add(words)
        return False


def _blanked(text: str) -> str:
    """Without escaped control characters; everything stands where it stood."""
    return CONTROLS.sub(lambda found: " " * len(found[0]), text)
