"""The audit log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from lib.models import Answer, Json, Moment, Page, PageQuery, Query
from lib.paging import BIGINT_MAX

Action = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)?$", max_length=80)]


class TrailFilters(Query):
    """What is looked for. action: `incident.merge`, or `incident` for all about them."""

    actor_kind: Literal["person", "key", "cron", "link"] | None = None
    actor_id: int | None = Field(None, ge=0, le=BIGINT_MAX)
    action: Action | None = None
    object_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    since: Moment | None = None
    until: Moment | None = None


class TrailQuery(TrailFilters, PageQuery):
    """A page of what is looked for."""


class ExportQuery(TrailFilters):
    """What is exported, in which form."""

    format: Literal["csv", "json"] = "csv"


class Change(Answer):
    """Who changed what. before and after: only what changed, without secrets."""

    id: int
    at: Moment
    project_id: int | None
    actor_kind: Literal["person", "key", "cron", "link"]
    actor_id: int | None
    actor_name: str | None
    action: str
    object_id: str
    before: Json
    after: Json
    address: str | None


class ChangePage(Page):
    """A page of changes."""

    items: list[Change]


class Refusal(Answer):
    """Attempts of one actor at one action within one minute that were refused. actor_id 0: somebody who is not known here."""

    minute: Moment
    project_id: int | None
    actor_kind: Literal["person", "key"]
    actor_id: int
    actor_name: str | None
    action: str
    object_id: str
    address: str | None
    attempts: int


class RefusalPage(Page):
    """A page of refusals."""

    items: list[Refusal]
