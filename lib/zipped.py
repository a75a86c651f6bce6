"""A ZIP that is written while it is read: nothing of it lies on a disk, and no more than a chunk of it in memory.

The standard library's zipfile writes to what cannot seek, each file followed by its checksum and sizes.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Callable
from datetime import datetime
from typing import NamedTuple

# Text of events shrinks to a tenth already at this level, in half the time of the usual one.
LEVEL = 3


class File(NamedTuple):
    """One file of an archive. chunks: each is called in a thread, so that making and compressing it holds up nobody."""

    name: str
    chunks: AsyncIterable[Callable[[], bytes]]


class _Pipe:
    """Takes what zipfile writes until it is fetched."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nowhere to flush to."""

    def take(self) -> bytes:
        taken, self._written = b"".join(self._written), []
        return taken


async def stream(files: AsyncIterable[File], at: datetime) -> AsyncIterator[bytes]:
    """The archive, piece by piece; its files are dated `at`."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]  # whatever has write and flush will do
        async for file in files:
            about = zipfile.ZipInfo(file.name, at.timetuple()[:6])
            about.compress_type, about.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            about._compresslevel = LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - public from Python 3.13 on
            # How long it will be is not known, so its sizes are written as 64 bits.
            with archive.open(about, "w", force_zip64=True) as entry:
                async for chunk in file.chunks:
                    await asyncio.to_thread(lambda: entry.write(chunk()))  # noqa: B023 - awaited at once
                    yield pipe.take()
    yield pipe.take()


def whole(name: str, content: bytes) -> File:
    """A file whose content is known."""

    async def once() -> AsyncIterator[Callable[[], bytes]]:
        yield lambda: content

    return File(name, once())
