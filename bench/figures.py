"""The figures that are promised: what each must be, what is aimed at, and how a measured value is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One row of the table."""

    name: str
    peers: str
    must: float
    aim: float
    unit: str = ""
    more_is_better: bool = False
    decimals: int = 0

    def verdict(self, value: float) -> str:
        """`aim`, `must` or `missed`."""
        sign = 1 if self.more_is_better else -1
        return "aim" if sign * value >= sign * self.aim else "must" if sign * value >= sign * self.must else "missed"

    def text(self, value: float) -> str:
        """The value with its unit."""
        return f"{value:,.{self.decimals}f}{' ' if self.unit else ''}{self.unit}"


# Peers were measured on the same kind of machine with the same 200 events.
FIGURES = {
    "mix_per_second": Figure(
        "drained events/s, 16 connections, 200 kinds",
        "GlitchTip 75–98 (111 at most), Bugsink 43–56 (SQLite), 22 (PostgreSQL)", 750, 1500, more_is_better=True,
    ),
    "one_per_second": Figure(
        "the same, all one incident", "GlitchTip 135 (174 at most), Bugsink 45, 22", 700, 1400, more_is_better=True,
    ),
    "cpu_ms": Figure(
        "CPU per event, app + PostgreSQL", "GlitchTip 18–25, Bugsink 22–28 (SQLite), 64", 2.0, 1.0, "ms", decimals=2,
    ),
    "p50_ms": Figure("p50 at half of that load", "", 50, 15, "ms", decimals=1),
    "p99_ms": Figure("p99 at half of that load", "GlitchTip 61 at 10/s", 50, 15, "ms", decimals=1),
    "statements": Figure("SQL statements per event in a full batch, functions included", "Bugsink 22", 0.5, 0.1, decimals=2),
    "round_trips": Figure("protocol round trips per batch", "", 1, 1),
    "database_bytes": Figure("database bytes per event, all included", "GlitchTip 10.7 kB, Bugsink 30, 15 kB", 6500, 3000, "B"),
    "peak_rss_mb": Figure("peak RSS of one instance under load", "GlitchTip 740 MB, Bugsink 298 MB", 150, 90, "MB"),
    "import_ms": Figure("`import api.ingest` in a new process", "", 300, 150, "ms"),
}  # fmt: skip
MARKS = {"aim": "✓✓", "must": "✓", "missed": "✗"}


def markdown(values: dict[str, float]) -> str:
    """The table; values that were not measured leave their row out."""
    head = ["figure", "peers", "must", "aim", "measured", ""]
    rows = [_row(FIGURES[name], value) for name, value in values.items() if name in FIGURES]
    return "\n".join(_line(cells) for cells in [head, ["---"] * len(head), *rows])


def _row(figure: Figure, value: float) -> list[str]:
    text, verdict = figure.text(value), MARKS[figure.verdict(value)]
    return [figure.name, figure.peers, figure.text(figure.must), figure.text(figure.aim), f"**{text}**", verdict]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(values: dict[str, float]) -> str:
    """The same for a terminal, without the peers."""
    rows = [("figure", "must", "aim", "measured", "")]
    for name, value in values.items():
        cells = _row(FIGURES[name], value)
        rows.append((cells[0], cells[2], cells[3], cells[4].strip("*"), cells[5]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(_padded(row, widths)) for row in rows)


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in enumerate(zip(row, widths, strict=True))]


def missed(values: dict[str, float]) -> list[str]:
    """Names of figures that are not what they must be."""
    return [name for name, value in values.items() if FIGURES[name].verdict(value) == "missed"]


def page(result: dict[str, Any]) -> str:
    """docs/bench.md out of bench/results/ingest.json."""
    lines = [
        "# What an event costs",
        "",
        _conditions(result),
        "",
        markdown(result["figures"]),
        "",
        "✓✓ reaches the aim, ✓ what it must be, ✗ neither. Drained means readable through the incidents API.",
        "",
        "| instances | load | events/s | CPU ms: functions + PostgreSQL | events a commit | WAL bytes an event |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_line(_run_cells(run)) for run in result["runs"]),
        "",
        *(f"- {note}" for note in result["notes"]),
        "",
        "![Throughput and latency from 10³ to 10⁶ events](growth.svg)",
        "",
    ]
    return "\n".join(lines)


def _conditions(result: dict[str, Any]) -> str:
    machine, sent = result["machine"], result["corpus"]
    return (
        f"`make bench` on {machine['cores']} cores ({machine['cpu']}) shared by {result['instances']} instances of the function,"
        f" PostgreSQL {machine['postgresql']} (fsync on, default settings) and the load generator; Python {machine['python']},"
        f" {machine['date']}, commit {machine['commit']}. {sent['events']} events of {sent['bytes_mean']:,} bytes on average."
        f" Medians of {result['rounds']} runs of {result['events_per_run']:,} events."
    )


def _run_cells(run: dict[str, Any]) -> list[str]:
    cpu = f"{run['app_cpu_ms']:.2f} + {run['postgres_cpu_ms']:.2f}"
    return [
        str(run["instances"]), run["mode"], f"{run['drained_per_second']:,.0f}", cpu, f"{run['events_per_commit']:.1f}",
        f"{run['wal_bytes']:,.0f}",
    ]  # fmt: skip
