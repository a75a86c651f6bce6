"""The small conversions that the shapes share. Each takes anything and answers the canonical form, or None for "drop it"."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from lib.events import limits
from lib.events.bounds import ELLIPSIS, clip

Fields = dict[str, Callable[[Any], Any]]


def fields(raw: dict[str, Any], table: Fields) -> dict[str, Any]:
    """The known fields of `raw`, each in its canonical form; unknown and unusable ones are dropped."""
    result: dict[str, Any] = {}
    for name, value in raw.items():
        if value is not None and name in table:
            converted = table[name](value)
            if converted is not None:
                result[name] = converted
    return result


def items(raw: object) -> list[dict[str, Any]]:
    """The members of a list, of `{"values": […]}`, or of a single bare object."""
    if isinstance(raw, dict):
        values = raw.get("values", raw)
        raw = values if isinstance(values, list) else [values]
    return [item for item in raw if isinstance(item, dict)] if isinstance(raw, list) else []


def scalar(value: object) -> str | None:
    """Text of a string, boolean or number, without NUL, so that what is empty without it is so from the start; else None."""
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if _is_printable(value) else None


def _is_printable(value: object) -> bool:
    # int → str is quadratic and refuses 4,300 digits; JSON readers hand out 64 bits at most.
    return isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= 64)


def name(value: object) -> str | None:
    """A short identifier such as a release or an exception type; None where it is empty."""
    result = scalar(value)
    return clip(result, limits.NAME_CHARS_MAX) if result else None


def message(value: object) -> str | None:
    """Text for people; lists and objects as JSON."""
    result = scalar(value)
    if result is None and isinstance(value, dict | list):
        try:
            result = orjson.dumps(value).decode()
        except orjson.JSONEncodeError:  # nested too deeply
            return None
    return clip(result, limits.MESSAGE_CHARS_MAX) if result is not None else None


def integer(value: object) -> int | None:
    """A whole number, also from a float or digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 1 << 53:
        return int(value)
    return value if isinstance(value, int) else None


def flag(value: object) -> bool | None:
    """A boolean; nothing else counts as one."""
    return value if isinstance(value, bool) else None


def mapping(value: object) -> dict[str, Any] | None:
    """A non-empty object as it is."""
    return value if isinstance(value, dict) and value else None


def variables(value: object) -> dict[str, Any] | None:
    """An object as it is, empty or not."""
    return value if isinstance(value, dict) else None


def pairs(value: object) -> dict[str, Any] | None:
    """An object, or a list of [name, value] pairs; a name that stands twice has its texts joined with ", "."""
    if isinstance(value, dict):
        members: Iterable[Any] = value.items()
    elif isinstance(value, list):
        members = (pair for pair in value if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str))
    else:
        return None
    result: dict[str, Any] = {}
    for key, item in members:
        known = result.get(key)
        result[key] = _appended(known, item) if isinstance(known, str) and isinstance(item, str) else item
    return result or None


def _appended(known: str, item: str) -> str:
    if known.endswith(ELLIPSIS):
        return known  # full: 300,000 pairs of one name would copy it as often
    return clip(f"{known}, {item}", limits.PAIR_VALUE_CHARS_MAX)


def texts(value: object) -> dict[str, str] | None:
    """Like `pairs`, every value text: lists are joined with ", ", objects dropped."""
    members = pairs(value) or {}
    result = {key: _joined(item) for key, item in members.items()}
    return {key: clip(item, limits.PAIR_VALUE_CHARS_MAX) for key, item in result.items() if item is not None} or None


def _joined(value: object) -> str | None:
    if isinstance(value, list):
        return ", ".join(filter(None, map(scalar, value)))
    return scalar(value)
