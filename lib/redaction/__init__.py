"""Redaction: no secret and no personal data leaves an event payload, wherever it stands. docs/redaction.md tells what.

Pure: plain data in, plain data out; no clock, environment, network or database.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import orjson

from lib.redaction.look import look
from lib.redaction.memo import Recent
from lib.redaction.parts import parts
from lib.redaction.rules import (
    BUILT_IN,
    KeyNameError,
    PatternError,
    RuleError,
    Rules,
    SafeFieldError,
    TreatmentError,
    compile_rules,
)
from lib.redaction.storable import storable
from lib.redaction.visit import visit
from lib.redaction.walk import Walk

__all__ = [
    "BUILT_IN",
    "REMOVALS_MAX",
    "KeyNameError",
    "PatternError",
    "Redacted",
    "Removal",
    "RuleError",
    "Rules",
    "SafeFieldError",
    "TreatmentError",
    "compile_rules",
    "redact",
]

_RECENT = Recent(BUILT_IN.memo)
REMOVALS_MAX = 200  # places named in one event; the rest is counted per rule under the path `*`


class Removal(NamedTuple):
    """path: dotted, as `exception.values.0.value`, keys as they are after redaction. count: how many pieces of text."""

    path: str
    rule: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


class Redacted(NamedTuple):
    """payload: the cleaned payload. body: the same as JSON. removals: what was removed where."""

    payload: dict[str, Any]
    body: bytes
    removals: list[Removal]


def redact(payload: dict[str, Any], rules: Rules = BUILT_IN) -> Redacted:
    """The payload without secrets and personal data. Never raises, whatever the shape; `payload` itself is not changed."""
    _RECENT.use(rules.memo)
    walk = Walk(payload, rules)
    for part in parts(payload):
        walk.begin(part)
        visit(walk)
    look(walk)
    cleaned = walk.finish()
    removals = _removals(walk)
    try:
        return Redacted(cleaned, orjson.dumps(cleaned), removals)
    except TypeError:  # what JSON cannot say: lone surrogates, integers over 64 bits, keys that are no strings
        cleaned = storable(cleaned)
        return Redacted(cleaned, orjson.dumps(cleaned), removals)


def _removals(walk: Walk) -> list[Removal]:
    counts: Counter[tuple[str, str]] = Counter()
    for (index, key, rule), count in Counter(walk.removed).items():
        counts[walk.path(index, key) if len(counts) < REMOVALS_MAX else "*", rule] += count
    return [Removal(path, rule, count) for (path, rule), count in counts.items()]
