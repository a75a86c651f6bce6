"""How many SQL statements and protocol round trips a full batch costs, counted as they happen.

Statements: PostgreSQL is told to plan every statement anew each time it runs (plan_cache_mode = force_custom_plan) and to send
each plan to the client (debug_print_plan). What runs inside a function, also a function of SQL that could not be inlined and the
checks behind foreign keys, is then seen one by one; no extension is needed. PL/pgSQL's bare expressions (`x is not null`) are
planned too but are no statements. A plan that writes to several tables says so as well (its ModifyTable nodes).

Round trips: libpq's own trace of the connection (PQtrace). Each time that something is sent after something was received, one
begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from bench import corpus
from bench.stage import Tenant
from lib import db, keys
from lib.intake import Incoming, prepare
from lib.recording import BATCH_EVENTS_MAX, Recorded, Recorder, Row

FOREIGN_KEY_CHECK = 'SELECT 1 FROM ONLY "'
EXPRESSION = "PL/pgSQL expression "


@dataclass
class Count:
    """What one batch took."""

    events: int
    statements: int = 0
    foreign_key_checks: int = 0
    """Those of `statements` that PostgreSQL itself runs for a new row which refers to another."""
    table_writes: int = 0
    """INSERTs, UPDATEs and DELETEs, also several in one statement."""
    round_trips: int = 0
    places: list[str] = field(default_factory=list)
    """Where each statement ran, for whoever wants to know."""

    @property
    def statements_per_event(self) -> float:
        """What the table shows."""
        return self.statements / self.events


async def count(url: str, tenant: Tenant, events: Sequence[corpus.Event]) -> tuple[Count, Count]:
    """(a full batch whose events are all of kinds seen before, the same kinds when they came for the first time)."""
    chosen = corpus.choose(events, BATCH_EVENTS_MAX, "mix")
    first_time = await _count(url, tenant, chosen)
    return await _count(url, tenant, chosen), first_time


async def _count(url: str, tenant: Tenant, chosen: Sequence[corpus.Event]) -> Count:
    counted = Count(len(chosen))
    rows = await _rows(url, tenant, chosen)
    await _record(rows[: len(chosen)], lambda: _planning(url, counted))
    with tempfile.TemporaryFile("w+") as trace:
        await _record(rows[len(chosen) :], lambda: _tracing(url, trace.fileno()))
        trace.seek(0)
        counted.round_trips = round_trips(trace.read())
    return counted


async def _rows(url: str, tenant: Tenant, chosen: Sequence[corpus.Event]) -> list[Row]:
    """Each event twice, under different ids: once to count statements, once to count round trips."""
    async with await db.connect(url) as conn:
        key = await keys.find(conn, tenant.key)
    assert key
    return [prepare(Incoming(corpus.fresh(event), None), key, datetime.now(UTC)) for event in [*chosen, *chosen]]


async def _record(rows: Sequence[Row], connect: Callable[[], Awaitable[db.Connection]]) -> None:
    recorder = Recorder(connect)
    answers = await recorder.record(rows)
    await recorder.close()
    assert all(isinstance(answer, Recorded) and answer.outcome == "accepted" for answer in answers)


async def _planning(url: str, counted: Count) -> db.Connection:
    """A connection whose statements are counted from now on."""
    conn = await db.connect(url)
    await conn.execute("SET plan_cache_mode = force_custom_plan")
    await conn.execute("SET client_min_messages = log")

    def take(message: psycopg.errors.Diagnostic) -> None:
        where = message.context or "sent by the client"
        if message.message_primary == "plan:" and not where.startswith(EXPRESSION):
            counted.statements += 1
            counted.foreign_key_checks += FOREIGN_KEY_CHECK in where
            counted.table_writes += (message.message_detail or "").count("{MODIFYTABLE")
            counted.places.append(where)

    await conn.execute("SET debug_print_plan = on")
    conn.add_notice_handler(take)
    return conn


async def _tracing(url: str, descriptor: int) -> db.Connection:
    """A connection whose messages are written to the open file from now on."""
    conn = await db.connect(url)
    conn.pgconn.trace(descriptor)
    conn.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
    return conn


def round_trips(trace: str) -> int:
    """Changes from what the server sent (B) back to what the client sends (F); Terminate, which nobody answers, is none."""
    senders = [line[0] for line in trace.splitlines() if line[:1] in {"F", "B"} and "Terminate" not in line]
    return sum(one == "F" and before != "F" for before, one in zip(["", *senders], senders, strict=False))
