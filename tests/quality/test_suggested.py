"""Merge suggestions on our own cases: no bug is suggested for another one, and edited programs find their bugs again."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.quality.suggested import Labelled, suggested

CASES = Path(__file__).with_name("cases")
FIRST = {"base", "bundle_a"}  # with the names that the author gave


def read(variations: set[str] | None = None) -> list[Labelled]:
    lines = [line for file in sorted(CASES.glob("*.jsonl.gz")) for line in gzip.decompress(file.read_bytes()).splitlines()]
    rows = [json.loads(line) for line in lines]
    kept = [row for row in rows if variations is None or row["variation"] in variations]
    return [Labelled(row["project"], row["label"], row["event"]) for row in kept]


def own_frames(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in event.get("exception", {}).get("values", []):
        yield from (frame for frame in one.get("stacktrace", {}).get("frames", []) if frame.get("in_app"))


def move(event: dict[str, Any]) -> None:
    """All of the program's files lie in another folder now, under other names."""
    for frame in own_frames(event):
        for name in ("module", "filename", "abs_path"):
            if frame.get(name):
                folder, slash, last = frame[name].rpartition("/" if name != "module" else ".")
                frame[name] = f"{folder}{slash}renamed_{last}"


def rename_type(event: dict[str, Any]) -> None:
    """Every class of exceptions has another name."""
    for one in event.get("exception", {}).get("values", []):
        one["type"] = f"Renamed{one.get('type')}"


def rewrite_line(event: dict[str, Any]) -> None:
    """The crashed statement is written otherwise."""
    for one in event.get("exception", {}).get("values", []):
        for frame in [frame for frame in one.get("stacktrace", {}).get("frames", []) if frame.get("context_line")]:
            frame["context_line"] = f"rewritten = {frame['context_line'].strip()}"


@pytest.fixture(scope="module")
def cases() -> list[Labelled]:
    return read()


def test_no_bug_is_suggested_for_another_one(cases: list[Labelled]) -> None:
    found = suggested(cases)
    assert (found.right, found.wrong, found.possible) == (0, 0, 0)


@pytest.mark.parametrize(("edit", "recall_min"), [(move, 0.95), (rename_type, 0.75), (rewrite_line, 0.9)])
def test_an_edited_program_is_suggested_for_its_bugs(edit: Callable[[dict[str, Any]], None], recall_min: float) -> None:
    before = read(FIRST)
    after = copy.deepcopy(before)
    for row in after:
        edit(row.event)
    found = suggested([*before, *after])
    assert found.possible > 50
    assert found.precision >= 0.95
    assert found.recall >= recall_min
