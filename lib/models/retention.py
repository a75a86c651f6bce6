"""How long things are kept, what holds them back, and their deletion; people who stand in events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lib.models import Answer, Body, Id, Moment, Page, Query
from lib.retention import DAYS_MAX, DAYS_MIN
from lib.subjects import VALUE_CHARACTERS_MAX

Days = Annotated[int, Field(ge=DAYS_MIN, le=DAYS_MAX)]


class Retention(Answer):
    """For how many days a project keeps payloads. applied: whether all that is stored has it by now."""

    retention_days: int
    applied: bool


class RetentionPut(Body):
    """The days for which payloads are to be kept."""

    retention_days: Days


class EffectQuery(Query):
    """The days that are thought of."""

    retention_days: Days


class Payloads(Answer):
    """Payloads as they are stored, compressed."""

    rows: int
    bytes: int


class RetentionEffect(Answer):
    """What a retention would do to what is stored now; held payloads are among the removed, and stay while they are held."""

    retention_days: int
    stored: Payloads
    removed: Payloads


class HoldPost(Body):
    """Why nothing is to be removed; without an incident, of the whole project."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
    incident_id: Id | None = None


class Hold(Answer):
    """A legal hold; it lasts while ended_at is null."""

    id: int
    incident_id: int | None
    reason: str
    placed_by: int | None
    placed_at: Moment
    ended_by: int | None
    ended_at: Moment | None


class Holds(Page):
    """A page of a project's holds, those that last first."""

    items: list[Hold]


class Deletion(Answer):
    """When it was deleted, and until when it can be brought back."""

    deleted_at: Moment
    gone_after: Moment


class RestoredProject(Answer):
    """A project that is back."""

    project_id: int
    slug: str
    name: str


class RestoredWorkspace(Answer):
    """A workspace that is back, with the projects that were deleted with it."""

    workspace_id: int
    slug: str
    name: str


class DeletedProject(RestoredProject):
    """A project that can be brought back."""

    deleted_at: Moment
    gone_after: Moment


class DeletedProjects(Answer):
    """A workspace's projects that can be brought back, those deleted last first."""

    items: list[DeletedProject]


class SubjectPost(Body):
    """A person as events name them: the field of `user`, and what stands in it."""

    kind: Literal["id", "email", "username", "ip_address"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=VALUE_CHARACTERS_MAX, strip_whitespace=True)]


class SubjectExportPost(SubjectPost):
    """Whose events, and where the next part begins: as the last line of the part before told. A part lasts 50 seconds."""

    cursor: str | None = None


class Erasure(Answer):
    """A receipt: when an erasure was asked for and done, and how much was removed of what; never of whom."""

    id: int
    requested_by: int | None
    requested_at: Moment
    finished_at: Moment | None
    removed: dict[str, int]


class Erasures(Page):
    """A page of a workspace's receipts, the newest first."""

    items: list[Erasure]
