"""How right merge suggestions are, on labelled events: each fingerprint of a project is an incident that asks for its like."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

from lib import fingerprint, likeness
from lib.events.description import describe
from tests.quality import adapter


class Labelled(NamedTuple):
    """An event, the project and the bug it is of."""

    project: str
    label: Hashable
    event: dict[str, Any]


class Suggested(NamedTuple):
    """Suggestions that name an incident of the same bug, those that do not, and how many there are to name."""

    right: int
    wrong: int
    possible: int

    @property
    def precision(self) -> float:
        """1 where nothing was suggested."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """1 where there was nothing to suggest."""
        return self.right / self.possible if self.possible else 1.0


class _Incident(NamedTuple):
    traits: likeness.Traits | None
    labels: set[Hashable]


def suggested(rows: Iterable[Labelled]) -> Suggested:
    """Over all pairs of incidents of a project, in both directions."""
    projects: defaultdict[str, dict[str, _Incident]] = defaultdict(dict)
    for row in rows:
        redacted = adapter.redact(row.event)
        found = fingerprint.compute(redacted)
        traits = likeness.traits(found.rule, found.parts, describe(redacted).title)
        projects[row.project].setdefault(found.value, _Incident(traits, set())).labels.add(row.label)
    counts: Counter[str] = Counter()
    for incidents in projects.values():
        counts += _of_project(list(incidents.values()))
    return Suggested(counts["right"], counts["wrong"], counts["possible"])


def _of_project(incidents: list[_Incident]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for at, incident in enumerate(incidents):
        same = {number for number, other in enumerate(incidents) if number != at and other.labels & incident.labels}
        others = [(number, other.traits) for number, other in enumerate(incidents) if number != at and other.traits]
        found = set(likeness.like(incident.traits, others)) if incident.traits else set()
        counts.update(right=len(found & same), wrong=len(found - same), possible=len(same))
    return counts
