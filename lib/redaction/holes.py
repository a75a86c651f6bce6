"""The holes of a message's template: which parameter would stand where a secret does."""

from __future__ import annotations

import re

from lib.redaction.rules import Rules
from lib.redaction.text import clean

HOLES_MAX = 50
TEMPLATE_CHARS_MAX = 4_096
_HOLE = re.compile(
    r"%[-+ #0]{0,3}[0-9.]{0,6}[sdrifvqxXaeg]|\{[0-9]{0,2}(?:![rsa])?(?::[^{}]{0,20})?\}|\$([0-9]{1,2})|\?(?=[ ,;)'\"]|$)"
)
_PLACEHOLDER = re.compile(r"\[redacted:([a-z0-9-]{1,13})\]")


def rules_of_holes(template: str, rules: Rules) -> dict[int, str]:
    """By which rule the value of a hole (`%s`, `{}`, `{0}`, `$1`, `?`) goes, by its position in the list of parameters."""
    holes = [] if len(template) > TEMPLATE_CHARS_MAX else list(_HOLE.finditer(template))[:HOLES_MAX]
    if not holes:
        return {}
    pieces, last = [], 0
    for number, hole in enumerate(holes):
        pieces += [template[last : hole.start()], _value(number)]
        last = hole.end()
    filled = "".join(pieces) + template[last:]
    cleaned = clean(filled, rules.treatments, rules.own).text
    gone = [number for number in range(len(holes)) if _value(number) not in cleaned]
    names = _PLACEHOLDER.findall(cleaned)
    return {_position(holes[number], number): rule for number, rule in zip(gone, names + ["secret"] * len(gone), strict=False)}


def _value(number: int) -> str:
    """Neither a word nor a number, and too short to be removed for itself."""
    return f"q7Z{number:02d}x9K"


def _position(hole: re.Match[str], number: int) -> int:
    inside = hole[0].strip("{}").partition(":")[0].partition("!")[0]
    return int(hole[1]) - 1 if hole[1] else int(inside) if inside.isdigit() and hole[0][0] == "{" else number
