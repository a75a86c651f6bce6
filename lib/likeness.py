"""How alike two incidents are whose fingerprints differ, and what speaks for it in a developer's words.

Pure: plain data in, plain data out. What is compared is what is kept of a fingerprint: the parts that were hashed and its title.
docs/decisions/0005-merge-suggestions.md tells why that is all, and where the scores come from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher
from typing import NamedTuple

from lib.fingerprint import normalise

SCORE_MIN = 0.6
SCORE_MAX = 0.95
HANDOVER_SCORE = 0.2
TOKENS_MAX = 60  # of a message
FAMILY_MIN = 4  # incidents that differ in one word make that word data; fewer are as often different bugs
FAMILY_QUOTED_MIN = 3  # likewise where it stands in quotes
WORDS_AFTER_MIN = 3  # behind a first word that differs, as that tends to say who or what
REWORDED_RATIO_MIN = 0.6
WORDS_SHOWN_MAX = 4
TEXT_SHOWN_CHARS_MAX = 80
_HOLE = "<*>"
_QUOTES = ("'", '"', "`")
# What a person or the application decided is not ours to doubt.
_DECIDED = frozenset({"client", "project", "group", "fallback"})


class Traits(NamedTuple):
    """A fingerprint as it is compared. said: its message's words apart from data. The times and releases are of its events."""

    kind: str
    frames: tuple[str, ...]
    line: str
    said: tuple[str, ...]
    is_minified: bool
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    first_release: str | None = None
    last_release: str | None = None


class Likeness(NamedTuple):
    """score: SCORE_MIN to SCORE_MAX. evidence: sentences, what speaks most first."""

    score: float
    evidence: list[str]


def traits(rule: str, parts: Sequence[str], title: str) -> Traits | None:
    """What a fingerprint is compared by; None where somebody decided it."""
    if rule in _DECIDED:
        return None
    named: defaultdict[str, list[str]] = defaultdict(list)
    for part in parts:
        name, _, value = part.partition(": ")
        named[name].append(value)
    kind, message = "".join(named["type"]), "".join(named["message"])
    said = message or normalise("" if title == kind else title.removeprefix(f"{kind}: "))
    line = "".join(named["names in the line"])
    return Traits(kind, tuple(named["frame"]), line, tuple(said.split()[:TOKENS_MAX]), rule == "minified_stack")


def like(one: Traits, others: Sequence[tuple[int, Traits]]) -> dict[int, Likeness]:
    """Those that are likely the same bug, the best reason of each; `others` are fingerprints under the incident they lead to."""
    families = _families(one, others)
    best: dict[int, Likeness] = {}
    for incident, other in others:
        found = _compared(one, other, families)
        if found and found.score >= SCORE_MIN and (incident not in best or best[incident].score < found.score):
            best[incident] = found
    return best


def _compared(one: Traits, other: Traits, families: Mapping[int, Sequence[str]]) -> Likeness | None:
    if one.frames and other.frames:
        found = _stacks(one, other)
    elif one.frames or other.frames:
        found = _with_and_without(one, other)
    else:
        found = _messages(one, other, families)
    return _with_handover(found, one, other) if found else None


def _differing_place(one: Traits, other: Traits) -> int | None:
    """Where two messages without stacks differ, if that is in one word only."""
    if one.frames or other.frames or one.kind != other.kind or len(one.said) != len(other.said):
        return None
    places = [at for at, (here, there) in enumerate(zip(one.said, other.said, strict=True)) if here != there]
    return places[0] if len(places) == 1 else None


def _families(one: Traits, others: Iterable[tuple[int, Traits]]) -> dict[int, list[str]]:
    """At each place of a message the words of those that differ there only, its own first."""
    words: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for _, other in others:
        at = _differing_place(one, other)
        if at is not None:
            words[at] |= {one.said[at]: None, other.said[at]: None}
    return {at: list(found) for at, found in words.items()}


def _messages(one: Traits, other: Traits, families: Mapping[int, Sequence[str]]) -> Likeness | None:
    """Messages that differ in one word, where so many others do in the same place that it must be data."""
    at = _differing_place(one, other)
    if at is None:
        return None
    words, family = (one.said[at], other.said[at]), families[at]
    kept = sum(_HOLE not in word for word in (*one.said[:at], *one.said[at + 1 :]))
    if kept < (WORDS_AFTER_MIN if at == 0 else 1) or all(_HOLE in word for word in words):
        return None
    if len(family) < (FAMILY_QUOTED_MIN if all(word.startswith(_QUOTES) for word in words) else FAMILY_MIN):
        return None
    shown = ", ".join(map(_shown, list(dict.fromkeys((*words, *family)))[:WORDS_SHOWN_MAX]))
    evidence = f"{len(family)} messages of this project differ in one word only, so it is likely data: {shown}"
    return Likeness(min(SCORE_MAX, SCORE_MIN + 0.03 * len(family)), [evidence])


def _stacks(one: Traits, other: Traits) -> Likeness | None:
    """What edits of a program leave as it was. Each has to leave nearly all: bugs of one function are alike, too."""
    same_kind, same_line, same_said = one.kind == other.kind, one.line == other.line, one.said == other.said
    if one.frames == other.frames:
        return _at_same_frames(one, other)
    if not (same_kind and same_said) or one.is_minified != other.is_minified:
        return None
    if one.is_minified:
        return _minified(one, other)
    functions, modules = _split(one.frames), _split(other.frames)
    if same_line and functions.names == modules.names:
        return Likeness(0.7, [f"Same exception, message and functions; the code moved from {_moved(functions, modules)}"])
    if same_line and len(one.line.split()) > 1 and functions.places == modules.places:
        return Likeness(0.7, [f"Same exception, message and crashed line; a function is called {_renamed(functions, modules)}"])
    if one.frames[0] == other.frames[0] and same_line:
        return Likeness(0.5, [f"Same exception, message and crash frame ({_shown(one.frames[0])}), reached by other callers"])
    if one.said and (one.frames[0] in other.frames or other.frames[0] in one.frames):
        deep = one.frames[0] if one.frames[0] not in other.frames else other.frames[0]
        return Likeness(0.65, [f"Same exception, message and frames, but for {_shown(deep)} at the crash"])
    return None


def _at_same_frames(one: Traits, other: Traits) -> Likeness | None:
    where = f"the same {'frame' if len(one.frames) == 1 else 'frames'} ({_shown(one.frames[0])})"
    is_same_message = one.said == other.said
    if one.kind != other.kind:
        is_renamed = one.said and is_same_message and one.line == other.line
        evidence = f"Same message at {where}; the exception is {_shown(other.kind)} there, {_shown(one.kind)} here"
        return Likeness(0.85, [evidence]) if is_renamed else None
    if one.line != other.line:
        lines = f"`{_shown(other.line)}` there, `{_shown(one.line)}` here"
        evidence = f"Same exception and message at {where}; the crashed line names {lines}"
        return Likeness(0.8, [evidence]) if one.line and other.line and is_same_message else None
    if SequenceMatcher(None, one.said, other.said, autojunk=False).ratio() < REWORDED_RATIO_MIN:
        return None
    said = f"“{_shown(' '.join(other.said))}” there, “{_shown(' '.join(one.said))}” here"
    return Likeness(0.5, [f"Same exception at {where}; the message reads {said}"])


def _minified(one: Traits, other: Traits) -> Likeness | None:
    if len(one.frames) != len(other.frames) or not one.said:
        return None
    return Likeness(
        0.5, ["Same exception and message in minified code, as many frames deep; the names differ, as a minifier's do"]
    )


def _with_and_without(one: Traits, other: Traits) -> Likeness | None:
    """An event whose stack was lost says the same as one that has it."""
    if one.kind != other.kind or one.said != other.said or sum(_HOLE not in word for word in one.said) < WORDS_AFTER_MIN:
        return None
    return Likeness(0.65, ["Same exception and message; the one was sent with a stack, the other without"])


def _with_handover(found: Likeness, one: Traits, other: Traits) -> Likeness:
    """An edit ends one fingerprint and begins another one, with a release between."""
    for before, after in ((one, other), (other, one)):
        is_over = before.last_seen and after.first_seen and before.last_seen < after.first_seen
        last, first = before.last_release, after.first_release
        if is_over and last and first and last != first:
            said = f"The one was last seen in release {_shown(last)}, the other first in {_shown(first)}"
            return Likeness(min(SCORE_MAX, found.score + HANDOVER_SCORE), [*found.evidence, said])
    return found


class _Split(NamedTuple):
    """Frames as the places and the names of their functions."""

    places: tuple[str, ...]
    names: tuple[str, ...]


def _split(frames: Sequence[str]) -> _Split:
    pairs = [frame.rpartition(": ") for frame in frames]
    return _Split(tuple(place for place, _, _ in pairs), tuple(name for _, _, name in pairs))


def _moved(one: _Split, other: _Split) -> str:
    old, new = next(pair for pair in zip(other.places, one.places, strict=True) if pair[0] != pair[1])
    return f"{_shown(old)} to {_shown(new)}"


def _renamed(one: _Split, other: _Split) -> str:
    old, new = next(pair for pair in zip(other.names, one.names, strict=True) if pair[0] != pair[1])
    return f"{_shown(old)} there, {_shown(new)} here"


def _shown(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN_CHARS_MAX else text[: TEXT_SHOWN_CHARS_MAX - 1] + "…"
