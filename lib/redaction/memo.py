"""What was found clean before: source lines, frame names and keys repeat from event to event.

Only what holds nothing that its rules remove is remembered as it is, so no secret stays in memory: of a string that lost
something, what is left is kept under a keyed hash. Sizes are bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lib.redaction.names import Verdict
from lib.redaction.text import Cleaned

TEXTS_CHARS_MAX = 8_000_000
TEXT_COST_CHARS = 100  # what a string takes besides its characters, whole or as a hash
TEXT_CHARS_MAX = 2_000
LOOKED_CHARS_MAX = 2_000_000
KEYS_MAX = 20_000
KEY_CHARS_MAX = 100
SHAPES_MAX = 2_000
SHAPE_KEYS_MAX = 20
SHAPE_CHARS_MAX = 400
# For a project's own rules: 0.7 MB each, and so many of them in an instance.
PROJECT_TEXTS_CHARS_MAX = 400_000
PROJECT_LOOKED_CHARS_MAX = 100_000
PROJECT_KEYS_MAX = 1_000
PROJECT_MEMOS_MAX = 32

# Python keys its hash of texts anew in each process (SipHash): 128 bits of it tell texts apart, and nobody finds a secret in what
# was stored of it by trying values.
Hash = tuple[int, int]


@dataclass
class Texts:
    """Strings in which no rule finds a place to look at."""

    plain: set[str] = field(default_factory=set)
    chars: int = 0
    chars_max: int = TEXTS_CHARS_MAX

    def add(self, texts: Iterable[str]) -> None:
        """Remembers the short ones; forgets everything first where that is too much."""
        short = [text for text in texts if len(text) <= TEXT_CHARS_MAX]
        chars = sum(map(len, short)) + len(short) * TEXT_COST_CHARS
        if self.chars + chars > self.chars_max:
            self.clear()
        if chars <= self.chars_max:
            self.chars += chars
            self.plain.update(short)

    def clear(self) -> None:
        """Forgets everything."""
        self.plain.clear()
        self.chars = 0


@dataclass
class Keys:
    """Names without a secret in them: those that say nothing about their value, and those that do.

    beside: where these are, the whole map must be looked at, whatever they say alone (`value` beside a `name`).
    shapes: the keys of maps, in order, where that was done, and those of them under which a name may stand.
    """

    plain: set[str] = field(default_factory=set)
    telling: dict[str, Verdict] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    shapes: dict[tuple[Any, ...], tuple[Any, ...]] = field(default_factory=dict)
    keys_max: int = KEYS_MAX

    def add(self, key: str, verdict: Verdict | None, *, beside: bool = False) -> None:
        """Remembers a key without a secret in it, and what it says."""
        if len(key) > KEY_CHARS_MAX:
            return
        if len(self.plain) + len(self.telling) + len(self.beside) >= self.keys_max:
            self.clear()
        if beside:
            self.beside.add(key)
        if verdict is not None:
            self.telling[key] = verdict
        elif not beside:
            self.plain.add(key)

    def add_shape(self, shape: tuple[Any, ...], names: tuple[Any, ...]) -> None:
        """Remembers a map's keys, all of which are remembered, where they are few. names: those under which a name may stand."""
        if len(shape) > SHAPE_KEYS_MAX or sum(map(len, shape)) > SHAPE_CHARS_MAX:
            return
        if len(self.shapes) * KEYS_MAX >= SHAPES_MAX * self.keys_max:
            self.shapes.clear()
        self.shapes[shape] = names

    def clear(self) -> None:
        """Forgets everything."""
        self.plain.clear()
        self.telling.clear()
        self.beside.clear()
        self.shapes.clear()


@dataclass
class Memo:
    """What one set of rules remembers."""

    texts: Texts = field(default_factory=Texts)
    keys: Keys = field(default_factory=Keys)
    # Strings that a rule looked at and left as they are: depends on all of the rules.
    looked: dict[str, Cleaned] = field(default_factory=dict)
    # What is left of strings that lost something, by their hash: addresses of servers, URLs with a host or a token in them.
    changed: dict[Hash, Cleaned] = field(default_factory=dict)
    chars: int = 0
    chars_max: int = LOOKED_CHARS_MAX

    def recall(self, text: str) -> Cleaned | None:
        """What became of a short string that was looked at before."""
        if text in self.looked:
            return self.looked[text]
        return self.changed.get(_hash(text)) if self.changed and len(text) <= TEXT_CHARS_MAX else None

    def remember(self, text: str, cleaned: Cleaned) -> None:
        """Remembers what became of a short string that was looked at."""
        if len(text) > TEXT_CHARS_MAX:
            return
        chars = len(cleaned.text) + TEXT_COST_CHARS
        if self.chars + chars > self.chars_max:
            self._forget_looked()
        self.chars += chars
        if cleaned.rules:
            self.changed[_hash(text)] = cleaned
        else:
            self.looked[text] = cleaned

    def share(self, *, texts: bool, keys: bool) -> Memo:
        """A small memo for other rules, which judge texts, or keys, no differently."""
        return Memo(
            self.texts if texts else Texts(chars_max=PROJECT_TEXTS_CHARS_MAX),
            self.keys if keys else Keys(keys_max=PROJECT_KEYS_MAX),
            chars_max=PROJECT_LOOKED_CHARS_MAX,
        )

    def forget(self, shared: Memo) -> None:
        """Forgets everything but what it shares with the other."""
        self._forget_looked()
        if self.texts is not shared.texts:
            self.texts.clear()
        if self.keys is not shared.keys:
            self.keys.clear()

    def _forget_looked(self) -> None:
        self.looked.clear()
        self.changed.clear()
        self.chars = 0


def _hash(text: str) -> Hash:
    return hash(text), hash(text + "\0")  # one alone is that of the characters' octets: "AA" is "\u4141" for it


class Recent:
    """The memos of the rules that were used last; the others are emptied, whoever still holds on to the rules."""

    def __init__(self, base: Memo) -> None:
        self._base = base
        self._memos: OrderedDict[int, Memo] = OrderedDict()

    def use(self, memo: Memo) -> None:
        """Empties the memo used longest ago, where there are too many. The one that others share from always stays."""
        if memo is self._base:
            return
        self._memos[id(memo)] = memo
        self._memos.move_to_end(id(memo))
        if len(self._memos) > PROJECT_MEMOS_MAX:
            self._memos.popitem(last=False)[1].forget(self._base)
