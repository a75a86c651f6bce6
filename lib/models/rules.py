"""What a project decides itself about grouping and redaction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lib import grouping_rules
from lib.models import Answer, Body, Json, Moment
from lib.redaction.rules import KEYS_MAX, PATTERNS_MAX, SAFE_FIELDS_MAX

CONDITIONS_MAX = 12
Glob = Annotated[str, StringConstraints(min_length=1, max_length=grouping_rules.PATTERN_CHARS_MAX)]
Globs = Annotated[dict[str, Glob], Field(max_length=CONDITIONS_MAX)]
RuleName = Annotated[str, StringConstraints(min_length=1, max_length=grouping_rules.NAME_CHARS_MAX)]
RuleText = Annotated[str, StringConstraints(min_length=1, max_length=grouping_rules.PATTERN_CHARS_MAX)]
Version = Annotated[int, Field(ge=0, lt=2**31)]


class GroupingRule(Body):
    """What must fit, and what is done then; docs/grouping.md."""

    name: RuleName | None = None
    match: Globs = Field(default_factory=dict)
    fingerprint: list[RuleText] | None = Field(None, min_length=1, max_length=grouping_rules.PARTS_MAX)
    ignore_frames: Globs | None = None


class GroupingRules(Body):
    """All grouping rules of a project, in the order in which they are read."""

    rules: list[GroupingRule] = Field(max_length=grouping_rules.RULES_MAX)


class RedactionRules(Body):
    """What is removed beside what always is, what is left alone, and how people are treated; docs/redaction.md."""

    extra_keys: list[RuleText] = Field(default_factory=list, max_length=KEYS_MAX)
    extra_patterns: list[RuleText] = Field(default_factory=list, max_length=PATTERNS_MAX)
    safe_fields: list[RuleText] = Field(default_factory=list, max_length=SAFE_FIELDS_MAX)
    email: Literal["keep", "hash", "remove"] = "remove"
    ip: Literal["keep", "hash", "remove"] = "remove"
    phone: Literal["keep", "remove"] = "remove"


class GroupingRulesPut(GroupingRules):
    """version: that of the rules which these were made from."""

    version: Version


class RedactionRulesPut(RedactionRules):
    """version: that of the rules which these were made from."""

    version: Version


class Versioned(Answer):
    """How often rules were changed, and by whom last; version 0 where nothing was ever set."""

    version: int
    updated_at: Moment | None
    updated_by: int | None


class GroupingRulesAnswer(Versioned):
    """A project's grouping rules."""

    rules: list[GroupingRule]


class RedactionRulesAnswer(Versioned):
    """A project's redaction rules."""

    extra_keys: list[str]
    extra_patterns: list[str]
    safe_fields: list[str]
    email: Literal["keep", "hash", "remove"]
    ip: Literal["keep", "hash", "remove"]
    phone: Literal["keep", "remove"]


class DryRun(Answer):
    """What was looked at."""

    events: int
    since: Moment | None
    complete: bool
    """False: the time ran out before the events did."""


class Move(Answer):
    """Events of one incident that would get another fingerprint."""

    from_incident_id: int
    to_incident_id: int | None
    to_fingerprint: str
    rule: str
    reason: str
    parts: Json
    event_count: int
    example_event_ids: list[str]


class Place(Answer):
    """An incident that is there, or the fingerprint of one that would be new."""

    to_incident_id: int | None
    to_fingerprint: str | None


class Join(Place):
    """Incidents whose events would stand in one."""

    incident_ids: list[int]
    event_count: int


class PartInto(Place):
    """Where a part of an incident would go."""

    event_count: int


class Part(Answer):
    """An incident whose events would stand in several."""

    incident_id: int
    into: list[PartInto]


class Uncertain(Answer):
    """Events of which the project's own redaction rules took what groups them; reason is null where there are none."""

    events: int
    incident_ids: list[int]
    reason: str | None


class GroupingDryRun(DryRun):
    """Which incidents would join or part."""

    changed: int
    moves: list[Move]
    joins: list[Join]
    parts: list[Part]
    uncertain: Uncertain


class Removed(Answer):
    """What one rule would remove at one kind of path."""

    path: str
    rule: str
    count: int
    events: int
    example_event_ids: list[str]


class Kept(Answer):
    """What an exception would have left."""

    exception: str
    rule: str
    count: int
    events: int
    example_event_ids: list[str]


class RedactionDryRun(DryRun):
    """What these rules would remove, and what they would have left."""

    removed_by_rule: dict[str, int]
    removed: list[Removed]
    kept: list[Kept]
