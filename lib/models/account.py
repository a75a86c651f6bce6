"""What is told of the signed-in person, and of how to sign in."""

from __future__ import annotations

from lib.models import Answer
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


class Workspace(Answer):
    """A workspace that they are in, and as what."""

    id: int
    slug: str
    name: str
    role: Role
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
