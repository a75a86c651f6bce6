"""Bodies of real SDKs, damaged by a seeded hand: the same seed gives the same body, so that a failure can be repeated."""

from __future__ import annotations

import functools
import gzip
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import brotli
import zstandard

from tests import hostile
from tests.api import odd

CASES = Path(__file__).parent.parent / "quality" / "cases"
CASE_BYTES_MAX = 4_500
MUTATIONS_MAX = 4
VALUES = tuple(odd.VALUES.values())
TEXTS = tuple(odd.TEXTS.values())
JUNK = (
    b"\0", b"\n", b"\r\n", b'"', b"'", b"{", b"}", b"[", b"]", b":", b",", b"\\", b"\\u", b"\\ud83d", b"\xff", b"\xc3", b"//",
    b"{}\n",
    b'{"type":"event"}\n', b'"length":', b"\xef\xbb\xbf", b"\x1f\x8b", b"1e999", b"-", b"0x10", b"undefined",
    b"NaN", b"</script>",
)  # fmt: skip
# A text with a colon after it is a key. Read from the start, so that quotes are paired as JSON pairs them.
TOKEN = re.compile(rb'("(?:[^"\\\n]|\\.)*")(\s*:)?|-?\b\d+(?:\.\d+)?\b|\btrue\b|\bfalse\b|\bnull\b')
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": functools.partial(gzip.compress, compresslevel=1),
    "deflate": functools.partial(zlib.compress, level=1),
    "br": functools.partial(brotli.compress, quality=1),
    "zstd": zstandard.compress,
}
ENCODINGS = (*[""] * 20, *COMPRESS, *COMPRESS, "identity", "gzip, br", "GZIP", "x", "gzip;q=1", ",", "gzip,gzip,gzip", "\xff")
CONTENT_TYPES = (
    "",
    "application/json",
    "application/x-ndjson",
    "application/x-sentry-envelope",
    "text/plain",
    "multipart/form-data",
)


class Damaged(NamedTuple):
    """A request's body and the headers that tell, or lie, about it."""

    body: bytes
    headers: dict[str, str]


@functools.cache
def events() -> tuple[bytes, ...]:
    """JSON of Sentry events: what real SDKs sent, and one of ours with every field."""
    found = [hostile.SENTRY]
    for name in ("python", "node"):
        with gzip.open(CASES / f"{name}.jsonl.gz") as lines:
            found += [json.loads(line)["event"] for line in lines]
    # Without ids: otherwise most would be told that they are known.
    texts = (json.dumps({name: value for name, value in event.items() if name != "event_id"}).encode() for event in found)
    return tuple(text for text in texts if len(text) <= CASE_BYTES_MAX)


@functools.cache
def plain_events() -> tuple[bytes, ...]:
    """The same as plain JSON, and arrays and lines of them."""
    native = {name: value for name, value in hostile.NATIVE.items() if name != "event_id"}
    events_: list[dict[str, Any]] = [native, *({"message": "x", **json.loads(event)} for event in events()[::10])]
    texts = [json.dumps(event).encode() for event in events_]
    small = [b'{"message":"cart is broken","level":"info"}', b'{"error":"KeyError: 7","tags":{"a":"b"}}']
    return (*texts, *small, b"[" + b",".join(small) + b"]", b"\n".join(small), b"[" + texts[0] + b"," + small[0] + b"]")


def envelope(random: Random) -> Damaged:
    """An envelope with a real event and other items, damaged."""
    event = random.choice(events())
    event_id = b"%032x" % random.getrandbits(128)
    length = b',"length":%d' % len(event) if random.random() < 0.5 else b""
    parts = [b'{"event_id":"%b"}' % event_id, b'{"type":"event"%b}' % length, event]
    if random.random() < 0.3:
        parts += [b'{"type":"session"}', b"{}", b'{"type":"attachment","length":3}', b"a\nb"]
    return _damaged(random, b"\n".join(parts) + b"\n")


def store(random: Random) -> Damaged:
    """A real event alone, damaged."""
    return _damaged(random, random.choice(events()))


def plain(random: Random) -> Damaged:
    """A body of plain JSON, damaged."""
    return _damaged(random, random.choice(plain_events()))


def _damaged(random: Random, body: bytes) -> Damaged:
    for _ in range(random.randint(1, MUTATIONS_MAX)):
        # Most damage keeps it JSON: what is refused by the parser tests nothing behind it.
        body = random.choices(MUTATIONS, WEIGHTS)[0](random, body)
    headers = {"Content-Type": random.choice(CONTENT_TYPES)}
    encoding = random.choice(ENCODINGS)
    if encoding:
        headers["Content-Encoding"] = encoding
    if encoding in COMPRESS:
        body = COMPRESS[encoding](body)
        if random.random() < 0.2:
            body = random.choice((_cut, _flip, _double))(random, body)
    return Damaged(body, headers)


def _span(random: Random, body: bytes) -> tuple[int, int]:
    start = random.randint(0, len(body))
    return start, min(len(body), start + random.choice((1, 2, 8, 64, 1_000)))


def _tokens(body: bytes, *, keys: bool) -> list[tuple[int, int]]:
    """Where the keys stand, or the scalar values."""
    return [found.span(1) if keys else found.span() for found in TOKEN.finditer(body) if bool(found[2]) is keys]


def _replace(random: Random, body: bytes, choices: tuple[bytes, ...], *, keys: bool) -> bytes:
    """One key or value replaced by one of the choices; without any, by another one of its kind."""
    spans = _tokens(body, keys=keys)
    if not spans:
        return body
    start, end = random.choice(spans)
    from_, to = random.choice(spans)
    return body[:start] + (random.choice(choices) if choices else body[from_:to]) + body[end:]


def _value(random: Random, body: bytes) -> bytes:
    return _replace(random, body, VALUES, keys=False)


def _key(random: Random, body: bytes) -> bytes:
    return _replace(random, body, TEXTS, keys=True)


def _swap(random: Random, body: bytes) -> bytes:
    """The right words in the wrong fields."""
    return _replace(random, body, (), keys=False)


def _rename(random: Random, body: bytes) -> bytes:
    """The right fields under the wrong names."""
    return _replace(random, body, (), keys=True)


def _wrap(random: Random, body: bytes) -> bytes:
    spans = _tokens(body, keys=False)
    if not spans:
        return body
    start, end = random.choice(spans)
    depth = random.choice((1, 40, 300))
    return body[:start] + b"[" * depth + body[start:end] + b"]" * depth + body[end:]


def _cut(random: Random, body: bytes) -> bytes:
    return body[: random.randint(0, len(body))]


def _drop(random: Random, body: bytes) -> bytes:
    start, end = _span(random, body)
    return body[:start] + body[end:]


def _double(random: Random, body: bytes) -> bytes:
    start, end = _span(random, body)
    return body[:end] + body[start:]


def _flip(random: Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(random.randint(1, 4) if body else 0):
        changed[random.randrange(len(changed))] = random.getrandbits(8)
    return bytes(changed)


def _insert(random: Random, body: bytes) -> bytes:
    start = random.randint(0, len(body))
    return body[:start] + random.choice(JUNK) * random.choice((1, 1, 1, 50)) + body[start:]


WEIGHTED: dict[Callable[[Random, bytes], bytes], int] = {
    _value: 24, _key: 8, _swap: 10, _rename: 6, _wrap: 6, _cut: 1, _drop: 1, _double: 1, _flip: 1, _insert: 2,
}  # fmt: skip
MUTATIONS, WEIGHTS = list(WEIGHTED), list(WEIGHTED.values())
