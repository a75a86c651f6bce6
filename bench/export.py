"""What exporting a workspace of 10⁴ to 10⁶ events takes: planning, each part, and the memory of the one who sends it.

    python -m bench.export [--events 1000000]

Events are written by PostgreSQL itself, over 30 days and a thousand kinds, each with the payload of a usual event (compressed as
ingest does it). A process of its own then plans the export and sends all parts, one after the other, to nowhere. Writes
bench/results/export.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from typing import Any

import orjson
import psycopg

from bench import corpus, machine
from bench.stage import set_up
from lib import audit, db, exports, payloads

RESULT = corpus.ROOT / "bench" / "results" / "export.json"
FIRST = 10_000
MEMORY_MB_MAX = 200
PART_SECONDS_MAX = 60
FRAMES = 40
FILL = """
SELECT make_partitions(today() - 40, today(), array[today() + 1]);
INSERT INTO incidents (project_id, level, title, platform, event_count, first_seen, last_seen)
SELECT %(project)s, 'error', 'KeyError: ' || n, 'python', %(events)s / 1000, now(), now() FROM generate_series(1, 1000) n;
INSERT INTO incident_fingerprints (project_id, fingerprint, incident_id, version, rule, reason, parts, first_seen, last_seen)
SELECT project_id, md5(title)::uuid, id, 1, 'stack', 'the crash', '[]', now(), now() FROM incidents
 WHERE project_id = %(project)s;
INSERT INTO events (project_id, fingerprint, received_at, event_id, occurred_at, expires_on, level, release)
SELECT %(project)s, md5('KeyError: ' || 1 + n %% 1000)::uuid, at, md5(n::text)::uuid, at, today() + 1, 'error', 'shop@1.4.2'
  FROM (SELECT n, (today() - 30)::timestamp at time zone 'UTC' + n * (interval '30 days' / %(events)s) AS at
          FROM generate_series(0, %(events)s - 1) n) e;
INSERT INTO event_payloads (project_id, received_at, event_id, expires_on, dictionary, payload)
SELECT project_id, received_at, event_id, expires_on, %(dictionary)s, %(payload)s FROM events WHERE project_id = %(project)s;
ANALYZE
"""
Result = dict[str, Any]


def usual() -> bytes:
    """The body of an event with a stack of FRAMES frames and their source."""
    source = ["def total(cart):", "    plan = plans[cart.plan]", "    return plan.price * cart.seats", "", "@route('/pay')"]
    frame = {"module": "shop.pay", "filename": "shop/pay.py", "lineno": 42, "context_line": source[2], "pre_context": source}
    frames = [frame | {"function": f"step_{n}", "vars": {"cart": f"<Cart {n}>", "seats": n}} for n in range(FRAMES)]
    exception = {"values": [{"type": "KeyError", "value": "plan", "stacktrace": {"frames": frames}}]}
    return orjson.dumps({"payload": {"exception": exception, "tags": {"region": "eu"}}, "removals": []})


async def measure(given: argparse.Namespace) -> Result:
    """Each decade."""
    decades, body = [], usual()
    async with set_up() as stage:
        described = machine.describe(stage.server.folder) | {"postgresql": await stage.ask("SHOW server_version")}
        events = FIRST
        while events <= given.events:
            tenant = await stage.tenant()
            dictionary, payload = payloads.compress(body)
            async with await psycopg.AsyncConnection.connect(stage.server.url, autocommit=True) as conn:
                params = {"project": tenant.project_id, "events": events, "dictionary": dictionary, "payload": payload}
                for statement in FILL.split(";"):
                    await psycopg.AsyncClientCursor(conn).execute(statement.encode(), params)
                [workspace] = await (
                    await conn.execute("SELECT workspace_id FROM projects WHERE id = %s", [tenant.project_id])
                ).fetchone() or [0]
            child = [sys.executable, "-m", "bench.export", "--send", str(workspace), "--url", stage.server.url]
            told = await asyncio.to_thread(subprocess.run, child, capture_output=True, check=True)
            decades.append({"events": events, "event_bytes": len(body), **json.loads(told.stdout.splitlines()[-1])})
            print(json.dumps(decades[-1]), flush=True)
            events *= 10
    return {"machine": described, "decades": decades}


async def send(url: str, workspace_id: int) -> Result:
    """Plan an export and send all of its parts; what it took."""
    database = db.Database(url)
    actor = audit.Actor(workspace_id, None, "person", None)
    began = time.perf_counter()
    async with database.transaction() as conn:
        made = await exports.create(conn, actor)
    planned = time.perf_counter() - began
    seconds, sent = [], 0
    for part in made["parts"]:
        began = time.perf_counter()
        opened = await exports.open_part(database.connection, actor, made["id"], part["number"])
        sent += sum([len(piece) async for piece in opened.content])
        seconds.append(time.perf_counter() - began)
    await database.close()
    return {
        "plan_seconds": round(planned, 2),
        "parts": len(seconds),
        "slowest_part_seconds": round(max(seconds), 2),
        "all_parts_seconds": round(sum(seconds), 1),
        "zip_bytes": sent,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> int:
    """Measure and keep the figures; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--send", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        print(json.dumps(asyncio.run(send(given.url, given.send))))
        return 0
    result = asyncio.run(measure(given))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    worst = result["decades"][-1]
    return int(worst["peak_rss_mb"] > MEMORY_MB_MAX or worst["slowest_part_seconds"] > PART_SECONDS_MAX)


if __name__ == "__main__":
    sys.exit(main())
