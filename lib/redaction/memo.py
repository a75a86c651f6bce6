"""What was found clean before: source lines, frame names and keys repeat from event to event.

Only what no rule wants to look at is remembered, so no secret stays in memory; sizes are bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from lib.redaction.names import Verdict

TEXTS_CHARS_MAX = 8_000_000
TEXT_COST_CHARS = 100  # what a string takes besides its characters
TEXT_CHARS_MAX = 400
LOOKED_MAX = 5_000
KEYS_MAX = 20_000
KEY_CHARS_MAX = 100
# For a project's own rules: 0.7 MB each, and so many of them in an instance.
PROJECT_TEXTS_CHARS_MAX = 400_000
PROJECT_LOOKED_MAX = 250
PROJECT_KEYS_MAX = 1_000
PROJECT_MEMOS_MAX = 32


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
    """Names without a secret in them: those that say nothing about their value, and those that do."""

    plain: set[str] = field(default_factory=set)
    telling: dict[str, Verdict] = field(default_factory=dict)
    keys_max: int = KEYS_MAX

    def add(self, key: str, verdict: Verdict | None) -> None:
        """Remembers a key without a secret in it, and what it says."""
        if len(key) > KEY_CHARS_MAX:
            return
        if len(self.plain) + len(self.telling) >= self.keys_max:
            self.clear()
        if verdict is None:
            self.plain.add(key)
        else:
            self.telling[key] = verdict

    def clear(self) -> None:
        """Forgets everything."""
        self.plain.clear()
        self.telling.clear()


@dataclass
class Memo:
    """What one set of rules remembers."""

    texts: Texts = field(default_factory=Texts)
    keys: Keys = field(default_factory=Keys)
    # Strings that a rule looked at and left as they are, with the work that took: depends on all of the rules.
    looked: dict[str, int] = field(default_factory=dict)
    looked_max: int = LOOKED_MAX

    def unchanged(self, text: str, work: int) -> None:
        """Remembers a short string that was looked at and left alone."""
        if len(text) <= TEXT_CHARS_MAX:
            if len(self.looked) >= self.looked_max:
                self.looked.clear()
            self.looked[text] = work

    def share(self, *, texts: bool, keys: bool) -> Memo:
        """A small memo for other rules, which judge texts, or keys, no differently."""
        return Memo(
            self.texts if texts else Texts(chars_max=PROJECT_TEXTS_CHARS_MAX),
            self.keys if keys else Keys(keys_max=PROJECT_KEYS_MAX),
            looked_max=PROJECT_LOOKED_MAX,
        )

    def forget(self, shared: Memo) -> None:
        """Forgets everything but what it shares with the other."""
        self.looked.clear()
        if self.texts is not shared.texts:
            self.texts.clear()
        if self.keys is not shared.keys:
            self.keys.clear()


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
