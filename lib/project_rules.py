"""What a project decides itself, as ingest applies it: compiled from what project_rules stores, once for each text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from lib import fingerprint, redaction
from lib.fingerprint import Fingerprint
from lib.grouping_rules import GroupingRules

COMPILED_MAX = 32


class ProjectRules(NamedTuple):
    """None: nothing but the built-in rules."""

    grouping: GroupingRules | None = None
    redaction: redaction.Rules | None = None


NONE = ProjectRules()


class Prepared(NamedTuple):
    """An event's payload as it is stored, and where it belongs."""

    redacted: redaction.Redacted
    fingerprint: Fingerprint
    previous: list[str]
    """What earlier versions of the algorithm give it, the newest first."""


@lru_cache(maxsize=COMPILED_MAX)
def compiled(grouping: str | None, removing: str | None, hash_key: bytes) -> ProjectRules:
    """Rules from their JSON texts; the same texts cost nothing again.

    Raises redaction.RuleError for what no check would have let in: no event is stored that these rules were not applied to.
    """
    if grouping is None and removing is None:
        return NONE
    return ProjectRules(
        GroupingRules(orjson.loads(grouping)["rules"]) if grouping else None,
        compiled_redaction(orjson.loads(removing), hash_key) if removing else None,
    )


def compiled_redaction(rules: Mapping[str, Any], hash_key: bytes) -> redaction.Rules:
    """Redaction rules as the API takes them; the workspace's key goes in only where something is hashed."""
    is_hashed = "hash" in (rules["email"], rules["ip"])
    return redaction.compile_rules(**rules, hash_key=hash_key if is_hashed else None)


def prepare(payload: dict[str, Any], rules: ProjectRules) -> Prepared:
    """Redact an event and find its fingerprint. Raises nothing, whatever the payload.

    The fingerprint is of the event without what the built-in rules remove: a project that changes its redaction splits no
    incident. What is kept to explain it is redacted as everything else that is stored.
    """
    redacted = redaction.redact(payload)
    compute = rules.grouping.compute if rules.grouping else fingerprint.compute
    found = compute(redacted.payload)
    previous = [_earlier(redacted.payload, rules, earlier) for earlier in fingerprint.EARLIER]
    if rules.redaction:
        redacted = redaction.redact(payload, rules.redaction)
        # Shown are the parts of what is stored: those that were hashed have lost what a project's pattern goes by.
        shown = compute(redacted.payload).parts
        found = found._replace(parts=redaction.redact({"parts": shown}, rules.redaction).payload["parts"])
    return Prepared(redacted, found, previous)


def _earlier(payload: dict[str, Any], rules: ProjectRules, compute: Any) -> str:
    found: Fingerprint = rules.grouping.compute(payload, compute) if rules.grouping else compute(payload)
    return found.value
