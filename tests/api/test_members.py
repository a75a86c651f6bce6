"""Members: invited by address, once; owners are never lost; whoever goes has no access from the next request on."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import orjson
import pytest

from lib import db, invitations, pruning
from lib.runs import Run
from local import clerk
from tests.api.conftest import Stage, Tenant

INVITED = "dora@members.example"


def path(tenant: Tenant, rest: str = "members") -> str:
    return f"/api/workspaces/{tenant.workspace_id}/{rest}"


async def person(stage: Stage, name: str) -> int:
    [row] = await stage.rows("SELECT id FROM people WHERE clerk_user_id = %s", clerk.subject_of(f"{name}@{stage.name}.example"))
    return int(row["id"])


async def invite(stage: Stage, tenant: Tenant, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await stage.members.post(
        path(tenant, "invitations"), json={"email": INVITED, **body}, headers=headers or stage.anna()
    )  # fmt: skip


def token(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 201, answer.text
    return {"token": answer.json()["url"].partition("#")[2]}


async def accept(stage: Stage, body: dict[str, str], email: str = INVITED, **claims: Any) -> httpx.Response:
    return await stage.members.post("/api/invitations/accept", json=body, headers=stage.session(email, **claims))


async def roles(stage: Stage, tenant: Tenant) -> dict[str, str]:
    answer = await stage.members.get(path(tenant), headers=stage.alice())
    return {str(item["email"]).partition("@")[0]: item["role"] for item in answer.json()["items"]}


# Invitations


async def test_an_invited_person_reads_and_accepts_once(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = token(await invite(stage, tenant, role="admin"))
    read = await stage.members.post("/api/invitations/read", json=body, headers=stage.session(INVITED))
    assert {"role": "admin", "email": INVITED, "workspace_name": stage.name}.items() <= read.json().items()
    accepted = await accept(stage, body)
    assert accepted.json() == {"workspace_id": tenant.workspace_id, "role": "admin"}
    assert (await roles(stage, tenant))["dora"] == "admin"
    assert (await accept(stage, body)).status_code == 404
    listed = await stage.members.get(path(tenant, "invitations"), headers=stage.anna())
    assert listed.json()["items"] == []


async def test_an_invitation_is_a_mail_with_the_link_and_only_its_hash_is_kept(stage: Stage) -> None:
    tenant = await stage.tenant()
    answer = await invite(stage, tenant)
    [row] = await stage.rows("SELECT * FROM deliveries WHERE workspace_id = %s", tenant.workspace_id)
    assert (row["recipient"], row["kind"]) == (INVITED, "email")
    assert answer.json()["url"] in orjson.dumps(row["content"]).decode()
    assert re.search(r"/invitation#[\w-]{20,}$", answer.json()["url"])
    kept = await stage.rows("SELECT row_to_json(i)::text AS row FROM invitations i WHERE workspace_id = %s", tenant.workspace_id)
    trail = await stage.rows("SELECT row_to_json(a)::text AS row FROM audit_log a WHERE workspace_id = %s", tenant.workspace_id)
    assert not any(token(answer)["token"] in one["row"] for one in kept + trail)
    assert not any(INVITED in one["row"] for one in trail)  # an address is redacted there as everywhere


async def test_the_list_tells_what_became_of_an_invitations_mail(stage: Stage) -> None:
    tenant = await stage.tenant()
    await invite(stage, tenant)
    end = "UPDATE deliveries SET state = 'dead', next_try_at = NULL, last_error = 'It is refused.' WHERE workspace_id = %s"
    for expected in (("pending", None), ("dead", "It is refused.")):
        [item] = (await stage.members.get(path(tenant, "invitations"), headers=stage.anna())).json()["items"]
        assert (item["mail_state"], item["mail_error"]) == expected
        await stage.rows(end, tenant.workspace_id)


async def test_a_repeated_request_sends_no_second_mail_and_shows_no_link(stage: Stage) -> None:
    tenant = await stage.tenant()
    headers = {**stage.anna(), "Idempotency-Key": "once"}
    first, again = await invite(stage, tenant, headers), await invite(stage, tenant, headers)
    assert (again.json()["id"], again.json()["url"]) == (first.json()["id"], None)
    assert len(await stage.rows("SELECT id FROM deliveries WHERE workspace_id = %s", tenant.workspace_id)) == 1


@pytest.mark.parametrize(
    ("email", "claims"),
    [
        ("eve@members.example", {}),
        (INVITED, {"email_verified": False}),
        (INVITED, {"email_verified": None}),
    ],
)
async def test_a_link_opens_nothing_for_somebody_else(stage: Stage, email: str, claims: dict[str, Any]) -> None:
    tenant = await stage.tenant()
    body = token(await invite(stage, tenant))
    answer = await accept(stage, body, email, sub=f"user_{stage.name}_{len(claims)}", **claims)
    assert answer.status_code == 403
    assert INVITED not in answer.text
    assert "dora" not in await roles(stage, tenant)
    # A link in wrong hands is something that admins should see.
    told = await stage.rows("SELECT action, object_id FROM audit_refusals WHERE workspace_id = %s", tenant.workspace_id)
    assert told == [{"action": "invitation.accept", "object_id": str(tenant.workspace_id)}]
    assert str(tenant.workspace_id) not in answer.text


async def test_the_case_of_an_address_does_not_matter(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = token(await invite(stage, tenant, email="Dora@Members.Example"))
    assert (await accept(stage, body)).status_code == 200


async def test_an_invitation_ends_by_revoking_replacing_or_time(stage: Stage) -> None:
    tenant = await stage.tenant()
    first = await invite(stage, tenant)
    second = await invite(stage, tenant)
    assert (await accept(stage, token(first))).status_code == 404  # the newer one counts
    url = path(tenant, f"invitations/{second.json()['id']}")
    assert (await stage.members.delete(url, headers=stage.anna())).status_code == 204
    assert (await stage.members.delete(url, headers=stage.anna())).status_code == 404
    assert (await accept(stage, token(second))).status_code == 404
    third = await invite(stage, tenant)
    await stage.rows("UPDATE invitations SET expires_at = now() WHERE id = %s", third.json()["id"])
    assert (await accept(stage, token(third))).status_code == 404
    assert "dora" not in await roles(stage, tenant)


async def test_nobody_invites_above_their_own_role(stage: Stage) -> None:
    tenant = await stage.tenant()
    assert (await invite(stage, tenant, stage.anna(), role="owner")).status_code == 403
    assert (await invite(stage, tenant, stage.alice(), role="owner")).status_code == 201
    assert (await invite(stage, tenant, stage.bob(), role="viewer")).status_code == 403
    assert await stage.rows("SELECT id FROM invitations WHERE workspace_id = %s AND role = 'viewer'", tenant.workspace_id) == []


async def test_a_member_is_not_made_one_twice(stage: Stage) -> None:
    tenant = await stage.tenant()
    email = f"bob@{stage.name}.example"
    body = token(await invite(stage, tenant, email=email, role="admin"))
    assert (await accept(stage, body, email)).status_code == 409
    assert (await roles(stage, tenant))["bob"] == "member"


async def test_ten_who_accept_at_once_are_one_member(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = token(await invite(stage, tenant))
    answers = await asyncio.gather(*(accept(stage, body) for _ in range(10)))
    assert sorted({answer.status_code for answer in answers}) == [200, 404]
    assert sum(answer.status_code == 200 for answer in answers) == 1


async def test_an_invitation_that_is_replaced_while_it_is_accepted_is_gone_and_nobody_is_stuck(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = token(await invite(stage, tenant))
    async with await db.connect(stage.database_url) as conn, conn.transaction():
        await db.fetch_one(conn, "member_lock_workspace", workspace_id=tenant.workspace_id)
        accepting = asyncio.create_task(accept(stage, body))
        await asyncio.sleep(0.5)  # it waits for the workspace
        await db.run(conn, "invitation_update_replaced", workspace_id=tenant.workspace_id, email=INVITED)
    assert (await accepting).status_code == 404
    assert "dora" not in await roles(stage, tenant)


async def test_a_workspace_writes_to_so_many_strangers_a_day(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    monkeypatch.setattr(invitations, "SENT_PER_DAY_MAX", 2)
    answers = [await invite(stage, tenant, email=f"x{number}@members.example") for number in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].headers["retry-after"]
    assert answers[2].json()["type"].endswith("#too-often")  # no limit of events


@pytest.mark.parametrize(
    "email",
    ["", "dora", "dora@localhost", "a@b.c\r\nBcc: all@example.com", "a b@c.de", "<a@b.de>", "a@b.de,c@d.de", "a" * 250 + "@b.de"],
)
async def test_what_is_no_address_is_refused(stage: Stage, email: str) -> None:
    tenant = await stage.tenant()
    answer = await invite(stage, tenant, email=email)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/email")


async def test_an_invitation_to_a_deleted_workspace_leads_nowhere(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = token(await invite(stage, tenant))
    await stage.rows("UPDATE workspaces SET deleted_at = now() WHERE id = %s", tenant.workspace_id)
    assert (await accept(stage, body)).status_code == 404


# Roles


async def change(stage: Stage, tenant: Tenant, name: str, role: str, headers: dict[str, str]) -> int:
    url = path(tenant, f"members/{await person(stage, name)}")
    return (await stage.members.patch(url, json={"role": role}, headers=headers)).status_code


async def test_what_concerns_an_owner_only_an_owner_does(stage: Stage) -> None:
    tenant = await stage.tenant()
    assert await change(stage, tenant, "bob", "owner", stage.anna()) == 403
    assert await change(stage, tenant, "alice", "viewer", stage.anna()) == 403
    removed = await stage.members.delete(path(tenant, f"members/{await person(stage, 'alice')}"), headers=stage.anna())
    assert removed.status_code == 403
    assert await change(stage, tenant, "bob", "admin", stage.anna()) == 200
    assert (await roles(stage, tenant)) == {"alice": "owner", "anna": "admin", "bob": "admin", "vera": "viewer"}


async def test_ownership_is_passed_on_and_the_last_owner_stays(stage: Stage) -> None:
    tenant = await stage.tenant()
    leave = path(tenant, "members/me")
    assert (await stage.members.delete(leave, headers=stage.alice())).status_code == 409
    assert await change(stage, tenant, "alice", "admin", stage.alice()) == 409
    assert await change(stage, tenant, "bob", "owner", stage.alice()) == 200
    assert (await stage.members.delete(leave, headers=stage.alice())).status_code == 204
    assert (await stage.members.delete(leave, headers=stage.bob())).status_code == 409


async def test_two_owners_who_leave_at_once_leave_one(stage: Stage) -> None:
    tenant = await stage.tenant()
    await change(stage, tenant, "bob", "owner", stage.alice())
    leave = path(tenant, "members/me")
    answers = await asyncio.gather(*(stage.members.delete(leave, headers=who) for who in (stage.alice(), stage.bob())))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    [row] = await stage.rows("SELECT count(*) FROM members WHERE workspace_id = %s AND role = 'owner'", tenant.workspace_id)
    assert row["count"] == 1


async def test_whoever_is_removed_or_leaves_has_no_access_any_more(stage: Stage) -> None:
    tenant = await stage.tenant()
    incidents = f"/api/projects/{tenant.project_id}/incidents"
    for name, headers in {"bob": stage.bob(), "vera": stage.vera()}.items():
        assert (await stage.incidents.get(incidents, headers=headers)).status_code == 200
        url = path(tenant, f"members/{await person(stage, name)}") if name == "bob" else path(tenant, "members/me")
        done = await stage.members.delete(url, headers=stage.anna() if name == "bob" else headers)
        assert done.status_code == 204
        assert (await stage.incidents.get(incidents, headers=headers)).status_code == 404
    rows = await stage.rows("SELECT action FROM audit_log WHERE workspace_id = %s ORDER BY id", tenant.workspace_id)
    assert [row["action"] for row in rows] == ["member.remove", "member.leave"]


async def test_a_member_of_another_workspace_is_not_there(stage: Stage) -> None:
    await stage.tenant()
    foreign = await person(stage, "bob")
    tenant = await stage.tenant()
    url = path(tenant, f"members/{foreign}")
    assert (await stage.members.patch(url, json={"role": "viewer"}, headers=stage.alice())).status_code == 404
    assert (await stage.members.delete(url, headers=stage.alice())).status_code == 404


async def test_what_waits_for_somebody_who_is_removed_is_not_sent_any_more(stage: Stage) -> None:
    tenant = await stage.tenant()
    for name in ("bob", "vera"):
        await stage.rows(
            "INSERT INTO deliveries (workspace_id, id, purpose, kind, recipient, content, idempotency_key)"
            " VALUES (%s, gen_random_uuid(), 'alert', 'email', %s, '{}', %s)",
            tenant.workspace_id, f"{name}@{stage.name}.example".capitalize(), name,
        )  # fmt: skip
    await stage.members.delete(path(tenant, f"members/{await person(stage, 'bob')}"), headers=stage.anna())
    rows = await stage.rows(
        "SELECT idempotency_key, state, content FROM deliveries WHERE workspace_id = %s ORDER BY 1", tenant.workspace_id
    )
    assert [tuple(row.values()) for row in rows] == [("bob", "cancelled", None), ("vera", "pending", {})]


async def test_what_has_ended_of_invitations_is_removed_after_a_month(stage: Stage) -> None:
    tenant = await stage.tenant()
    for number, column in enumerate(("accepted_at", "revoked_at", "expires_at")):
        for days in (29, 31):
            made = await invite(stage, tenant, email=f"old{number}-{days}@members.example")
            await stage.rows(
                f"UPDATE invitations SET {column} = now() - make_interval(days => %s) WHERE id = %s", days, made.json()["id"]
            )
    open_one = await invite(stage, tenant)
    async with await db.connect(stage.database_url) as conn:
        await pruning.prune_invitations(Run(conn, 30))
    rows = await stage.rows("SELECT email FROM invitations WHERE workspace_id = %s ORDER BY id", tenant.workspace_id)
    assert [row["email"] for row in rows] == [f"old{number}-29@members.example" for number in range(3)] + [INVITED]
    assert open_one.status_code == 201
