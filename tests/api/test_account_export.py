"""/api/account/export: everything that is held about the signed-in person, and nothing of anybody else."""

from __future__ import annotations

import io
import zipfile

import orjson

from lib import exported, queries
from tests.api.conftest import Stage


async def export(stage: Stage, headers: dict[str, str]) -> dict[str, str]:
    answer = await stage.exports.get("/api/account/export", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="sensra-account.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_everything_held_about_a_person_is_in_one_zip(stage: Stage) -> None:
    tenant = await stage.tenant()
    alice = f"alice@{stage.name}.example"
    keys = f"/api/projects/{tenant.project_id}/keys"
    assert (await stage.keys.post(keys, json={"name": "made by alice"}, headers=stage.alice())).status_code == 201
    invitations = f"/api/workspaces/{tenant.workspace_id}/invitations"
    await stage.members.post(invitations, json={"email": "dora@x.example"}, headers=stage.alice())
    [person] = await stage.rows("SELECT id FROM people WHERE email = %s", alice)
    await stage.rows(
        "INSERT INTO deliveries (workspace_id, id, purpose, kind, recipient, content, idempotency_key, state, next_try_at)"
        " VALUES (%s, gen_random_uuid(), 'alert', 'email', %s, '{}', 'k', 'sent', null)",
        tenant.workspace_id,
        alice.upper(),
    )
    await stage.rows(
        "INSERT INTO legal_holds (project_id, reason, placed_by) VALUES (%s, 'case 7', %s)", tenant.project_id, person["id"]
    )
    await stage.rows(
        "WITH one AS (INSERT INTO incidents (project_id, level, title, platform, first_seen, last_seen)"
        "  VALUES (%s, 'error', 'x', 'python', now(), now()) RETURNING project_id, id)"
        " INSERT INTO analyses (project_id, incident_id, state, cause, created_at, due_at, helpful, rated_by, rated_at)"
        " SELECT project_id, id, 'done', 'new', now(), now(), false, %s, now() FROM one",
        tenant.project_id, person["id"],
    )  # fmt: skip
    files = await export(stage, stage.alice())
    assert orjson.loads(files["profile.ndjson"])["email"] == alice
    assert orjson.loads(files["memberships.ndjson"])["role"] == "owner"
    assert "dora@x.example" in files["invitations.ndjson"]
    assert "made by alice" in files["keys.csv"]
    assert {"key.issue", "invitation.create"} <= {line.split(",")[4] for line in files["changes.csv"].splitlines()}
    assert "hold placed" in files["made.csv"]
    assert orjson.loads(files["ratings.ndjson"])["helpful"] is False
    assert alice.upper() in files["messages.csv"]
    assert set(orjson.loads(files["schema.json"])) == {f"{sheet.name}.{sheet.form}" for sheet in exported.PERSON}


async def test_nothing_of_colleagues_or_of_the_workspace_is_in_it(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.projects.patch(f"/api/projects/{tenant.project_id}", json={"name": "Confidential"}, headers=stage.alice())
    files = await export(stage, stage.bob())
    everything = "".join(files.values())
    assert f"bob@{stage.name}.example" in everything
    assert "alice@" not in everything
    assert "Confidential" not in everything
    assert files["changes.csv"].count("\n") == 1  # its header


async def test_what_somebody_changed_is_told_without_what_it_said(stage: Stage) -> None:
    """They may have left the workspace since."""
    tenant = await stage.tenant()
    await stage.projects.patch(f"/api/projects/{tenant.project_id}", json={"name": "Confidential"}, headers=stage.anna())
    await stage.rows("DELETE FROM members WHERE workspace_id = %s AND role = 'admin'", tenant.workspace_id)
    files = await export(stage, stage.anna())
    assert "project.change" in files["changes.csv"]
    assert "Confidential" not in "".join(files.values())


async def test_nobody_gets_it_without_a_session(stage: Stage) -> None:
    assert (await stage.exports.get("/api/account/export")).status_code == 401


async def test_each_column_that_names_a_person_is_looked_at(stage: Stage) -> None:
    rows = await stage.rows(
        "SELECT k.conrelid::regclass::text AS name, a.attname AS field FROM pg_constraint k"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)"
        " WHERE k.contype = 'f' AND k.confrelid = 'people'::regclass"
    )
    texts = " ".join(queries.get(sheet.query) for sheet in exported.PERSON)
    assert [row for row in rows if not (f" {row['name']} " in texts.replace("\n", " ") and row["field"] in texts)] == []
