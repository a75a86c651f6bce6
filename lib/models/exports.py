"""Exports, and what a deployment says of itself."""

from __future__ import annotations

from datetime import date
from typing import Literal

from lib.models import Answer, Moment


class Part(Answer):
    """One ZIP of an export: the files in it, and how many rows they had when the export was asked for."""

    number: int
    name: str
    rows: int
    files: list[str]


class Export(Answer):
    """An export and its parts."""

    id: int
    requested_at: Moment
    expires_at: Moment
    parts: list[Part]


class NewExport(Export):
    """A new one. link: leads to names and addresses of all parts, without a sign-in; told only once."""

    link: str | None


class LiveExport(Answer):
    """An export in a list."""

    id: int
    requested_at: Moment
    expires_at: Moment
    part_count: int


class Exports(Answer):
    """Exports whose time is not over, the newest first."""

    items: list[LiveExport]


class Processor(Answer):
    """Who handles data for this deployment, and for what. host: where it says who they are; region: as far as is known."""

    purpose: Literal["hosting", "database", "sign-in", "limits", "mail", "analysis", "archive"]
    name: str
    host: str | None
    region: str | None


class Keeping(Answer):
    """For how many days things are kept. payload: unless a project says otherwise; deleted: until what was deleted is gone."""

    payload_days: int
    deleted_days: int
    events_days: int
    counts_days: int
    incidents_days: int
    audit_days: int
    usage_days: int
    outcomes_days: int
    archives_days: int
    messages_days: int
    invitations_days: int


class Privacy(Answer):
    """What a deployment says of itself. effective_date, contact: null where the operator has not set them."""

    effective_date: date | None
    contact: str | None
    processors: list[Processor]
    retention: Keeping
