"""What is told of the signed-in person, and of how to sign in."""

from __future__ import annotations

from typing import Literal

from lib.models import Answer, Body, Name, PersonName
from lib.permissions import Role


class Person(Answer):
    """The signed-in person."""

    id: int
    name: str | None
    email: str | None


class Project(Answer):
    """A project that they can reach."""

    id: int
    slug: str
    name: str
    repository: str | None
    """On GitHub, as owner/name: where an incident's new issue is written."""


class Workspace(Answer):
    """A workspace that they are in, and as what."""

    id: int
    slug: str
    name: str
    role: Role
    permissions: list[str]
    """What this role may do here; docs/permissions.md."""
    gives: list[Role]
    """The roles that one can give to others."""
    projects: list[Project]


class Account(Answer):
    """The signed-in person, with all that they can reach."""

    person: Person
    workspaces: list[Workspace]


class SignInConfig(Answer):
    """With a publishable key Clerk's script signs in, at sign_in_url otherwise; all null where sign-in is not set up."""

    publishable_key: str | None
    script_url: str | None
    sign_in_url: str | None


class AccountPatch(Body):
    """A corrected name. An address is changed and verified in the sign-in service's own profile page."""

    name: Name


class AccountDelete(Body):
    """The words that say that it is meant."""

    confirm: Literal["delete my account"]


class Consequence(Answer):
    """What becomes of a workspace when the account is deleted. heir: who then owns it."""

    workspace_id: int
    name: str
    outcome: Literal["leave", "hand_over", "delete"]
    heir: PersonName | None


class Deletion(Answer):
    """What the deletion of the account would mean."""

    workspaces: list[Consequence]


class Taken(Answer):
    """Whether a message was taken; false: it had been taken before, or is about nothing here."""

    taken: bool
