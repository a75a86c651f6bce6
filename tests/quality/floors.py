"""Score the ingest path with the labelled sets beside this repository and hold the figures against floors: `make quality`.

The sets and their scorers are not part of the product: where ../shared is missing, this says so and ends well. A floor is
what a later change may not go below; raise one when a figure has risen for good.

Negatives have floors too: what looks like a secret and is none must stay readable, and an engine that removes more would
otherwise only look better. So has redaction's speed, at about four times what was measured on an idle machine (0.1 ms an
event of 13 kB, 0.17 ms where nothing was seen before, 0.1 s for the worst megabyte): processor time doubles where others
share the caches, and the best of several passes is taken; a quadratic pattern costs ten times as much and more.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from bench import redaction as bench
from tests.quality import adapter
from tests.quality.suggested import Labelled, suggested

BENCH_PASSES = 3
ROOT = Path(__file__).resolve().parents[2]
SCORERS = ROOT.parent / "shared" / "eval"
FLOORS = Path(__file__).with_name("floors.json")
FIELDS = ("extra", "message", "exception", "breadcrumb")
SETS = ("variations", "messages", "stacks")


def score(scorer: str, *arguments: str) -> dict[str, Any]:
    """Run one scorer, show its table, return its figures. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, str(SCORERS / scorer), *arguments, "--json", str(found)]
        print(f"\n$ {' '.join([scorer, *arguments])}", flush=True)
        subprocess.run(command, cwd=ROOT, check=True)
        return dict(json.loads(found.read_text()))


def grouping(kind: str) -> dict[str, float]:
    """`messages.GA`, `must.over_labels` and so on."""
    found = score("grouping.py", kind, "--impl", "tests.quality.adapter:fingerprint", "--detail")
    return {f"{row}.{figure}": value for row, figures in found.items() for figure, value in figures.items()}


def read(kind: str) -> list[dict[str, Any]]:
    """The rows of a labelled set, each with its `event`, `project` and `label`."""
    lines = gzip.decompress((SCORERS.parent / "data" / f"{kind}.jsonl.gz").read_bytes()).splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        if kind == "messages":
            row |= {"project": row["system"], "label": row["event_id_corrected"]}
            row["event"] = {"logentry": {"formatted": row["message"]}, "level": "error"}
    return rows


def speed() -> dict[str, float]:
    """`messages.per_second` and so on: events redacted and fingerprinted in a second of processor time, the best of three."""
    found = {}
    for kind in SETS:
        payloads = [row["event"] for row in read(kind)]
        found[f"{kind}.per_second"] = max(len(payloads) / _seconds(payloads) for _ in range(3))
    print("\nspeed  " + "  ".join(f"{name}={value:,.0f}" for name, value in found.items()))
    return found


def suggestions() -> dict[str, float]:
    """`suggestions.messages.precision`, `.recall` and `.wrong`: how right it is to suggest two incidents for a merge."""
    figures = {}
    for kind in SETS:
        rows = [Labelled(row["project"], row["label"], row["event"]) for row in read(kind) if not row.get("assertion")]
        found = suggested(rows)
        print(f"suggestions  {kind}: {found}  precision={found.precision:.3f} recall={found.recall:.3f}")
        for figure in ("precision", "recall", "wrong"):
            figures[f"suggestions.{kind}.{figure}"] = float(getattr(found, figure))
    return figures


def _seconds(payloads: list[dict[str, Any]]) -> float:
    began = time.process_time()
    for payload in payloads:
        adapter.fingerprint(payload)
    return time.process_time() - began


def redaction(field: str) -> dict[str, float]:
    """`extra.gitleaks-tp/secret.removed` as a share, `extra.log_lines.altered` likewise."""
    found = score("redaction.py", "--impl", "tests.quality.adapter:redact", "--field", field)
    figures = {f"{field}.log_lines.altered": found["log_lines"]["altered"] / found["log_lines"]["lines"]}
    for row, cell in found.items():
        for part, whole in (("removed", "secrets"), ("intact", "negatives")):
            if cell.get(whole):
                figures[f"{field}.{row}.{part}"] = cell[part] / cell[whole]
    return figures


def redaction_speed() -> dict[str, float]:
    """Milliseconds of redaction: an event whose source lines were seen, one where nothing was, and the worst megabyte."""
    texts = [orjson.dumps(bench.generated(number)) for number in range(100)]
    worst = max(min(bench.timed(payload)[0] for _ in range(BENCH_PASSES)) for payload in bench.adversarial().values())
    figures = {
        "redaction.seen_ms": bench.measure(texts, cold=False),
        "redaction.unseen_ms": bench.measure(texts, cold=True),
        "redaction.megabyte_ms": worst,
    }
    print("\n" + "\n".join(f"{name:28s} {value:.3f}" for name, value in figures.items()))
    return figures


def below(floor: dict[str, Any], found: dict[str, float]) -> list[str]:
    """What fell short: a floor is `at_least` or `at_most` a value."""
    short = []
    for name, value in floor["at_least"].items():
        if found.get(name, -1) < value:
            short.append(f"{name} is {found.get(name)}, at least {value} was reached before")
    for name, value in floor["at_most"].items():
        if found.get(name, float("inf")) > value:
            short.append(f"{name} is {found.get(name)}, at most {value} was reached before")
    return short


def expanded(floors: dict[str, Any]) -> dict[str, Any]:
    """A name beginning with `*.` stands for every field, since where a value stands must not decide."""
    return {
        bound: {name.replace("*", field): value for name, value in rows.items() for field in FIELDS}
        for bound, rows in floors.items()
    }


def main() -> int:
    """Print every table; 1 where a figure fell below its floor."""
    if not SCORERS.is_dir():
        print("The labelled sets (../shared) are not here; tests/quality holds our own cases, which `make test` runs.")
        return 0
    found: dict[str, float] = {}
    for kind in SETS:
        found |= grouping(kind)
    found |= speed()
    found |= suggestions()
    for field in FIELDS:
        found |= redaction(field)
    found |= redaction_speed()
    short = below(expanded(json.loads(FLOORS.read_text())), found)
    print("\n" + ("\n".join(short) or "every figure is at or above its floor"))
    return bool(short)


if __name__ == "__main__":
    sys.exit(main())
