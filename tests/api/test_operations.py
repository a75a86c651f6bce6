"""What every operation has from its declaration: who may call it, what the trail says of refusals, requests that come twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

import api.incidents
from lib import audit, db, keys, settings
from lib.errors import Conflict
from lib.models import Body
from lib.operations import SIGNED_IN, Call, Operations
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import send


class Thing(Body):
    """Something to make."""

    name: str


things = Operations()


@things.post("/api/projects/{project_id:id}/things", "incidents:write", status=201, shown_once=("secret",))
async def make_thing(call: Call, body: Thing) -> dict[str, Any]:
    """Make a thing, of which nothing but the trail is kept."""
    await audit.record(call.conn, call.actor, "thing.make", body.name, None, None)
    if body.name == "broken":
        raise Conflict
    return {"name": body.name, "secret": "shown once"}


@things.get("/api/me", SIGNED_IN)
async def read_me(call: Call) -> dict[str, Any]:
    """Who I am."""
    return {"person": call.person_id}


async def api_key(stage: Stage, tenant: Tenant, *scopes: str, **fields: Any) -> dict[str, str]:
    """Headers of a new api key of this tenant."""
    async with await db.connect(stage.database_url) as conn:
        issued = await keys.issue(conn, tenant.project_id, "automation", kind="api", scopes=scopes, **fields)
    return {"Authorization": f"Bearer {issued.secret}"}


def incidents(tenant: Tenant) -> str:
    return f"/api/projects/{tenant.project_id}/incidents"


# Api keys


async def test_an_api_key_reads_what_its_scopes_name_and_changes_nothing_else(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    headers = await api_key(stage, tenant, "incidents:read")
    assert (await stage.incidents.get(incidents(tenant), headers=headers)).status_code == 200
    refused = await stage.incidents.patch(f"{incidents(tenant)}/{incident}", json={"status": "resolved"}, headers=headers)
    assert refused.status_code == 403
    assert "incidents:write" in refused.json()["detail"]
    writing = await api_key(stage, tenant, "incidents:read", "incidents:write")
    done = await stage.incidents.patch(f"{incidents(tenant)}/{incident}", json={"status": "resolved"}, headers=writing)
    assert done.status_code == 200
    [row] = await stage.rows("SELECT actor_kind FROM audit_log WHERE project_id = %s", tenant.project_id)
    assert row["actor_kind"] == "key"


async def test_what_a_key_merges_is_nobodys_in_person(stage: Stage) -> None:
    tenant = await stage.tenant()
    first, second = await send(stage, tenant), await send(stage, tenant, message="another")
    headers = await api_key(stage, tenant, "incidents:read", "incidents:write")
    answer = await stage.incidents.post(f"{incidents(tenant)}/{first}/merge", json={"incident_ids": [second]}, headers=headers)
    assert answer.status_code == 200
    rows = await stage.rows("SELECT moved_by FROM incident_fingerprints WHERE project_id = %s", tenant.project_id)
    assert [row["moved_by"] for row in rows] == [None, None]


async def test_an_api_key_of_another_project_finds_nothing_and_its_own_trail_tells_where_it_went(stage: Stage) -> None:
    elsewhere, tenant = await stage.tenant(), await stage.tenant()
    headers = await api_key(stage, elsewhere, "incidents:read")
    there = await stage.incidents.get(f"{incidents(tenant)}/7", headers=headers)
    nowhere = await stage.incidents.get("/api/projects/999999999/incidents/7", headers=headers)
    assert there.status_code == nowhere.status_code == 404
    assert there.json() == nowhere.json()
    found = await refusals(stage, elsewhere)
    assert {(row["actor_kind"], row["action"], row["project_id"]) for row in found} == {
        ("key", "incident.read", elsewhere.project_id)
    }
    assert sum(row["attempts"] for row in found) == 2
    assert f"{tenant.project_id}/7" in {row["object_id"] for row in found}  # the first of its minute
    assert await refusals(stage, tenant) == []


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
async def test_an_ended_api_key_is_refused_at_once(stage: Stage, end: str) -> None:
    tenant = await stage.tenant()
    headers = await api_key(stage, tenant, "incidents:read")
    assert (await stage.incidents.get(incidents(tenant), headers=headers)).status_code == 200
    await stage.rows(f"UPDATE keys SET {end} = now() WHERE project_id = %s AND kind = 'api'", tenant.project_id)
    assert (await stage.incidents.get(incidents(tenant), headers=headers)).status_code == 401


async def test_keys_of_the_wrong_form_or_kind_are_refused_before_any_query(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    good = keys.generate("api")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@/nothing?host=/nowhere")
    settings.current.cache_clear()
    monkeypatch.setattr(db, "CHECKOUT_TIMEOUT_SECONDS", 0.5)
    client = await stage.client(api.incidents.app)
    for secret in (good[:-1] + ("0" if good[-1] != "0" else "1"), good + "0", "sns_api_", keys.generate("ingest"), tenant.key):
        answer = await client.get(incidents(tenant), headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401
    assert (await client.get(incidents(tenant), headers={"Authorization": f"Bearer {good}"})).status_code == 503


async def test_when_a_key_was_used_last_is_written_once_in_five_minutes(stage: Stage) -> None:
    tenant = await stage.tenant()
    headers = await api_key(stage, tenant, "incidents:read")
    used = "SELECT last_used_at FROM keys WHERE project_id = %s AND kind = 'api'"
    for ago, is_written in ((None, True), (timedelta(minutes=4), False), (timedelta(minutes=6), True)):
        at = datetime.now(UTC) - ago if ago else None
        await stage.rows("UPDATE keys SET last_used_at = %s WHERE project_id = %s AND kind = 'api'", at, tenant.project_id)
        await stage.incidents.get(incidents(tenant), headers=headers)
        [row] = await stage.rows(used, tenant.project_id)
        assert (row["last_used_at"] != at) == is_written


async def test_a_key_is_nobody_who_signs_in(stage: Stage) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    assert (await client.get("/api/me", headers=await api_key(stage, tenant, "incidents:read"))).status_code == 403


# Refusals


async def refusals(stage: Stage, tenant: Tenant) -> list[dict[str, Any]]:
    return await stage.rows("SELECT * FROM audit_refusals WHERE workspace_id = %s ORDER BY actor_id", tenant.workspace_id)


async def test_a_refused_attempt_is_counted_by_actor_and_minute(stage: Stage) -> None:
    tenant = await stage.tenant()
    incident = await send(stage, tenant)
    url = f"{incidents(tenant)}/{incident}"
    for _ in range(5):
        assert (await stage.incidents.patch(url, json={"status": "resolved"}, headers=stage.vera())).status_code == 403
    stranger = stage.session(f"stranger@{stage.name}.example")
    assert (await stage.incidents.patch(url, json={"status": "resolved"}, headers=stranger)).status_code == 404
    found = await refusals(stage, tenant)
    assert sum(row["attempts"] for row in found) == 6
    assert {(row["action"], row["object_id"], row["project_id"]) for row in found} == {
        ("incident.patch", str(incident), tenant.project_id)
    }
    assert len(found) <= 4  # two actors; the minute may have turned meanwhile
    assert min(row["actor_id"] for row in found) == 0  # the stranger has never signed in to anything of ours
    assert (await stage.rows("SELECT status FROM incidents WHERE id = %s", incident))[0]["status"] == "open"


async def test_what_is_not_there_for_a_member_is_no_refusal(stage: Stage) -> None:
    tenant = await stage.tenant()
    assert (await stage.incidents.get(f"{incidents(tenant)}/999999999", headers=stage.bob())).status_code == 404
    assert await refusals(stage, tenant) == []


async def test_a_key_without_the_scope_is_named_in_the_trail(stage: Stage) -> None:
    tenant = await stage.tenant()
    headers = await api_key(stage, tenant)
    assert (await stage.incidents.get(incidents(tenant), headers=headers)).status_code == 403
    [row] = await refusals(stage, tenant)
    assert (row["actor_kind"], row["action"]) == ("key", "incidents.list")


@pytest.mark.parametrize("who", ["alice", "charlie"])
async def test_a_name_with_nul_is_no_address_and_tells_nobody_whether_a_project_is_there(stage: Stage, who: str) -> None:
    tenant = await stage.tenant()
    headers = getattr(stage, who)()
    paths = [f"/api/projects/{project}/events/a%00b" for project in (tenant.project_id, 999_999_999)]
    answers = [await stage.incidents.get(path, headers=headers) for path in paths]
    answers += [await stage.projects.get(f"/api/workspaces/by-slug/{slug}", headers=headers) for slug in ("%00", "%00%3F")]
    assert {(answer.status_code, answer.json()["detail"]) for answer in answers} == {(404, "There is no such address.")}


# Requests that come twice


async def make(client: httpx.AsyncClient, tenant: Tenant, headers: dict[str, str], name: str, key: str) -> httpx.Response:
    return await client.post(
        f"/api/projects/{tenant.project_id}/things", json={"name": name}, headers={**headers, "Idempotency-Key": key}
    )


async def made(stage: Stage, tenant: Tenant) -> int:
    [row] = await stage.rows("SELECT count(*) FROM audit_log WHERE project_id = %s AND action = 'thing.make'", tenant.project_id)
    return int(row["count"])


async def test_a_request_that_comes_again_is_answered_again_without_what_is_shown_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    first = await make(client, tenant, stage.bob(), "a", "k1")
    again = await make(client, tenant, stage.bob(), "a", "k1")
    assert (first.status_code, first.json()) == (201, {"name": "a", "secret": "shown once"})
    assert (again.status_code, again.json()) == (201, {"name": "a", "secret": None})
    assert again.headers["idempotency-replayed"] == "true"
    assert await made(stage, tenant) == 1
    dump = await stage.rows("SELECT answer::text FROM idempotency_keys")
    assert not any("shown once" in (row["answer"] or "") for row in dump)  # null: another test's, still under way


async def test_one_key_for_two_things_is_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    await make(client, tenant, stage.bob(), "a", "k1")
    answer = await make(client, tenant, stage.bob(), "b", "k1")
    assert (answer.status_code, answer.json()["title"]) == (422, "Idempotency-Key used before")
    # Somebody else's key of the same name is another key.
    assert (await make(client, tenant, stage.alice(), "b", "k1")).status_code == 201


async def test_a_key_of_a_request_that_failed_may_be_used_again(stage: Stage) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    assert (await make(client, tenant, stage.bob(), "broken", "k1")).status_code == 409
    assert (await make(client, tenant, stage.bob(), "whole", "k1")).status_code == 201


async def test_ten_at_once_make_one_thing(stage: Stage) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    headers = stage.bob()
    answers = await asyncio.gather(*(make(client, tenant, headers, "a", "k1") for _ in range(10)))
    assert [answer.status_code for answer in answers] == [201] * 10
    assert sum(answer.json()["secret"] is not None for answer in answers) == 1
    assert await made(stage, tenant) == 1


async def test_a_key_is_forgotten_after_a_day(stage: Stage) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    await make(client, tenant, stage.bob(), "a", "k1")
    await stage.rows("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    await make(client, tenant, stage.bob(), "b", "k2")
    assert [row["idempotency_key"] for row in await stage.rows("SELECT idempotency_key FROM idempotency_keys")] == ["k2"]
    assert (await make(client, tenant, stage.bob(), "c", "k1")).status_code == 201


@pytest.mark.parametrize("key", ["k" * 201, "k\x01"])
async def test_an_unusable_key_is_refused(stage: Stage, key: str) -> None:
    tenant = await stage.tenant()
    client = await stage.client(things.app())
    assert (await make(client, tenant, stage.bob(), "a", key)).status_code == 400


# The first sign-in


async def test_ten_first_requests_at_once_make_one_person_with_one_workspace(stage: Stage) -> None:
    # A name that no other test gives anybody: slugs are never handed on.
    client = await stage.client(things.app())
    headers = stage.session("petronella@new.example", name="Petronella", sub="user_petronella")
    answers = await asyncio.gather(*(client.get("/api/me", headers=headers) for _ in range(10)))
    assert len({answer.json()["person"] for answer in answers}) == 1
    rows = await stage.rows(
        """SELECT p.email, p.name, m.role, w.name AS workspace, w.slug
             FROM people p JOIN members m ON m.person_id = p.id JOIN workspaces w ON w.id = m.workspace_id
            WHERE p.clerk_user_id = 'user_petronella'"""
    )
    assert rows == [
        {
            "email": "petronella@new.example",
            "name": "Petronella",
            "role": "owner",
            "workspace": "Petronella’s workspace",
            "slug": "petronellas-workspace",
        }
    ]


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, "erin@new.example"),
        ({"email_verified": False}, None),  # anybody can say that an address is theirs
        ({"email_verified": None}, None),
        ({"email_verified": "true"}, None),
    ],
)
async def test_only_a_verified_address_is_believed(stage: Stage, claims: dict[str, Any], expected: str | None) -> None:
    client = await stage.client(things.app())
    headers = stage.session("erin@new.example", **{"sub": f"user_erin_{len(str(claims))}", **claims})
    person = (await client.get("/api/me", headers=headers)).json()["person"]
    [row] = await stage.rows("SELECT email FROM people WHERE id = %s", person)
    assert row["email"] == expected


async def test_a_changed_name_is_taken_over_and_a_missing_one_is_not(stage: Stage) -> None:
    client = await stage.client(things.app())
    for name in ("Fay", "Fay Miller", None):
        await client.get("/api/me", headers=stage.session("fay@new.example", sub="user_fay", name=name))
    [row] = await stage.rows("SELECT name FROM people WHERE clerk_user_id = 'user_fay'")
    assert row["name"] == "Fay Miller"


# Slugs


async def test_a_slug_is_never_handed_on(stage: Stage) -> None:
    tenant, other = await stage.tenant(), await stage.tenant()
    [row] = await stage.rows("SELECT slug FROM workspaces WHERE id = %s", tenant.workspace_id)
    await stage.rows("UPDATE workspaces SET slug = slug || '-new' WHERE id = %s", tenant.workspace_id)
    with pytest.raises(psycopg.errors.UniqueViolation):
        await stage.rows("UPDATE workspaces SET slug = %s WHERE id = %s", row["slug"], other.workspace_id)
    # Its own may be taken up again.
    await stage.rows("UPDATE workspaces SET slug = %s WHERE id = %s", row["slug"], tenant.workspace_id)
