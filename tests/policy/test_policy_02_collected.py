"""Section 2: what is collected. Every table is of one of its kinds, so that nothing is kept that is not told."""

from __future__ import annotations

from tests.api.conftest import Stage
from tests.policy.acts import CRASH, export_account, incidents, read_event, send, workspace
from tests.policy.table import shows

ACCOUNTS = {"people", "members", "invitations", "clerk_messages", "idempotency_keys"}
ADMINISTRATION = {
    *("workspaces", "workspace_slugs", "projects", "project_slugs", "keys", "project_rules", "analysis_options", "saved_views"),
    *("alert_rules", "alert_rule_channels", "channels", "recipients", "addresses", "legal_holds", "dismissed_suggestions"),
    *("retention_changes", "exports", "held_fingerprints"),
}
EVENTS = {
    *("events", "event_payloads", "kept_payloads", "event_ids", "event_counts", "incidents", "incident_fingerprints"),
    *("incident_people", "incident_tags", "transitions", "releases", "analyses", "analysis_watch", "archives"),
}
OPERATION = {
    *("usage", "outcomes", "outcome_samples", "fingerprint_minutes", "project_hours", "alert_states", "alert_watches", "alerts"),
    "alert_findings",
    *("notices", "deliveries", "attempts", "audit_log", "audit_refusals", "erasures", "cron_runs", "retention_sweeps"),
    *("schema_migrations", "analysis_months", "analysis_spending", "analysis_provider"),
}


@shows("2.1", by="Each table is of one of the four kinds below; one that is of none fails the build")
async def test_nothing_is_stored_that_is_of_no_kind_the_policy_names(stage: Stage) -> None:
    rows = await stage.rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition"
    )
    kinds = (ACCOUNTS, ADMINISTRATION, EVENTS, OPERATION)
    assert sorted(row["relname"] for row in rows) == sorted(name for kind in kinds for name in kind)


@shows("2.2", by="`people` holds the sign-in service's identifier, and name and verified address as it tells them")
async def test_of_an_account_an_identifier_and_a_verified_address_are_kept(stage: Stage) -> None:
    headers = stage.session("new@somewhere.example", name="Nora New")
    assert (await stage.account.get("/api/account", headers=headers)).status_code == 200
    columns = await stage.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'people'::regclass AND attnum > 0")
    known = {"id", "clerk_user_id", "email", "name", "created_at", "clerk_updated_at", "deleted_at"}
    assert {row["attname"] for row in columns} == known
    profile = (await export_account(stage, headers))["profile.ndjson"]
    assert "new@somewhere.example" in profile
    assert "Nora New" in profile


@shows("2.3", by="The management API, and the owner's export of it")
async def test_of_a_workspace_names_members_roles_limits_and_keys_are_known(stage: Stage) -> None:
    tenant = await stage.tenant()
    members = (await stage.members.get(workspace(tenant, "/members"), headers=stage.vera())).json()["items"]
    assert {one["role"] for one in members} == {"owner", "admin", "member", "viewer"}
    keys = (await stage.keys.get(f"/api/projects/{tenant.project_id}/keys", headers=stage.bob())).json()["items"]
    assert keys[0]["name"] == "test"
    limits = await stage.projects.get(f"/api/projects/{tenant.project_id}/limits", headers=stage.vera())
    assert limits.json()["events_per_minute_max"] == 600_000


@shows("2.4", by="An event's light row and its redacted payload; its incident and why it is that one")
async def test_of_an_event_its_stack_place_and_grouping_are_kept(stage: Stage) -> None:
    tenant = await stage.tenant()
    sent = await send(stage, tenant)
    found = await read_event(stage, tenant, sent)
    for name in ("level", "environment", "release", "service", "route"):
        assert found[name] == CRASH[name]
    assert "shop/pay.py" in str(found["payload"])
    assert found["occurred_at"]
    assert found["received_at"]
    [incident] = await incidents(stage, tenant)
    assert incident["title"] == "KeyError: no plan"


@shows("2.5", by="Usage and outcomes by the hour, deliveries with their tries, the audit log with what was refused")
async def test_of_operation_counts_retries_and_a_security_log_are_kept(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    usage = await stage.projects.get(f"/api/projects/{tenant.project_id}/outcomes", headers=stage.vera())
    assert usage.status_code == 200
    assert (await stage.projects.patch(workspace(tenant), json={"name": "X"}, headers=stage.bob())).status_code == 403
    refused = await stage.audit.get(workspace(tenant, "/audit-log/refusals"), headers=stage.anna())
    assert [one["action"] for one in refused.json()["items"]] == ["workspace.change"]
    columns = await stage.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'deliveries'::regclass")
    assert {"state", "tries", "next_try_at", "last_error"} <= {row["attname"] for row in columns}
