"""Members and invitations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from lib.models import Answer, Body, Moment, Page, PersonName
from lib.permissions import Role

# What may stand left and right of the @ is looser in truth; whether an address exists the mail itself shows.
Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s\x00-\x1f<>,;:\"]+@[^@\s\x00-\x1f<>,;:\"]+\.[^@\s\x00-\x1f<>,;:\"]+$", max_length=254)
]
Token = Annotated[str, StringConstraints(min_length=20, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class Member(Answer):
    """Somebody in a workspace."""

    person_id: int
    name: str | None
    email: str | None
    role: Role
    joined_at: Moment


class MemberPage(Page):
    """A page of members."""

    items: list[Member]


class MemberPatch(Body):
    """Another role."""

    role: Role


class InvitationCreate(Body):
    """Whom to invite, as what: no higher than one's own role."""

    email: Email
    role: Role = "member"


class InvitationToken(Body):
    """What stands behind the # of an invitation's link."""

    token: Token


class Invitation(Answer):
    """An invitation that can still be accepted."""

    id: int
    email: str
    role: Role
    created_at: Moment
    created_by: PersonName | None
    expires_at: Moment
    mail_state: Literal["pending", "sent", "dead", "cancelled"] | None
    """What became of its mail. Where it is dead, invite the address again, or pass on the link that inviting answers."""
    mail_error: str | None


class InvitationPage(Page):
    """A page of invitations."""

    items: list[Invitation]


class CreatedInvitation(Answer):
    """A new invitation. url is in this one answer and in the mail only."""

    id: int
    email: str
    role: Role
    created_at: Moment
    expires_at: Moment
    url: str | None


class ReadInvitation(Answer):
    """What an invitation is to."""

    workspace_name: str
    role: Role
    email: str
    invited_by: str | None
    expires_at: Moment


class Accepted(Answer):
    """Where one is a member now."""

    workspace_id: int
    role: Role
