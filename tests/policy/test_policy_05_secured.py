"""Section 5: security and data minimisation."""

from __future__ import annotations

import pytest

from tests.api.conftest import Stage
from tests.lib import canaries
from tests.lib.redaction.lookalikes import random_text
from tests.policy.acts import CRASH, project, read_event, send
from tests.policy.table import shows


@shows(
    "5.1",
    by="SHA-256 of a key of 30 random characters; the key is in the answer that makes it and nowhere else",
    also=(
        "test_the_database_holds_no_key_in_clear",
        "test_a_new_key_works_at_once_and_is_shown_in_that_answer_alone",
    ),
)
async def test_a_key_is_shown_once_and_stands_nowhere(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await stage.keys.post(project(tenant, "/keys"), json={"name": "web"}, headers=stage.anna())
    secret = made.json()["key"]
    assert made.status_code == 201
    assert secret.startswith("sns_ingest_")
    listed = await stage.keys.get(project(tenant, "/keys"), headers=stage.anna())
    assert secret not in listed.text
    assert not canaries.found_in(canaries.database(stage.database_url), secret)


@shows(
    "5.2",
    by="Names of fields and forms of values, wherever they stand, before anything is stored; the event says what went",
    also=(
        "test_nothing_of_a_canary_is_found_anywhere",
        "test_a_planted_token_is_gone_at_any_depth_and_in_json_within_text",
    ),
)
async def test_common_sensitive_fields_are_gone_before_anything_is_stored(
    stage: Stage, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tenant = await stage.tenant()
    secrets = {"password": random_text(12, seed=1), "api_key": random_text(24, seed=2), "authorization": random_text(30, seed=3)}
    personal = "jane.doe@shop.example"
    sent = await send(stage, tenant, message=f"no plan for {personal}", metadata=secrets)
    found = await read_event(stage, tenant, sent)
    assert len(found["removals"]) >= 4
    everything = canaries.database(stage.database_url) + canaries.redis(stage.redis) + capfdbinary.readouterr().out
    for text in (*secrets.values(), personal):
        assert text not in str(found)
        assert not canaries.found_in(everything, text)


@shows(
    "5.3",
    by="One table of permissions that every operation declares; another tenant's things answer as if they did not exist",
    also=("test_only_those_who_may_reach_only_what_is_theirs",),
)
async def test_a_role_decides_and_an_outsider_finds_nothing(stage: Stage) -> None:
    other = await stage.tenant()
    incident = (await send(stage, other))["incident_id"]
    tenant = await stage.tenant()
    own = (await send(stage, tenant))["incident_id"]
    change = {"status": "resolved"}
    for path, headers, status in [
        (project(tenant, f"/incidents/{own}"), stage.vera(), 403),
        (project(tenant, f"/incidents/{own}"), stage.bob(), 200),
        (project(tenant, f"/incidents/{incident}"), stage.bob(), 404),
        (project(other, f"/incidents/{incident}"), stage.alice(), 404),
    ]:
        assert (await stage.incidents.patch(path, json=change, headers=headers)).status_code == status


@shows(
    "5.4",
    by="Rates in Redis, shared by all instances, with a cap in each where Redis is away; a monthly quota in PostgreSQL",
    also=("test_50_parallel_clients_of_several_instances_get_the_limit_and_at_most_a_hundredth_more",),
)
async def test_a_workspace_without_quota_left_is_refused_until_the_month_ends(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.rows("UPDATE workspaces SET events_per_month_max = 0 WHERE id = %s", tenant.workspace_id)
    answer = await stage.ingest.post("/api/ingest", json=CRASH, headers=tenant.bearer)
    assert (answer.status_code, answer.json()["title"]) == (429, "Quota used up")
    told = await stage.projects.get(f"/api/workspaces/{tenant.workspace_id}/usage", headers=stage.vera())
    assert told.status_code == 200
