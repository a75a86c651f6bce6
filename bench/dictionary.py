"""Train the zstd dictionary that stored payloads are compressed under, and say what it gains.

    python -m bench.dictionary [--events FILE …]                                the gain of the dictionary in use
    python -m bench.dictionary --train VERSION [--work FOLDER] [--python PATH …]  make lib/dictionaries/VERSION.zstd-dict

Training runs the faults of dozens of frameworks under the real SDKs (bench/training; it needs Node.js, npm, PyPI and a quarter of
an hour), passes them through normalising and redaction as ingest does, and lets zstd choose what to keep. Nothing is trained on
that the gain is measured with. A version that was ever deployed is never trained again: make the next one.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import zstandard

from bench import corpus
from bench.training import runs
from lib import intake, keys, payloads

DICTIONARY_BYTES = 112_000
# Long segments keep what follows each other together (a frame and its callers), which saves more than a few frames would.
SEGMENTS_BYTES = (500, 650, 800, 1000, 1300)
DMER_BYTES = 8
SHUFFLES = 4
HELD_OUT = 10  # every tenth event chooses between candidates
TEXT_CHARS_MIN = 12
LEVELS = (1, 3, 6)
PASSES = 7
NOBODY = keys.Key(1, 1, "ingest", 1, 1, (), 90, b"bench", None)


def stored(event: dict[str, Any]) -> bytes:
    """What would be compressed of this event."""
    row = intake.prepare(intake.Incoming(event, None), NOBODY, datetime.now(UTC))
    return payloads.decompress(row.columns["dictionary"], row.payload)


def once(value: Any, seen: set[str]) -> Any:
    """`value` without texts that stood in it before: zstd finds those in the event itself, so they need no place elsewhere."""
    if isinstance(value, str):
        if len(value) < TEXT_CHARS_MIN:
            return value
        known = value in seen
        seen.add(value)
        return None if known else value
    if isinstance(value, list):
        return [kept for kept in (once(item, seen) for item in value) if kept not in (None, {}, [])]
    if isinstance(value, dict):
        return {name: kept for name, item in value.items() if (kept := once(item, seen)) not in (None, {}, [])}
    return value


def compressor(dictionary: bytes | None, level: int) -> zstandard.ZstdCompressor:
    """As lib/payloads makes one, at another level."""
    digested = None
    if dictionary:
        digested = zstandard.ZstdCompressionDict(dictionary)
        digested.precompute_compress(level=level)
    return zstandard.ZstdCompressor(level=level, dict_data=digested, write_dict_id=False, write_checksum=False)


def mean_bytes(bodies: Sequence[bytes], dictionary: bytes | None, level: int = payloads.LEVEL) -> float:
    """Compressed bytes per event."""
    using = compressor(dictionary, level)
    return sum(len(using.compress(body)) for body in bodies) / len(bodies)


def microseconds(bodies: Sequence[bytes], dictionary: bytes | None, level: int) -> float:
    """CPU time per event, best of several passes."""
    using = compressor(dictionary, level)
    best = float("inf")
    for _ in range(PASSES):
        started = time.process_time()
        for body in bodies:
            using.compress(body)
        best = min(best, time.process_time() - started)
    return best / len(bodies) * 1e6


def candidates(samples: Sequence[bytes]) -> Iterator[bytes]:
    """Dictionaries of the samples in several orders (zstd takes one segment from each stretch) and segment lengths."""
    for seed in range(SHUFFLES):
        ordered: list[bytes | bytearray | memoryview] = [*random.Random(seed).sample(samples, len(samples))]
        for length in SEGMENTS_BYTES:
            yield zstandard.train_dictionary(DICTIONARY_BYTES, ordered, d=DMER_BYTES, k=length, level=payloads.LEVEL).as_bytes()


def train(bodies: list[bytes]) -> bytes:
    """The candidate that compresses best what it was not trained on."""
    judged, taught = bodies[::HELD_OUT], [body for number, body in enumerate(bodies) if number % HELD_OUT]
    samples = [orjson.dumps(once(orjson.loads(body), set())) for body in taught]
    return min(candidates(samples), key=lambda dictionary: mean_bytes(judged, dictionary))


def training_events(work: Path, interpreters: list[str]) -> list[dict[str, Any]]:
    """The events of all training programs, kept in `work` so that another try need not run them again."""
    kept = work / "events.jsonl"
    if not kept.exists():
        work.mkdir(parents=True, exist_ok=True)
        made = list(chain(runs.python_events(work, interpreters), runs.node_events(work)))
        kept.write_text("".join(json.dumps(event) + "\n" for event in made))
    return [json.loads(line) for line in kept.read_text().splitlines()]


def report(bodies: Sequence[bytes], dictionary: bytes | None) -> None:
    """The table: without and with the dictionary, at each level."""
    print(f"{len(bodies)} events, {sum(map(len, bodies)) / len(bodies):,.0f} bytes each as JSON")
    for level in LEVELS:
        cells = [
            f"{mean_bytes(bodies, used, level):6,.0f} B {microseconds(bodies, used, level):4.0f} µs"
            for used in (None, dictionary)
        ]
        print(f"  level {level}: without {cells[0]}, with {cells[1]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=Path, nargs="*", default=[], help="what to measure with (else what bench.corpus finds)")
    parser.add_argument("--train", type=int, metavar="VERSION")
    parser.add_argument("--work", type=Path, help="where environments and events of the training are kept")
    parser.add_argument("--python", nargs="*", default=[sys.executable], help="interpreters of the training programs")
    options = parser.parse_args()
    file = payloads.DICTIONARIES / f"{options.train or payloads.CURRENT_VERSION}.zstd-dict"
    if options.train:
        with tempfile.TemporaryDirectory() as temporary:
            events = training_events(options.work or Path(temporary), options.python)
        file.write_bytes(train([stored(event) for event in events]))
    report([stored(event) for event in corpus.read(options.events)], file.read_bytes() if file.exists() else None)


if __name__ == "__main__":
    main()
