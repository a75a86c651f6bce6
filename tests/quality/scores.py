"""How well groups match labels. Both are lists of hashable names, one per event, in the same order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from math import comb
from typing import NamedTuple


class Scores(NamedTuple):
    """Pairwise precision, recall and F1; the labels that share a group with another one, the worst mistake: it hides a bug."""

    precision: float
    recall: float
    f1: float
    merged: frozenset[Hashable]


def scores(labels: Sequence[Hashable], groups: Sequence[Hashable]) -> Scores:
    """Compares all pairs of events: those that share a group with those that share a label."""
    together = _pairs(list(zip(labels, groups, strict=True)))
    precision, recall = together / max(1, _pairs(groups)), together / max(1, _pairs(labels))
    labels_of = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        labels_of[group].add(label)
    merged = frozenset[Hashable]().union(*(found for found in labels_of.values() if len(found) > 1))
    return Scores(precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), merged)


def _pairs(names: Sequence[Hashable]) -> int:
    return sum(comb(count, 2) for count in Counter(names).values())
