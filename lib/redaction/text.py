"""One string: which parts of it are removed, by which rule. A pure function of the string and the settings."""

from __future__ import annotations

import hmac
from typing import Any, Literal, NamedTuple

import re2

from lib.redaction import assignments, escapes
from lib.redaction.assignments import NAME_PATTERN, TELLING
from lib.redaction.own import Budget, Own, sound
from lib.redaction.patterns import TEXT_RULES, Locate, TextRule
from lib.redaction.values import bytes_of

MATCHES_MAX = 2_000  # places one rule looks at in one string; what follows the last is removed as a whole
SHORT_CHARS_MAX = 4_096
PLACEHOLDER_CHARS_MAX = 24  # `[redacted:` and `]` around a rule's name
ROUNDS_MAX = 4  # removing may join what stood apart: repeated until nothing is found

Treatment = Literal["keep", "hash", "remove"]


class Treatments(NamedTuple):
    """What becomes of e-mail addresses, IP addresses and telephone numbers in free text. key: for `hash`."""

    email: Treatment = "remove"
    ip: Treatment = "remove"
    phone: Treatment = "remove"
    key: bytes | None = None

    def replacement(self, rule: str, removed: str) -> str | None:
        """What stands in for `removed`; None where it is kept."""
        treatment = getattr(self, rule) if rule in {"email", "ip", "phone"} else "remove"
        if treatment == "keep":
            return None
        return hashed(self.key, removed) if treatment == "hash" and self.key else placeholder(rule)


REMOVE_ALL = Treatments()


class Cleaned(NamedTuple):
    """The string without its secrets, the rule of each removal, and how much work the string was."""

    text: str
    rules: list[str]
    work: int


_Rule = tuple[str, Locate, Any, int]  # name, locate, pattern and the group that is removed


class _Found(NamedTuple):
    start: int
    end: int
    rule: str


def placeholder(rule: str) -> str:
    """What stands where something was removed."""
    return f"[redacted:{rule}]"


def hashed(key: bytes, value: str) -> str:
    """`hmac:` and 16 hexadecimal digits of HMAC-SHA256: equal values stay equal, within one workspace."""
    return "hmac:" + hmac.digest(key, value.strip().lower().encode("utf-8", "replace"), "sha256").hex()[:16]


def _options(*, capture: bool) -> re2.Options:
    options = re2.Options()
    options.never_capture = not capture
    options.max_mem = 64 << 20  # of one automaton's states; RE2 forgets states rather than use more
    options.log_errors = False
    return options


def _set(*more: str) -> re2.Set:
    patterns = re2.Set.SearchSet(_options(capture=False))
    for pattern in (*[rule.pattern for rule in TEXT_RULES], *more):
        patterns.Add(pattern.encode())
    patterns.Compile()
    return patterns


def _compiled(rule: TextRule) -> _Rule:
    pattern = re2.compile(rule.pattern.encode(), _options(capture=True))
    return rule.name, rule.locate, pattern, min(pattern.groups, 1)


_PATTERNS = [_compiled(rule) for rule in TEXT_RULES]
_WHICH = _set()
_ALL = range(len(TEXT_RULES))
_FOREIGN: _Rule = ("named", assignments.locate, re2.compile(assignments.FOREIGN_PATTERN), 0)
_FOREIGN_ANY = re2.compile(assignments.FOREIGN_ANY_PATTERN)
# Three ways to ask whether a closer look is needed: at many strings joined by NUL, at one string, at a key.
ANY = re2.compile(
    "|".join([f"(?:{rule.pattern})" for rule in TEXT_RULES] + [NAME_PATTERN, escapes.PATTERN]).encode(), _options(capture=False)
)
NAME = re2.compile(NAME_PATTERN.encode(), _options(capture=False))
SUSPECT = _set(NAME_PATTERN, escapes.PATTERN)
KEYS = _set(rf"(?i){TELLING}|\?", escapes.PATTERN)  # a question mark stands for whatever is outside ASCII


def is_suspect(text: str) -> bool:
    """Whether any rule has a place to look at in one string."""
    data = bytes_of(text)
    # A Set answers nothing both where nothing matches and where its memory ran out: then a plain pattern decides.
    return (
        SUSPECT.Match(data) is not None
        or (len(data) > SHORT_CHARS_MAX and ANY.search(data) is not None)
        or (not text.isascii() and is_foreign(text))
    )


def is_foreign(text: str) -> bool:
    """Whether there is a telling name in letters beyond ASCII, of which the other patterns see nothing."""
    return _FOREIGN_ANY.search(sound(text)) is not None


def clean(text: str, treatments: Treatments = REMOVE_ALL, own: Own | None = None, budget: Budget | None = None) -> Cleaned:
    """`text` without its secrets. `own`: a project's names and patterns; its patterns are asked once, before anything is removed.

    At most MATCHES_MAX places of a string are looked at for one rule, and as many for the patterns as `budget` has; the text
    grows at most PLACEHOLDER_CHARS_MAX-fold. Placeholders that are there already are not searched by a project's patterns.
    """
    rules: list[str] = []
    first = [_Found(*span) for span in own.spans(text, budget or Budget(), MATCHES_MAX)] if own and own.patterns else []
    named = own.names if own else ()
    work = 1 + len(first)
    for _ in range(ROUNDS_MAX):
        found, looked = _find(text, first, named)
        first = []
        work += looked
        text, removed = _replaced(text, found, treatments)
        if not removed:
            return Cleaned(text, rules, work)
        rules += removed
    return Cleaned(placeholder("opaque"), rules, work)


def _find(text: str, first: list[_Found], named: tuple[_Rule, ...]) -> tuple[list[_Found], int]:
    """What is found in the text as it is, and in what it says without its escapes."""
    found = first.copy()
    work = _find_in(text, named, found)
    views = escapes.unescaped(text)
    if views:
        within: list[_Found] = []
        work += _find_in(views[-1].text, named, within)
        found += [_Found(*escapes.source(views, span.start, span.end), span.rule) for span in within]
    return _merged(found) if len(found) > 1 else found, work


def _find_in(text: str, named: tuple[_Rule, ...], found: list[_Found]) -> int:
    data = bytes_of(text)
    work = sum(_find_one(text, data, rule, found) for rule in named)
    if not text.isascii():
        text = sound(text)
        work += _find_one(text, text, _FOREIGN, found)  # begun again, it would be encoded again
    indices = _WHICH.Match(data)
    if indices is None and len(data) > SHORT_CHARS_MAX and ANY.search(data) is not None:
        indices = _ALL  # as in is_suspect
    return work + sum(_find_one(text, data, _PATTERNS[index], found) for index in sorted(indices or ()))


def _find_one(text: str, data: bytes | str, rule: _Rule, found: list[_Found]) -> int:
    """Adds what one rule finds; answers at how many places it looked."""
    name, locate, pattern, group = rule
    position = work = seen = 0
    while position <= len(data):
        start = position
        position = len(data) + 1
        for match in pattern.finditer(data, start):
            if work == MATCHES_MAX:
                found.append(_Found(match.start(), len(text), "overflow"))
                return work
            if match.start() < seen:
                continue
            work += 1
            span = locate(text, *match.span(group))
            if span is not None:
                found.append(_Found(span[0], span[1], span[2] if len(span) == 3 else name))
                seen = span[1]
                if span[1] > match.end() and data is not text:
                    position = span[1]  # the value goes on beyond the match: begin again after it
                    break
    return work


def _merged(found: list[_Found]) -> list[_Found]:
    """In order, overlapping spans joined; the one that begins first gives its name."""
    merged: list[_Found] = []
    for span in sorted(found, key=lambda each: (each.start, -each.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(merged[-1].end, span.end))
        elif span.start < span.end:
            merged.append(span)
    return merged


def _replaced(text: str, found: list[_Found], treatments: Treatments) -> tuple[str, list[str]]:
    pieces, rules, last = [], [], 0
    for span in found:
        replacement = treatments.replacement(span.rule, text[span.start : span.end])
        if replacement is not None:
            pieces += [text[last : span.start], replacement]
            rules.append(span.rule)
            last = span.end
    return "".join(pieces) + text[last:] if pieces else text, rules
