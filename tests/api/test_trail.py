"""The trail as it is read: by admins, filtered, page by page, and whole."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest

from lib import spreadsheet, trail
from tests.api.conftest import Stage, Tenant


def path(tenant: Tenant, rest: str = "") -> str:
    return f"/api/projects/{tenant.project_id}/audit-log{rest}"


async def rename(stage: Stage, tenant: Tenant, *names: str) -> None:
    for name in names:
        await stage.projects.patch(f"/api/projects/{tenant.project_id}", json={"name": name}, headers=stage.anna())


async def get(stage: Stage, url: str, **params: Any) -> Any:
    answer = await stage.audit.get(url, params=params, headers=stage.anna())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_pages_of_the_trail_follow_one_another_the_newest_first(stage: Stage) -> None:
    tenant = await stage.tenant()
    await rename(stage, tenant, "A", "B", "C", "D", "E")
    found: list[str] = []
    page = await get(stage, path(tenant), limit=2)
    while True:
        found += [item["after"]["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        page = await get(stage, path(tenant), limit=2, cursor=page["next_cursor"])
    assert found == ["E", "D", "C", "B", "A"]


async def test_each_filter_narrows_the_trail(stage: Stage) -> None:
    tenant = await stage.tenant()
    await rename(stage, tenant, "A")
    key = await stage.keys.post(f"/api/projects/{tenant.project_id}/keys", json={"name": "x"}, headers=stage.alice())
    changes = (await get(stage, path(tenant)))["items"]
    issued, renamed = changes
    for params, expected in [
        ({"action": "key"}, [issued]),
        ({"action": "key.issue"}, [issued]),
        ({"action": "key.revoke"}, []),
        ({"action": "k"}, []),  # not the beginning of a word
        ({"actor_id": renamed["actor_id"]}, [renamed]),
        ({"actor_kind": "cron"}, []),
        ({"object_id": str(key.json()["id"])}, [issued]),
        ({"since": issued["at"]}, [issued]),
        ({"until": issued["at"]}, [renamed]),
    ]:
        assert (await get(stage, path(tenant), **params))["items"] == expected, params


@pytest.mark.parametrize(
    "params", [{"action": "%"}, {"action": "a.b.c"}, {"actor_kind": "root"}, {"cursor": "x"}, {"since": "x"}]
)
async def test_what_cannot_be_looked_for_is_refused(stage: Stage, params: dict[str, str]) -> None:
    tenant = await stage.tenant()
    assert (await stage.audit.get(path(tenant), params=params, headers=stage.anna())).status_code == 400


async def test_a_projects_trail_is_a_part_of_its_workspaces(stage: Stage) -> None:
    tenant = await stage.tenant()
    await rename(stage, tenant, "A")
    await stage.projects.patch(f"/api/workspaces/{tenant.workspace_id}", json={"name": "W"}, headers=stage.anna())
    whole = (await get(stage, f"/api/workspaces/{tenant.workspace_id}/audit-log"))["items"]
    assert [item["action"] for item in whole] == ["workspace.change", "project.change"]
    assert (await get(stage, path(tenant)))["items"] == whole[1:]


async def test_refusals_are_listed_and_paged(stage: Stage) -> None:
    tenant = await stage.tenant()
    for _ in range(2):
        await stage.projects.patch(f"/api/projects/{tenant.project_id}", json={"name": "A"}, headers=stage.bob())
    await stage.audit.get(path(tenant), headers=stage.bob())
    page = await get(stage, path(tenant, "/refusals"), limit=1)
    rest = await get(stage, path(tenant, "/refusals"), limit=99, cursor=page["next_cursor"])
    found = page["items"] + rest["items"]
    attempts = {
        name: sum(item["attempts"] for item in found if item["action"] == name)
        for name in ("project.change", "project_changes.list")
    }
    assert attempts == {"project.change": 2, "project_changes.list": 1}
    assert (await get(stage, path(tenant, "/refusals"), action="key"))["items"] == []


async def test_the_trail_is_exported_whole_and_runs_nothing_in_a_spreadsheet(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await stage.tenant()
    monkeypatch.setattr(trail, "EXPORT_PAGE_ROWS", 2)
    await rename(stage, tenant, "=1+1", "B, or\n“C”", "@D")
    await stage.rows(
        "UPDATE people SET name = '=HYPERLINK(1)' WHERE id = (SELECT actor_id FROM audit_log WHERE project_id = %s LIMIT 1)",
        tenant.project_id,
    )
    only = {"action": "project.change"}
    answer = await stage.audit.get(path(tenant, "/export"), params=only, headers=stage.anna())
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [orjson.loads(row["after"])["name"] for row in rows] == ["@D", "B, or\n“C”", "=1+1"]
    assert {row["actor_name"] for row in rows} == {"'=HYPERLINK(1)"}
    assert not any(cell.startswith(spreadsheet.FORMULA) for row in rows for cell in row.values())
    lines = (await stage.audit.get(path(tenant, "/export"), params={"format": "json"}, headers=stage.anna())).text
    assert [orjson.loads(line) for line in lines.splitlines()] == (await get(stage, path(tenant)))["items"]
    exports = (await get(stage, path(tenant), action="audit_log.export"))["items"]
    assert [one["after"]["format"] for one in exports] == ["json", "csv"]


async def test_only_admins_read_the_trail(stage: Stage) -> None:
    tenant = await stage.tenant()
    for rest in ("", "/refusals", "/export"):
        statuses = [
            (await stage.audit.get(path(tenant, rest), headers=headers)).status_code
            for headers in (stage.alice(), stage.anna(), stage.bob(), stage.vera(), stage.charlie())
        ]
        assert statuses == [200, 200, 403, 403, 404]


async def test_what_another_project_did_is_not_in_it(stage: Stage) -> None:
    other = await stage.tenant()
    await rename(stage, other, "A")
    tenant = await stage.tenant()
    assert (await get(stage, path(tenant)))["items"] == []
    foreign = await stage.audit.get(f"/api/workspaces/{other.workspace_id}/audit-log", headers=stage.alice())
    assert foreign.status_code == 404
