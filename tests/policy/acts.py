"""What people and applications do, in the tests of this folder."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from local import clerk
from tests.api.conftest import Stage, Tenant

CRASH: dict[str, Any] = {
    "error": {"type": "KeyError", "message": "no plan"},
    "stack": 'Traceback (most recent call last):\n  File "/app/shop/pay.py", line 42, in total\n    return plan\nKeyError: x\n',
    "level": "error", "environment": "production", "release": "shop@1.4.2", "service": "checkout", "route": "/pay",
}  # fmt: skip


def project(tenant: Tenant, rest: str = "") -> str:
    """An address below the project."""
    return f"/api/projects/{tenant.project_id}{rest}"


def workspace(tenant: Tenant, rest: str = "") -> str:
    """An address below the workspace."""
    return f"/api/workspaces/{tenant.workspace_id}{rest}"


async def send(stage: Stage, tenant: Tenant, **event: Any) -> dict[str, Any]:
    """Send an event; answers what became of it: event_id, incident_id."""
    answer = await stage.ingest.post("/api/ingest", json=event or CRASH, headers=tenant.bearer)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["items"][0])


async def read_event(stage: Stage, tenant: Tenant, sent: dict[str, Any]) -> dict[str, Any]:
    """The event as a viewer reads it."""
    answer = await stage.incidents.get(project(tenant, f"/events/{sent['event_id']}"), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def incidents(stage: Stage, tenant: Tenant) -> list[dict[str, Any]]:
    """The list as a viewer reads it."""
    answer = await stage.incidents.get(project(tenant, "/incidents"), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def export_account(stage: Stage, headers: dict[str, str]) -> dict[str, str]:
    """The files of what is held about the one who asks."""
    return unzipped((await stage.exports.get("/api/account/export", headers=headers)).content)


async def export_workspace(stage: Stage, tenant: Tenant) -> dict[str, str]:
    """The files of the owner's export."""
    made = (await stage.exports.post(workspace(tenant, "/exports"), headers=stage.alice())).json()
    files: dict[str, str] = {}
    for part in made["parts"]:
        address = workspace(tenant, f"/exports/{made['id']}/parts/{part['number']}")
        files |= unzipped((await stage.exports.get(address, headers=stage.alice())).content)
    return files


def unzipped(content: bytes) -> dict[str, str]:
    """The files of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def person_id(stage: Stage, name: str) -> int:
    """The id of alice, anna, bob or vera of the tenant made last."""
    [row] = await stage.rows("SELECT id FROM people WHERE clerk_user_id = %s", clerk.subject_of(f"{name}@{stage.name}.example"))
    return int(row["id"])
