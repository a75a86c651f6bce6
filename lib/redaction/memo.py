"""What was found clean before: source lines, frame names and keys repeat from event to event.

Only what no rule wants to look at is remembered, so no secret stays in memory; sizes are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lib.redaction.names import Verdict

TEXTS_CHARS_MAX = 4_000_000
TEXT_CHARS_MAX = 400
LOOKED_MAX = 5_000
KEYS_MAX = 20_000
KEY_CHARS_MAX = 100


@dataclass
class Texts:
    """Strings in which no rule finds a place to look at."""

    plain: set[str] = field(default_factory=set)
    chars: int = 0

    def add(self, texts: Iterable[str]) -> None:
        """Remembers the short ones; forgets everything first where that is too much."""
        short = [text for text in texts if len(text) <= TEXT_CHARS_MAX]
        self.chars += sum(map(len, short))
        if self.chars > TEXTS_CHARS_MAX:
            self.plain.clear()
            self.chars = sum(map(len, short))
        self.plain.update(short)


@dataclass
class Keys:
    """Names without a secret in them: those that say nothing about their value, and those that do."""

    plain: set[str] = field(default_factory=set)
    telling: dict[str, Verdict] = field(default_factory=dict)

    def add(self, key: str, verdict: Verdict | None) -> None:
        """Remembers a key without a secret in it, and what it says."""
        if len(key) > KEY_CHARS_MAX:
            return
        if len(self.plain) + len(self.telling) >= KEYS_MAX:
            self.plain.clear()
            self.telling.clear()
        if verdict is None:
            self.plain.add(key)
        else:
            self.telling[key] = verdict


@dataclass
class Memo:
    """What one set of rules remembers."""

    texts: Texts = field(default_factory=Texts)
    keys: Keys = field(default_factory=Keys)
    # Strings that a rule looked at and left as they are, with the work that took: depends on all of the rules.
    looked: dict[str, int] = field(default_factory=dict)

    def unchanged(self, text: str, work: int) -> None:
        """Remembers a short string that was looked at and left alone."""
        if len(text) <= TEXT_CHARS_MAX:
            if len(self.looked) >= LOOKED_MAX:
                self.looked.clear()
            self.looked[text] = work

    def share(self, *, texts: bool, keys: bool) -> Memo:
        """A memo for other rules that judges texts, or keys, no differently."""
        return Memo(self.texts if texts else Texts(), self.keys if keys else Keys())
