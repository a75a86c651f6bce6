"""What rules would do, told from the newest events as they are stored. Nothing is changed."""

from __future__ import annotations

import re
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
TAG_NAME = re.compile(r"tag\.([^\s{}]+)")
LISTED_MAX = 100
PATHS_MAX = 200
# Where an event goes: an incident that is there, or one that its new fingerprint would make.
Place = int | str
# What of an event a fingerprint or a grouping rule goes by; of frames all but their variables.
LOOKED_AT = frozenset(
    {"exception", "threads", "logentry", "message", "transaction", "logger", "level", "environment", "release", "platform"}
    | {"fingerprint", "tags"}
)
UNCERTAIN = (
    "The project's own redaction rules removed or hashed part of what groups these events. Ingest goes by what stood there, "
    "this by what is stored: they may move otherwise than told here."
)


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

    An event moves where the current and the proposed rules disagree about it; both look at it as it is stored, but for what the
    project keeps and the built-in rules remove, so that nothing but the rules makes a difference. `uncertain` tells the events
    that ingest saw otherwise. `to_incident_id` is null where the events would make a new incident.
    """
    now, then = GroupingRules(current), GroupingRules(proposed)
    tags = _tags_named([*current, *proposed])
    uncertain: Counter[int] = Counter()
    newest = Newest(connect, project_id)
    moves: dict[tuple[int, str], _Move] = {}
    staying: Counter[int] = Counter()
    async for event in newest:
        payload = redaction.redact(event.payload).payload
        uncertain[event.incident_id] += _is_uncertain(event, tags)
        found = then.compute(payload)
        if found.value == now.compute(payload).value:
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
        "uncertain": _shown_uncertain(+uncertain),
    }


def _tags_named(rules: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of tags that rules ask or write down."""
    texts = [text for rule in rules for text in (*rule.get("match", ()), *rule.get("fingerprint", ()))]
    return {name for text in texts for name in TAG_NAME.findall(text)}


def _is_uncertain(event: StoredEvent, tags: set[str]) -> bool:
    """Whether the project itself took away what ingest grouped the event by."""
    return any(
        _is_looked_at(removal["path"].split("."), tags) and _is_the_projects(removal["rule"], event) for removal in event.removals
    )


def _is_looked_at(steps: Sequence[str], tags: set[str]) -> bool:
    if steps[0] == "tags":
        return ".".join(steps[1:]) in tags
    return steps[0] in LOOKED_AT and "vars" not in steps


def _is_the_projects(rule: str, event: StoredEvent) -> bool:
    """Removed by a rule of the project, or hashed where the built-in rules would have removed."""
    return rule == "custom" or (rule in {"email", "ip"} and "hmac:" in str(event.payload))


def _shown_uncertain(events: Counter[int]) -> dict[str, Any]:
    most = [incident_id for incident_id, _ in events.most_common(LISTED_MAX)]
    return {"events": events.total(), "incident_ids": sorted(most), "reason": UNCERTAIN if events else None}


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
            if _covers(safe.split("."), path, removal["rule"]):
                counts[safe, removal["rule"]] += removal["count"]
        if proposed.get(removal["rule"]) == "keep":
            counts[f"{removal['rule']}: keep", removal["rule"]] += removal["count"]
    return counts


def _covers(safe: Sequence[str], path: Sequence[str], rule: str) -> bool:
    """Whether a removal lies in a safe field: a value in it or below it, a key below it.

    Whether the value or its key went, the record does not say. If the rule left its mark in the key, it counts as the key's, so
    that no exception promises what it would not leave.
    """
    is_key = f"[redacted:{rule}]" in path[-1] or (rule in {"email", "ip"} and "hmac:" in path[-1])
    return len(safe) <= len(path) - is_key and all(step in {"*", at} for step, at in zip(safe, path, strict=False))
