"""Make the labelled cases in tests/quality/cases anew, by running the sample programs under the real SDKs.

    python -m tests.sdk.capture [--python NAME=PATH …] [--node NAME=PATH …]

Needs Node.js and npm. Other interpreters (`--python python3.13=/usr/bin/python3.13`) add the variation of that name. A case is
{project, label, variation, tier, event}: the label is the bug, tests/sdk/cases.py tells what the tiers promise.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from tests.sdk import cases, collector, node_runs, python_runs
from tests.sdk.cases import Variation

CASES = Path(__file__).parents[1] / "quality" / "cases"
Row: TypeAlias = dict[str, Any]
Runner: TypeAlias = Callable[[Variation, list[str], Path, str, str], None]
Paths: TypeAlias = Callable[[Variation, Path], dict[str, str]]


def translated(event: dict[str, Any], paths: dict[str, str]) -> dict[str, Any]:
    """The event with this machine's paths replaced wherever they stand."""
    text = json.dumps(event, ensure_ascii=False)
    for mine, generic in paths.items():
        text = text.replace(mine, generic)
    changed: dict[str, Any] = json.loads(text)
    return changed


def captured(project: str, runner: Runner, paths: Paths, variation: Variation, targets: list[str]) -> Iterator[Row]:
    """Run `targets` under `variation`; one row per target, or RuntimeError where the SDK sent something else."""
    with collector.listening() as collecting, tempfile.TemporaryDirectory() as folder:
        sandbox = Path(folder).resolve()
        runner(variation, targets, sandbox, collecting.dsn, collecting.ping_url)
        known = paths(variation, sandbox)
        events = {event["tags"].pop("case"): translated(event, known) for event in collecting.events()}
    if sorted(events) != sorted(targets):
        raise RuntimeError(f"{project} {variation.name}: sent {sorted(events)} for {sorted(targets)}")
    for target in targets:
        yield {"project": project, "label": target, "variation": variation.name, "tier": variation.tier, "event": events[target]}


def python_rows(interpreters: dict[str, str]) -> Iterator[Row]:
    """Every Python bug in the base and all_must variations and a turn of the others, every message in its own variations."""
    capture = functools.partial(captured, "python", python_runs.run, python_runs.generic_paths)
    turns = (
        (*cases.MUST, *cases.runtimes(interpreters)),
        (cases.COSMETIC, *cases.should(*python_runs.IN_PROCESS, *python_runs.BEHIND_HTTP, python_runs.UNCAUGHT)),
    )
    for variation, bugs in cases.spread(python_runs.BUGS, (cases.BASE, cases.ALL_MUST), turns).items():
        yield from capture(variation, bugs)
    yield from capture(cases.WRAPPED, list(python_runs.BUGS[::2]))
    for variation in cases.MESSAGE_VARIATIONS:
        yield from capture(variation, list(python_runs.MESSAGES))


def node_rows(interpreters: dict[str, str]) -> Iterator[Row]:
    """The same for Node.js, and bundles: of two builds, the second with other code around the bug."""
    capture = functools.partial(captured, "node", node_runs.run, node_runs.generic_paths)
    turns = (
        (*cases.MUST, *cases.runtimes(interpreters)),
        (cases.COSMETIC, *cases.should(*node_runs.IN_PROCESS, *node_runs.BEHIND_HTTP, node_runs.UNCAUGHT)),
    )
    for variation, bugs in cases.spread(node_runs.BUGS, (cases.BASE, cases.ALL_MUST), turns).items():
        yield from capture(variation, bugs)
    yield from capture(cases.WRAPPED, list(node_runs.BUGS[::2]))
    for variation in cases.MESSAGE_VARIATIONS:
        yield from capture(variation, list(node_runs.MESSAGES))
    for form, tier in ((node_runs.BUNDLE, "must"), (node_runs.MINIFIED, "hard")):
        bundled = functools.partial(node_runs.run, form=form)
        for name, other in (("a", cases.BASE), ("b", cases.ALL_MUST)):
            variation = replace(other, name=f"{form}_{name}", tier=tier)
            yield from captured(f"node-{form}", bundled, node_runs.generic_paths, variation, list(node_runs.BUGS))


def write(name: str, rows: Iterable[Row]) -> None:
    """One JSON object a line, gzipped without a date."""
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
    packed = gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)
    CASES.mkdir(parents=True, exist_ok=True)
    (CASES / f"{name}.jsonl.gz").write_bytes(packed)
    print(f"{name}: {len(lines)} cases, {len(packed):,} bytes")  # noqa: T201 - a command-line tool


def named(pairs: list[str]) -> dict[str, str]:
    """NAME=PATH … as a mapping."""
    return dict(pair.split("=", 1) for pair in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--node", action="append", default=[], metavar="NAME=PATH")
    options = parser.parse_args()
    node_runs.install()
    write("python", python_rows(named(options.python)))
    write("node", node_rows(named(options.node)))


if __name__ == "__main__":
    main()
