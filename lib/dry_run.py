"""What rules would do, told from the newest events as they are stored. Nothing is changed."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib import db, project_rules, redaction
from lib.fingerprint import Fingerprint
from lib.grouping_rules import GroupingRules
from lib.stored_events import Connect, Newest, StoredEvent

EXAMPLES_MAX = 5
LISTED_MAX = 100
PATHS_MAX = 200
# Where an event goes: an incident that is there, or one that its new fingerprint would make.
Place = int | str


# Grouping


@dataclass
class _Move:
    """Events of one incident that would get one new fingerprint."""

    fingerprint: Fingerprint
    from_incident_id: int
    event_count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, event: StoredEvent) -> None:
        self.event_count += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(event.event_id)


async def grouping(
    connect: Connect, project_id: int, current: Sequence[Mapping[str, Any]], proposed: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Which of the newest events would go elsewhere, which incidents would so join, and which would part.

    An event moves where the current and the proposed rules disagree about it; both look at it as it is stored, so that nothing
    but the rules makes a difference. `to_incident_id` is null where the events would make a new incident.
    """
    now, then = GroupingRules(current), GroupingRules(proposed)
    newest = Newest(connect, project_id)
    moves: dict[tuple[int, str], _Move] = {}
    staying: Counter[int] = Counter()
    async for event in newest:
        found = then.compute(event.payload)
        if found.value == now.compute(event.payload).value:
            staying[event.incident_id] += 1
        else:
            moves.setdefault((event.incident_id, found.value), _Move(found, event.incident_id)).add(event)
    known = await _known(connect, project_id, [value for _, value in moves])
    # Where the new fingerprint leads to the very incident the event is in, nothing moves.
    leaving = {key: move for key, move in moves.items() if known.get(key[1]) != key[0]}
    for key in moves.keys() - leaving.keys():
        staying[key[0]] += moves[key].event_count
    listed = sorted(leaving.values(), key=lambda move: -move.event_count)
    return {
        **newest.seen(),
        "changed": sum(move.event_count for move in listed),
        "moves": [_shown_move(move, known) for move in listed[:LISTED_MAX]],
        "joins": _joins(listed, known, staying)[:LISTED_MAX],
        "parts": _parts(listed, known, staying)[:LISTED_MAX],
    }


async def _known(connect: Connect, project_id: int, fingerprints: Sequence[str]) -> dict[str, int]:
    """Fingerprint → the incident it leads to already."""
    if not fingerprints:
        return {}
    async with connect() as conn:
        rows = await db.fetch_all(
            conn,
            "incident_list_by_fingerprint",
            project_id=project_id,
            fingerprints=[uuid.UUID(one) for one in set(fingerprints)],
        )
    return {row["fingerprint"].hex: row["incident_id"] for row in rows}


def _shown_move(move: _Move, known: Mapping[str, int]) -> dict[str, Any]:
    return {
        "from_incident_id": move.from_incident_id,
        "to_incident_id": known.get(move.fingerprint.value),
        "to_fingerprint": move.fingerprint.value,
        "rule": move.fingerprint.rule,
        "reason": move.fingerprint.reason,
        "parts": move.fingerprint.parts,
        "event_count": move.event_count,
        "example_event_ids": move.examples,
    }


def _place(move: _Move, known: Mapping[str, int]) -> Place:
    return known.get(move.fingerprint.value, move.fingerprint.value)


def _shown_place(place: Place) -> dict[str, Any]:
    is_known = isinstance(place, int)
    return {"to_incident_id": place if is_known else None, "to_fingerprint": None if is_known else place}


def _joins(moves: Sequence[_Move], known: Mapping[str, int], staying: Counter[int]) -> list[dict[str, Any]]:
    """Incidents whose events would stand in one."""
    sources: defaultdict[Place, Counter[int]] = defaultdict(Counter)
    for move in moves:
        sources[_place(move, known)][move.from_incident_id] += move.event_count
    for place, counts in sources.items():
        if isinstance(place, int):
            counts[place] += staying[place]
    return [
        {**_shown_place(place), "incident_ids": sorted(counts), "event_count": counts.total()}
        for place, counts in sources.items()
        if len(counts) > 1
    ]


def _parts(moves: Sequence[_Move], known: Mapping[str, int], staying: Counter[int]) -> list[dict[str, Any]]:
    """Incidents whose events would stand in several."""
    targets: defaultdict[int, Counter[Place]] = defaultdict(Counter)
    for move in moves:
        targets[move.from_incident_id][_place(move, known)] += move.event_count
    for incident_id, counts in targets.items():
        if staying[incident_id]:
            counts[incident_id] += staying[incident_id]
    return [
        {"incident_id": incident_id, "into": [{**_shown_place(place), "event_count": n} for place, n in counts.most_common()]}
        for incident_id, counts in targets.items()
        if len(counts) > 1
    ]


# Redaction


@dataclass
class _Found:
    """Removals of one rule at one kind of path."""

    count: int = 0
    events: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, event: StoredEvent, count: int) -> None:
        self.count += count
        self.events += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(event.event_id)


async def redacting(connect: Connect, project_id: int, proposed: Mapping[str, Any], hash_key: bytes) -> dict[str, Any]:
    """What these rules would still remove from the newest events as they are stored, and what they would leave of what was
    removed from them. Paths and counts, never values; the numbers in paths are `*`.

    What an exception would leave is told from the records of what was removed, since the values are gone.
    """
    rules = project_rules.compiled_redaction(proposed, hash_key)
    newest = Newest(connect, project_id)
    removed: defaultdict[tuple[str, str], _Found] = defaultdict(_Found)
    kept: defaultdict[tuple[str, str], _Found] = defaultdict(_Found)
    async for event in newest:
        for (path, rule), count in _counts(redaction.redact(event.payload, rules).removals).items():
            removed[path, rule].add(event, count)
        for (exception, rule), count in _left(event.removals, proposed).items():
            kept[exception, rule].add(event, count)
    by_rule: Counter[str] = Counter()
    for (_, rule), found in removed.items():
        by_rule[rule] += found.count
    return {
        **newest.seen(),
        "removed_by_rule": dict(by_rule.most_common()),
        "removed": [{"path": path, "rule": rule, **_shown(found)} for (path, rule), found in _most(removed)],
        "kept": [{"exception": exception, "rule": rule, **_shown(found)} for (exception, rule), found in _most(kept)],
    }


def _shown(found: _Found) -> dict[str, Any]:
    return {"count": found.count, "events": found.events, "example_event_ids": found.examples}


def _most(found: Mapping[tuple[str, str], _Found]) -> list[tuple[tuple[str, str], _Found]]:
    return sorted(found.items(), key=lambda item: (-item[1].count, item[0]))[:PATHS_MAX]


def _counts(removals: Sequence[redaction.Removal]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for removal in removals:
        steps = removal.path.split(".")
        counts[".".join("*" if step.isdigit() else step for step in steps), removal.rule] += removal.count
    return counts


def _left(removals: Sequence[Mapping[str, Any]], proposed: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """(exception, rule) → how much of what was removed the exception would have left."""
    counts: Counter[tuple[str, str]] = Counter()
    for removal in removals:
        path = removal["path"].split(".")
        for safe in proposed["safe_fields"]:
            steps = safe.split(".")
            if len(steps) <= len(path) and all(step in {"*", at} for step, at in zip(steps, path, strict=False)):
                counts[safe, removal["rule"]] += removal["count"]
        if proposed.get(removal["rule"]) == "keep":
            counts[f"{removal['rule']}: keep", removal["rule"]] += removal["count"]
    return counts
