"""Bodies of requests that clients compress: read and decompressed within bounds."""

from __future__ import annotations

from starlette.requests import Request

from lib import decompression
from lib.errors import InvalidRequest, TooLarge

# Vercel itself refuses more than this.
SENT_BYTES_MAX = 4_500_000


async def read(request: Request) -> bytes:
    """The body as sent, still compressed. Raises TooLarge beyond SENT_BYTES_MAX."""
    chunks: list[bytes] = []
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > SENT_BYTES_MAX:
            raise TooLarge(f"A request body may hold {SENT_BYTES_MAX} bytes at most.")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decompressed(request: Request, body: bytes, bytes_max: int) -> bytes:
    """The body as meant. Raises TooLarge or InvalidRequest."""
    try:
        return decompression.decompress(body, request.headers.get("content-encoding", ""), bytes_max)
    except decompression.TooLarge as error:
        raise TooLarge(f"The decompressed body may hold {bytes_max} bytes at most.") from error
    except decompression.BadEncoding as error:
        raise InvalidRequest(str(error)) from error
