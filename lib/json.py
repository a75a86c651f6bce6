"""JSON as clients really send it: orjson first, then a tolerant reading that keeps an event alive."""

import json
import math
import re

import orjson

ELEMENTS_MAX = 1_000_000  # of a body above LARGE_BYTES: each costs 30 to 60 bytes once parsed, from as little as two bytes
LARGE_BYTES = 1 << 20
INT_DIGITS_MAX = 400  # no finite double has more (1.8e308); int() itself is quadratic and refuses 4,300

_SURROGATES = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class BadJson(ValueError):
    """Text that is not JSON, even read tolerantly; `position` counts characters from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at character {position}")
        self.position = position


def loads(data: bytes) -> object:
    """The value of a JSON text of at most some megabytes, in time and memory linear in it. Raises BadJson.

    What orjson refuses but a client's event survives: invalid UTF-8 and lone surrogates become U+FFFD, NaN, Infinity and
    numbers beyond a double become None, raw control characters in strings stay. An integer beyond 64 bits is a float.
    """
    if len(data) > LARGE_BYTES and data.count(b",") + data.count(b"[") + data.count(b"{") > ELEMENTS_MAX:
        raise BadJson(f"more than {ELEMENTS_MAX} elements", 0)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _tolerant(data)


def _tolerant(data: bytes) -> object:
    text = data.decode("utf-8-sig", "replace")
    try:
        value = json.loads(text, strict=False, parse_constant=_nothing, parse_int=_integer, parse_float=_finite)
        return _without_surrogates(value) if _SURROGATE_ESCAPE.search(data) else value
    except json.JSONDecodeError as error:
        raise BadJson(error.msg, error.pos) from error
    except RecursionError as error:
        raise BadJson("nested too deeply", 0) from error


def _nothing(_constant: str) -> None:
    return None


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _integer(digits: str) -> int | float | None:
    if len(digits) > INT_DIGITS_MAX:
        return None
    value = int(digits)
    return value if -(1 << 63) <= value < 1 << 64 else _finite(digits)


def _without_surrogates(value: object) -> object:
    """A copy whose strings encode as UTF-8. json joins proper pairs, so what is left stands alone."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_SURROGATES.sub("\ufffd", key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
