"""Access: who asks in whose workspace, and whether they may. What may be done stands in lib/permissions.py.

Another tenant's things answer as if they did not exist.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lib import audit, db, keys, log, permissions
from lib.errors import Forbidden, NotFound, Unauthenticated


class Target(NamedTuple):
    """What an address is about: a project, a workspace, or, with neither, the one who asks."""

    workspace_id: int | None = None
    project_id: int | None = None


class Caller(NamedTuple):
    """Who asks, and their place in the target's workspace.

    id: of the person or key; None for somebody signed in whom Sensra does not know yet. role: a person's, None for an outsider.
    scopes: an api key's. workspace_id, project_id: the target's; project_id is None for what is about a whole workspace.
    astray: a key that asks for something else than its project, which is not even looked for; both ids are the key's own then.
    """

    kind: audit.ActorKind
    id: int | None
    workspace_id: int | None
    project_id: int | None
    role: permissions.Role | None = None
    scopes: tuple[str, ...] = ()
    astray: bool = False

    @property
    def belongs(self) -> bool:
        """Whether the target is theirs to see at all."""
        return self.role is not None or (self.kind == "key" and not self.astray)


async def identify_person(conn: db.Connection, clerk_user_id: str, target: Target, *, deleted: bool = False) -> Caller:
    """The person's place in the target's workspace, which may be none. Raises NotFound where there is no such target.

    deleted: look for one that has been deleted and can still be brought back, instead of one that is there.
    """
    who: dict[str, Any] = {"clerk_user_id": clerk_user_id, "deleted": deleted}
    if target.project_id is not None:
        row = await db.fetch_one(conn, "member_find_by_project", project_id=target.project_id, **who)
    else:
        row = await db.fetch_one(conn, "member_find_by_workspace", workspace_id=target.workspace_id, **who)
    if row is None:
        raise _not_found(target)
    return Caller("person", row["person_id"], row["workspace_id"], row["project_id"], row["role"])


async def identify_key(conn: db.Connection, secret: str, target: Target) -> Caller:
    """The api key. It belongs to one project: whatever else is asked for with it does not exist. Raises Unauthenticated."""
    found = await keys.find_api(conn, secret)
    if found is None:
        raise Unauthenticated("The key is unknown, revoked or expired. Make a new one in the project's settings.")
    log.note(key=found.key_id)
    astray = target.project_id != found.project_id
    return Caller("key", found.key_id, found.workspace_id, found.project_id, scopes=tuple(found.scopes), astray=astray)


def require(caller: Caller, permission: str) -> None:
    """Raises NotFound where the target is not the caller's to see, Forbidden where they lack this permission for it."""
    if caller.astray:
        raise NotFound("There is no such thing in this key's project: an api key acts for its own project alone.")
    if not caller.belongs:
        raise _not_found(Target(caller.workspace_id, caller.project_id))
    if caller.kind == "key":
        if permission not in caller.scopes:
            raise Forbidden(f"This needs the scope {permission}, which this key does not have.")
    elif not permissions.allows(caller.role or "", permission):
        needed = permissions.PERMISSIONS[permission].at_least
        raise Forbidden(f"This needs the role {needed}; yours is {caller.role}.")


def _not_found(target: Target) -> NotFound:
    what = "workspace" if target.project_id is None else "project"
    return NotFound(f"There is no such {what}, or it is not yours to see.")
