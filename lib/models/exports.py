"""Exports, and what a deployment says of itself."""

from __future__ import annotations

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
