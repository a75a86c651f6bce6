"""A ZIP that is written while it is read: whole, small in memory, and no valid ZIP where it broke off."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from lib import zipped

AT = datetime(2026, 11, 26, 12, 30, 2, tzinfo=UTC)


async def files(*contents: list[bytes]) -> AsyncIterator[zipped.File]:
    for number, chunks in enumerate(contents):

        async def made(own: list[bytes] = chunks) -> AsyncIterator[Callable[[], bytes]]:
            for chunk in own:
                yield lambda chunk=chunk: chunk  # type: ignore[misc]

        yield zipped.File(f"{number}.txt", made())


@pytest.mark.parametrize("contents", [[], [[]], [[b"a"]], [[b"a", b"", b"b" * 70_000], [b"\x00"]]])
async def test_what_goes_in_comes_out(contents: list[list[bytes]]) -> None:
    whole = b"".join([piece async for piece in zipped.stream(files(*contents), AT)])
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()] == [b"".join(chunks) for chunks in contents]
        assert {one.date_time for one in archive.infolist()} <= {(2026, 11, 26, 12, 30, 2)}


async def test_no_more_than_a_chunk_waits() -> None:
    """Each chunk is on its way before the next one is made."""
    chunk = bytes(range(256)) * 4_000
    sizes = [len(piece) async for piece in zipped.stream(files([chunk] * 20), AT)]
    assert max(sizes) < 2 * len(chunk)


async def test_what_broke_off_is_no_zip() -> None:
    async def broken() -> AsyncIterator[zipped.File]:
        async for file in files([b"a" * 1000]):
            yield file
        raise ConnectionError

    found: list[bytes] = []

    async def read() -> None:
        async for piece in zipped.stream(broken(), AT):
            found.append(piece)  # noqa: PERF401 - what came before it broke

    with pytest.raises(ConnectionError):
        await read()
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(found)))


async def test_others_go_on_while_a_chunk_is_made() -> None:
    def slow() -> bytes:
        import time

        time.sleep(0.1)
        return b"x"

    async def chunks() -> AsyncIterator[Callable[[], bytes]]:
        yield slow

    async def one() -> AsyncIterator[zipped.File]:
        yield zipped.File("x", chunks())

    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    beating = asyncio.create_task(beat())
    assert [piece async for piece in zipped.stream(one(), AT)]
    beating.cancel()
    assert beats >= 5
