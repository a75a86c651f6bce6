"""Send events as SDKs do, over keep-alive connections, and print what was answered as one JSON line.

    python -m bench.load --dsn http://KEY@127.0.0.1:3000/1 [-n 5000] [-c 16] [--mode mix|one] [--rate R]
                         [--ids FILE] [--corpus FILE]

Every body is built and compressed before the clock starts. Without --rate a connection sends its next event when the last was
answered (closed loop). With --rate events are due at even intervals, and an answer's latency counts from the moment its event
was due, so that a server that stalls cannot hide the wait of those behind. --ids writes the event_id of every 2xx, one a line:
what the server promised to keep. `began` and `ended` are seconds since the epoch: the first byte sent, the last answer read.

Accepted is not yet readable: bench/ingest.py asks the API for that.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import uvloop

from bench import corpus

GZIP_LEVEL = 6
HEAD_BYTES_MAX = 65_536
TRIES = 2  # a server may close an idle connection at the moment it is used again: once more, on a new one
CLIENT = "sentry.python/2.40.0"


class Target(NamedTuple):
    """Where a DSN points."""

    host: str
    port: int
    key: str
    project_id: str


class Prepared(NamedTuple):
    """An event on the wire: the whole HTTP request."""

    event_id: str
    request: bytes


def target_of(dsn: str) -> Target:
    """`http://KEY@host:port/project` taken apart. Raises ValueError where a part is missing."""
    parts = urlsplit(dsn)
    if not parts.hostname or not parts.username or not parts.path.strip("/"):
        raise ValueError(f"not a DSN of the form http://KEY@host:port/project: {dsn}")
    return Target(parts.hostname, parts.port or 80, parts.username, parts.path.strip("/").rsplit("/", 1)[-1])


def envelope(event: corpus.Event) -> bytes:
    """An envelope with this event alone, gzipped (develop.sentry.dev/sdk/data-model/envelopes)."""
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
    header = {"event_id": event["event_id"], "sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    item = {"type": "event", "content_type": "application/json", "length": len(body)}
    lines = [json.dumps(header).encode(), json.dumps(item).encode(), body]
    return gzip.compress(b"\n".join(lines), GZIP_LEVEL)


def prepare(target: Target, events: Sequence[corpus.Event]) -> list[Prepared]:
    """The requests, one an event, each with an id and a time of its own."""
    prepared = []
    for event in map(corpus.fresh, events):
        body = envelope(event)
        head = (
            f"POST /api/{target.project_id}/envelope/ HTTP/1.1\r\n"
            f"Host: {target.host}:{target.port}\r\n"
            f"User-Agent: {CLIENT}\r\n"
            f"X-Sentry-Auth: Sentry sentry_key={target.key}, sentry_version=7, sentry_client={CLIENT}\r\n"
            "Content-Type: application/x-sentry-envelope\r\n"
            "Content-Encoding: gzip\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        prepared.append(Prepared(event["event_id"], head.encode() + body))
    return prepared


@dataclass
class Connection:
    """One keep-alive connection, opened when first needed and anew where the server closed it."""

    target: Target
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def send(self, request: bytes) -> int:
        """Answers the HTTP status, the whole answer read; 0 where no connection lasted until there was one."""
        for _ in range(TRIES):
            try:
                return await self._exchange(request)
            except (OSError, asyncio.IncompleteReadError):
                self.close()
        return 0

    async def _exchange(self, request: bytes) -> int:
        if self.reader is None or self.writer is None:
            opening = asyncio.open_connection(self.target.host, self.target.port, limit=HEAD_BYTES_MAX)
            self.reader, self.writer = await opening
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        await _skip_body(self.reader, head)
        if b"\r\nconnection: close" in head:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Let go; the next event opens another."""
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"\r\ntransfer-encoding: chunked" in head:
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
        return
    _, found, rest = head.partition(b"\r\ncontent-length:")
    if found:
        await reader.readexactly(int(rest.partition(b"\r\n")[0]))


@dataclass
class Run:
    """One measurement: `todo` sent over so many connections; `rate` in events a second paces it."""

    target: Target
    todo: Sequence[Prepared]
    rate: float | None = None
    latencies_seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0

    async def run(self, connections: int) -> None:
        """Send everything; returns when the last answer was read."""
        self.began = time.time()
        start = time.perf_counter()
        numbered = iter(enumerate(self.todo))
        await asyncio.gather(*(self._keep_sending(numbered, start) for _ in range(connections)))
        self.ended = self.began + time.perf_counter() - start

    async def _keep_sending(self, numbered: Iterator[tuple[int, Prepared]], start: float) -> None:
        connection = Connection(self.target)
        for number, prepared in numbered:
            due = time.perf_counter()
            if self.rate:
                due = start + number / self.rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            status = await connection.send(prepared.request)
            self.statuses[status] += 1
            self.latencies_seconds.append(time.perf_counter() - due)
            if 200 <= status < 300:
                self.kept.append(prepared.event_id)
        connection.close()

    def summary(self) -> dict[str, Any]:
        """What was measured; latencies in ms, of all answers."""
        seconds = self.ended - self.began
        milliseconds = sorted(1000 * one for one in self.latencies_seconds)
        return {
            "sent": len(self.todo),
            "accepted": len(self.kept),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "seconds": round(seconds, 3),
            "accepted_per_second": round(len(self.kept) / seconds, 1),
            **{f"p{share}_ms": round(percentile(milliseconds, share / 100), 2) for share in (50, 95, 99)},
            "max_ms": round(milliseconds[-1], 2),
            "began": self.began,
            "ended": self.ended,
        }


def percentile(ascending: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by `share` of them (nearest rank)."""
    return ascending[min(len(ascending) - 1, max(0, round(share * len(ascending) + 0.5) - 1))]


def cpu_seconds() -> float:
    """This process's CPU time so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", required=True, type=target_of)
    parser.add_argument("-n", "--events", type=int, default=5000)
    parser.add_argument("-c", "--connections", type=int, default=16)
    parser.add_argument("--mode", choices=["mix", "one"], default="mix")
    parser.add_argument("--rate", type=float, help="events a second; without it as fast as answers come")
    parser.add_argument("--ids", type=Path, help="write the ids of accepted events here")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help=".jsonl.gz, may be given several times")
    return parser.parse_args()


def main() -> int:
    """Send, and say what came of it; 1 where something was not accepted."""
    given = arguments()
    try:
        events = corpus.choose(corpus.read(given.corpus), given.events, given.mode)
    except corpus.NoCorpusError as error:
        print(error, file=sys.stderr)
        return 2
    run = Run(given.dsn, prepare(given.dsn, events), given.rate)
    before = cpu_seconds()
    uvloop.run(run.run(given.connections))
    used_ms = 1000 * (cpu_seconds() - before) / given.events
    if given.ids:
        given.ids.write_text("".join(f"{event_id}\n" for event_id in run.kept))
    print(json.dumps({**run.summary(), "generator_cpu_ms_per_event": round(used_ms, 3)}))
    return 0 if len(run.kept) == given.events else 1


if __name__ == "__main__":
    sys.exit(main())
