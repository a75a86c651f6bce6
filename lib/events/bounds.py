"""The bounding walk: any plain data to data that JSON and PostgreSQL can hold."""

import math
import re
from typing import Any

from lib.events import limits

ELLIPSIS = "…"
TOO_DEEP = "[nested too deeply]"
CUT_WORD_CHARS_MAX = 80
_LAST_WORD = re.compile(r"\S+\Z")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clip(text: str, chars_max: int) -> str:
    """At most `chars_max` characters, ending in an ellipsis where something was cut.

    The word that the cut goes through goes too: half a token is not recognised by redaction, which comes later, and still tells
    most of it. Of a longer run without white space its last CUT_WORD_CHARS_MAX characters go, more than most tokens have.
    """
    if len(text) <= chars_max:
        return text
    head = text[: chars_max - 1]
    cut = _LAST_WORD.search(head, max(0, len(head) - CUT_WORD_CHARS_MAX))
    return (head[: cut.start()] if cut else head) + ELLIPSIS


def text(value: str, chars_max: int) -> str:
    """Clipped, and without NUL and lone surrogates, which PostgreSQL cannot hold."""
    return _storable(clip(value, chars_max))


def shortened(value: str, chars_max: int) -> str:
    """Likewise, but cut where it is full: for text that is redacted already."""
    return _storable(value if len(value) <= chars_max else value[: chars_max - 1] + ELLIPSIS)


def _storable(value: str) -> str:
    if "\0" in value:
        value = value.replace("\0", "")
    return value if value.isascii() else _SURROGATES.sub("\ufffd", value)


def bounded(value: Any, chars_max: int = limits.STRING_CHARS_MAX, depth: int = limits.DEPTH_MAX) -> Any:
    """A copy with every string and key clipped and safe, every number one that JSON can hold, and at most `depth` levels of
    containers: what lies deeper is replaced by a marker. Never raises, whatever plain data it gets."""
    if isinstance(value, str):
        return text(value, chars_max)
    if isinstance(value, dict):
        if not depth:
            return TOO_DEEP
        return {text(key, chars_max): bounded(item, chars_max, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [bounded(item, chars_max, depth - 1) for item in value] if depth else TOO_DEEP
    return _scalar(value)


def _scalar(value: Any) -> Any:
    """None, booleans and numbers of 64 bits; larger integers become floats, NaN and infinity None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        try:
            value = float(value)
        except OverflowError:
            return None
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return None
