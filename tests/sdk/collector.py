"""A server that unmodified SDKs send to: it keeps every envelope as it came, and answers as Sentry's protocol asks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import brotli
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local import serving

KEY = "collector_public_key_000000"
PROJECT_ID = 7
DECODERS = {"": lambda body: body, "gzip": gzip.decompress, "br": brotli.decompress}


class Envelope(NamedTuple):
    """One POST: the HTTP headers, the envelope's own header, and its items as (header, body)."""

    http: dict[str, str]
    header: dict[str, Any]
    items: list[tuple[dict[str, Any], bytes]]


def split(body: bytes) -> tuple[dict[str, Any], list[tuple[dict[str, Any], bytes]]]:
    """An envelope's header and items: JSON lines, each item's body as long as its header says or to the end of its line."""
    first, _, rest = body.partition(b"\n")
    items = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        end = header["length"] if "length" in header else (rest + b"\n").index(b"\n")
        items.append((header, rest[:end]))
        rest = rest[end:].removeprefix(b"\n")
    return json.loads(first), items


class Collector:
    """`envelopes` holds what came, in order."""

    def __init__(self, url: str) -> None:
        self.envelopes: list[Envelope] = []
        self.dsn = f"{url.replace('://', f'://{KEY}@')}/{PROJECT_ID}"
        self.ping_url = f"{url}/ping"

    def events(self) -> list[dict[str, Any]]:
        """The payloads of all `event` items so far."""
        return [json.loads(body) for envelope in self.envelopes for header, body in envelope.items if header["type"] == "event"]

    async def collect(self, request: Request) -> Response:
        """POST …/envelope/."""
        body = DECODERS[request.headers.get("content-encoding", "")](await request.body())
        header, items = split(body)
        self.envelopes.append(Envelope(dict(request.headers), header, items))
        return JSONResponse({"id": header.get("event_id")})


async def ping(request: Request) -> Response:
    """Something harmless to GET, so that programs have an HTTP breadcrumb."""
    return JSONResponse({"ok": True})


@contextmanager
def listening() -> Iterator[Collector]:
    """A collector on a free loopback port."""
    listener = serving.listen()
    collector = Collector(serving.url_of(listener))
    routes = [
        Route(f"/api/{PROJECT_ID}/envelope/", collector.collect, methods=["POST"]),
        Route("/ping", ping),
    ]
    with serving.in_thread(Starlette(routes=routes), listener):
        yield collector
