"""/api/account: who one is, what one reaches, and how to sign in."""

from __future__ import annotations

import httpx

from lib import permissions
from tests.api.conftest import Stage


async def test_a_person_sees_the_workspaces_and_projects_they_are_in_and_no_others(stage: Stage) -> None:
    await stage.tenant()
    tenant = await stage.tenant()
    answer = await stage.account.get("/api/account", headers=stage.bob())
    assert answer.status_code == 200
    assert [workspace["id"] for workspace in answer.json()["workspaces"]] == [tenant.workspace_id]
    [workspace] = answer.json()["workspaces"]
    assert workspace["role"] == "member"
    assert workspace["projects"] == [{"id": tenant.project_id, "slug": "shop", "name": "Shop", "repository": None}]
    assert answer.json()["person"]["email"].startswith("bob@")


async def test_a_workspace_without_projects_is_shown_empty(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.rows("DELETE FROM projects WHERE id = %s", tenant.project_id)
    [workspace] = (await stage.account.get("/api/account", headers=stage.alice())).json()["workspaces"]
    assert workspace["projects"] == []


async def test_whoever_signs_in_first_finds_a_workspace_of_their_own(stage: Stage) -> None:
    await stage.tenant()
    found = (await stage.account.get("/api/account", headers=stage.charlie())).json()
    assert [(workspace["role"], workspace["projects"]) for workspace in found["workspaces"]] == [("owner", [])]


async def test_a_deleted_project_is_not_shown(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.rows("UPDATE projects SET deleted_at = now() WHERE id = %s", tenant.project_id)
    [workspace] = (await stage.account.get("/api/account", headers=stage.alice())).json()["workspaces"]
    assert workspace["projects"] == []


async def test_without_a_session_nothing_is_told(stage: Stage) -> None:
    assert (await stage.account.get("/api/account")).status_code == 401


async def test_everybody_may_ask_how_to_sign_in(stage: Stage) -> None:
    answer = await stage.account.get("/api/account/config")
    assert answer.status_code == 200
    assert answer.json() == {"publishable_key": None, "script_url": None, "sign_in_url": f"{stage.issuer.issuer}/sign-in"}


async def test_the_sign_in_page_carries_a_policy_of_its_own(stage: Stage) -> None:
    answer: httpx.Response = await stage.account.get("/sign-in")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]  # no Clerk here


async def test_everybody_is_told_what_their_role_may_do_and_give(stage: Stage) -> None:
    await stage.tenant()
    told = {}
    for name in ("alice", "anna", "bob", "vera"):
        [workspace] = (await stage.account.get("/api/account", headers=getattr(stage, name)())).json()["workspaces"]
        told[workspace["role"]] = workspace
    for role, found in told.items():
        rank = permissions.ROLES.index(role)
        allowed = [name for name, one in permissions.PERMISSIONS.items() if permissions.ROLES.index(one.at_least) <= rank]
        assert found["permissions"] == allowed, role
    gives = {role: found["gives"] for role, found in told.items()}
    assert gives == {
        "owner": ["viewer", "member", "admin", "owner"], "admin": ["viewer", "member", "admin"], "member": [], "viewer": [],
    }  # fmt: skip
