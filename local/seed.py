"""The demo workspace, its project, its people and its key: made once, found again afterwards."""

from __future__ import annotations

from typing import NamedTuple

from lib import db, keys
from local.clerk import subject_of

OWNER, MEMBER, OUTSIDER = "owner@example.com", "member@example.com", "outsider@example.com"
PEOPLE = (OWNER, MEMBER, OUTSIDER)
MEMBERS = (("demo", OWNER, "owner"), ("demo", MEMBER, "member"), ("elsewhere", OUTSIDER, "owner"))
PROJECTS = (("demo", "Demo"), ("elsewhere", "Elsewhere"))
KEY_NAME = "demo"

WORKSPACE_UPSERT = """
INSERT INTO workspaces (slug, name) VALUES (%(slug)s, %(name)s)
ON CONFLICT (slug) DO UPDATE SET slug = excluded.slug RETURNING id
"""
PROJECT_UPSERT = """
INSERT INTO projects (workspace_id, slug, name) VALUES (%(workspace_id)s, %(slug)s, %(name)s)
ON CONFLICT (workspace_id, slug) DO UPDATE SET slug = excluded.slug RETURNING id
"""
PERSON_UPSERT = """
INSERT INTO people (clerk_user_id, email, name) VALUES (%(clerk_user_id)s, %(email)s, %(name)s)
ON CONFLICT (clerk_user_id) DO UPDATE SET email = excluded.email RETURNING id
"""
MEMBER_INSERT = """
INSERT INTO members (workspace_id, person_id, role) VALUES (%(workspace_id)s, %(person_id)s, %(role)s)
ON CONFLICT DO NOTHING
"""
DEMO_KEYS = "SELECT id FROM keys WHERE project_id = %(project_id)s AND name = %(name)s AND revoked_at IS NULL"


class Demo(NamedTuple):
    """Where to send events, and with which key."""

    project_id: int
    ingest_key: str


async def seed(url: str, known_key: str | None) -> Demo:
    """Make what is missing. `known_key` is kept where it is still good; else it and its like are revoked, and a new one is made.

    Only hashes of keys are stored, so a key that nobody remembers cannot be shown again.
    """
    conn = await db.connect(url)
    try:
        async with conn.transaction():
            workspaces = {slug: await _id_of(conn, WORKSPACE_UPSERT, slug=slug, name=name) for slug, name in PROJECTS}
            projects = {
                slug: await _id_of(conn, PROJECT_UPSERT, workspace_id=workspaces[slug], slug=slug, name=name)
                for slug, name in PROJECTS
            }
            await _seed_members(conn, workspaces)
            project_id = projects["demo"]
            return Demo(project_id, await _key_of(conn, project_id, known_key))
    finally:
        await conn.close()


async def _seed_members(conn: db.Connection, workspaces: dict[str, int]) -> None:
    for slug, email, role in MEMBERS:
        name = email.partition("@")[0].title()
        person_id = await _id_of(conn, PERSON_UPSERT, clerk_user_id=subject_of(email), email=email, name=name)
        await conn.execute(MEMBER_INSERT, {"workspace_id": workspaces[slug], "person_id": person_id, "role": role})


async def _key_of(conn: db.Connection, project_id: int, known_key: str | None) -> str:
    if known_key:
        found = await keys.find(conn, known_key)
        if found and found.project_id == project_id:
            return known_key
    for row in await (await conn.execute(DEMO_KEYS, {"project_id": project_id, "name": KEY_NAME})).fetchall():
        await keys.revoke(conn, project_id, row["id"])
    return (await keys.issue(conn, project_id, KEY_NAME)).secret


async def _id_of(conn: db.Connection, upsert: str, **values: object) -> int:
    row = await (await conn.execute(upsert, values)).fetchone()
    assert row is not None
    return int(row["id"])
