"""Request bodies to plain bytes. The size is bounded while decoding: a bomb costs the bound, not its own size."""

import re
import zlib
from collections.abc import Callable

import brotli
import zstandard

ENCODINGS_MAX = 2  # stacked, as in `Content-Encoding: gzip, br`
MEMBERS_MAX = 100  # gzip members or zstd frames in one body; each costs a new decoder
ZSTD_WINDOW_BYTES_MAX = 8 << 20  # RFC 8878 §3.1.1.1.2 asks decoders for 8 MiB; more would be memory a client chooses
ZSTD_PIECE_BYTES = 256  # a piece decodes to at most 8 MiB: 4 bytes make a block of 128 KiB (RFC 8878 §3.1.1.2)


class DecompressionError(ValueError):
    """The body cannot be decoded."""


class TooLarge(DecompressionError):
    """The body is larger than allowed, before or after decoding."""


class BadEncoding(DecompressionError):
    """Unknown encoding, or bytes that are not what the encoding says: truncated or garbage."""


def decompress(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """The decoded body, at most `bytes_max` bytes; `encoding` is the Content-Encoding header (RFC 9110 §8.4), "" for none.

    gzip, deflate (zlib, or raw as some clients send it), br, zstd, identity; stacked up to ENCODINGS_MAX.
    Raises TooLarge, BadEncoding.
    """
    names = [name.strip() for name in encoding.lower().split(",", ENCODINGS_MAX + 1)] if encoding else []
    names = [name for name in names if name and name != "identity"]
    if len(names) > ENCODINGS_MAX:
        raise BadEncoding(f"more than {ENCODINGS_MAX} content encodings")
    for name in reversed(names):
        decoder = DECODERS.get(name)
        if decoder is None:
            shown, known = re.sub("[^a-z0-9_-]", "?", name)[:20], ", ".join(DECODERS)
            raise BadEncoding(f"unknown content encoding {shown!r}; known are {known}")
        body = decoder(body, bytes_max)
    if len(body) > bytes_max:
        raise TooLarge(f"the body is larger than {bytes_max} bytes")
    return body


def _inflate(body: bytes, bytes_max: int, window_bits: int) -> tuple[bytes, bytes]:
    """One zlib stream: (its content, the bytes that follow it)."""
    decoder = zlib.decompressobj(window_bits)
    try:
        # zlib's buffer grows with what is written, up to this limit: a lying length field in the trailer changes nothing.
        content = decoder.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise BadEncoding(f"corrupt compressed data: {error}") from error
    if len(content) > bytes_max:
        raise TooLarge(f"the body is larger than {bytes_max} bytes when decompressed")
    if not decoder.eof:
        raise BadEncoding("truncated compressed data")
    return content, decoder.unused_data


def _gzip(body: bytes, bytes_max: int) -> bytes:
    content, rest = _inflate(body, bytes_max, 31)
    if not rest:
        return content
    members = [content]
    room = bytes_max - len(content)
    while rest := rest.lstrip(b"\0"):  # padding between and after members is what gzip itself skips
        if len(members) == MEMBERS_MAX:
            raise BadEncoding(f"more than {MEMBERS_MAX} gzip members")
        content, rest = _inflate(rest, room, 31)
        members.append(content)
        room -= len(content)
    return b"".join(members)


def _deflate(body: bytes, bytes_max: int) -> bytes:
    # RFC 9110 §8.4.1.2: "deflate" is the zlib format, yet some clients send the raw stream.
    try:
        content, rest = _inflate(body, bytes_max, 15)
    except BadEncoding:
        content, rest = _inflate(body, bytes_max, -15)
    if rest:
        raise BadEncoding("bytes after the end of the compressed data")
    return content


def _brotli(body: bytes, bytes_max: int) -> bytes:
    decoder = brotli.Decompressor()
    parts: list[bytes] = []
    size, data = 0, body
    try:
        while True:
            parts.append(decoder.process(data, output_buffer_limit=bytes_max + 1 - size))
            size, data = size + len(parts[-1]), b""
            if size > bytes_max:
                raise TooLarge(f"the body is larger than {bytes_max} bytes when decompressed")
            if decoder.is_finished():
                return b"".join(parts)
            if decoder.can_accept_more_data():
                raise BadEncoding("truncated compressed data")
    except brotli.error as error:
        raise BadEncoding("corrupt compressed data: not brotli") from error


def _zstd(body: bytes, bytes_max: int) -> bytes:
    parts: list[bytes] = []
    room, start, frames = bytes_max, 0, 0
    while start < len(body):
        if frames == MEMBERS_MAX:
            raise BadEncoding(f"more than {MEMBERS_MAX} zstd frames")
        content, start = _zstd_frame(body, start, room)
        parts.append(content)
        room -= len(content)
        frames += 1
    if not frames:
        raise BadEncoding("truncated compressed data")
    return b"".join(parts)


def _zstd_frame(body: bytes, start: int, bytes_max: int) -> tuple[bytes, int]:
    """One frame: (its content, where the next one starts)."""
    decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX).decompressobj()
    parts: list[bytes] = []
    size = 0
    while not decoder.eof:
        piece = body[start : start + ZSTD_PIECE_BYTES]
        if not piece:
            raise BadEncoding("truncated compressed data")
        try:
            parts.append(decoder.decompress(piece))
        except zstandard.ZstdError as error:
            raise BadEncoding(f"corrupt compressed data: {error}") from error
        start += len(piece)
        size += len(parts[-1])
        if size > bytes_max:
            raise TooLarge(f"the body is larger than {bytes_max} bytes when decompressed")
    return b"".join(parts), start - len(decoder.unused_data)


DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
