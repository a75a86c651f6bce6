"""Workspaces and projects."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from lib import slugs
from lib.models import Answer, Body, Moment, Name, Page
from lib.permissions import Role

Slug = Annotated[str, StringConstraints(pattern=slugs.PATTERN)]


# On GitHub, as owner/name.
Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]


class PlaceCreate(Body):
    """A workspace or project to be made; without a slug one is made from the name."""

    name: Name
    slug: Slug | None = None


class PlacePatch(Body):
    """Another name or slug. Earlier slugs lead on and are never another's."""

    name: Name | None = None
    slug: Slug | None = None


class ProjectPatch(PlacePatch):
    """Another name, slug or repository; null takes the repository away."""

    repository: Repository | None = None


class Workspace(Answer):
    """A workspace."""

    id: int
    slug: str
    name: str
    created_at: Moment


class OwnWorkspace(Workspace):
    """A workspace, and what one is in it."""

    role: Role


class OwnWorkspacePage(Page):
    """A page of the workspaces that one is in."""

    items: list[OwnWorkspace]


class Project(Answer):
    """A project."""

    id: int
    workspace_id: int
    slug: str
    name: str
    repository: str | None
    """On GitHub, as owner/name."""
    retention_days: int
    created_at: Moment


class ProjectPage(Page):
    """A page of projects."""

    items: list[Project]
