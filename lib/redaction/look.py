"""The strings of a payload that nobody knows yet: all asked at once, and cleaned where a rule has a place to look at."""

from __future__ import annotations

from itertools import islice

from lib.redaction.commands import flags_of
from lib.redaction.parts import IDENTITY
from lib.redaction.search import hits, is_id
from lib.redaction.text import Cleaned, clean, is_suspect, placeholder
from lib.redaction.values import is_version_field
from lib.redaction.walk import WORK_MAX, Key, Walk

# Texts of one event that memory is asked for: most have 50, and one with many more is not one that comes again.
RECALLED_MAX = 1_000


def look(walk: Walk) -> None:
    """Cleans the listed strings in which a rule has a place to look at, and remembers the others."""
    own, memo = walk.rules.own, walk.rules.memo
    texts = dict.fromkeys([text for _, _, text in walk.pending])
    known = {text: cleaned for text in islice(texts, RECALLED_MAX) if (cleaned := memo.recall(text)) is not None}
    unknown = [text for text in texts if text not in known and (own is not None or not is_id(text))]
    suspect, unasked = hits(unknown, own, walk.budget)
    # A list that begins with the name of a command must be looked at, so that these are never known.
    memo.texts.add(text for text in unknown if text not in suspect and text not in unasked and not flags_of(text))
    for index, key, text in walk.pending:
        if index in walk.dropped:
            continue
        cleaned = known.get(text)
        if cleaned is None and not (text in suspect or (text in unasked and is_suspect(text))):
            continue
        if not _affords(walk, index, key):
            continue
        if cleaned is not None and not cleaned.rules:
            walk.texts_work += cleaned.work
        else:
            _look_at(walk, index, key, text, known)


def _affords(walk: Walk, index: int, key: Key) -> bool:
    """Whether there is work left; if not, the string goes, or the list that holds it."""
    if walk.texts_work <= WORK_MAX or (index == 0 and key in IDENTITY):
        return True
    if walk.nodes[index][0].__class__ is list:
        walk.dropped[index] = "overflow"
    else:
        walk.replace(index, key, placeholder("overflow"), ["overflow"])
    return False


def _look_at(walk: Walk, index: int, key: Key, text: str, known: dict[str, Cleaned]) -> None:
    tells_version = " " not in text and is_version_field(walk.nodes[index], walk.key(index, key))
    is_dotted = text.count(".") == 3 and text.replace(".", "").isdecimal()
    if tells_version and is_dotted:
        return  # most of them, without the work
    cleaned = known.get(text)
    if cleaned is None:
        cleaned = known[text] = clean(text, walk.rules.treatments, walk.rules.own, walk.budget)
        # A project's patterns may find less where their budget is short, and a version is work or none by where it stands.
        if not is_dotted if not cleaned.rules else walk.rules.own is None:
            walk.rules.memo.remember(text, cleaned)
    walk.texts_work += cleaned.work
    if cleaned.rules and not (tells_version and set(cleaned.rules) == {"ip"} and ":" not in text):
        walk.replace(index, key, cleaned.text, cleaned.rules)
