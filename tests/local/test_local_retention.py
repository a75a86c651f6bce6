"""Retention, erasures and archives from a terminal."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

import local.erasures
from lib import accounts, audit, db, erasures, subjects
from local.folders import ROOT
from tests.lib.expiring import day, record_expired
from tests.lib.rows import ask, counts, make_project


def run(url: str, *arguments: str) -> str:
    """What the command prints."""
    return done(url, *arguments).stdout


def done(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, ended well: what it prints, and its log."""
    environment = {"DATABASE_URL": url, "PATH": ""}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip


async def test_a_dry_run_tells_what_would_go_and_a_run_removes_it(database_url: str) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id, days_ago=3)
    told = json.loads(run(database_url, "local.retention", "--dry-run"))
    assert str(day(-3)) in [one["day"] for one in told["payloads"]]
    assert told["keep_days"]["events"] == 365
    assert (await counts(database_url, project_id))["event_payloads"] == 3
    assert json.loads(run(database_url, "local.retention"))["failed"] == []
    assert (await counts(database_url, project_id))["event_payloads"] == 0


async def test_what_a_run_logs_stands_apart_from_its_report(database_url: str) -> None:
    """A finished erasure writes a line to the log, while the report goes on to be read by a program."""
    project_id = await make_project(database_url)
    [(workspace_id,)] = await ask(database_url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    async with await db.connect(database_url) as conn, conn.transaction():
        subject = await subjects.identify(conn, workspace_id, "id", "7")
        await erasures.request(conn, audit.Actor(workspace_id, None, "person", None), subject)
    ended = done(database_url, "local.retention")
    assert json.loads(ended.stdout)["failed"] == []
    assert workspace_id in [json.loads(line).get("workspace_id") for line in ended.stderr.splitlines()]


async def test_erasures_go_into_a_file_and_come_back(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "erasures.ndjson"
    line = {"workspace_id": 2**60, "requested_at": "2026-01-01T00:00:00+00:00", "user_hashes": ["ab"], "mark": "hmac:1"}
    line |= {"word_mark": "hmac:1", "word_lengths": [6], "joiners": ""}
    assert all(
        json.loads(one).keys() & {"mark", "clerk_hash"} for one in run(database_url, "local.erasures", "export").splitlines()
    )
    file.write_text(json.dumps({**line, "mentions": True}) + '\n{"at": "2026-01-01", "event": "request"}\n')
    assert "0 erasures and deletions" in run(
        database_url, "local.erasures", "replay", str(file)
    )  # of a workspace that is not there


async def test_an_account_that_a_backup_brings_back_is_deleted_again(database_url: str) -> None:
    clerk_id = f"user_{secrets.token_hex(8)}"
    insert = "INSERT INTO people (clerk_user_id, email) VALUES (%s, %s) RETURNING id"
    [(person_id,)] = await ask(database_url, insert, clerk_id, f"{clerk_id}@x.example")
    async with await db.connect(database_url) as conn, conn.transaction():
        await accounts.delete(conn, person_id, None)
    text = await local.erasures.export(database_url)
    assert clerk_id not in text
    back = "UPDATE people SET clerk_user_id = %s, email = %s, deleted_at = NULL WHERE id = %s"
    await ask(database_url, back, clerk_id, f"{clerk_id}@x.example", person_id)
    lines = [line for line in local.erasures.read(text) if line.get("person_id") == person_id]
    assert not await local.erasures.replay(database_url, [{**lines[0], "clerk_hash": "of somebody else"}])
    assert [await local.erasures.replay(database_url, lines) for _ in range(2)] == [1, 0]
    found = await ask(database_url, "SELECT email, deleted_at IS NULL FROM people WHERE id = %s", person_id)
    assert found == [(None, False)]


async def test_archives_are_listed(database_url: str) -> None:
    project_id = await make_project(database_url)  # a new one: whatever other tests archived is of other projects
    assert json.loads(run(database_url, "local.archive", "list", str(project_id))) == []


@pytest.mark.parametrize("command", ["local.retention", "local.archive", "local.erasures"])
def test_without_a_database_it_says_what_to_set(command: str, tmp_path: Path) -> None:
    rest = {"local.archive": ["list", "1"], "local.erasures": ["export"]}.get(command, [])
    environment = {"SENSRA_LOCAL": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", command, *rest], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 2
    assert "DATABASE_URL" in done.stderr
