"""Who may do what: the one table that operations ask, docs/permissions.md shows, and api keys take their scopes from."""

from __future__ import annotations

from typing import Literal, NamedTuple

Role = Literal["owner", "admin", "member", "viewer"]
ROLES: tuple[Role, ...] = ("viewer", "member", "admin", "owner")
RANK: dict[str, int] = {role: rank for rank, role in enumerate(ROLES)}


class Permission(NamedTuple):
    """One line of the table.

    at_least: the lowest role that has it. scope: whether an api key of a project may be given it; what could give its bearer
    more than it has (members, keys), or concerns the whole workspace, it may not.
    """

    name: str
    at_least: Role
    scope: bool
    meaning: str


PERMISSIONS: dict[str, Permission] = {
    row.name: row
    for row in (
        Permission("workspace:read", "viewer", False, "See the workspace, its projects and its usage"),
        Permission("workspace:write", "admin", False, "Rename the workspace; change its settings and its quota"),
        Permission("workspace:delete", "owner", False, "Delete the workspace, or bring it back"),
        Permission("members:read", "viewer", False, "See who is in the workspace"),
        Permission("members:write", "admin", False, "Invite, change roles, remove; what concerns an owner only an owner may do"),
        Permission("projects:write", "admin", False, "Make projects; delete them, or bring them back"),
        Permission("project:read", "viewer", True, "See a project and its settings"),
        Permission("project:write", "admin", True, "Change a project's settings"),
        Permission("incidents:read", "viewer", True, "Read incidents, events, grouping, analyses; find those of a known person"),
        Permission("incidents:write", "member", True, "Resolve, ignore, assign, merge and split; run and rate analyses"),
        Permission("rules:read", "viewer", True, "Read grouping and redaction rules"),
        Permission("rules:try", "member", True, "Try rules on recent events"),
        Permission("rules:write", "admin", True, "Change grouping and redaction rules"),
        Permission("keys:read", "member", False, "See a project's keys, never the keys themselves"),
        Permission("keys:write", "admin", False, "Make, change, rotate and revoke keys"),
        Permission("usage:read", "viewer", True, "See usage, limits and what became of events"),
        Permission("limits:write", "admin", True, "Change a project's limits"),
        Permission("alerts:read", "viewer", True, "See alert rules, channels and deliveries"),
        Permission("alerts:receive", "viewer", False, "Get a channel's mails to oneself again that one has ended"),
        Permission("alerts:write", "admin", True, "Change alert rules and channels; send again"),
        Permission("audit:read", "admin", True, "Read and export the audit log"),
        Permission("data:read", "owner", False, "Export the workspace; find and export what is held about a person"),
        Permission("data:erase", "owner", False, "Erase a person; hold data back from removal"),
    )
}
SCOPES: tuple[str, ...] = tuple(name for name, permission in PERMISSIONS.items() if permission.scope)


def allows(role: str, permission: str) -> bool:
    """Whether somebody of this role has this permission. Raises KeyError for one that is not in the table."""
    return RANK[role] >= RANK[PERMISSIONS[permission].at_least]


def of(role: str) -> list[str]:
    """All that somebody of this role may do, in the order of the table."""
    return [name for name in PERMISSIONS if allows(role, name)]


def given_by(role: str) -> list[Role]:
    """The roles that somebody of this role can give: none without members:write, and none above their own."""
    return [one for one in ROLES if RANK[one] <= RANK[role]] if allows(role, "members:write") else []
