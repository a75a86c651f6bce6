"""Events of real SDKs (tests/sdk makes them): those of one bug share an incident, whatever changed around it; no two bugs do."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.quality import adapter
from tests.quality.scores import Scores, scores

CASES = Path(__file__).with_name("cases")
FIRST = {"base", "bundle_a", "minified_a"}  # what the other variations of a bug are compared with


class Case(NamedTuple):
    """A labelled event and its fingerprint."""

    project: str
    label: str
    variation: str
    tier: str
    fingerprint: str


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    lines = [line for file in sorted(CASES.glob("*.jsonl.gz")) for line in gzip.decompress(file.read_bytes()).splitlines()]
    rows = [json.loads(line) for line in lines]
    return [Case(row["project"], row["label"], row["variation"], row["tier"], adapter.fingerprint(row["event"])) for row in rows]


def scores_of(cases: list[Case], *tiers: str) -> Scores:
    chosen = [case for case in cases if case.tier in tiers]
    labels = [(case.project, case.label) for case in chosen]
    return scores(labels, [(case.project, case.fingerprint) for case in chosen])


def same_as_first(cases: list[Case], variation: str) -> float:
    """The share of this variation's events that share an incident with their bug's first event."""
    first = {(case.project, case.label): case.fingerprint for case in cases if case.variation in FIRST}
    found = [case.fingerprint == first[case.project, case.label] for case in cases if case.variation == variation]
    return sum(found) / len(found)


def test_the_cases_are_many_bugs_under_many_variations(cases: list[Case]) -> None:
    assert len({(case.project, case.label) for case in cases}) >= 80
    assert set(Counter(case.tier for case in cases)) == {"must", "should", "may", "hard"}


def test_deploys_lines_data_hosts_and_runtimes_do_not_split_a_bug(cases: list[Case]) -> None:
    found = scores_of(cases, "must")
    assert found.f1 >= 0.99
    assert not found.merged


def test_cosmetic_edits_other_callers_threads_and_loops_do_not_split_a_bug(cases: list[Case]) -> None:
    found = scores_of(cases, "must", "should")
    assert found.f1 >= 0.97
    assert found.precision >= 0.995
    assert not found.merged


@pytest.mark.parametrize(
    ("variation", "share_min"),
    [
        *((name, 1.0) for name in ("line_shift", "path", "data", "release_host", "all_must", "bundle_b")),
        *((name, 1.0) for name in ("python3.12", "python3.13")),  # where comprehensions have no frame of their own (PEP 709)
        *((name, 0.95) for name in ("cosmetic", "again", "thread", "loop", "async", "timer", "wsgi", "starlette", "http")),
        *((name, 0.95) for name in ("logged", "uncaught")),
        ("wrapped", 0.9),
        ("minified_b", 0.8),
    ],
)
def test_a_variation_joins_the_incident_of_its_bug(cases: list[Case], variation: str, share_min: float) -> None:
    assert same_as_first(cases, variation) >= share_min


def test_names_lost_to_a_minifier_still_leave_something_to_group_by(cases: list[Case]) -> None:
    found = scores_of(cases, "hard")
    assert found.f1 >= 0.8
    assert not found.merged
