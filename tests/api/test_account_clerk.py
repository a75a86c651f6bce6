"""Accounts and Clerk: what its webhooks tell is believed when signed, once, in the order in which it was true."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

import api.account
from lib import db, people, settings
from local import clerk, clerk_directory, serving
from tests.api.conftest import Stage

KEY = secrets.token_bytes(24)
SECRET = "whsec_" + base64.b64encode(KEY).decode()
PATH = "/api/account/clerk"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[clerk_directory.Directory, str]]:
    """Clerk's Backend API on a loopback port."""
    made = clerk_directory.Directory(tmp_path_factory.mktemp("clerk") / "people.json")
    with serving.in_thread(Starlette(routes=made.routes())) as url:
        yield made, url


@pytest.fixture
async def account(
    stage: Stage, directory: tuple[clerk_directory.Directory, str], monkeypatch: pytest.MonkeyPatch
) -> httpx.AsyncClient:
    """The function, with Clerk's secrets set."""
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
    monkeypatch.setenv("CLERK_SECRET_KEY", clerk_directory.SECRET)
    monkeypatch.setenv("CLERK_API_URL", directory[1])
    settings.current.cache_clear()
    return await stage.client(api.account.app)


def user(subject: str, *, at: int = 1_000, email: str = "gil@clerk.example", first: str = "Gil", **data: Any) -> dict[str, Any]:
    address = {"id": "idn_1", "email_address": email, "verification": {"status": "verified"}}
    return {"id": subject, "updated_at": at, "first_name": first, "last_name": None, "primary_email_address_id": "idn_1",
            "email_addresses": [address], **data}  # fmt: skip


async def tell(
    client: httpx.AsyncClient,
    kind: str,
    data: dict[str, Any],
    *,
    message_id: str | None = None,
    at: int | None = None,
    **headers: str,
) -> httpx.Response:
    body = orjson.dumps({"type": kind, "object": "event", "data": data})
    sent, when = message_id or f"msg_{secrets.token_hex(6)}", str(at if at is not None else int(time.time()))
    signed = base64.b64encode(hmac.digest(KEY, f"{sent}.{when}.".encode() + body, hashlib.sha256)).decode()
    own = {"svix-id": sent, "svix-timestamp": when, "svix-signature": f"v1,{signed}"}
    return await client.post(
        PATH, content=body, headers={**own, **{name.replace("_", "-"): text for name, text in headers.items()}}
    )


async def person(stage: Stage, subject: str) -> dict[str, Any] | None:
    rows = await stage.rows("SELECT id, email, name, deleted_at FROM people WHERE clerk_user_id = %s", subject)
    return rows[0] if rows else None


def new_subject() -> str:
    return f"user_{secrets.token_hex(8)}"


# Webhooks


async def test_a_person_is_created_corrected_and_deleted_by_what_clerk_tells(stage: Stage, account: httpx.AsyncClient) -> None:
    subject = new_subject()
    assert (await tell(account, "user.created", user(subject))).json() == {"taken": True}
    found = await person(stage, subject)
    assert found
    assert (found["email"], found["name"]) == ("gil@clerk.example", "Gil")
    await tell(account, "user.updated", user(subject, at=2_000, email="new@clerk.example", first="Gilda", last_name="Day"))
    found = await person(stage, subject)
    assert found
    assert (found["email"], found["name"]) == ("new@clerk.example", "Gilda Day")
    await tell(account, "user.deleted", {"id": subject, "deleted": True})
    assert await person(stage, subject) is None
    [left] = await stage.rows("SELECT email, name, clerk_user_id FROM people WHERE id = %s", found["id"])
    assert left["email"] is left["name"] is None
    assert subject not in left["clerk_user_id"]


async def test_what_comes_late_undoes_nothing(stage: Stage, account: httpx.AsyncClient) -> None:
    subject = new_subject()
    await tell(account, "user.updated", user(subject, at=2_000, first="New"))
    await tell(account, "user.created", user(subject, at=1_000, first="Old"))
    found = await person(stage, subject)
    assert found
    assert found["name"] == "New"
    await tell(account, "user.deleted", {"id": subject, "deleted": True})
    assert (await tell(account, "user.updated", user(subject, at=3_000))).status_code == 200
    assert await person(stage, subject) is None
    # A session that was issued before the deletion makes nobody anew either.
    answer = await account.get("/api/account", headers=stage.session("gil@clerk.example", sub=subject))
    assert answer.status_code == 401
    # Deleted before it was ever seen: what comes late finds it deleted.
    early = new_subject()
    await tell(account, "user.deleted", {"id": early, "deleted": True})
    await tell(account, "user.created", user(early))
    assert await person(stage, early) is None


async def test_somebody_who_is_deleted_while_they_sign_in_first_is_deleted(stage: Stage, account: httpx.AsyncClient) -> None:
    subject = new_subject()
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        await people.ensure(conn, subject, "gil@clerk.example", "Gil", datetime.now(UTC))
        telling = asyncio.create_task(tell(account, "user.deleted", {"id": subject, "deleted": True}))
        await asyncio.sleep(0.5)  # it finds nobody, and waits for who is being made
    assert (await telling).json() == {"taken": True}
    assert await person(stage, subject) is None


async def test_a_message_is_taken_once(stage: Stage, account: httpx.AsyncClient) -> None:
    subject = new_subject()
    first = await tell(account, "user.created", user(subject, first="A"), message_id="msg_1" + subject)
    again = await tell(account, "user.created", user(subject, first="B", at=9_000), message_id="msg_1" + subject)
    assert [answer.json()["taken"] for answer in (first, again)] == [True, False]
    found = await person(stage, subject)
    assert found
    assert found["name"] == "A"


@pytest.mark.parametrize(
    "headers",
    [
        {"svix_signature": ""},
        {"svix_signature": "v1," + base64.b64encode(b"0" * 32).decode()},
        {"svix_signature": "v1,%%%"},
        {"svix_id": "msg_other"},
        {"svix_timestamp": str(int(time.time()) - 10)},  # not what was signed
        {"svix_timestamp": "soon"},
    ],
)
async def test_what_clerk_did_not_sign_is_refused(stage: Stage, account: httpx.AsyncClient, headers: dict[str, Any]) -> None:
    subject = new_subject()
    assert (await tell(account, "user.created", user(subject), **headers)).status_code == 401
    assert await person(stage, subject) is None


@pytest.mark.parametrize("shift", [-330, 330, -(10**9)])
async def test_a_signed_message_of_another_time_is_refused(account: httpx.AsyncClient, shift: int) -> None:
    assert (await tell(account, "user.created", user(new_subject()), at=int(time.time()) + shift)).status_code == 401


async def test_one_of_several_signatures_is_enough(account: httpx.AsyncClient) -> None:
    subject, when = new_subject(), str(int(time.time()))
    body = orjson.dumps({"type": "user.created", "data": user(subject)})
    good = base64.b64encode(hmac.digest(KEY, f"m{subject}.{when}.".encode() + body, hashlib.sha256)).decode()
    headers = {
        "svix-id": f"m{subject}",
        "svix-timestamp": when,
        "svix-signature": f"v1,{base64.b64encode(b'old').decode()} v2,x v1,{good}",
    }
    assert (await account.post(PATH, content=body, headers=headers)).json() == {"taken": True}


@pytest.mark.parametrize(
    "data", [{}, {"id": 7}, {"id": ""}, {"id": "x" * 201}, {"id": "user_odd", "updated_at": "x", "email_addresses": [None, 7]}]
)
async def test_a_signed_message_of_an_odd_form_breaks_nothing(account: httpx.AsyncClient, data: dict[str, Any]) -> None:
    assert (await tell(account, "user.updated", data)).status_code == 200


async def test_an_address_that_clerk_has_not_verified_is_not_believed(stage: Stage, account: httpx.AsyncClient) -> None:
    subject = new_subject()
    unverified = {"id": "idn_1", "email_address": "boss@clerk.example", "verification": {"status": "unverified"}}
    await tell(account, "user.created", user(subject, email_addresses=[unverified]))
    found = await person(stage, subject)
    assert found
    assert found["email"] is None


async def test_without_a_secret_no_webhook_is_taken(stage: Stage) -> None:
    assert (await tell(stage.account, "user.created", user(new_subject()))).status_code == 503


# Correction and deletion here


async def test_a_correction_goes_to_clerk_first_and_is_not_undone_by_an_older_session(
    stage: Stage, account: httpx.AsyncClient, directory: tuple[clerk_directory.Directory, str]
) -> None:
    email = f"hal-{secrets.token_hex(4)}@clerk.example"
    session = stage.session(email, name="Hal", iat=int(time.time()) - 30)
    await account.get("/api/account", headers=session)
    answer = await account.patch("/api/account", json={"name": "Halina Novak"}, headers=session)
    assert answer.json()["name"] == "Halina Novak"
    assert directory[0].name_of(clerk.subject_of(email)) == "Halina Novak"
    again = await account.get("/api/account", headers=session)
    assert again.json()["person"]["name"] == "Halina Novak"


async def test_a_deleted_account_is_gone_at_clerk_and_here(
    stage: Stage, account: httpx.AsyncClient, directory: tuple[clerk_directory.Directory, str]
) -> None:
    tenant = await stage.tenant()
    subject, headers = clerk.subject_of(f"bob@{stage.name}.example"), stage.bob()
    url = f"/api/projects/{tenant.project_id}/incidents"
    assert (await stage.incidents.get(url, headers=headers)).status_code == 200
    await stage.rows(
        "INSERT INTO deliveries (workspace_id, id, purpose, kind, recipient, content, idempotency_key)"
        " VALUES (%s, gen_random_uuid(), 'alert', 'email', %s, '{}', 'k')",
        tenant.workspace_id, f"bob@{stage.name}.example",
    )  # fmt: skip
    refused = await account.request("DELETE", "/api/account", json={"confirm": "yes"}, headers=headers)
    assert refused.status_code == 400
    done = await account.request("DELETE", "/api/account", json={"confirm": "delete my account"}, headers=headers)
    assert done.status_code == 204, done.text
    assert directory[0].is_deleted(subject)
    assert (await stage.incidents.get(url, headers=headers)).status_code == 404
    assert (await account.get("/api/account", headers=headers)).status_code == 401
    tables = await stage.rows(
        "SELECT row_to_json(p)::text AS row FROM people p UNION ALL SELECT row_to_json(m)::text FROM members m"
    )
    assert not any(f"bob@{stage.name}.example" in row["row"] or subject in row["row"] for row in tables)


async def test_a_workspace_that_somebody_alone_owns_is_handed_over_or_deleted(stage: Stage, account: httpx.AsyncClient) -> None:
    tenant = await stage.tenant()
    headers = stage.alice()
    own = await stage.projects.post("/api/workspaces", json={"name": "Alone"}, headers=headers)
    told = (await account.get("/api/account/deletion", headers=headers)).json()["workspaces"]
    assert {one["workspace_id"]: one["outcome"] for one in told} == {tenant.workspace_id: "hand_over", own.json()["id"]: "delete"}
    done = await account.request("DELETE", "/api/account", json={"confirm": "delete my account"}, headers=headers)
    assert done.status_code == 204
    [anna] = await stage.rows(
        "SELECT p.email FROM members m JOIN people p ON p.id = m.person_id WHERE m.workspace_id = %s AND m.role = 'owner'",
        tenant.workspace_id,
    )  # fmt: skip
    assert anna["email"].startswith("anna@")
    [row] = await stage.rows("SELECT deleted_at FROM workspaces WHERE id = %s", own.json()["id"])
    assert row["deleted_at"] is not None


async def test_the_trail_keeps_a_number_and_no_address(stage: Stage, account: httpx.AsyncClient) -> None:
    tenant = await stage.tenant()
    await stage.projects.patch(f"/api/projects/{tenant.project_id}", json={"name": "Renamed"}, headers=stage.anna())
    await account.request("DELETE", "/api/account", json={"confirm": "delete my account"}, headers=stage.anna())
    listed = await stage.audit.get(f"/api/workspaces/{tenant.workspace_id}/audit-log", headers=stage.alice())
    items = listed.json()["items"]
    assert [item["action"] for item in items] == ["account.delete", "project.change"]
    assert all(item["actor_id"] and item["actor_name"] is None and item["address"] is None for item in items)


async def test_a_held_workspace_keeps_its_owner_until_clerk_itself_deletes_them(stage: Stage, account: httpx.AsyncClient) -> None:
    headers = stage.session(f"ivy-{secrets.token_hex(4)}@clerk.example", sub=(subject := new_subject()))
    made = await stage.projects.post("/api/workspaces", json={"name": "Held"}, headers=headers)
    url = f"/api/workspaces/{made.json()['id']}/projects"
    project = (await stage.projects.post(url, json={"name": "Held"}, headers=headers)).json()["id"]
    await stage.rows("INSERT INTO legal_holds (project_id, reason) VALUES (%s, 'a case')", project)
    refused = await account.request("DELETE", "/api/account", json={"confirm": "delete my account"}, headers=headers)
    assert refused.status_code == 409
    assert await person(stage, subject)
    await tell(account, "user.deleted", {"id": subject, "deleted": True})
    assert await person(stage, subject) is None
    [row] = await stage.rows("SELECT deleted_at FROM workspaces WHERE id = %s", made.json()["id"])
    assert row["deleted_at"] is None


async def test_where_clerk_cannot_be_asked_nothing_is_changed(
    stage: Stage, account: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = stage.session("jan@clerk.example", sub=(subject := new_subject()))
    await account.get("/api/account", headers=headers)
    for name, value, status in (
        ("CLERK_API_URL", "http://127.0.0.1:1", 503),
        ("CLERK_SECRET_KEY", "sk_wrong", 503),
        ("CLERK_SECRET_KEY", "", 503),
    ):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            settings.current.cache_clear()
            for answer in (
                await account.request("DELETE", "/api/account", json={"confirm": "delete my account"}, headers=headers),
                await account.patch("/api/account", json={"name": "X"}, headers=headers),
            ):
                assert answer.status_code == status
        settings.current.cache_clear()
    assert await person(stage, subject)
