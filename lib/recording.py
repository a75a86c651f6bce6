"""Recording events: concurrent requests of one instance share one call to the database, and each answers after its commit.

Whoever comes while a batch is being written is gathered into the next one, so that under low load an event waits for nothing
and under high load a batch is large. A second writer starts when a whole batch is already waiting, or the first is held up.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import math
import os
import socket
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import orjson
import psycopg

from lib import db, log, queries, waking
from lib.errors import Problem, Unavailable, Unexpected
from lib.tags import BATCH_TAGS_MAX, VALUES_MAX, Tag

BATCH_EVENTS_MAX = 100
BATCH_BYTES_MAX = 4_000_000
WRITERS_MAX = 2
WAITING_EVENTS_MAX = 2_000
WAITING_BYTES_MAX = 32_000_000
# A call that takes longer has lost its connection (a frozen instance wakes up with dead ones): another try gets a new one.
TRY_TIMEOUT_SECONDS = 4.0
WRITE_TIMEOUT_SECONDS = 10.0
# A writer that is at one call for this long does not keep others waiting: a second one starts.
WRITER_SLOW_SECONDS = 0.2
ASK_TIMEOUT_SECONDS = 5.0
ASK_TRY_TIMEOUT_SECONDS = 2.0
# How long a request waits for its commit at most, its turn included.
RECORD_TIMEOUT_SECONDS = 15.0
# Questions other than writing (whose key is this?) that may be asked at a time.
ASKING_MAX = 2
# SQLSTATEs after which the same batch may succeed: serialization failure, deadlock.
TRANSIENT = {"40001", "40P01"}
NO_PARTITION = "23514"
# Somebody holds a row of one of the batch's projects (record_events waits 2 s for it).
LOCKED = "55P03"
# Where an event leads whose kind was one too many for its project's minute: overflow_fingerprint() of the database.
OVERFLOW = uuid.UUID(int=15).hex
# Classes of SQLSTATE that speak of the database and not of a row: connection, rollback, resources, operator, system.
DATABASE_AWAY = ("08", "40", "53", "57", "58")

NOT_IN_TIME = "The database did not answer in time; nothing is known to be kept. Send it again."
Answer = TypeVar("Answer")


class Row(NamedTuple):
    """An event as record_events takes it (db/migrations/0002_record_events.sql), and tags to be searched by."""

    columns: dict[str, Any]
    payload: bytes
    tags: tuple[Tag, ...] = ()

    @property
    def identity(self) -> tuple[int, str]:
        """(project_id, event_id), which is stored once."""
        return self.columns["project_id"], self.columns["event_id"]


class Recorded(NamedTuple):
    """What became of an event; it is durable when this is known.

    is_copy: a duplicate of one that came in the same batch. The database was not given it, and has counted nothing of it.
    tags: those that the database now knows.
    """

    outcome: Literal["accepted", "duplicate"]
    incident_id: int | None
    is_copy: bool = False
    tags: tuple[Tag, ...] = ()


class Waiting(NamedTuple):
    """A row and the request that waits for it."""

    row: Row
    done: asyncio.Future[Recorded | Problem]


class Recorder:
    """The one place of an instance through which events are written."""

    def __init__(self, connect: Callable[[], Awaitable[db.Connection]] = db.connect) -> None:
        self._connect = connect
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        self._writers: set[asyncio.Task[None]] = set()
        self._calls_since: dict[asyncio.Task[None], float] = {}
        self._asking = asyncio.Semaphore(ASKING_MAX)
        self._idle: list[db.Connection] = []

    async def record(self, rows: Sequence[Row]) -> list[Recorded | Problem]:
        """Store each row, or find that it is stored already; returns after the commit, with one answer a row.

        Raises Unavailable where too much is waiting already, or where there is no answer in RECORD_TIMEOUT_SECONDS.
        """
        if len(self._waiting) + len(rows) > WAITING_EVENTS_MAX + BATCH_EVENTS_MAX or self._waiting_bytes > WAITING_BYTES_MAX:
            raise Unavailable("Too many events are waiting for the database. Send it again.")
        loop = asyncio.get_running_loop()
        waiting = [Waiting(row, loop.create_future()) for row in rows]
        self._waiting.extend(waiting)
        self._waiting_bytes += sum(len(row.payload) for row in rows)
        self._start_writer()
        try:
            async with asyncio.timeout(RECORD_TIMEOUT_SECONDS):
                return [await one.done for one in waiting]
        except TimeoutError as error:
            raise Unavailable(NOT_IN_TIME) from error
        finally:
            for one in waiting:
                one.done.cancel()  # where it is not answered, nobody waits for it from here on

    def _start_writer(self) -> None:
        """Start a writer where there is none, or where those there are full or held up."""
        slow = asyncio.get_running_loop().time() - WRITER_SLOW_SECONDS
        needed = len(self._waiting) >= BATCH_EVENTS_MAX or all(since < slow for since in self._calls_since.values())
        if needed and len(self._calls_since) < WRITERS_MAX:
            writer = asyncio.create_task(self._write_until_empty())
            # Held, since the event loop itself keeps only a weak reference.
            self._writers.add(writer)
            self._calls_since[writer] = math.inf
            writer.add_done_callback(self._writers.discard)

    async def _write_until_empty(self) -> None:
        this = asyncio.current_task()
        assert this  # noqa: S101 - it runs as a task only
        try:
            while self._waiting:
                self._calls_since[this] = asyncio.get_running_loop().time()
                if batch := self._take():
                    await self._write(batch)
        finally:
            # In the same step that saw nothing waiting: whoever comes next starts a new writer.
            del self._calls_since[this]

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        size_bytes = 0
        while self._waiting and len(batch) < BATCH_EVENTS_MAX and size_bytes < BATCH_BYTES_MAX:
            one = self._waiting.popleft()
            self._waiting_bytes -= len(one.row.payload)
            if not one.done.done():  # nobody waits for it any more, and it was answered that it may not be kept
                batch.append(one)
                size_bytes += len(one.row.payload)
        return batch

    async def _write(self, batch: list[Waiting]) -> None:
        """Write a batch and answer everyone in it; where it is refused as a whole, its parts are written by themselves."""
        # One event twice in a batch: the later ones are told what they would be told a moment later.
        first: dict[tuple[int, str], Row] = {}
        for one in batch:
            first.setdefault(one.row.identity, one.row)
        try:
            answers = await self._call(list(first.values()))
        except Problem as problem:
            _fail(batch, problem)
        except Exception as error:  # noqa: BLE001 - PostgreSQL refuses a row, or a row cannot even be said to it
            sqlstate = getattr(error, "sqlstate", None)
            log.write("batch_refused", events=len(first), sqlstate=sqlstate, **log.where(error))
            parts = _by_project(batch) if sqlstate == LOCKED else _by_event(batch)
            if len(parts) == 1:
                _fail(batch, Unavailable(NOT_IN_TIME) if sqlstate == LOCKED else Unexpected())
            else:
                await self._write_parts(parts)
        except BaseException:
            _fail(batch, Unavailable())
            raise
        else:
            _answer(batch, answers)

    async def _write_parts(self, parts: list[list[Waiting]]) -> None:
        """What one project holds up, or one event is to blame for, does not cost the others theirs."""
        for part in parts:
            # By now some may have been answered that they may not be kept.
            if waited_for := [one for one in part if not one.done.done()]:
                await self._write(waited_for)

    async def _call(self, rows: list[Row]) -> dict[tuple[int, str], Recorded]:
        """One commit, or Unavailable within WRITE_TIMEOUT_SECONDS; raises psycopg.Error where the rows themselves are refused."""
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_SECONDS):
                return await self._call_twice(rows)
        except TimeoutError as error:
            raise Unavailable(NOT_IN_TIME) from error
        except psycopg.Error as error:
            if error.sqlstate.startswith(DATABASE_AWAY) if error.sqlstate else isinstance(error, psycopg.OperationalError):
                raise Unavailable from error
            raise

    async def _call_twice(self, rows: list[Row]) -> dict[tuple[int, str], Recorded]:
        """A broken connection, a deadlock and a missing partition are each tried once more, which is safe: an event that was
        stored by the first try is a duplicate for the second.
        """
        for last in (False, True):
            conn = await self._checkout()
            try:
                return await _hung_up_after(TRY_TIMEOUT_SECONDS, conn, _record(conn, rows))
            except psycopg.Error as error:
                if last or not await self._mend(conn, error, rows):
                    raise
            finally:
                await self._checkin(conn)
        raise AssertionError("unreachable")

    async def _mend(self, conn: db.Connection, error: psycopg.Error, rows: list[Row]) -> bool:
        """Whether another try can succeed, after doing what it needs."""
        if error.sqlstate == NO_PARTITION:
            retention_days = sorted({row.columns["retention_days"] for row in rows})
            await conn.execute(queries.get("record_make_partitions"), {"retention_days": retention_days})
            return True
        return conn.closed or error.sqlstate in TRANSIENT

    async def ask(self, question: Callable[[db.Connection], Coroutine[Any, Any, Answer]]) -> Answer:
        """Ask something else of the database over one of the writers' connections, such as whose key this is.

        Raises Unavailable where there is no answer in time; a connection that broke while idle is replaced once.
        """
        try:
            async with asyncio.timeout(ASK_TIMEOUT_SECONDS), self._asking:
                try:
                    return await self._ask(question)
                except psycopg.OperationalError:
                    return await self._ask(question)
        except (TimeoutError, psycopg.OperationalError) as error:
            raise Unavailable from error

    async def _ask(self, question: Callable[[db.Connection], Coroutine[Any, Any, Answer]]) -> Answer:
        conn = await self._checkout()
        try:
            return await _hung_up_after(ASK_TRY_TIMEOUT_SECONDS, conn, question(conn))
        finally:
            await self._checkin(conn)

    async def _checkout(self) -> db.Connection:
        if self._idle:
            return self._idle.pop()
        try:
            return await self._connect()
        except Problem as problem:
            # Whoever waits behind would wait for the same.
            _fail(list(self._waiting), problem)
            self._waiting.clear()
            self._waiting_bytes = 0
            raise

    async def _checkin(self, conn: db.Connection) -> None:
        if conn.closed:
            # What broke this one, a restart or a pooler, broke those that wait idle: another try shall not meet them.
            await self._close_idle()
        elif conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            await conn.close()
        else:
            self._idle.append(conn)

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def close(self) -> None:
        """Let what is being written end, then close the connections."""
        await asyncio.gather(*self._writers, return_exceptions=True)
        await self._close_idle()


async def _hung_up_after(seconds: float, conn: db.Connection, call: Coroutine[Any, Any, Answer]) -> Answer:
    """The call's answer; after so long its socket is shut, so that it ends as on any broken connection.

    Cancelling it instead would have psycopg ask the silent server to cancel, and wait ten seconds for that.
    """
    watch = asyncio.get_running_loop().call_later(seconds, _hang_up, conn)
    try:
        return await call
    finally:
        watch.cancel()


def _hang_up(conn: db.Connection) -> None:
    with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(conn.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _by_project(batch: list[Waiting]) -> list[list[Waiting]]:
    parts: dict[int, list[Waiting]] = {}
    for one in batch:
        parts.setdefault(one.row.identity[0], []).append(one)
    return list(parts.values())


def _by_event(batch: list[Waiting]) -> list[list[Waiting]]:
    parts: dict[tuple[int, str], list[Waiting]] = {}
    for one in batch:
        parts.setdefault(one.row.identity, []).append(one)
    return list(parts.values())


def _columns(told: list[tuple[Row, Tag]]) -> dict[str, Any]:
    """Tags as record_tags takes them."""
    return {
        "projects": [row.columns["project_id"] for row, _ in told],
        "fingerprints": [row.columns["fingerprint"] for row, _ in told],
        "names": [tag.name_hash for _, tag in told],
        "hashes": [tag.value_hash for _, tag in told],
        "values_max": VALUES_MAX,
    }


async def _record(conn: db.Connection, rows: list[Row]) -> dict[tuple[int, str], Recorded]:
    told = [(row, tag) for row in rows for tag in row.tags][:BATCH_TAGS_MAX]
    batch = orjson.dumps([{**row.columns, "ord": number} for number, row in enumerate(rows, 1)]).decode()
    given = {"batch": batch, "payloads": [row.payload for row in rows]}
    # Most batches bring no new tag, and then cost nothing for them.
    cursor = await conn.execute(queries.get("record_upsert_tagged" if told else "record_events"), given | _columns(told))
    incidents: dict[tuple[int, str], int] = {}
    known: dict[tuple[int, str], Recorded] = {}
    async for found in cursor:
        if found["transition"]:
            waking.want()
        if found["event_id"] is None:
            incidents[found["project_id"], found["fingerprint"].hex] = found["incident_id"]
        else:
            known[found["project_id"], found["event_id"].hex] = Recorded("duplicate", found["incident_id"])
    stored: dict[tuple[int, str], list[Tag]] = {}
    for row, tag in told:
        stored.setdefault(row.identity, []).append(tag)
    for row in rows:
        if row.identity not in known:
            project_id, fingerprint = row.columns["project_id"], row.columns["fingerprint"]
            found_id = incidents.get((project_id, fingerprint))
            # Of a kind that was one too many for its minute no tags are known: they are told again.
            tags = tuple(stored.get(row.identity, ())) if found_id else ()
            known[row.identity] = Recorded("accepted", found_id or incidents[project_id, OVERFLOW], tags=tags)
    return known


def _answer(batch: list[Waiting], answers: dict[tuple[int, str], Recorded]) -> None:
    for one in batch:
        answer = answers[one.row.identity]
        answers[one.row.identity] = answer._replace(outcome="duplicate", is_copy=True, tags=())
        if not one.done.done():
            one.done.set_result(answer)


def _fail(batch: list[Waiting], problem: Problem) -> None:
    """Each gets a problem of its own: raised in many places at once, one would collect all their frames."""
    for one in batch:
        if not one.done.done():
            own = copy.copy(problem)
            own.__cause__ = problem.__cause__
            one.done.set_result(own)
