"""Worlds for the isolation matrix: a tenant each, with a mark in every name of it, so that a leak shows in whatever is answered.

What an operation's example needs beyond a workspace and a project is a noun of tests/api/nouns.py and is made when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from lib import db, keys
from lib.permissions import SCOPES
from local import clerk
from tests.api.conftest import Stage, Tenant

# Letters alone: a number in a message would make no other fingerprint.
MARK = re.compile(r"quokka[a-j]+x")
DIGITS = str.maketrans("0123456789", "abcdefghij")
HOUR = 3600
ROLES = ("viewer", "member", "admin", "owner")
NAMES = {"viewer": "vera", "member": "bob", "admin": "anna", "owner": "alice"}


class Actor(NamedTuple):
    """Somebody who asks. kind: anonymous, person, key, ended (a key), ingest (a key). role, scopes: in the world asked about."""

    name: str
    kind: str
    headers: dict[str, str]
    id: int | None = None
    role: str | None = None
    scopes: tuple[str, ...] = ()
    of_project: bool = False


class World:
    """A tenant; `ids` holds what is known of it by noun."""

    def __init__(self, stage: Stage, tenant: Tenant, name: str) -> None:
        self.stage = stage
        self.tenant = tenant
        self.name = name
        self.mark = f"quokka{str(tenant.workspace_id).translate(DIGITS)}x"
        self.ids: dict[str, Any] = {"workspace_id": tenant.workspace_id, "project_id": tenant.project_id}
        self.people: dict[str, int] = {}

    async def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        """What the database holds, or what an INSERT … RETURNING answers."""
        return await self.stage.rows(sql, *params)

    async def one(self, sql: str, *params: Any) -> Any:
        """The single value of a statement."""
        [row] = await self.rows(sql, *params)
        [value] = row.values()
        return value

    async def person(self, role: str) -> Actor:
        """Somebody of this role."""
        email = f"{NAMES[role]}@{self.name}.example"
        # The name is what the database has: signing in changes nothing.
        headers = self.stage.session(email, seconds=HOUR, name=self.called(role))
        return Actor(role, "person", headers, self.people[role], role)

    def called(self, role: str) -> str:
        """A person's name, with the mark but for the owner's: theirs stands in the trail of others, whom they ask in vain."""
        return f"Alice of {self.name}" if role == "owner" else self.mark

    async def key(self, *scopes: str, name: str = "", project_id: int | None = None, **fields: Any) -> Actor:
        """A new api key of the project, or of another one of the workspace."""
        async with await db.connect(self.stage.database_url) as conn:
            found = project_id or self.tenant.project_id
            issued = await keys.issue(conn, found, self.mark, kind="api", scopes=scopes, **fields)
        headers = {"Authorization": f"Bearer {issued.secret}"}
        return Actor(name, "key", headers, issued.key_id, None, scopes, found == self.tenant.project_id)

    async def send(self, message: str) -> dict[str, Any]:
        """Send one event; answers what ingest says of it."""
        body = {"message": f"{message} {self.mark}", "environment": "production"}
        answer = await self.stage.ingest.post("/api/ingest", json=body, headers=self.tenant.bearer)
        found: dict[str, Any] = answer.json()["items"][0]
        return found


async def make_world(stage: Stage) -> World:
    """A tenant whose every name has its mark."""
    tenant = await stage.tenant()
    world = World(stage, tenant, stage.name)
    await stage.rows("UPDATE workspaces SET name = %s WHERE id = %s", world.mark, tenant.workspace_id)
    await stage.rows("UPDATE projects SET name = %s WHERE id = %s", world.mark, tenant.project_id)
    await stage.rows("UPDATE keys SET name = %s WHERE project_id = %s", world.mark, tenant.project_id)
    rename = (
        "UPDATE people p SET name = %s FROM members m"
        " WHERE m.person_id = p.id AND m.workspace_id = %s AND m.role = %s RETURNING p.id"
    )
    for role in ROLES:
        world.people[role] = await world.one(rename, world.called(role), tenant.workspace_id, role)
    return world


async def delete(stage: Stage, world: World, *, whole: bool = True) -> None:
    """The world, or its projects alone, are deleted, and could still be brought back."""
    await stage.rows("UPDATE projects SET deleted_at = now() WHERE workspace_id = %s", world.tenant.workspace_id)
    if whole:
        await stage.rows("UPDATE workspaces SET deleted_at = now() WHERE id = %s", world.tenant.workspace_id)


async def strangers(stage: Stage) -> list[Actor]:
    """People who are in no workspace that is asked about: one whom Sensra knows, one who never came."""
    known = await stage.rows(
        "INSERT INTO people (clerk_user_id, email) VALUES (%s, 'charlie@elsewhere.example') RETURNING id",
        clerk.subject_of("charlie@elsewhere.example"),
    )  # fmt: skip
    return [
        Actor("outsider", "person", stage.session("charlie@elsewhere.example", seconds=HOUR, name=None), known[0]["id"]),
        Actor("unknown person", "person", stage.session("nobody@elsewhere.example", seconds=HOUR), None),
    ]


async def cast(stage: Stage, ours: World, theirs: World) -> list[Actor]:
    """Everybody who may ask about `ours`; each api key has one scope, or none, or has ended, or belongs elsewhere."""
    sibling = await ours.one(
        "INSERT INTO projects (workspace_id, slug, name) VALUES (%s, 'sibling', %s) RETURNING id",
        ours.tenant.workspace_id, ours.mark,
    )  # fmt: skip
    gone = datetime.now(UTC) - timedelta(seconds=1)
    expired, revoked = await ours.key(*SCOPES, name="expired key", expires_at=gone), await ours.key(*SCOPES, name="revoked key")
    await ours.rows("UPDATE keys SET revoked_at = now() WHERE id = %s", revoked.id)
    neighbour = await theirs.person("owner")
    neighbours_key = await theirs.key(*SCOPES, name="key of another tenant")
    return [
        Actor("anonymous", "anonymous", {}),
        Actor("ingest key", "ingest", ours.tenant.bearer),
        neighbour._replace(name="owner of another tenant", role=None),
        neighbours_key._replace(of_project=False),
        expired._replace(kind="ended"),
        revoked._replace(kind="ended"),
        await ours.key(*SCOPES, name="key of another project", project_id=sibling),
        await ours.key(name="key without scopes"),
        *[await ours.key(scope, name=f"key {scope}") for scope in SCOPES],
        *[await ours.person(role) for role in ROLES],
    ]


def leaks(body: bytes, *allowed: World) -> set[str]:
    """The marks in this answer that are none of these worlds'."""
    return set(MARK.findall(body.decode("utf-8", "replace"))) - {world.mark for world in allowed}


async def snapshot(stage: Stage, workspaces: Iterable[int]) -> dict[str, str]:
    """A hash of each table's rows of these workspaces; the trail of refusals and when a key was last used left out."""
    tables: dict[str, set[str]] = {}
    for row in await stage.rows(TABLES):
        tables.setdefault(row["name"], set()).add(row["column"])
    parts = [PART.format(table=table, bound=_bound(table, columns)) for table, columns in sorted(tables.items())]
    found = await stage.rows(f"WITH w AS (SELECT unnest(%s::bigint[]) AS id) {' UNION ALL '.join(parts)}", list(workspaces))
    return {row["name"]: row["hash"] for row in found}


TABLES = """
    SELECT c.relname AS name, a.attname AS column
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname <> 'audit_refusals'
       AND (a.attname IN ('workspace_id', 'project_id') OR c.relname IN ('workspaces', 'people') AND a.attname = 'id')"""
PART = """
    SELECT '{table}' AS name, md5(coalesce(string_agg(r.text, '|' ORDER BY r.text), '')) AS hash
      FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS text FROM {table} t WHERE {bound}) r"""


def _bound(table: str, columns: set[str]) -> str:
    if table == "people":
        return "t.id IN (SELECT person_id FROM members WHERE workspace_id IN (SELECT id FROM w))"
    if table == "workspaces":
        return "t.id IN (SELECT id FROM w)"
    if "workspace_id" in columns:
        return "t.workspace_id IN (SELECT id FROM w)"
    return "t.project_id IN (SELECT p.id FROM projects p WHERE p.workspace_id IN (SELECT id FROM w))"
