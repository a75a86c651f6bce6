"""Odd JSON values, and every place of a payload that one can stand in."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from tests import hostile

MARK = "@mark@"
Path = tuple[str | int, ...]


def incompressible(characters: int) -> str:
    """Text that no index shortens: a key of it above 2,704 bytes is refused by PostgreSQL."""
    return base64.b64encode(random.Random(5).randbytes(characters))[:characters].decode()


# JSON texts, as they stand in a body; what PostgreSQL, Python or JSON itself refuses in one way or another.
VALUES: dict[str, bytes] = {
    "an escaped NUL": rb'"a\u0000b"',
    "only NULs": rb'"\u0000\u0000"',
    "a raw NUL": b'"a\0b"',
    "raw control characters": b'"a\x01\x1b[31m\n\r\tb"',
    "a lone high surrogate": rb'"\ud800"',
    "a lone low surrogate": rb'"x\udfff"',
    "surrogates the wrong way round": rb'"\udc00\ud800"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "no UTF-8 at all": b'"\xff\xfe\x80"',
    "an overlong UTF-8 slash": b'"\xc0\xaf"',
    "half a character": b'"\xf0\x9f\x98"',
    "noncharacters": '"\ufffe\uffff\ufeff"'.encode(),
    "text that runs backwards": '"\u202egnp.exe"'.encode(),
    "line separators": '"a\u2028b\u2029c\x85d"'.encode(),
    "a key that no index holds": f'"{incompressible(4_000)}"'.encode(),
    "9,000 wide characters": ('"' + "\U0001f600" * 9_000 + '"').encode(),
    "combining marks": ('"e' + "\u0301" * 500 + '"').encode(),
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e400": b"1e400",
    "a number of 131,071 digits in jsonb": b"1e131071",
    "200 of them": b"[" + b",".join([b"1e131071"] * 200) + b"]",
    "5,000 digits": b"9" * 5_000,
    "2**64": b"18446744073709551616",
    "below bigint": b"-9223372036854775809",
    "the smallest double": b"5e-324",
    "minus zero": b"-0.0",
    "1,000 arrays deep": b"[" * 1_000 + b"]" * 1_000,
    "300 objects deep": b'{"a":' * 300 + b"1" + b"}" * 300,
    "the epoch": b"0",
    "1970": b'"1970-01-01T00:00:00Z"',
    "2099": b'"2099-12-31T23:59:59Z"',
    "2099 in seconds": b"4102444799",
    "the year 10000": b'"9999-12-31T23:59:59-23:59"',
    "the last year of PostgreSQL": b'"294276-12-31T23:59:59Z"',
    "BC": b'"0044-03-15 BC"',
    "before the year 1": b'"0001-01-01T00:00:00+23:59"',
    "infinity": b'"infinity"',
    "an empty text": b'""',
    "blanks": b'" \\t\\n "',
    "null": b"null",
    "true": b"true",
    "an empty object": b"{}",
    "an empty array": b"[]",
    "an object of oddities": rb'{"\u0000":"\u0000","\ud800":[NaN],"":{"":[]},"a":1,"a":2}',
    "pairs of oddities": rb'[["\u0000",1],["a",["\ud800"]],[null,null],["b"],[]]',
}
TEXTS = {name: text for name, text in VALUES.items() if text.startswith(b'"')}

# One of each, so that each place stands for itself.
_FRAME: Path = ("exception", "values", 0, "stacktrace", "frames", 0)
_STACK: dict[str, Any] = {"values": [{**hostile.EXCEPTION, "stacktrace": {"frames": [hostile.FRAME]}}]}
SENTRY: dict[str, Any] = {**hostile.SENTRY, "exception": _STACK}
PLAIN: dict[str, Any] = {**hostile.NATIVE, "extra": {"attempt": 1}}
del PLAIN["event_id"]  # otherwise all are one event
SENTRY_PLACES: tuple[Path, ...] = (
    *((name,) for name in SENTRY),
    ("exception", "values"), ("exception", "values", 0), ("exception", "values", 0, "type"), ("exception", "values", 0, "value"),
    ("exception", "values", 0, "mechanism"), ("exception", "values", 0, "stacktrace"), _FRAME[:-1], _FRAME, (*_FRAME, "filename"),
    (*_FRAME, "function"), (*_FRAME, "lineno"), (*_FRAME, "pre_context"), (*_FRAME, "context_line"), (*_FRAME, "vars"),
    (*_FRAME, "vars", "cart"), ("logentry", "params"), ("tags", "region"), ("user", "id"), ("user", "email"),
    ("extra", "attempt"),
    ("contexts", "otel", "resource", "service.name"), ("request", "headers", "Host"), ("request", "query_string"),
    ("request", "data"), ("threads", "values", 0, "id"), ("breadcrumbs", "values", 0, "timestamp"), ("fingerprint", 1),
)  # fmt: skip
PLAIN_PLACES: tuple[Path, ...] = (
    *((name,) for name in PLAIN),
    ("event_id",),
    ("error", "type"),
    ("error", "cause"),
    ("error", "cause", "stack"),
)
# Objects whose keys are the client's.
OPEN: tuple[Path, ...] = (
    ("tags",), ("user",), ("extra",), ("contexts",), ("modules",), ("request", "headers"), ("request", "cookies"),
    ("request", "data"), (*_FRAME, "vars"), ("metadata",),
)  # fmt: skip


def _parent(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def with_value(base: dict[str, Any], path: Path, value: bytes) -> bytes:
    """The base as JSON with this JSON text in that place."""
    changed = copy.deepcopy(base)
    _parent(changed, path[:-1])[path[-1]] = MARK
    return json.dumps(changed).encode().replace(f'"{MARK}"'.encode(), value)


def with_key(base: dict[str, Any], path: Path, key: bytes) -> bytes:
    """The base as JSON with this JSON text as one more key of the object in that place."""
    changed = copy.deepcopy(base)
    _parent(changed, path)[MARK] = "x"
    return json.dumps(changed).encode().replace(f'"{MARK}"'.encode(), key)


def squares(base: dict[str, Any]) -> Iterator[bytes]:
    """As many bodies as there are values, with an odd value in each place of each; together, each value in each place.

    Without the deepest: beside what orjson refuses it is too deep for the tolerant reading.
    """
    values = [value for name, value in VALUES.items() if name != "1,000 arrays deep"]
    for shift in range(len(values)):
        number = itertools.count(shift)

        def marked(here: Any, number: Iterator[int] = number) -> Any:
            if isinstance(here, dict):
                return {key: marked(item) for key, item in here.items()}
            return [marked(item) for item in here] if isinstance(here, list) else f"@{next(number) % len(values)}@"

        body = json.dumps(marked(base)).encode()
        yield re.sub(rb'"@(\d+)@"', lambda found: values[int(found[1])], body)


def bodies(base: dict[str, Any], places: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    """(what and where, body): each value in each of these places, each text as a key of each open object, and the squares."""
    for name, value in VALUES.items():
        for path in places:
            yield f"{name} at {path}", with_value(base, path, value)
    for name, key in TEXTS.items():
        for path in OPEN:
            if path[0] in base:
                yield f"{name} as a key of {path}", with_key(base, path, key)
    for shift, body in enumerate(squares(base)):
        yield f"square {shift}", body
