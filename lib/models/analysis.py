"""Analyses, what people say of them, and what a project decides about them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lib.models import Answer, Body, Moment, Page

Environment = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Rating(Body):
    """Whether it helped."""

    helpful: bool


class Correction(Body):
    """What it really was, in a person's words; null takes that back."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True)] | None


class AnalysisSettings(Body):
    """When the project's incidents are analysed."""

    enabled: bool = True
    environments: list[Environment] = Field([], max_length=20)
    """Only incidents of one of these; empty: of every environment."""
    events_min: int = Field(1, ge=1, le=1_000_000)
    """Not before an incident has so many events."""
    interval_minutes: int = Field(60, ge=1, le=43_200)
    """Between two analyses of one incident."""
    hourly_max: int = Field(20, ge=1, le=1_000)
    """Of the whole project, but for those that people ask for; the rest waits."""
    budget_dollars: float | None = Field(None, ge=0, le=1_000_000)
    """The project's own, of a month (UTC); null: only the workspace's and the deployment's hold."""


class AnalysisSettingsPut(AnalysisSettings):
    """version: that of the settings which these were made from."""

    version: int = Field(ge=0, lt=2**31)


class AnalysisSettingsAnswer(Answer):
    """The settings, with their version; 0 where nothing was ever set."""

    version: int
    updated_at: Moment | None
    updated_by: int | None
    enabled: bool
    environments: list[str]
    events_min: int
    interval_minutes: int
    hourly_max: int
    budget_dollars: float | None


class ShownEvidence(Answer):
    """A frame that was sent, and what the model says that it shows."""

    function: str | None
    module: str | None
    file: str | None
    line: int | None
    source: str
    shows: str


class Provenance(Answer):
    """Where an analysis comes from and what it cost. event_count, release: the incident's, when it was analysed."""

    text: str
    model: str | None
    prompt_version: int | None
    event_count: int | None
    release: str | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    latency_ms: int | None
    cost_dollars: float
    context_hash: str | None


class GivenRating(Answer):
    """What somebody said of it. by: the person; null for an api key, or where they are gone."""

    helpful: bool
    by: int | None
    at: Moment


class GivenCorrection(Answer):
    """What somebody says it really was."""

    text: str
    by: int | None
    at: Moment


class Analysis(Answer):
    """An analysis, or what became of it. All that it says is plain text: show it as text."""

    id: int
    incident_id: int
    state: Literal["waiting", "running", "done", "failed", "skipped"]
    cause: Literal["new", "regressed", "release", "escalated", "stacks", "growth", "person"]
    reason: str | None
    reason_in_words: str | None
    created_at: Moment
    finished_at: Moment | None
    summary: str | None
    likely_cause: str | None
    suggested_fix: str | None
    severity: Literal["low", "medium", "high", "critical"] | None
    evidence: list[ShownEvidence] | None
    confidence: float | None
    confidence_in_words: str | None
    provenance: Provenance
    rating: GivenRating | None
    correction: GivenCorrection | None


class NewestAnalysis(Answer):
    """analysis: the newest that says something; latest: the newest, whatever became of it; detail: how it stands, in words."""

    configured: bool
    detail: str
    analysis: Analysis | None
    latest: Analysis | None


class AnalysisPage(Page):
    """All analyses of an incident, the newest first."""

    items: list[Analysis]
