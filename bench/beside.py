"""What bench/alerts.py measured, as tables: for a terminal, and as a part of docs/bench.md."""

from __future__ import annotations

from typing import Any

from bench.corpus import ROOT

RESULT = ROOT / "bench" / "results" / "alerts.json"
COLUMNS = {"alone": "alone", "working": "beside alerts and analyses", "hanging": "the model hangs"}
ROWS = {
    "drained_per_second": ("drained events/s", 0),
    "app_cpu_ms": ("CPU ms per event, functions of ingest", 2),
    "postgres_cpu_ms": ("CPU ms per event, PostgreSQL with all that it does", 2),
    "p50_ms": ("p50 ms", 1),
    "p99_ms": ("p99 ms", 1),
    "sent_per_second": ("messages sent meanwhile, a second", 0),
    "analyses": ("analyses begun meanwhile", 0),
}
CALM_CORES_MAX = 0.3
# Beside sweeps ingest must reach so much of what it does alone, at so much of the cost, and not be later than this.
THROUGHPUT_LEAST, CPU_MOST, P99_TIMES_MOST, P99_MORE_MS_MOST = 0.7, 1.25, 2.0, 15.0


def is_disturbed(result: dict[str, Any]) -> bool:
    """Whether others used so much of the machine that runs cannot be compared."""
    return any(run["others_cores"] > CALM_CORES_MAX for run in result["alone_each"])


def missed(result: dict[str, Any]) -> list[str]:
    """What is not as it must be, in words; nothing where others disturbed it."""
    alone, found = result["runs"]["alone"], list[str]()
    if is_disturbed(result):
        return found
    for name in ("working", "hanging"):
        run = result["runs"][name]
        if run["drained_per_second"] < THROUGHPUT_LEAST * alone["drained_per_second"]:
            found.append(f"{COLUMNS[name]}: fewer events/s than {THROUGHPUT_LEAST:.0%} of those alone")
        if run["app_cpu_ms"] > CPU_MOST * alone["app_cpu_ms"]:
            found.append(f"{COLUMNS[name]}: the functions of ingest need more than {CPU_MOST:.0%} of their CPU time alone")
        if run["p99_ms"] > P99_TIMES_MOST * alone["p99_ms"] + P99_MORE_MS_MOST:
            found.append(f"{COLUMNS[name]}: p99 beyond {P99_TIMES_MOST:.0f} times that alone and {P99_MORE_MS_MOST:.0f} ms")
    return found


def _table(result: dict[str, Any]) -> list[list[str]]:
    runs = result["runs"]
    rows = [["", *COLUMNS.values()]]
    for name, (words, decimals) in ROWS.items():
        cells = [f"{runs[column][name]:,.{decimals}f}" if name in runs[column] else "" for column in COLUMNS]
        rows.append(
            [words + (f" at {runs['alone']['rate']:.0f} events/s" if name.startswith("p") and name[1].isdigit() else ""), *cells]
        )
    return rows


def _queue(result: dict[str, Any]) -> str:
    sent = result["sent_per_second"]
    return f"Messages that leave a second, as fast as one sweep sends them: {sent['webhook']} webhooks, {sent['email']} mails."


def _others(result: dict[str, Any]) -> str:
    used = f"Other programs used {result['runs']['alone']['others_cores']:.2f} cores while ingest ran alone"
    return used + (f"; beyond {CALM_CORES_MAX} nothing is judged by columns that close." if is_disturbed(result) else ".")


def plain(result: dict[str, Any]) -> str:
    """For a terminal."""
    rows = _table(result)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return "\n".join([*lines, "", _queue(result), _others(result), *(f"✗ {one}" for one in missed(result))])


def section(result: dict[str, Any]) -> str:
    """A part of docs/bench.md."""
    [head, *rows] = [f"| {' | '.join(row)} |" for row in _table(result)]
    told = result["machine"]
    conditions = (
        f"`python -m bench.alerts`, the second half of `make bench`, on {told['cores']} cores ({told['cpu']}), {told['date']},"
        f" commit {told['commit']}; {result['events_per_run']:,} events a run. Sweeps, woken each second, send mails and"
        " signed webhooks, 20 a second, and explain incidents, all by stand-ins, the model's taking a second for an answer. The"
        " function that sweeps and the stand-ins have the lowest priority, since on Vercel they do not share ingest's cores; the"
        " database they share."
    )
    parts = [
        "## Beside alerts and analyses",
        conditions,
        "\n".join([head, "| --- | --- | --- | --- |", *rows]),
        _queue(result),
        _others(result),
    ]
    return "\n" + "\n\n".join(parts) + "\n"
