"""Section 6: retention."""

from __future__ import annotations

import secrets

import pytest

from lib import keeping
from tests.api.conftest import Stage
from tests.lib import canaries
from tests.lib.expiring import record_expired
from tests.policy.acts import incidents, project, send, workspace
from tests.policy.conftest import Crons
from tests.policy.table import shows


@shows(
    "6.1",
    by="A cron drops the partitions of days that are over, as each project's retention says",
    also=(
        "test_payloads_go_on_the_day_after_they_expire_and_counts_stay",
        "test_a_change_reaches_what_is_stored",
    ),
)
async def test_a_background_job_removes_payloads_whose_time_is_over(stage: Stage, crons: Crons) -> None:
    tenant = await stage.tenant()
    await record_expired(stage.database_url, tenant.project_id)
    fresh = await send(stage, tenant)
    assert (await crons.retention())["payloads"]["rows"] >= 3
    rows = await stage.rows("SELECT event_id FROM event_payloads WHERE project_id = %s", tenant.project_id)
    assert [row["event_id"].hex for row in rows] == [fresh["event_id"].replace("-", "")]


@shows("6.2", by="`retention_days` of a project, 1 to 3,650, 90 unless it is set")
async def test_retention_is_ninety_days_unless_a_project_says_otherwise(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await stage.projects.post(workspace(tenant, "/projects"), json={"name": "New"}, headers=stage.alice())
    path = f"/api/projects/{made.json()['id']}/retention"
    assert (await stage.projects.get(path, headers=stage.vera())).json()["retention_days"] == 90
    for days, status in [(0, 400), (1, 200), (3_650, 200), (3_651, 400)]:
        answer = await stage.projects.put(path, json={"retention_days": days}, headers=stage.alice())
        assert answer.status_code == status
    told = (await stage.exports.get("/api/account/privacy")).json()["retention"]
    assert told["payload_days"] == 90


@shows("6.3", by="Only payloads are in what is dropped; incidents, counts and usage have times of their own, and say what went")
async def test_incidents_and_usage_stay_when_payloads_go(
    stage: Stage, crons: Crons, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tenant = await stage.tenant()
    canary = f"zc{secrets.token_hex(8)}"
    sent = await send(stage, tenant, message="Payment failed", metadata={"note": canary})
    await stage.rows("UPDATE projects SET name = 'Kept' WHERE id = %s", tenant.project_id)
    assert canaries.found_in(canaries.database(stage.database_url), canary)
    # Its day is over.
    await stage.rows("SELECT make_partitions(current_date - 3, current_date, array[current_date - 2])")
    for table in ("event_payloads", "events"):
        await stage.rows(f"UPDATE {table} SET expires_on = current_date - 2 WHERE project_id = %s", tenant.project_id)
    await crons.retention()
    everything = canaries.database(stage.database_url) + canaries.redis(stage.redis) + capfdbinary.readouterr().out
    assert not canaries.found_in(everything, canary)
    [incident] = await incidents(stage, tenant)
    assert (incident["id"], incident["event_count"], incident["title"]) == (sent["incident_id"], 1, "Payment failed")
    path = project(tenant, f"/incidents/{incident['id']}")
    read = (await stage.incidents.get(path, headers=stage.vera())).json()
    assert read["events_removed_on"]
    grouping = (await stage.incidents.get(f"{path}/grouping", headers=stage.vera())).json()
    assert grouping["items"][0]["reason"]
    event = (await stage.incidents.get(project(tenant, f"/events/{sent['event_id']}"), headers=stage.vera())).json()
    assert event["payload"] is None
    usage = await stage.projects.get(project(tenant, "/usage"), headers=stage.vera())
    assert usage.status_code == 200


@shows(
    "6.4",
    by="A legal hold suspends removal for a reason that is told; without one everything has an end",
    also=(
        "test_held_payloads_outlive_their_day_and_the_neighbours_go",
        "test_what_was_held_stays_held_however_often_it_is_merged_and_split",
        "test_of_a_held_project_nothing_goes_at_its_own_time",
        "test_accounts_go_at_their_own_time",
    ),
)
async def test_a_legal_duty_holds_data_and_is_seen_by_the_members(stage: Stage, crons: Crons) -> None:
    tenant = await stage.tenant()
    held = {"reason": "Case 7"}
    assert (await stage.projects.post(project(tenant, "/holds"), json=held, headers=stage.alice())).status_code == 201
    await record_expired(stage.database_url, tenant.project_id)
    await crons.retention()
    kept = await stage.rows("SELECT count(*) AS kept FROM kept_payloads WHERE project_id = %s", tenant.project_id)
    assert kept == [{"kept": 3}]
    [seen] = (await stage.projects.get(project(tenant, "/holds"), headers=stage.vera())).json()["items"]
    assert seen["reason"] == "Case 7"
    assert all(days > 0 for days in keeping.Keep())
