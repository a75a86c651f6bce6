"""How a redacted payload is stored: one zstd frame, compressed under a trained dictionary that has a version.

Events of one kind of program repeat the same framework frames, keys and source lines, in every project alike. A dictionary of
such text, shared by all rows, more than halves a row and is quicker than compressing without one (bench/dictionary.py has the
figures and trains it). A version, once it was written to a database, is frozen: its file may never change or go away.

Stored payloads bypass no check: a frame names its own size, and nothing above BODY_BYTES_MAX is written or read.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path

import zstandard

NO_DICTIONARY = 0
CURRENT_VERSION = 1
LEVEL = 3
BODY_BYTES_MAX = 16 * 1024 * 1024
DICTIONARIES = Path(__file__).with_name("dictionaries")


class UnreadablePayloadError(ValueError):
    """A stored payload cannot be read back: unknown dictionary version, damaged frame, or a size no writer would produce."""


def compress(body: bytes) -> tuple[int, bytes]:
    """The dictionary's version and the frame, which the row keeps side by side.

    Raises ValueError where `body` is larger than BODY_BYTES_MAX: decompress would refuse to give it back.
    """
    if len(body) > BODY_BYTES_MAX:
        raise ValueError(f"a payload of {len(body)} bytes exceeds {BODY_BYTES_MAX}")
    return CURRENT_VERSION, _codecs.compressor(CURRENT_VERSION).compress(body)


def decompress(version: int, data: bytes) -> bytes:
    """The body that compress() was given. Allocates at most BODY_BYTES_MAX; raises UnreadablePayloadError."""
    decompressor = _codecs.decompressor(version)
    try:
        size_bytes = zstandard.frame_content_size(data)
        # zstandard trusts the size a frame claims over any max_output_size, so the claim is checked before it is believed.
        if not 0 <= size_bytes <= BODY_BYTES_MAX:
            raise UnreadablePayloadError(f"the frame claims {size_bytes} bytes; at most {BODY_BYTES_MAX} were ever written")
        return decompressor.decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise UnreadablePayloadError(f"the frame (dictionary {version}) is damaged: {error}") from error


@functools.cache
def _dictionary(version: int) -> zstandard.ZstdCompressionDict:
    """Read once per process and digested for LEVEL; immutable from then on, so threads share it."""
    try:
        content = (DICTIONARIES / f"{version}.zstd-dict").read_bytes()
    except FileNotFoundError:
        raise UnreadablePayloadError(f"payload dictionary {version} is not part of this deployment") from None
    dictionary = zstandard.ZstdCompressionDict(content)
    dictionary.precompute_compress(level=LEVEL)
    return dictionary


class _Codecs(threading.local):
    """A thread's own (de)compressors by version: zstandard's contexts must never be used by two threads at once."""

    def __init__(self) -> None:
        self.compressors: dict[int, zstandard.ZstdCompressor] = {}
        self.decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def compressor(self, version: int) -> zstandard.ZstdCompressor:
        if version not in self.compressors:
            # The row already holds the version, and PostgreSQL checks its own pages: no dictionary id, no checksum (8 bytes).
            self.compressors[version] = zstandard.ZstdCompressor(
                level=LEVEL,
                dict_data=_dictionary(version) if version != NO_DICTIONARY else None,
                write_content_size=True,
                write_checksum=False,
                write_dict_id=False,
            )
        return self.compressors[version]

    def decompressor(self, version: int) -> zstandard.ZstdDecompressor:
        if version not in self.decompressors:
            dictionary = _dictionary(version) if version != NO_DICTIONARY else None
            self.decompressors[version] = zstandard.ZstdDecompressor(dict_data=dictionary)
        return self.decompressors[version]


_codecs = _Codecs()
