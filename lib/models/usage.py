"""Limits, usage, and what became of events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from lib.models import Answer, Body, Moment, Query

HOURS_MAX = 24 * 31
INT_MAX = 2**31 - 1
Limit = Annotated[int, Field(ge=1, le=INT_MAX)]
Factor = Annotated[int, Field(ge=2, le=1000)]


class ProjectLimits(Answer):
    """A project's limits; docs/limits.md."""

    events_per_minute_max: int
    """Of all its keys together."""
    fingerprints_per_minute_max: int
    """Fingerprints never seen before; what comes beyond joins one incident."""
    payloads_per_day: int
    """Of each fingerprint, kept whatever comes; of the rest a sample."""
    spike_factor: int | None
    """An hour with more than so many times the usual events is a spike; null: none is."""


class ProjectLimitsPatch(Body):
    """The limits that are to change; what is not named stays."""

    events_per_minute_max: Limit | None = None
    fingerprints_per_minute_max: Limit | None = None
    payloads_per_day: Limit | None = None
    spike_factor: Factor | None = None

    @model_validator(mode="after")
    def _something_and_no_limit_of_nothing(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one limit")
        if any(getattr(self, name) is None for name in self.model_fields_set - {"spike_factor"}):
            raise ValueError("only spike_factor may be null, for none")
        return self


class WorkspaceLimits(Answer):
    """A workspace's quota. effective: the one that holds, the deployment's where the workspace has none; null: no limit."""

    events_per_month_max: int | None
    effective: int | None


class WorkspaceLimitsPatch(Body):
    """The quota that is to hold; null leaves it to the deployment."""

    events_per_month_max: Annotated[int, Field(ge=0, le=2**53)] | None


class Counted(Answer):
    """Events, bytes of payloads as stored, analyses, mails."""

    event_count: int
    payload_bytes: int
    analysis_count: int
    mail_count: int


class MonthUsage(Counted):
    """A month, UTC."""

    month: str


class ProjectUsage(Answer):
    """A project's months, the newest first."""

    months: list[MonthUsage]


class UsageOfProject(Counted):
    """A project's part of a month; of a deleted one neither slug nor name is left. project_id is null for what belongs to none,
    such as mails of invitations.
    """

    project_id: int | None
    slug: str | None
    name: str | None


class UsageQuery(Query):
    """Which month."""

    month: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] | None = None
    """As 2026-11, UTC; without one, the month that it is."""

    def first_day(self) -> date:
        """The day on which it begins."""
        return date.fromisoformat(f"{self.month}-01") if self.month else datetime.now(UTC).date().replace(day=1)


class WorkspaceUsage(MonthUsage):
    """A month of a workspace, and each project's part of it."""

    projects: list[UsageOfProject]


class OutcomesQuery(Query):
    """How far back."""

    hours: int = Field(24, ge=1, le=HOURS_MAX)


class HourOutcomes(Answer):
    """What became of the events that came in one hour."""

    hour: Moment
    outcomes: dict[str, int]


class ReasonOutcomes(Answer):
    """An outcome, why, and under which key."""

    outcome: str
    reason: str
    key_id: int
    key_name: str | None
    event_count: int
    last_hour: Moment


class OutcomeSample(Answer):
    """A request whose events were not stored."""

    at: Moment
    key_id: int
    outcome: str
    reason: str
    detail: str | None
    event_count: int


class Outcomes(Answer):
    """Where a project's events went."""

    since: Moment
    totals: dict[str, int]
    hours: list[HourOutcomes]
    reasons: list[ReasonOutcomes]
    recent: list[OutcomeSample]
