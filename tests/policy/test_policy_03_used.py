"""Section 3: what data is used for."""

from __future__ import annotations

import orjson
import pytest

from tests.api.conftest import Stage
from tests.conftest import OutboxStandIn
from tests.policy.acts import CRASH, incidents, project, send
from tests.policy.conftest import Crons
from tests.policy.table import shows


@shows(
    "3.1",
    by="Sessions and keys are verified for each request; what is another tenant's answers 404",
    also=("test_only_those_who_may_reach_only_what_is_theirs",),
)
async def test_only_members_see_what_is_in_a_workspace(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = project(tenant, "/incidents")
    people: tuple[dict[str, str], ...] = (stage.alice(), stage.vera(), stage.charlie(), {})
    statuses = [(await stage.incidents.get(path, headers=headers)).status_code for headers in people]
    assert statuses == [200, 200, 404, 401]


@shows(
    "3.2",
    by="One incident for one bug, by the crash's own frames",
    also=("test_a_variation_joins_the_incident_of_its_bug",),
)
async def test_events_of_one_bug_are_one_incident(stage: Stage) -> None:
    tenant = await stage.tenant()
    first, second = await send(stage, tenant), await send(stage, tenant, **CRASH | {"release": "shop@1.4.3"})
    other = await send(stage, tenant, message="Mail bounced")
    assert first["incident_id"] == second["incident_id"] != other["incident_id"]
    assert sorted(one["event_count"] for one in await incidents(stage, tenant)) == [1, 2]


@shows("3.3", by="A new error in production is told to the owners; analyses: section 4")
async def test_owners_are_told_of_a_new_error(stage: Stage, crons: Crons, outbox: OutboxStandIn) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant)
    await crons.alerts()
    [mail] = [one for one in outbox.mails if stage.name in one.to[0]]
    assert mail.to == [f"alice@{stage.name}.example"]
    assert "KeyError: no plan" in mail.subject


@shows(
    "3.4",
    by="A key's rate, a project's rate and a workspace's quota; what is over them is counted and refused",
    also=("test_every_limit_holds",),
)
async def test_what_is_over_a_limit_is_refused(stage: Stage) -> None:
    tenant = await stage.tenant(rate_per_minute=2)
    for _ in range(2):
        await send(stage, tenant)
    answer = await stage.ingest.post("/api/ingest", json=CRASH, headers=tenant.bearer)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


@shows("3.5", by="One line a request with its route, status and time, and no word of anybody's")
async def test_the_log_tells_how_a_request_went_and_not_what_it_said(
    stage: Stage, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tenant = await stage.tenant()
    capfdbinary.readouterr()
    await send(stage, tenant, message="zq-canary", user={"email": "zq-person@shop.example"})
    [line] = [orjson.loads(one) for one in capfdbinary.readouterr().out.splitlines() if b'"request"' in one]
    assert (line["route"], line["status"], line["events"]) == ("/api/ingest", 200, 1)
    assert line["ms"] > 0
    assert "zq-" not in str(line)
