from __future__ import annotations

import gzip
import os
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lib import decompression
from lib.decompression import BadEncoding, TooLarge, decompress
from tests.cases import each

MAX = 1_000_000
BODY = b'{"event_id": "6ec0bd7f"}\n' * 500


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def zstd_unsized(data: bytes) -> bytes:
    """As a streaming client sends it: the frame does not say how large it is."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


def br(data: bytes) -> bytes:
    compressed: bytes = brotli.compress(data, quality=4)
    return compressed


CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip, upper case": (" X-GZIP ", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "brotli": ("br", br),
    "zstd": ("zstd", zstd),
    "zstd without a size": ("zstd", zstd_unsized),
    "gzip over brotli": ("br, gzip", lambda data: gzip.compress(br(data))),
    "identity": ("identity", lambda data: data),
    "none": ("", lambda data: data),
    "identity beside gzip": ("identity, gzip", gzip.compress),
}
COMPRESSED = {name: codec for name, codec in CODECS.items() if "gzip" in name or codec[1](b"x" * 99) != b"x" * 99}


@each("name", CODECS)
def test_a_body_comes_back_as_it_was(name: str) -> None:
    encoding, compress = CODECS[name]
    for body in (b"", b"x", BODY, os.urandom(70_000)):
        assert decompress(compress(body), encoding, MAX) == body


@each("name", CODECS)
def test_the_bound_is_exact(name: str) -> None:
    encoding, compress = CODECS[name]
    body = b"a" * 5_000
    assert decompress(compress(body), encoding, len(body)) == body
    with pytest.raises(TooLarge):
        decompress(compress(body), encoding, len(body) - 1)


@each("name", COMPRESSED)
def test_a_bomb_costs_little_memory_and_time(name: str) -> None:
    encoding, compress = COMPRESSED[name]
    bomb = compress(bytes(60_000_000))
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(TooLarge):
        decompress(bomb, encoding, MAX)
    seconds, (_, peak_bytes) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 2
    assert peak_bytes < 25_000_000  # zstd decodes up to 8 MiB ahead


@each("name", COMPRESSED)
def test_a_truncated_body_is_refused(name: str) -> None:
    encoding, compress = COMPRESSED[name]
    whole = compress(os.urandom(3_000))
    for size in (0, 1, 5, len(whole) // 2, len(whole) - 1):
        with pytest.raises(BadEncoding):
            decompress(whole[:size], encoding, MAX)


@each("name", COMPRESSED)
def test_garbage_is_refused(name: str) -> None:
    encoding, compress = COMPRESSED[name]
    for body in (b"garbage, not compressed at all", compress(BODY)[:20] + b"\xff" * 50, compress(BODY) + b"more"):
        with pytest.raises(BadEncoding):
            decompress(body, encoding, MAX)


@each("encoding", ["compress", "gzip, br, zstd", "gzip;q=1", "gz", "\0", "br,gzip,identity,br"])
def test_an_encoding_we_do_not_know_is_named(encoding: str) -> None:
    with pytest.raises(BadEncoding, match="encoding"):
        decompress(BODY, encoding, MAX)


def test_gzip_members_and_zstd_frames_are_joined() -> None:
    assert decompress(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0", "gzip", MAX) == b"ab"
    assert decompress(zstd(b"a") + zstd_unsized(b"b"), "zstd", MAX) == b"ab"
    with pytest.raises(TooLarge):
        decompress(gzip.compress(b"a" * 600) + gzip.compress(b"b" * 600), "gzip", 1_000)
    with pytest.raises(TooLarge):
        decompress(zstd(b"a" * 600) + zstd(b"b" * 600), "zstd", 1_000)


@each(("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstd)])
def test_a_body_of_countless_empty_members_is_refused_at_once(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    member = compress(b"")
    started = time.process_time()
    with pytest.raises(BadEncoding, match=str(decompression.MEMBERS_MAX)):
        decompress(member * (4_000_000 // len(member)), encoding, MAX)
    assert time.process_time() - started < 2


def test_the_size_in_a_gzip_trailer_is_not_believed() -> None:
    whole = gzip.compress(BODY)
    with pytest.raises(BadEncoding):
        decompress(whole[:-4] + b"\xff\xff\xff\xff", "gzip", MAX)


def test_a_zstd_window_beyond_the_bound_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BadEncoding):
        decompress(compressor.compress(os.urandom(1_000)) + compressor.flush(), "zstd", MAX)


@given(st.sampled_from(sorted(CODECS)), st.binary(max_size=60), st.integers(0, 40), st.binary(max_size=5))
def test_a_damaged_body_is_decoded_or_refused_never_more(name: str, body: bytes, position: int, junk: bytes) -> None:
    encoding, compress = CODECS[name]
    damaged = compress(body)
    damaged = damaged[:position] + junk + damaged[position:]
    with suppress(TooLarge, BadEncoding):
        assert len(decompress(damaged, encoding, 100)) <= 100
