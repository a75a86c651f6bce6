"""What it takes to remove a day of 10⁴ to 10⁶ events, and how long events that come meanwhile wait for it.

    python -m bench.retention [--events 1000000] [--write-docs]

A day's payloads (1 kB each) and its light rows are written by PostgreSQL itself, then removed by the steps of the cron, while one
connection keeps recording an event at a time. Writes bench/results/retention.json; --write-docs measures nothing and draws
docs/retention.svg out of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import psycopg

from bench import corpus, machine, plot
from bench.filling import Filler
from bench.stage import Stage, Tenant, set_up
from lib import db, pruning, queries
from lib.runs import Run

RESULT = corpus.ROOT / "bench" / "results" / "retention.json"
PICTURE = corpus.ROOT / "docs" / "retention.svg"
FIRST = 10_000
RECEIVED_DAYS_AGO = 500
QUIET_SECONDS = 3.0
FILL = """
SELECT make_partitions(today() - {age}, today() - {age}, array[today() - 1]);
INSERT INTO events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level)
SELECT {project}, '00000000-0000-0000-0000-000000000001', at, id, at, today() - 1, 'error'
  FROM (SELECT (today() - {age})::timestamp at time zone 'UTC' + n * interval '80 ms' AS at, md5(n::text)::uuid AS id
          FROM generate_series(1, {events}) n) e;
INSERT INTO event_ids (project_id, event_id, received_at, fingerprint)
SELECT project_id, event_id, received_at, fingerprint FROM events_{day};
INSERT INTO event_payloads (project_id, received_at, event_id, expires_on, dictionary, payload)
SELECT project_id, received_at, event_id, expires_on, 0, decode(repeat(md5(event_id::text), 63), 'hex') FROM events_{day}
"""
Result = dict[str, Any]


async def measure(given: argparse.Namespace) -> Result:
    """Each decade."""
    async with set_up() as stage:
        described = machine.describe(stage.server.folder) | {"postgresql": await stage.ask("SHOW server_version")}
        tenant, decades, events = await stage.tenant(), [], FIRST
        while events <= given.events:
            decades.append(await decade(stage, tenant, events))
            print(json.dumps(decades[-1]), flush=True)
            events *= 10
    return {"machine": described, "payload_bytes": 1008, "decades": decades}


async def decade(stage: Stage, tenant: Tenant, events: int) -> Result:
    """A day of so many events: how long its removal takes, and how long an event waits meanwhile, at most."""
    await fill(stage.server.url, tenant, events)
    quiet, _ = await waiting(stage, tenant, lambda: asyncio.sleep(QUIET_SECONDS))
    async with await db.connect(stage.server.url) as conn:
        one = Run(conn, 3_600)
        payloads_wait, payloads_seconds = await waiting(stage, tenant, lambda: pruning.prune_payloads(one))
        light_wait, light_seconds = await waiting(stage, tenant, lambda: pruning.prune_events(one))
    assert one.report["payloads"]["rows"] == one.report["events"]["rows"] == events
    return {
        "events": events,
        "payload_bytes": one.report["payloads"]["bytes"],
        "payloads_seconds": round(payloads_seconds, 3),
        "light_seconds": round(light_seconds, 2),
        "longest_wait_ms": {"nothing": quiet, "payloads": payloads_wait, "light": light_wait},
    }


async def fill(url: str, tenant: Tenant, events: int) -> None:
    """A day received long ago, whose payloads have expired."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        row = await (await conn.execute(b"SELECT to_char(today() - %d, 'YYYYMMDD')" % RECEIVED_DAYS_AGO)).fetchone()
        assert row
        for statement in FILL.format(age=RECEIVED_DAYS_AGO, project=tenant.project_id, events=events, day=row[0]).split(";"):
            await conn.execute(statement.encode())
        await conn.execute("VACUUM ANALYZE event_ids")
        await conn.execute("CHECKPOINT")


async def waiting(stage: Stage, tenant: Tenant, act: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """The longest that recording an event took while this was done, in ms; and how long it took, in seconds."""
    longest, over = 0.0, asyncio.Event()

    async def keep_recording() -> None:
        nonlocal longest
        filler = Filler(stage.server.url, tenant, 1_000_000)
        async with await db.connect(stage.server.url) as conn:
            while not over.is_set():
                row = filler.row(0, 1) | {"event_id": uuid.uuid4().hex}
                batch = {"batch": orjson.dumps([row]).decode(), "payloads": [b"x" * 100]}
                began = time.perf_counter()
                await conn.execute(queries.get("record_events"), batch)
                longest = max(longest, time.perf_counter() - began)

    recording = asyncio.create_task(keep_recording())
    await asyncio.sleep(0.2)
    began = time.perf_counter()
    await act()
    seconds = time.perf_counter() - began
    over.set()
    await recording
    return round(1000 * longest, 1), seconds


def picture(decades: list[Result]) -> str:
    """docs/retention.svg."""
    seconds = {
        "payloads: drop the day": [(one["events"], one["payloads_seconds"]) for one in decades],
        "light rows and event ids: in steps, then drop": [(one["events"], one["light_seconds"]) for one in decades],
    }
    waits = {
        f"while {what}": [(one["events"], one["longest_wait_ms"][name]) for one in decades]
        for name, what in {"nothing": "nothing is removed", "payloads": "payloads go", "light": "light rows go"}.items()
    }
    return plot.draw(
        [
            plot.Panel("Seconds to remove a day", "events of that day", seconds),
            plot.Panel("Longest wait of an event, in ms", "events of the day removed", waits),
        ]
    )


def main() -> int:
    """Measure and keep the figures, or draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--write-docs", action="store_true", help="draw docs/retention.svg from the last result")
    given = parser.parse_args()
    if given.write_docs:
        PICTURE.write_text(picture(json.loads(RESULT.read_text())["decades"]))
        return 0
    result = asyncio.run(measure(given))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
