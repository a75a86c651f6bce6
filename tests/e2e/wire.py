"""A wire to the product that remembers: bytes go through unchanged, and what was asked and answered can be looked at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from local import serving

CHUNK_BYTES = 65_536
REQUEST = re.compile(rb"^([A-Z]+) (\S+) HTTP/1\.1\r\n", re.MULTILINE)
STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)


class Wire:
    """One end listens at `url`; the other is the product."""

    def __init__(self, target: str) -> None:
        self.sent = bytearray()
        self.received = bytearray()
        self._target = urlsplit(target)
        self._listener = serving.listen()
        self.url = serving.url_of(self._listener)

    def requests(self) -> list[tuple[str, str]]:
        """(method, path) of every request, in order."""
        return [(method.decode(), path.decode()) for method, path in REQUEST.findall(bytes(self.sent))]

    def statuses(self) -> set[int]:
        """Every status that was answered."""
        return {int(status) for status in STATUS.findall(bytes(self.received))}

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        await asyncio.gather(
            _copy(reader, far_writer, self.sent), _copy(far_reader, writer, self.received), return_exceptions=True
        )

    @asynccontextmanager
    async def carrying(self) -> AsyncIterator[Wire]:
        """Works as long as this lasts."""
        server = await asyncio.start_server(self._connected, sock=self._listener)
        try:
            yield self
        finally:
            server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK_BYTES):
            kept += chunk
            writer.write(chunk)
            await writer.drain()
    writer.close()
