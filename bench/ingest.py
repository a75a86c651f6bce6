"""`make bench`: what an event costs from HTTP to PostgreSQL, measured against what it must and is aimed to cost.

    python -m bench.ingest [--events 5000] [--rounds 3] [--corpus FILE] [--write-docs]

Runs two instances of the function (processes behind one port, as Vercel would run them) and, for comparison, one. They are warmed
up first. A run sends its events and ends at the moment when the incidents API shows all of them. CPU time is that of the
instances and of every process of PostgreSQL, the checkpoint that follows included; the generator, the Upstash stand-in and this
process are not. What others use of the machine meanwhile is measured too: runs that they disturbed count only where none was
undisturbed. Writes bench/results/ingest.json; --write-docs measures nothing and makes docs/bench.md out of it
and of what bench/alerts.py measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

from bench import beside, corpus, figures, machine, processes, statements
from bench.stage import Served, Stage, Tenant, load, serve, set_up

APP = "api.ingest:app"
RESULT = corpus.ROOT / "bench" / "results" / "ingest.json"
PAGE = corpus.ROOT / "docs" / "bench.md"
INSTANCES = 2
CONNECTIONS = 16
WARM_UP_EVENTS = 1600
COLD_EVENTS = 200
CALM_CORES_MAX = 0.2
PACED_TRIES = 3
PACED_SECONDS = 10
DRAIN_SECONDS_MAX = 30.0
IMPORT_RUNS = 7
IMPORT = "import time; start = time.perf_counter(); import api.ingest; print(1000 * (time.perf_counter() - start))"
Result = dict[str, Any]


class Bench:
    """The runs on one stage."""

    def __init__(self, stage: Stage, given: argparse.Namespace) -> None:
        self.stage = stage
        self.events: int = given.events
        self.files: list[Path] = given.corpus
        self.rounds: int = given.rounds

    async def run(self, served: Served, tenant: Tenant, mode: str) -> Result:
        """One closed-loop run, from the first byte to the moment that everything is readable."""
        stage, number = self.stage, len(served.processes)
        known = await stage.reader.count(tenant.project_id)
        size, before = await stage.size_bytes(), await self._spent(served)
        sent = await load(served.dsn(tenant), self.events, mode, self.files)
        drained = await self._drained(tenant, known + self.events)
        size_after, after = await stage.size_bytes(), await self._spent(served)
        spent = {name: (after[name] - before[name]) / self.events for name in after}
        return {
            "instances": number,
            "mode": mode,
            "drained_per_second": round(self.events / (drained - sent["began"]), 1),
            "app_cpu_ms": round(1000 * spent["app_seconds"], 3),
            "postgres_cpu_ms": round(1000 * spent["postgres_seconds"], 3),
            "database_bytes": round((size_after - size) / self.events),
            "wal_bytes": round(spent["wal_bytes"]),
            "events_per_commit": round(1 / spent["commits"], 2),
            "redis_commands": round(spent["redis_commands"], 4),
            "others_cores": others_cores(before, after),
            "load": sent,
        }

    async def _spent(self, served: Served) -> dict[str, float]:
        app = sum(processes.cpu_seconds(process.pid) for process in served.processes)
        postgres = processes.family_cpu_seconds(self.stage.server.process.pid)
        return {
            "at": time.time(),
            "app_seconds": app,
            "postgres_seconds": postgres,
            "others_seconds": processes.machine_cpu_seconds() - app - postgres - processes.own_cpu_seconds(),
            "wal_bytes": float(await self.stage.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")),
            "commits": float(await self.stage.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")),
            "redis_commands": float(await self.stage.redis_commands()),
        }

    async def _drained(self, tenant: Tenant, expected: int) -> float:
        """The time (since the epoch) at which the API shows all. Raises RuntimeError where it shows more, or too few for long."""
        deadline = time.time() + DRAIN_SECONDS_MAX
        while (shown := await self.stage.reader.count(tenant.project_id)) != expected:
            if shown > expected or time.time() > deadline:
                raise RuntimeError(f"{expected} events were accepted, the API shows {shown}")
        return time.time()

    async def with_instances(self, number: int, rounds: int) -> tuple[list[Result], Result]:
        """(closed-loop runs of both modes, taken in turn, since the machine drifts; one paced run at half of that load)."""
        tenant = await self.stage.tenant()
        with serve(APP, number) as served:
            cold = await self._first(served, tenant)
            runs = [await self._said(served, tenant, mode) for _ in range(rounds) for mode in ("mix", "one")]
            paced = await self._paced(served, tenant, median_of(runs, "mix", "drained_per_second") / 2)
            paced["peak_rss_mb"] = max(processes.peak_rss_bytes(process.pid) for process in served.processes) / 1e6
        return runs, {**paced, "instances": number, "cold_cpu_ms": cold}

    async def _first(self, served: Served, tenant: Tenant) -> float:
        """Warm up; answers the instances' CPU time per event, in ms, when they had seen nothing yet."""
        before = await self._spent(served)
        first = COLD_EVENTS * len(served.processes)
        await load(served.dsn(tenant), first, "mix", self.files)
        after = await self._spent(served)
        await load(served.dsn(tenant), WARM_UP_EVENTS - first, "mix", self.files)
        return round(1000 * (after["app_seconds"] - before["app_seconds"]) / first, 2)

    async def _paced(self, served: Served, tenant: Tenant, rate: float) -> Result:
        """Events at this rate, once more where others disturbed it: the least disturbed try."""
        tries: list[Result] = []
        while not calm(tries) and len(tries) < PACED_TRIES:
            before = await self._spent(served)
            sent = await load(served.dsn(tenant), min(self.events, round(rate * PACED_SECONDS)), "mix", self.files, rate)
            tries.append({**sent, "rate": rate, "others_cores": others_cores(before, await self._spent(served))})
            disturbed = f"other programs used {tries[-1]['others_cores']:.2f} cores"
            latency = f"p50 {sent['p50_ms']} ms, p99 {sent['p99_ms']} ms"
            print(f"  {len(served.processes)} instance(s), paced at {rate:.0f}/s: {latency}; {disturbed}", flush=True)
        return min(tries, key=lambda one: float(one["others_cores"]))

    async def _said(self, served: Served, tenant: Tenant, mode: str) -> Result:
        run = await self.run(served, tenant, mode)
        cpu = (
            f"CPU {run['app_cpu_ms']:.2f} + {run['postgres_cpu_ms']:.2f} ms; other programs used {run['others_cores']:.2f} cores"
        )
        print(f"  {run['instances']} instance(s), {mode}: {run['drained_per_second']:.0f} events/s, {cpu}", flush=True)
        return run


def others_cores(before: dict[str, float], after: dict[str, float]) -> float:
    """The cores that programs which are no part of this used on average."""
    return round(max(0.0, after["others_seconds"] - before["others_seconds"]) / (after["at"] - before["at"]), 2)


def calm(runs: Sequence[Result]) -> list[Result]:
    """The runs that nobody disturbed."""
    return [run for run in runs if run["others_cores"] <= CALM_CORES_MAX]


def counted(runs: Sequence[Result], mode: str) -> list[Result]:
    """The runs of a mode that count: the undisturbed ones, or all where there is none."""
    of_mode = [run for run in runs if run["mode"] == mode]
    return calm(of_mode) or of_mode


def median_of(runs: Sequence[Result], mode: str, name: str) -> float:
    """The median over the runs of a mode that count."""
    return float(median(run[name] for run in counted(runs, mode)))


def import_ms() -> float:
    """The median time of `import api.ingest`, each time in a new process."""
    command = [sys.executable, "-c", IMPORT]
    taken = [subprocess.run(command, cwd=corpus.ROOT, capture_output=True, text=True, check=True) for _ in range(IMPORT_RUNS)]
    return median(float(one.stdout) for one in taken)


def figures_of(runs: Sequence[Result], paced: Result, full: statements.Count) -> dict[str, float]:
    """The table's values."""
    return {
        "mix_per_second": median_of(runs, "mix", "drained_per_second"),
        "one_per_second": median_of(runs, "one", "drained_per_second"),
        "cpu_ms": median(run["app_cpu_ms"] + run["postgres_cpu_ms"] for run in counted(runs, "mix")),
        "p50_ms": paced["p50_ms"],
        "p99_ms": paced["p99_ms"],
        "statements": full.statements_per_event,
        "round_trips": full.round_trips,
        "database_bytes": mean(run["database_bytes"] for run in runs if run["mode"] == "mix"),
        "peak_rss_mb": paced["peak_rss_mb"],
        "import_ms": import_ms(),
    }


def notes_of(runs: Sequence[Result], paced: Result, full: statements.Count, first: statements.Count) -> list[str]:
    """What the table does not say."""
    batch = (
        f"A full batch is {full.events} events: {full.statements} statements that write to {full.table_writes} tables when their"
        f" kinds are known; {first.statements} when all are new, {first.foreign_key_checks} of them checks of foreign keys."
    )
    used = [*counted(runs, "mix"), *counted(runs, "one"), paced]
    return [
        batch,
        f"Half of that load is {paced['rate']:.0f} events/s; latency counts from the moment an event was due.",
        f"Redis commands per event: {max(run['redis_commands'] for run in runs):.4f} at most.",
        f"Other programs used {max(one['others_cores'] for one in used):.2f} cores at most during the runs that count.",
        f"An instance's first {COLD_EVENTS} events cost it {paced['cold_cpu_ms']:.1f} ms CPU each; the table has warm ones.",
        f"Load generator: {runs[0]['load']['generator_cpu_ms_per_event']:.3f} ms CPU per event, beside the instances.",
    ]


async def measure(given: argparse.Namespace) -> Result:
    """Everything once."""
    events = corpus.read(given.corpus)
    async with set_up() as stage:
        described = machine.describe(stage.server.folder) | {"postgresql": await stage.ask("SHOW server_version")}
        full, first = await statements.count(stage.server.url, await stage.tenant(), events)
        bench = Bench(stage, given)
        runs, paced = await bench.with_instances(INSTANCES, given.rounds)
        alone, alone_paced = await bench.with_instances(1, 1)
    return {
        "machine": described,
        "instances": INSTANCES,
        "connections": CONNECTIONS,
        "rounds": given.rounds,
        "events_per_run": given.events,
        "corpus": {"events": len(events), "bytes_mean": round(mean(len(json.dumps(event)) for event in events))},
        "figures": figures_of(runs, paced, full),
        "notes": notes_of(runs, paced, full, first),
        "statements": {"full_batch": vars(full), "first_time": vars(first) | {"places": len(first.places)}},
        "runs": [*runs, *alone],
        "paced": [paced, alone_paced],
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000, help="events a run")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each mode; medians count")
    parser.add_argument("--corpus", type=Path, action="append", default=[])
    parser.add_argument("--write-docs", action="store_true", help="write docs/bench.md from the last results")
    return parser.parse_args()


def main() -> int:
    """Measure and print, or write the page; 1 where a figure is not what it must be."""
    given = arguments()
    if given.write_docs:
        page = figures.page(json.loads(RESULT.read_text()))
        PAGE.write_text(page + beside.section(json.loads(beside.RESULT.read_text())))
        return 0
    try:
        result = asyncio.run(measure(given))
    except corpus.NoCorpusError as error:
        print(error, file=sys.stderr)
        return 2
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(f"\n{INSTANCES} instances, {CONNECTIONS} connections, {result['machine']['cores']} cores, fsync on\n")
    print(figures.plain(result["figures"]))
    print("\n" + "\n".join(result["notes"]))
    return 1 if figures.missed(result["figures"]) else 0


if __name__ == "__main__":
    sys.exit(main())
