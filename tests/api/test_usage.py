"""Limits, usage and outcomes as the API tells them: where did my event go?"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import orjson
import pytest

from lib import key_cache, outcomes
from tests.api.conftest import Stage, Tenant

EVENT = b'{}\n{"type":"event"}\n{"message":"m"}\n'


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered for seconds: here for none."""
    monkeypatch.setattr(key_cache, "KEY_CACHE_SECONDS_MAX", 0.0)
    monkeypatch.setattr(outcomes, "FLUSH_SECONDS", 0.05)


def of_project(tenant: Tenant, what: str) -> str:
    return f"/api/projects/{tenant.project_id}/{what}"


def of_workspace(tenant: Tenant, what: str) -> str:
    return f"/api/workspaces/{tenant.workspace_id}/{what}"


async def read(stage: Stage, path: str, **query: Any) -> Any:
    answer = await stage.projects.get(path, params=query, headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def change(stage: Stage, path: str, changes: dict[str, Any], expected: int = 200) -> Any:
    answer = await stage.projects.patch(path, json=changes, headers=stage.alice())
    assert answer.status_code == expected, answer.text
    return answer.json()


async def plain(stage: Stage, tenant: Tenant, body: Any, expected: int = 200) -> Any:
    answer = await stage.ingest.post("/api/ingest", json=body, headers=tenant.bearer)
    assert answer.status_code == expected, answer.text
    return answer


# Where did my event go?


async def test_every_way_an_event_can_go_is_told(stage: Stage) -> None:
    tenant = await stage.tenant()
    event_id = uuid.uuid4().hex
    await plain(stage, tenant, {"message": "one", "event_id": event_id})
    await plain(stage, tenant, {"message": "one", "event_id": event_id})
    twice = {"message": "two", "event_id": uuid.uuid4().hex}
    await plain(stage, tenant, [twice, {"nothing": 1}, "text", twice])
    await plain(stage, tenant, {"nothing": 1}, 400)
    large = await stage.ingest.post("/api/ingest", content=b"x" * 5_000_000, headers=tenant.bearer)
    assert large.status_code == 413
    discarded = [("queue_overflow", "error", 3), ("queue_overflow", "session", 9)]
    entries = [{"reason": reason, "category": category, "quantity": number} for reason, category, number in discarded]
    envelope = b'{}\n{"type":"client_report"}\n%b\n' % orjson.dumps({"discarded_events": entries})
    sent = await stage.ingest.post(of_envelope(tenant), content=envelope, headers=tenant.sentry_auth)
    assert sent.status_code == 200
    await asyncio.sleep(0.3)
    found = await read(stage, of_project(tenant, "outcomes"))
    assert found["totals"] == {"accepted": 2, "duplicate": 2, "invalid": 3, "too_large": 1, "sdk_dropped": 3}
    assert [hour["outcomes"] for hour in found["hours"]] == [found["totals"]]
    reasons = {(one["outcome"], one["reason"], one["key_id"], one["key_name"]): one["event_count"] for one in found["reasons"]}
    assert reasons[("sdk_dropped", "queue_overflow", tenant.key_id, "test")] == 3
    assert {one["outcome"] for one in found["recent"]} == {"invalid", "too_large", "sdk_dropped"}
    assert any(one["detail"].startswith("/1: an event needs a message") for one in found["recent"] if one["detail"])


def of_envelope(tenant: Tenant) -> str:
    return f"/api/{tenant.project_id}/envelope/"


async def test_a_refusal_says_whose_limit_it_was_and_is_told(stage: Stage) -> None:
    tenant = await stage.tenant()
    await change(stage, of_project(tenant, "limits"), {"events_per_minute_max": 3})
    answers = [await stage.ingest.post("/api/ingest", json={"message": "m"}, headers=tenant.bearer) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert answers[-1].json()["type"].endswith("#project-rate-limited")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    sentry = await stage.ingest.post(of_envelope(tenant), content=EVENT, headers=tenant.sentry_auth)
    assert sentry.headers["x-sentry-rate-limits"].endswith(":error;default:project:project_rate")
    await asyncio.sleep(0.3)
    assert (await read(stage, of_project(tenant, "outcomes")))["totals"] == {"accepted": 3, "rate_limited": 3}


async def test_a_used_up_month_is_refused_until_the_quota_is_raised(stage: Stage) -> None:
    tenant = await stage.tenant()
    assert await read(stage, of_workspace(tenant, "limits")) == {"events_per_month_max": None, "effective": None}
    await change(stage, of_workspace(tenant, "limits"), {"events_per_month_max": 2})
    await plain(stage, tenant, [{"message": "a"}, {"message": "b"}])
    refused = await plain(stage, tenant, {"message": "c"}, 429)
    assert refused.json()["type"].endswith("#over-quota")
    sentry = await stage.ingest.post(of_envelope(tenant), content=EVENT, headers=tenant.sentry_auth)
    assert sentry.headers["x-sentry-rate-limits"] == "300:error;default:organization:quota"
    await change(stage, of_workspace(tenant, "limits"), {"events_per_month_max": 3})
    await plain(stage, tenant, {"message": "c"})
    await plain(stage, tenant, {"message": "d"}, 429)
    usage = await read(stage, of_workspace(tenant, "usage"))
    assert usage["event_count"] == 3
    assert [(one["project_id"], one["slug"]) for one in usage["projects"]] == [(tenant.project_id, "shop")]
    [month] = (await read(stage, of_project(tenant, "usage")))["months"]
    assert month["event_count"] == 3
    assert month["payload_bytes"] > 0
    assert (await read(stage, of_workspace(tenant, "usage"), month="2020-01"))["event_count"] == 0


async def test_a_sampled_event_says_so_and_is_counted(stage: Stage) -> None:
    tenant = await stage.tenant(payloads_per_day=1)
    found = [(await plain(stage, tenant, {"message": "flood"})).json()["items"][0] for _ in range(3)]
    path = of_project(tenant, f"incidents/{found[0]['incident_id']}/events")
    items = (await stage.incidents.get(path, headers=stage.vera())).json()["items"]
    assert [item["sampled"] for item in items] == [True, False, False]
    newest = (await stage.incidents.get(f"{path}/{items[0]['event_id']}", headers=stage.vera())).json()
    assert (newest["sampled"], newest["payload"], newest["removals"]) == (True, None, [])
    incident = (await stage.incidents.get(path.removesuffix("/events"), headers=stage.vera())).json()
    assert incident["event_count"] == 3


# Limits


async def test_limits_are_read_changed_and_audited(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = of_project(tenant, "limits")
    before = await read(stage, path)
    assert before == {
        "events_per_minute_max": 600_000, "fingerprints_per_minute_max": 300, "payloads_per_day": 1_000, "spike_factor": 10,
    }  # fmt: skip
    changed = await change(stage, path, {"payloads_per_day": 5, "spike_factor": None})
    assert changed == before | {"payloads_per_day": 5, "spike_factor": None} == await read(stage, path)
    [row] = await stage.rows("SELECT action, before, after FROM audit_log WHERE project_id = %s", tenant.project_id)
    assert row["action"] == "project.limits"
    assert row["before"] == {"payloads_per_day": 1_000, "spike_factor": 10}
    assert row["after"] == {"payloads_per_day": 5, "spike_factor": None}
    await change(stage, path, {"payloads_per_day": 5})  # nothing new, nothing told
    assert len(await stage.rows("SELECT id FROM audit_log WHERE project_id = %s", tenant.project_id)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"payloads_per_day": 0}, {"payloads_per_day": None}, {"spike_factor": 1}, {"events_per_minute_max": 2**31},
        {"events_per_month_max": 5}, {"events_per_minute_max": "many"},
    ],
)  # fmt: skip
async def test_a_limit_that_cannot_be_is_refused(stage: Stage, changes: dict[str, Any]) -> None:
    await change(stage, of_project(await stage.tenant(), "limits"), changes, 400)


async def test_who_may_change_limits_is_an_admin_of_the_same_workspace(stage: Stage) -> None:
    tenant = await stage.tenant()
    for path, changes in {
        of_project(tenant, "limits"): {"payloads_per_day": 5},
        of_workspace(tenant, "limits"): {"events_per_month_max": 5},
    }.items():
        for who, status in ((stage.bob(), 403), (stage.vera(), 403), (stage.charlie(), 404), ({}, 401)):
            assert (await stage.projects.patch(path, json=changes, headers=who)).status_code == status
    for what in ("outcomes", "usage", "limits"):
        assert (await stage.projects.get(of_project(tenant, what), headers=stage.charlie())).status_code == 404
    assert (await stage.projects.get(of_workspace(tenant, "usage"), headers=stage.charlie())).status_code == 404
