"""How it behaves as the database grows: events a second, and the incident list's p95, from 10³ to 10⁶ events and 10⁵ incidents.

    python -m bench.growth [--minutes 14] [--events 1000000] [--write-docs]

At each decade: real events over HTTP into two instances (as in `make bench`), then the incident list as a signed-in member asks
for it. Between decades the database is filled by calls of record_events (bench/filling.py); how fast that goes is drawn too. It
stops before a decade that would take longer than is left. Writes bench/results/growth.json; --write-docs measures nothing and
draws docs/growth.svg out of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from bench import corpus, machine, plot
from bench.filling import BATCH_EVENTS, EVENTS_PER_INCIDENT, PAYLOAD_BYTES, RELEASES, Filler
from bench.ingest import APP, INSTANCES, WARM_UP_EVENTS
from bench.load import percentile
from bench.stage import Reader, Served, Stage, Tenant, load, serve, set_up
from lib import paging

RESULT = corpus.ROOT / "bench" / "results" / "growth.json"
PICTURE = corpus.ROOT / "docs" / "growth.svg"
FIRST = 1000
HTTP_EVENTS = 2000
HTTP_ROUNDS = 3
LIST_SAMPLES = 60
LIST_WARM_UP = 5
# A decade takes this many times as long as the one before: ten times the events, and each a little slower.
DECADE_FACTOR = 13
Result = dict[str, Any]


async def measure(given: argparse.Namespace) -> Result:
    """Every decade that the time allows."""
    began = time.monotonic()
    async with set_up() as stage:
        described = machine.describe(stage.server.folder) | {"postgresql": await stage.ask("SHOW server_version")}
        tenant = await stage.tenant()
        filler = Filler(stage.server.url, tenant, given.events)
        decades: list[Result] = []
        with serve(APP, INSTANCES) as served:
            await load(served.dsn(tenant), WARM_UP_EVENTS, "mix")
            target, last_seconds = FIRST, 0.0
            while target <= given.events and time.monotonic() - began + DECADE_FACTOR * last_seconds < 60 * given.minutes:
                filling = time.monotonic()
                recorded_per_second = await filler.fill(target)
                last_seconds = time.monotonic() - filling
                decades.append(await decade(stage, served, tenant) | {"recorded_per_second": round(recorded_per_second)})
                print(said(decades[-1]), flush=True)
                target *= 10
    return {"machine": described, "instances": INSTANCES, "filled_with": filled_with(), "decades": decades}


def filled_with() -> Result:
    """What bench/filling.py records."""
    return {
        "batch_events": BATCH_EVENTS,
        "events_per_incident": EVENTS_PER_INCIDENT,
        "payload_bytes": PAYLOAD_BYTES,
        "releases": RELEASES,
    }


async def decade(stage: Stage, served: Served, tenant: Tenant) -> Result:
    """What is measured at this size, after what autovacuum would have done by then."""
    async with await psycopg.AsyncConnection.connect(stage.server.url, autocommit=True) as conn:
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")
    size = {
        "events": await stage.ask("SELECT count(*) FROM event_ids"),
        "incidents": await stage.ask("SELECT count(*) FROM incidents"),
        "database_bytes": await stage.size_bytes(),
    }
    lists = {name: await p95_ms(stage.reader, tenant, query) for name, query in (await list_queries(stage, tenant)).items()}
    rounds = [await load(served.dsn(tenant), HTTP_EVENTS, "mix") for _ in range(HTTP_ROUNDS)]
    best = max(one["accepted_per_second"] for one in rounds)
    return {**size, "http_per_second": best, "http_rounds": [one["accepted_per_second"] for one in rounds], "list_p95_ms": lists}


async def list_queries(stage: Stage, tenant: Tenant) -> dict[str, dict[str, Any]]:
    """What people ask for. The deep page begins in the middle of the list."""
    async with await psycopg.AsyncConnection.connect(stage.server.url) as conn:
        found = await conn.execute(
            "SELECT last_seen, id FROM incidents WHERE project_id = %(project_id)s ORDER BY last_seen DESC, id DESC LIMIT 1"
            " OFFSET (SELECT count(*) / 2 FROM incidents WHERE project_id = %(project_id)s)",
            {"project_id": tenant.project_id},
        )
        middle = await found.fetchone()
        assert middle
    return {
        "first page": {},
        "open, production, level warning": {"status": "open", "environment": "production", "level": "warning"},
        "one release": {"release": "shop@1.0.0"},
        "text that one incident has": {"text": "step_42 in shop"},
        "most events first": {"sort": "event_count"},
        "page in the middle": {"cursor": paging.encode([middle[0], middle[1]])},
    }


async def p95_ms(reader: Reader, tenant: Tenant, query: dict[str, Any]) -> float:
    """Of LIST_SAMPLES requests in turn, over the whole API."""
    spent = []
    for _ in range(LIST_WARM_UP + LIST_SAMPLES):
        start = time.perf_counter()
        await reader.page(tenant.project_id, **query)
        spent.append(1000 * (time.perf_counter() - start))
    return round(percentile(sorted(spent[LIST_WARM_UP:]), 0.95), 2)


def said(decade: Result) -> str:
    """One line for a terminal."""
    lists = ", ".join(f"{name} {value}" for name, value in decade["list_p95_ms"].items())
    return (
        f"{decade['events']:,} events, {decade['incidents']:,} incidents: {decade['http_per_second']:.0f} events/s over HTTP,"
        f" {decade['recorded_per_second']:,} recorded; list p95 ms: {lists}"
    )


def picture(decades: Sequence[Result]) -> str:
    """docs/growth.svg."""
    throughput = {
        f"real SDK events over HTTP, {INSTANCES} instances": [(one["events"], one["http_per_second"]) for one in decades],
        f"recording alone, batches of {BATCH_EVENTS}, {PAYLOAD_BYTES} B": [
            (one["events"], one["recorded_per_second"]) for one in decades
        ],
    }
    lists = {name: [(one["incidents"], one["list_p95_ms"][name]) for one in decades] for name in decades[0]["list_p95_ms"]}
    return plot.draw(
        [
            plot.Panel("Events per second", "events stored", throughput),
            plot.Panel("Incident list over the API, p95 in ms", "incidents", lists),
        ]
    )


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=14, help="stop before a decade that would end later")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--write-docs", action="store_true", help="draw docs/growth.svg from the last result")
    return parser.parse_args()


def main() -> int:
    """Measure and keep the figures, or draw the picture."""
    given = arguments()
    if given.write_docs:
        PICTURE.write_text(picture(json.loads(RESULT.read_text())["decades"]))
        return 0
    try:
        result = asyncio.run(measure(given))
    except corpus.NoCorpusError as error:
        print(error, file=sys.stderr)
        return 2
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
