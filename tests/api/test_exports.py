"""/api/workspaces/{workspace_id}/exports: everything of a workspace, in parts, and nothing else; by its owner alone."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import orjson
import pytest

from lib import exported, exports, queries, sheets
from tests.api.conftest import Stage, Tenant
from tests.lib import canaries


def path(tenant: Tenant, rest: object = "") -> str:
    return f"/api/workspaces/{tenant.workspace_id}/exports{rest}"


async def create(stage: Stage, tenant: Tenant) -> dict[str, Any]:
    answer = await stage.exports.post(path(tenant), headers=stage.alice())
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def download(stage: Stage, tenant: Tenant, made: dict[str, Any]) -> dict[str, bytes]:
    """All parts, unpacked into one folder."""
    found: dict[str, bytes] = {}
    for part in made["parts"]:
        answer = await stage.exports.get(path(tenant, f"/{made['id']}/parts/{part['number']}"), headers=stage.alice())
        assert answer.status_code == 200
        files = unzipped(answer.content)
        assert set(part["files"]) <= set(files)
        assert not set(files) & set(found)
        found |= files
    return found


def lines(content: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in content.splitlines()]


async def send(stage: Stage, tenant: Tenant, number: int) -> None:
    event = {"message": f"crash {'abcdefghijklmnopqrstuvwxyz'[number % 26]}", "user": {"id": f"u{number}"}, "release": "shop@1"}
    assert (await stage.ingest.post("/api/ingest", json=event, headers=tenant.bearer)).status_code == 200


async def test_a_small_workspace_is_one_zip_that_explains_itself(stage: Stage) -> None:
    tenant = await stage.tenant()
    for number in range(3):
        await send(stage, tenant, number)
    made = await create(stage, tenant)
    assert [(part["number"], part["name"][-14:]) for part in made["parts"]] == [(1, "001-of-001.zip")]
    files = await download(stage, tenant, made)
    [events] = [lines(content) for name, content in files.items() if name.startswith("projects/shop/events/")]
    assert {event["payload"]["logentry"]["message"] for event in events} == {"crash a", "crash b", "crash c"}
    assert {event["release"] for event in events} == {"shop@1"}
    assert len(lines(files["projects/shop/incidents.ndjson"])) == 3
    assert b"alice@" in files["workspace/members.csv"]
    assert lines(files["workspace/projects.ndjson"])[0]["slug"] == "shop"
    schema = orjson.loads(files["schema.json"])
    assert schema["events.ndjson"]["received_at"] == "timestamptz"
    for name in files:
        kind = name.rpartition("/")[2].partition(".")[0]
        assert name in {"README.md", "schema.json"} or "/events/" in name or any(kind in one for one in schema), name
    assert all(sheet.about in files["README.md"].decode() for sheet in exports.SHEETS.values())


async def test_every_row_is_in_one_part_however_small_the_parts_are(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PART_EVENTS", 3)
    monkeypatch.setattr(exports, "PART_ROWS", 4)
    monkeypatch.setattr(sheets, "PAGE_EVENTS", 2)
    monkeypatch.setattr(sheets, "PAGE_ROWS", 2)
    tenant = await stage.tenant()
    for number in range(10):
        await send(stage, tenant, number)
    made = await create(stage, tenant)
    assert len(made["parts"]) > 5
    files = await download(stage, tenant, made)
    kinds = {"events/": ("event_id", 10), "/incidents": ("id", 10), "/fingerprints": ("fingerprint", 10)}
    for name, (key, count) in kinds.items():
        found = [row[key] for file, content in files.items() if name in file for row in lines(content)]
        assert len(found) == len(set(found)) == count, name
    hourly = [row for file, content in files.items() if "/counts" in file for row in content.splitlines()[1:]]
    assert len(hourly) == len(set(hourly)) == 10


async def test_a_part_may_be_asked_for_again(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, 1)
    made = await create(stage, tenant)
    first, again = await download(stage, tenant, made), await download(stage, tenant, made)
    trail = "workspace/audit-log.csv"  # which tells of the first time
    assert {**first, trail: b""} == {**again, trail: b""}
    assert again[trail].count(b"export.download") == first[trail].count(b"export.download") + 1


async def test_only_an_owner_exports_and_whoever_asked_is_in_the_trail(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await create(stage, tenant)
    for headers, status in [(stage.anna(), 403), (stage.bob(), 403), (stage.vera(), 403), (stage.charlie(), 404), ({}, 401)]:
        answers = [
            await stage.exports.post(path(tenant), headers=headers),
            await stage.exports.get(path(tenant), headers=headers),
            await stage.exports.get(path(tenant, f"/{made['id']}"), headers=headers),
            await stage.exports.get(path(tenant, f"/{made['id']}/parts/1"), headers=headers),
            await stage.exports.delete(path(tenant, f"/{made['id']}"), headers=headers),
        ]
        assert {answer.status_code for answer in answers} == {status}
    await download(stage, tenant, made)
    trail = await stage.rows(
        "SELECT action, object_id, after FROM audit_log WHERE workspace_id = %s ORDER BY id", tenant.workspace_id
    )
    assert [(one["action"], one["object_id"]) for one in trail] == [
        ("export.create", str(made["id"])), ("export.download", str(made["id"])),
    ]  # fmt: skip
    assert trail[1]["after"] == {"part": 1}


async def by_link(stage: Stage, made: dict[str, Any]) -> Any:
    return await stage.exports.get(made["link"])


async def test_the_link_leads_to_all_parts_without_a_sign_in(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await create(stage, tenant)
    told = await by_link(stage, made)
    [(name, address)] = [line.split(" ") for line in told.text.splitlines()]
    assert name == made["parts"][0]["name"]
    answer = await stage.exports.get(address)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert "README.md" in unzipped(answer.content)
    kept = await stage.rows("SELECT * FROM exports WHERE workspace_id = %s", tenant.workspace_id)
    assert not canaries.found_in(repr(kept).encode(), made["link"].rpartition("/")[2])


@pytest.mark.parametrize(
    "ending",
    [
        "UPDATE exports SET expires_at = now() - interval '1 second' WHERE workspace_id = %s",
        "UPDATE members SET role = 'admin' WHERE role = 'owner' AND workspace_id = %s",
        "DELETE FROM members WHERE role = 'owner' AND workspace_id = %s",
        "UPDATE workspaces SET deleted_at = now() WHERE id = %s",
    ],
)
async def test_a_link_ends_with_its_time_and_with_the_right_of_the_one_who_asked(stage: Stage, ending: str) -> None:
    tenant = await stage.tenant()
    made = await create(stage, tenant)
    await stage.rows(ending, tenant.workspace_id)
    for rest in ("", "/parts/1"):
        assert (await stage.exports.get(made["link"] + rest)).status_code in {403, 404}
    assert (await stage.exports.get("/api/exports/" + "x" * 43)).status_code == 404


async def test_an_export_can_be_ended_and_few_are_live_at_a_time(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = [await create(stage, tenant) for _ in range(exports.LIVE_MAX)]
    assert (await stage.exports.post(path(tenant), headers=stage.alice())).status_code == 409
    listed = (await stage.exports.get(path(tenant), headers=stage.alice())).json()["items"]
    assert [one["id"] for one in listed] == [one["id"] for one in reversed(made)]
    assert (await stage.exports.delete(path(tenant, f"/{made[0]['id']}"), headers=stage.alice())).status_code == 204
    assert (await by_link(stage, made[0])).status_code == 404
    assert (await stage.exports.post(path(tenant), headers=stage.alice())).status_code == 201


async def test_a_part_that_is_not_there_is_no_part(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await create(stage, tenant)
    for number in (0, 2, 99):
        assert (await stage.exports.get(path(tenant, f"/{made['id']}/parts/{number}"), headers=stage.alice())).status_code == 404
    other = await stage.tenant()
    assert (await stage.exports.get(path(other, f"/{made['id']}"), headers=stage.alice())).status_code == 404


async def test_nothing_of_a_neighbour_and_no_secret_is_in_it(stage: Stage) -> None:
    """Whatever column another tenant has, and whatever column holds a hash or a secret, it is not in the archive."""
    neighbour = await stage.tenant()
    await send(stage, neighbour, 1)
    await stage.rows("UPDATE projects SET name = 'zq-neighbour' WHERE id = %s", neighbour.project_id)
    tenant = await stage.tenant()
    await send(stage, tenant, 2)
    canary = "zq-secret-canary"
    fill = canary.encode().ljust(32, b"!")
    workspace, project = tenant.workspace_id, tenant.project_id
    await stage.rows("UPDATE workspaces SET person_hash_key = %s WHERE id = %s", fill, workspace)
    await stage.rows("UPDATE keys SET key_hash = %s WHERE project_id = %s", fill, project)
    await stage.rows(
        "INSERT INTO channels (project_id, kind, name, target) VALUES (%s, 'webhook', 'x', jsonb_build_object('url', %s::text))",
        project, canary,
    )  # fmt: skip
    await stage.rows(
        "INSERT INTO recipients (project_id, channel_id, address, token) SELECT %s, id, 'x@y.example', %s FROM channels"
        " WHERE project_id = %s LIMIT 1", project, canary + "!" * 32, project,
    )  # fmt: skip
    await stage.rows(
        "INSERT INTO invitations (workspace_id, email, role, token_hash, expires_at)"
        " VALUES (%s, 'i@y.example', 'member', %s, now())", workspace, fill,
    )  # fmt: skip
    await stage.rows(
        "INSERT INTO addresses (workspace_id, address, token_hash, asked_at) VALUES (%s, 'a@y.example', %s, now())",
        workspace,
        fill,
    )
    await stage.rows(
        "INSERT INTO deliveries (workspace_id, id, purpose, kind, recipient, content, idempotency_key, state, next_try_at)"
        " VALUES (%s, gen_random_uuid(), 'invitation', 'email', 'd@y.example', jsonb_build_object('html', %s::text), 'k1',"
        " 'sent', null)",
        workspace, canary,
    )  # fmt: skip
    await stage.rows(
        "INSERT INTO erasures (workspace_id, user_hashes, mark, word_mark, word_lengths, joiners, mentions)"
        " VALUES (%s, %s, %s, %s, '{6}', '', true)",
        workspace,
        [fill],
        canary,
        canary,
    )
    everything = b"\n".join((await download(stage, tenant, await create(stage, tenant))).values())
    for address in ("x@y.example", "i@y.example", "a@y.example", "d@y.example"):
        assert address.encode() in everything
    assert not canaries.found_in(everything, canary)
    assert tenant.key.encode() not in everything
    for foreign in ("zq-neighbour", f"alice@t{int(stage.name[1:]) - 1}.example"):
        assert foreign.encode() not in everything


async def test_each_table_of_a_tenant_is_exported_or_left_out_for_a_reason(stage: Stage) -> None:
    rows = await stage.rows(
        "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND a.attname IN ('workspace_id', 'project_id')"
    )
    tables = {row["relname"] for row in rows} - set(exported.LEFT_OUT)
    texts = " ".join(queries.get(sheet.query) for sheet in exports.SHEETS.values())
    assert {table for table in tables if f"FROM {table} " not in texts.replace("\n", " ")} == set()
    assert {name for name in exported.LEFT_OUT if name not in {row["relname"] for row in rows}} <= {"archives"}
