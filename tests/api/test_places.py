"""Workspaces and projects: made, renamed, found by every slug they ever had; nobody else's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lib import projects, slugs, workspaces
from tests.api.conftest import Stage

WORKSPACES = "/api/workspaces"


async def make(stage: Stage, headers: dict[str, str], url: str = WORKSPACES, **body: Any) -> dict[str, Any]:
    answer = await stage.projects.post(url, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_whoever_makes_a_workspace_owns_it_and_makes_projects_in_it(stage: Stage) -> None:
    headers = stage.session("ines@places.example")
    made = await make(stage, headers, name="Zoë’s Café 1")
    assert (made["slug"], made["role"]) == ("zoes-cafe-1", "owner")
    project = await make(stage, headers, f"{WORKSPACES}/{made['id']}/projects", name="Web shop")
    assert (project["slug"], project["workspace_id"], project["retention_days"]) == ("web-shop", made["id"], 90)
    listed = (await stage.projects.get(f"{WORKSPACES}/{made['id']}/projects", headers=headers)).json()
    assert listed == {"items": [project], "next_cursor": None}
    assert (await stage.projects.get(f"/api/projects/{project['id']}", headers=headers)).json() == project
    names = [one["name"] for one in (await stage.projects.get(WORKSPACES, headers=headers)).json()["items"]]
    assert names == ["Ines’s workspace", "Zoë’s Café 1"]  # their own, from the first sign-in, beside it


async def test_pages_of_workspaces_follow_one_another(stage: Stage) -> None:
    headers = stage.session("pagina@places.example")
    for number in range(4):
        await make(stage, headers, name=f"Same name {number % 2}")
    found: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await stage.projects.get(WORKSPACES, params={"limit": "2", **cursor}, headers=headers)).json()
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(found) == len(set(found)) == 5


async def test_a_name_that_is_taken_gets_a_slug_of_its_own_and_a_chosen_slug_is_refused(stage: Stage) -> None:
    headers = stage.session("jo@places.example")
    first, second = await make(stage, headers, name="Twins"), await make(stage, headers, name="Twins")
    assert first["slug"] != second["slug"]
    answer = await stage.projects.post(WORKSPACES, json={"name": "x", "slug": first["slug"]}, headers=headers)
    assert answer.status_code == 409
    url = f"{WORKSPACES}/{first['id']}/projects"
    await make(stage, headers, url, name="x", slug="shop")
    assert (await stage.projects.post(url, json={"name": "y", "slug": "shop"}, headers=headers)).status_code == 409
    # In another workspace it is another project's.
    await make(stage, headers, f"{WORKSPACES}/{second['id']}/projects", name="x", slug="shop")


@pytest.mark.parametrize("slug", ["", "Shop", "-shop", "a/b", "a" * 64, "ä", "a\n"])
async def test_what_is_no_slug_is_refused(stage: Stage, slug: str) -> None:
    answer = await stage.projects.post(WORKSPACES, json={"name": "x", "slug": slug}, headers=stage.session("kim@places.example"))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/slug"


async def test_an_old_slug_leads_to_the_present_one(stage: Stage) -> None:
    headers = stage.session("lu@places.example")
    made = await make(stage, headers, name="Lu", slug="lu-one")
    project = await make(stage, headers, f"{WORKSPACES}/{made['id']}/projects", name="Shop")
    for slug in ("lu-two", "lu-three"):
        changed = await stage.projects.patch(f"{WORKSPACES}/{made['id']}", json={"slug": slug}, headers=headers)
        assert (changed.json()["slug"], changed.json()["name"]) == (slug, "Lu")
    await stage.projects.patch(f"/api/projects/{project['id']}", json={"slug": "store"}, headers=headers)
    moved = await stage.projects.get(f"{WORKSPACES}/by-slug/lu-one/projects/shop", headers=headers)
    assert (moved.status_code, moved.headers["location"]) == (308, f"{WORKSPACES}/by-slug/lu-three/projects/store")
    found = await stage.projects.get(f"{WORKSPACES}/by-slug/lu-one", headers=headers, follow_redirects=True)
    assert found.json()["id"] == made["id"]
    found = await stage.projects.get(moved.headers["location"], headers=headers)
    assert found.json()["id"] == project["id"]
    taken = await stage.projects.post(WORKSPACES, json={"name": "x", "slug": "lu-one"}, headers=headers)
    assert taken.status_code == 409
    back = await stage.projects.patch(f"{WORKSPACES}/{made['id']}", json={"slug": "lu-one"}, headers=headers)
    assert back.json()["slug"] == "lu-one"


async def test_a_slug_tells_an_outsider_nothing(stage: Stage) -> None:
    await make(stage, stage.session("mo@places.example"), name="Mo", slug="mo-secret")
    answers = [
        await stage.projects.get(f"{WORKSPACES}/by-slug/{slug}", headers=stage.charlie()) for slug in ("mo-secret", "never-was")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


async def test_a_renaming_is_in_the_trail(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.projects.patch(f"/api/projects/{tenant.project_id}", json={"name": "Store"}, headers=stage.anna())
    [row] = await stage.rows("SELECT action, before, after FROM audit_log WHERE project_id = %s", tenant.project_id)
    assert row == {"action": "project.change", "before": {"name": "Shop"}, "after": {"name": "Store"}}


async def test_a_repository_is_named_kept_through_a_renaming_and_taken_away(stage: Stage) -> None:
    tenant = await stage.tenant()
    url = f"/api/projects/{tenant.project_id}"

    async def change(expected: int = 200, **body: Any) -> Any:
        answer = await stage.projects.patch(url, json=body, headers=stage.alice())
        assert answer.status_code == expected, answer.text
        return answer.json()

    for wrong in ("shop", "a/b/c", "https://github.com/a/b", "a b/c", "/", "a/" + 101 * "b"):
        assert (await change(400, repository=wrong))["errors"][0]["pointer"] == "/repository"
    assert (await change(repository="acme/shop.web"))["repository"] == "acme/shop.web"
    assert (await change(name="Till"))["repository"] == "acme/shop.web"
    [workspace] = (await stage.account.get("/api/account", headers=stage.bob())).json()["workspaces"]
    assert workspace["projects"][0]["repository"] == "acme/shop.web"
    assert (await change(repository=None, name=None))["repository"] is None
    rows = await stage.rows("SELECT after FROM audit_log WHERE project_id = %s ORDER BY id", tenant.project_id)
    assert [one["after"] for one in rows] == [{"repository": "acme/shop.web"}, {"name": "Till"}, {"repository": None}]


async def test_so_many_and_no_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = stage.session("nia@places.example")
    made = await make(stage, headers, name="first")
    monkeypatch.setattr(workspaces, "OWNED_MAX", 2)
    assert (await stage.projects.post(WORKSPACES, json={"name": "x"}, headers=headers)).status_code == 409
    owned = (await stage.projects.get(WORKSPACES, headers=headers)).json()["items"]
    [spare] = [item["id"] for item in owned if item["id"] != made["id"]]
    assert (await stage.projects.delete(f"{WORKSPACES}/{spare}", headers=headers)).status_code == 200
    # Deleting one makes no room for another before it is gone.
    assert (await stage.projects.post(WORKSPACES, json={"name": "x"}, headers=headers)).status_code == 409
    monkeypatch.setattr(projects, "PROJECTS_MAX", 2)
    url = f"{WORKSPACES}/{made['id']}/projects"
    answers = await asyncio.gather(*(stage.projects.post(url, json={"name": "x"}, headers=headers) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409, 409]


async def test_ten_at_once_make_no_more_workspaces_than_one_may_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = stage.session("max@places.example")
    await make(stage, headers, name="first")
    monkeypatch.setattr(workspaces, "OWNED_MAX", 3)
    answers = await asyncio.gather(
        *(stage.projects.post(WORKSPACES, json={"name": f"n{n}"}, headers=headers) for n in range(10))
    )  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


async def test_renaming_takes_so_many_slugs_and_no_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slugs, "SLUGS_MAX", 3)
    headers = stage.session("sam@places.example")
    workspace = await make(stage, headers, name="slugs", slug="sam-0")
    project = await make(stage, headers, f"{WORKSPACES}/{workspace['id']}/projects", name="slugs", slug="sam-0")
    for url in (f"{WORKSPACES}/{workspace['id']}", f"/api/projects/{project['id']}"):
        tried = ["sam-1", "sam-2", "sam-3", "sam-0", "sam-0"]
        answers = [await stage.projects.patch(url, json={"slug": slug}, headers=headers) for slug in tried]
        assert [answer.status_code for answer in answers] == [200, 200, 409, 200, 200]
    assert (await stage.projects.patch(url, json={"name": "Another name"}, headers=headers)).status_code == 200
