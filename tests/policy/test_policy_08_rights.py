"""Section 8: choices and rights."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

import api.account
import api.alerts
from lib import settings
from local import clerk, clerk_directory, serving
from tests.api.conftest import Stage, Tenant
from tests.lib import canaries
from tests.policy.acts import (
    CRASH,
    export_account,
    export_workspace,
    person_id,
    project,
    send,
    workspace,
)
from tests.policy.conftest import Crons
from tests.policy.table import shows


@shows(
    "8.1",
    by="Invitations by address, roles, removal; the last owner is never lost",
    also=("test_an_invited_person_reads_and_accepts_once",),
)
async def test_members_are_invited_changed_and_removed(stage: Stage) -> None:
    tenant = await stage.tenant()
    bob = await person_id(stage, "bob")
    invited = await stage.members.post(workspace(tenant, "/invitations"), json={"email": "d@x.example"}, headers=stage.anna())
    assert invited.status_code == 201
    path = workspace(tenant, f"/members/{bob}")
    assert (await stage.members.patch(path, json={"role": "viewer"}, headers=stage.anna())).status_code == 200
    assert (await stage.members.delete(path, headers=stage.anna())).status_code == 204
    assert (await stage.incidents.get(project(tenant, "/incidents"), headers=stage.bob())).status_code == 404


@shows(
    "8.2",
    by="A rotated key lives on for a day beside the new one; a revoked one ends everywhere within a minute",
    also=(
        "test_rotation_leaves_no_gap_and_no_second_life",
        "test_a_revoked_key_is_refused_within_a_minute",
    ),
)
async def test_keys_are_rotated_and_revoked(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = project(tenant, f"/keys/{tenant.key_id}")
    rotated = await stage.keys.post(f"{path}/rotate", headers=stage.anna())
    assert rotated.status_code == 201
    assert (await stage.keys.delete(path, headers=stage.anna())).status_code in {200, 204}
    fresh = await stage.client(stage.ingest_app)  # another instance, which does not remember the key
    assert (await fresh.post("/api/ingest", json=CRASH, headers=tenant.bearer)).status_code == 401
    bearer = {"Authorization": f"Bearer {rotated.json()['key']}"}
    assert (await fresh.post("/api/ingest", json=CRASH, headers=bearer)).status_code == 200


@shows(
    "8.3",
    by="The pages' calls: name, limits, rules, retention, alerts, analyses",
    also=("test_a_call_of_the_pages_is_an_operation_of_the_api",),
)
async def test_a_projects_settings_are_changed(stage: Stage) -> None:
    tenant = await stage.tenant()
    for method, rest, body in [
        ("PATCH", "", {"name": "Renamed"}),
        ("PATCH", "/limits", {"events_per_minute_max": 100}),
        ("PUT", "/retention", {"retention_days": 30}),
        ("PUT", "/redaction-rules", {"version": 0, "extra_keys": ["customer code"]}),
    ]:
        answer = await stage.projects.request(method, project(tenant, rest), json=body, headers=stage.alice())
        assert answer.status_code == 200, (rest, answer.text)


@shows(
    "8.4",
    "8.7",
    by="`GET /api/account/export`, a ZIP of everything that has the person's name on it; an owner exports the whole workspace",
    also=(
        "test_each_column_that_names_a_person_is_looked_at",
        "test_each_table_of_a_tenant_is_exported_or_left_out_for_a_reason",
    ),
)
async def test_a_person_takes_along_what_is_held_about_them(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    await stage.projects.patch(project(tenant), json={"name": "Renamed"}, headers=stage.alice())
    files = await export_account(stage, stage.alice())
    assert f"alice@{stage.name}.example" in files["profile.ndjson"]
    assert '"role":"owner"' in files["memberships.ndjson"]
    assert "project.change" in files["changes.csv"]
    whole = await export_workspace(stage, tenant)
    assert any("/events/" in name and "shop/pay.py" in content for name, content in whole.items())


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[tuple[clerk_directory.Directory, str]]:
    """Clerk's Backend API on a loopback port."""
    made = clerk_directory.Directory(tmp_path / "people.json")
    with serving.in_thread(Starlette(routes=made.routes())) as url:
        yield made, url


@pytest.fixture
async def account(
    stage: Stage, directory: tuple[clerk_directory.Directory, str], monkeypatch: pytest.MonkeyPatch
) -> httpx.AsyncClient:
    """The function, where Clerk is configured."""
    monkeypatch.setenv("CLERK_SECRET_KEY", clerk_directory.SECRET)
    monkeypatch.setenv("CLERK_API_URL", directory[1])
    settings.current.cache_clear()
    return await stage.client(api.account.app)


@shows(
    "8.5",
    by="At Clerk first, then here, so that no webhook undoes it; name and address follow Clerk otherwise",
    also=("test_a_correction_goes_to_clerk_first_and_is_not_undone_by_an_older_session",),
)
async def test_a_name_is_corrected_and_an_address_follows_the_sign_in_service(stage: Stage, account: httpx.AsyncClient) -> None:
    email = f"gil{secrets.token_hex(4)}@clerk.example"
    await account.get("/api/account", headers=stage.session(email, name="Gli"))
    corrected = await account.patch("/api/account", json={"name": "Gil Day"}, headers=stage.session(email, name="Gli"))
    assert corrected.status_code == 200, corrected.text
    read = await account.get("/api/account", headers=stage.session(email, name="Gil Day"))
    assert read.json()["person"]["name"] == "Gil Day"


async def invite_twice(stage: Stage, tenant: Tenant, email: str, headers: dict[str, str]) -> None:
    """Once in vain, once accepted; somebody else is invited, too. What the inviter was answered is kept for a day."""
    for number, address in enumerate((email, email.upper(), "somebody@clerk.example")):
        repeated = stage.alice() | {"Idempotency-Key": f"invite {number}"}
        made = await stage.members.post(
            workspace(tenant, "/invitations"), json={"email": address, "role": "admin"}, headers=repeated
        )  # fmt: skip
        assert made.status_code == 201, made.text
        if number == 1:
            token = {"token": made.json()["url"].partition("#")[2]}
            assert (await stage.members.post("/api/invitations/accept", json=token, headers=headers)).status_code == 200


async def lead_mails_to(stage: Stage, tenant: Tenant, email: str, headers: dict[str, str]) -> None:
    """A channel of a project, which led to somebody else for a while, and one that is deleted."""
    alerts = await stage.client(api.alerts.app)
    for is_kept in (True, False):
        channel = {"kind": "email", "name": "Ops", "target": {"address": email}}
        made = await alerts.post(project(tenant, "/channels"), json=channel, headers=headers)
        assert made.status_code == 201, made.text
        path = project(tenant, f"/channels/{made.json()['id']}")
        for address in (f"alice@{stage.name}.example", email):
            changed = await alerts.patch(path, json={"target": {"address": address}}, headers=headers)
            assert changed.status_code == 200, changed.text
        if not is_kept:
            assert (await alerts.delete(path, headers=headers)).status_code == 204


@shows(
    "8.6",
    by="The account at Clerk first, then here; its name, its address and the addresses in the trail go, a number stays",
    also=(
        "test_a_workspace_that_somebody_alone_owns_is_handed_over_or_deleted",
        "test_an_account_that_a_backup_brings_back_is_deleted_again",
        "test_what_was_deleted_is_gone_everywhere_after_seven_days_and_nothing_else_is",
    ),
)
async def test_a_deleted_account_leaves_nothing_that_names_it(
    stage: Stage, account: httpx.AsyncClient, directory: tuple[clerk_directory.Directory, str],
    crons: Crons, capfdbinary: pytest.CaptureFixture[bytes],
) -> None:  # fmt: skip
    tenant = await stage.tenant()
    await send(stage, tenant)
    canary = f"zp{secrets.token_hex(8)}"
    headers = stage.session(f"{canary}@clerk.example", name=canary)
    person = (await account.get("/api/account", headers=headers)).json()["person"]["id"]
    await invite_twice(stage, tenant, f"{canary}@clerk.example", headers)
    await lead_mails_to(stage, tenant, f"{canary}@clerk.example", headers)
    await stage.projects.patch(project(tenant), json={"name": "Renamed"}, headers=headers)
    found = canaries.database(stage.database_url)
    assert found.lower().count(f"{canary}@clerk.example".encode()) > 6  # else there is nothing to forget
    deleted = await account.request("DELETE", "/api/account", json={"confirm": "delete my account"}, headers=headers)
    assert deleted.status_code == 204, deleted.text
    # Their own workspace, which has their name, goes with them after seven days.
    await stage.rows("UPDATE workspaces SET deleted_at = deleted_at - interval '8 days' WHERE deleted_at IS NOT NULL")
    await stage.rows("UPDATE projects SET deleted_at = deleted_at - interval '8 days' WHERE deleted_at IS NOT NULL")
    await crons.retention()
    everything = canaries.database(stage.database_url) + canaries.redis(stage.redis) + capfdbinary.readouterr().out
    assert not canaries.found_in(everything, canary)
    assert not canaries.found_in(everything, clerk.subject_of(f"{canary}@clerk.example"))
    trail = "SELECT address FROM audit_log WHERE workspace_id = %s AND actor_id = %s AND action = 'project.change'"
    assert await stage.rows(trail, tenant.workspace_id, person) == [{"address": None}]


@shows(
    "8.6",
    by="A user of an application is erased from events by its owner: payloads, light rows, texts, archives; counts stay",
    also=(
        "test_a_person_is_found_and_erased_wherever_they_stand",
        "test_no_format_around_them_hides_anybody",
        "test_messages_that_wait_leave_without_the_erased_and_once",
        "test_an_analysis_and_its_correction_are_rid_of_the_erased",
        "test_nothing_is_left_anywhere_and_the_neighbour_keeps_everything",
    ),
)
async def test_an_end_user_is_erased_everywhere_and_the_receipt_names_nobody(
    stage: Stage, crons: Crons, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tenant = await stage.tenant()
    canary = f"zu{secrets.token_hex(8)}"
    event = {"message": f"no plan for {canary}", "user": {"id": canary}, "tags": {"who": canary}}
    await send(stage, tenant, **event, breadcrumbs=[{"message": canary}], environment="production", level="error")
    await crons.alerts()
    assert canaries.found_in(canaries.database(stage.database_url), canary)
    asked = await stage.projects.post(workspace(tenant, "/erasures"), json={"kind": "id", "value": canary}, headers=stage.alice())
    assert asked.status_code == 201, asked.text
    await crons.retention()
    receipt = await stage.projects.get(workspace(tenant, f"/erasures/{asked.json()['id']}"), headers=stage.alice())
    assert receipt.json()["finished_at"]
    assert receipt.json()["removed"]["events"] == 1
    exported = "".join((await export_workspace(stage, tenant)).values()).encode()
    left = {
        "database": canaries.database(stage.database_url),
        "redis": canaries.redis(stage.redis),
        "log": capfdbinary.readouterr().out,
        "export": exported,
        "receipt": receipt.content,
    }
    assert [place for place, content in left.items() if canaries.found_in(content, canary)] == []
