"""Bodies that are small to send and large to read: compression bombs of every encoding, and JSON that is all structure."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import brotli

BODY_BYTES_MAX = 4_400_000
MIB = 1 << 20
LARGEST = 4 * MIB - 1_000  # what an event may have, nearly
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def deflated(mebibytes: int, window_bits: int, fill: bytes = b" ") -> bytes:
    """A zlib (15), raw (-15) or gzip (31) stream of so many MiB: after a full flush a block may be repeated as it is."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    head = packer.compress(fill * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(fill * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (mebibytes - 1)


def zstd_of_equal_bytes(blocks: int) -> bytes:
    """A frame of RLE blocks: 4 bytes each, 128 KiB once decoded (RFC 8878 §3.1.1.2). Its header names no size."""
    window_of_8_mib = b"\x00\x68"
    block, last = (((128 << 10) << 3) | 1 << 1), 1
    return (
        ZSTD_MAGIC + window_of_8_mib + (block.to_bytes(3, "little") + b" ") * blocks + (block | last).to_bytes(3, "little") + b" "
    )


def zstd_with_a_window_of_2_gib() -> bytes:
    """What its header asks for is memory the client chooses."""
    return ZSTD_MAGIC + b"\x00" + bytes([21 << 3]) + (1 | 0 << 1 | 4 << 3).to_bytes(3, "little") + b"{}\n\n"


def zstd_that_claims_a_tebibyte() -> bytes:
    """The header's content size is a claim."""
    return ZSTD_MAGIC + b"\xe0" + (1 << 40).to_bytes(8, "little") + (1 | 0 << 1 | 4 << 3).to_bytes(3, "little") + b"{}\n\n"


def bombs() -> Iterator[tuple[str, str, bytes]]:
    """(name, Content-Encoding, body)."""
    spaces = gzip.compress(b" " * 100 * MIB)
    yield "4 GiB in gzip", "gzip", deflated(4_096, 31)
    yield "100 MiB in each of 40 gzip members", "gzip", spaces * 40
    yield "as many gzip members as fit", "gzip", gzip.compress(b"") * (BODY_BYTES_MAX // 20)
    yield "4 GiB in deflate", "deflate", deflated(4_096, 15)
    yield "4 GiB in raw deflate", "deflate", deflated(4_096, -15)
    yield "200 MiB in brotli", "br", brotli.compress(b" " * 200 * MIB, quality=1, lgwin=24)
    yield "100 GiB in zstd", "zstd", zstd_of_equal_bytes(800_000)
    yield "a zstd window of 2 GiB", "zstd", zstd_with_a_window_of_2_gib()
    yield "a zstd frame that claims a TiB", "zstd", zstd_that_claims_a_tebibyte()
    yield "gzip in gzip", "gzip, gzip", gzip.compress(deflated(4_096, 31))
    yield "gzip in brotli", "gzip, br", brotli.compress(deflated(4_096, 31), quality=1)
    yield "three encodings", "gzip, gzip, gzip", spaces
    yield "gzip that is none", "gzip", b"\x1f\x8b" + b"\xff" * BODY_BYTES_MAX
    yield "empty deflate blocks", "deflate", b"\x00\x00\x00\xff\xff" * (BODY_BYTES_MAX // 5)


def filled(head: bytes, unit: bytes, tail: bytes, size_bytes: int = LARGEST) -> bytes:
    """`head`, as many units as fit, joined by commas, `tail`."""
    count = (size_bytes - len(head) - len(tail)) // (len(unit) + 1)
    return head + (unit + b",") * (count - 1) + unit + tail


# Just below the number of elements that lib/json.py refuses.
ELEMENTS = 990_000


def structures() -> Iterator[tuple[str, bytes]]:
    """(name, JSON of an event): each shape with as many elements as are read."""
    shapes = {
        "empty arrays": (b'{"message":"x","extra":{"a":[', b"[]", b"]}}"),
        "empty objects": (b'{"message":"x","extra":{"a":[', b"{}", b"]}}"),
        "numbers": (b'{"message":"x","extra":{"a":[', b"1", b"]}}"),
        "crumbs": (b'{"message":"x","breadcrumbs":[', b"{}", b"]}"),
        "exceptions": (b'{"message":"x","exception":[', b'{"type":"E"}', b"]}"),
        "frames": (b'{"message":"x","exception":[{"type":"E","stacktrace":{"frames":[', b'{"lineno":1}', b"]}}]}"),
        "odd frames": (b'{"message":"x","exception":[{"type":"E","stacktrace":{"frames":[', b'{"lineno":"1"}', b"]}}]}"),
        "threads": (b'{"message":"x","threads":[', b'{"id":1}', b"]}"),
        "tag pairs": (b'{"message":"x","tags":[', b'["a","b"]', b"]}"),
        "parameters": (b'{"message":"x","logentry":{"message":"x","params":[', b"[]", b"]}}"),
        "fingerprint": (b'{"message":"x","fingerprint":[', b'"a"', b"]}"),
        "one header again and again": (b'{"message":"x","request":{"headers":[', b'["a","bbbbbbbb"]', b"]}}"),
        "secrets": (b'{"message":"x","extra":{"a":[', b'{"password":"x"}', b"]}}"),
        "addresses": (b'{"message":"x","extra":{"a":[', b'"a@b.example"', b"]}}"),
        "message": (b'{"message":[', b"[]", b"]}"),
    }
    for name, (head, unit, tail) in shapes.items():
        most = ELEMENTS * (len(unit) + 1) // (1 + unit.count(b"[") + unit.count(b"{") + unit.count(b","))
        yield name, filled(head, unit, tail, min(most, LARGEST))
    arrays = shapes["empty arrays"]
    yield "empty arrays that are stored", filled(*arrays, MIB - 1_000)
    yield "empty arrays, 4 MiB", filled(*arrays)
    yield "deep arrays", b'{"message":"x","extra":{"a":' + b"[" * 2_000_000 + b"]" * 2_000_000 + b"}}"
    yield "deep objects", b'{"message":"x","extra":' + b'{"a":' * 700_000 + b"1" + b"}" * 700_000 + b"}"
    yield "an array that never ends", b"[" * 4_000_000
    yield "a text that never ends", b'{"message":"' + b"a" * 4_000_000
    yield "escapes", b'{"message":"' + b"\\u0041" * 600_000 + b'"}'
    yield "digits", b'{"message":"x","extra":{"a":' + b"9" * 4_000_000 + b"}}"
    yield "many long numbers", filled(b'{"message":"x","extra":{"a":[', b"1" * 399 + b".5e-300", b"]}}")
    yield "one key again and again", filled(b'{"message":"x"', b',"a":1', b"}").replace(b",,", b",")
    yield "keys", b'{"message":"x","extra":{' + b",".join(b'"%x":1' % n for n in range(300_000)) + b"}}"
    yield "tags", b'{"message":"x","tags":{' + b",".join(b'"%x":"1"' % n for n in range(300_000)) + b"}}"
