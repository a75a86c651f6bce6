"""Events to send: real SDK payloads out of .jsonl.gz files, each time with a new id and the current time.

A row is a Sentry event payload itself, or an object that holds one: as JSON text under `payload`, or as an object under `event`.
Our own corpus is tests/quality/cases. Where a folder `shared/bench` lies beside the project, its 200 events are taken instead:
they are what other products were measured with.
"""

from __future__ import annotations

import gzip
import json
import random
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Event = dict[str, Any]
Mode = Literal["mix", "one"]

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "tests" / "quality" / "cases"
COMPARABLE = ROOT.parent / "shared" / "bench" / "events.jsonl.gz"
SHUFFLE_SEED = 7


class NoCorpusError(Exception):
    """There is nothing to send; the message says where it was looked for."""


def default_files() -> list[Path]:
    """The files that are read where none is named."""
    return [COMPARABLE] if COMPARABLE.exists() else sorted(OWN.glob("*.jsonl.gz"))


def read(files: Sequence[Path] = ()) -> list[Event]:
    """Every event of the files (or of the default ones), in order. Raises NoCorpusError where there is none."""
    named = list(files) or default_files()
    missing = [str(file) for file in named if not file.exists()]
    if missing:
        raise NoCorpusError(f"no such corpus: {', '.join(missing)}")
    events = [event for file in named for event in _events(file)]
    if not events:
        raise NoCorpusError(f"no events: neither {COMPARABLE} nor {OWN}/*.jsonl.gz has any; name a file with --corpus")
    return events


def _events(file: Path) -> Iterator[Event]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield json.loads(row["payload"]) if isinstance(row.get("payload"), str) else row.get("event", row)


def choose(events: Sequence[Event], number: int, mode: Mode) -> list[Event]:
    """So many events: `mix` takes all in turn, shuffled the same way each time; `one` repeats the Python event of median size."""
    if mode == "one":
        python = sorted((e for e in events if e.get("platform") == "python"), key=lambda e: len(json.dumps(e)))
        return [(python or list(events))[len(python) // 2]] * number
    chosen = [events[n % len(events)] for n in range(number)]
    random.Random(SHUFFLE_SEED).shuffle(chosen)
    return chosen


def fresh(event: Event) -> Event:
    """The event as if it happened now: a new event_id, the current time in the form that the event had."""
    as_text = isinstance(event.get("timestamp"), str)
    now: str | float = datetime.now(UTC).isoformat().replace("+00:00", "Z") if as_text else time.time()
    return {**event, "event_id": uuid.uuid4().hex, "timestamp": now}
