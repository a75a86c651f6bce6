"""Analyses for people: read, asked for, rated, corrected; by whom that may be, and what the trail says of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib import analysis, db, settings
from lib.models import analysis as models
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import send
from tests.api.test_operations import api_key
from tests.conftest import ModelStandIn
from tests.lib.redaction.lookalikes import random_text

ERROR: dict[str, Any] = {
    "error": {"type": "KeyError", "message": "'id'"},
    "stack": """Traceback (most recent call last):
  File "/app/shop/pay.py", line 42, in total
    return cart["id"]
KeyError: 'id'
""",
    "environment": "production",
    "release": "shop@1.4.2",
}


@pytest.fixture
async def tenant(stage: Stage, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A tenant where the model is set up, and nothing of others waits to be analysed."""
    monkeypatch.setenv("OPENAI_BASE_URL", model_stand_in.url)
    monkeypatch.setenv("OPENAI_API_KEY", model_stand_in.key)
    settings.current.cache_clear()
    await stage.rows("UPDATE transitions SET considered_at = now() WHERE considered_at IS NULL")
    await stage.rows("TRUNCATE analyses, analysis_watch, analysis_months, analysis_spending")
    return await stage.tenant()


async def sweep(stage: Stage) -> Counter[str]:
    """As the cron does once alerts are done."""
    await stage.rows("UPDATE transitions SET handled_at = now() WHERE handled_at IS NULL")
    database = db.Database(stage.database_url)
    try:
        return await analysis.sweep(database, deadline=datetime.now(UTC) + timedelta(seconds=50), clock=lambda: datetime.now(UTC))
    finally:
        await database.close()


def url(tenant: Tenant, incident: int, rest: str = "analysis") -> str:
    return f"/api/projects/{tenant.project_id}/incidents/{incident}/{rest}"


async def read(stage: Stage, tenant: Tenant, incident: int) -> Any:
    answer = await stage.incidents.get(url(tenant, incident), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    models.NewestAnalysis.model_validate(answer.json())
    return answer.json()


async def explained(stage: Stage, tenant: Tenant) -> tuple[int, Any]:
    """An incident and its analysis."""
    incident = await send(stage, tenant, **ERROR)
    await sweep(stage)
    return incident, (await read(stage, tenant, incident))["analysis"]


async def trail(stage: Stage, tenant: Tenant) -> list[tuple[str, Any, Any]]:
    rows = await stage.rows(
        "SELECT action, before, after FROM audit_log WHERE project_id = %s AND action LIKE 'analysis%%' ORDER BY id",
        tenant.project_id,
    )
    return [(row["action"], row["before"], row["after"]) for row in rows]


async def test_an_incident_is_explained_with_confidence_in_words_and_provenance(stage: Stage, tenant: Tenant) -> None:
    incident = await send(stage, tenant, **ERROR)
    before = await read(stage, tenant, incident)
    assert (before["detail"], before["analysis"], before["latest"]) == ("There is none yet.", None, None)
    await sweep(stage)
    found = await read(stage, tenant, incident)
    assert found["configured"]
    assert found["detail"] == "It is up to date."
    said = found["analysis"]
    assert said == found["latest"]
    assert said["summary"].startswith("KeyError: 'id' is raised in total")
    assert said["evidence"][0]["function"] == "total"
    assert said["confidence_in_words"].split(":")[0] in {"medium", "high"}
    assert said["provenance"]["text"].startswith("Written by a model from redacted event data.")
    assert said["provenance"]["model"] == "gpt-6-luna"
    assert said["provenance"]["cost_dollars"] > 0
    assert said["provenance"]["release"] == "shop@1.4.2"


async def test_without_a_key_the_feature_says_so_and_everything_else_works(
    stage: Stage, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    settings.current.cache_clear()
    incident = await send(stage, tenant, **ERROR)
    await sweep(stage)
    found = await read(stage, tenant, incident)
    assert (found["configured"], found["analysis"]) == (False, None)
    assert "OPENAI_API_KEY" in found["detail"]
    refused = await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    assert (refused.status_code, refused.json()["title"]) == (503, "Not configured")


async def test_a_failure_is_told_with_its_reason(stage: Stage, tenant: Tenant, model_stand_in: ModelStandIn) -> None:
    model_stand_in.model.mode = "refusal"
    incident = await send(stage, tenant, **ERROR)
    await sweep(stage)
    found = await read(stage, tenant, incident)
    assert found["analysis"] is None
    assert (found["latest"]["state"], found["latest"]["reason"]) == ("failed", "refused")
    assert found["detail"] == "The model refused to answer, twice."


async def test_a_person_runs_it_again_after_saying_what_it_was(
    stage: Stage, tenant: Tenant, model_stand_in: ModelStandIn
) -> None:
    incident, first = await explained(stage, tenant)
    corrected = await stage.incidents.put(
        url(tenant, incident, f"analyses/{first['id']}/correction"), json={"text": "The cart was empty."}, headers=stage.bob()
    )
    assert corrected.json()["correction"]["text"] == "The cart was empty."
    asked = await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    assert (asked.status_code, asked.json()["state"], asked.json()["cause"]) == (201, "waiting", "person")
    again = await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    assert again.json()["id"] == asked.json()["id"], "one is ahead already"
    assert (await sweep(stage))["done"] == 1
    assert "The cart was empty." in model_stand_in.model.asked[-1]
    answer = await stage.incidents.get(url(tenant, incident, "analyses"), params={"limit": 1}, headers=stage.vera())
    models.AnalysisPage.model_validate(answer.json())
    [newest], cursor = answer.json()["items"], answer.json()["next_cursor"]
    rest = await stage.incidents.get(url(tenant, incident, "analyses"), params={"cursor": cursor}, headers=stage.vera())
    assert [newest["id"], *(item["id"] for item in rest.json()["items"])] == [asked.json()["id"], first["id"]]
    assert rest.json()["next_cursor"] is None


async def test_who_asks_again_gets_another_though_nothing_has_changed(
    stage: Stage, tenant: Tenant, model_stand_in: ModelStandIn
) -> None:
    incident, first = await explained(stage, tenant)
    asked = await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    assert (await sweep(stage))["done"] == 1
    assert len(model_stand_in.model.asked) == 2
    assert (await read(stage, tenant, incident))["analysis"]["id"] == asked.json()["id"] != first["id"]


async def test_an_analysis_is_rated_and_the_trail_says_so(stage: Stage, tenant: Tenant) -> None:
    incident, first = await explained(stage, tenant)
    for helpful in (True, False):
        rated = await stage.incidents.post(
            url(tenant, incident, f"analyses/{first['id']}/rating"), json={"helpful": helpful}, headers=stage.bob()
        )
        models.Analysis.model_validate(rated.json())
        assert rated.json()["rating"]["helpful"] is helpful
    await stage.incidents.put(
        url(tenant, incident, f"analyses/{first['id']}/correction"), json={"text": "x"}, headers=stage.bob()
    )
    await stage.incidents.put(
        url(tenant, incident, f"analyses/{first['id']}/correction"), json={"text": None}, headers=stage.bob()
    )
    await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    assert (await read(stage, tenant, incident))["analysis"]["correction"] is None
    assert await trail(stage, tenant) == [
        ("analysis.rate", {"helpful": None}, {"helpful": True}),
        ("analysis.rate", {"helpful": True}, {"helpful": False}),
        ("analysis.correct", {"correction": None}, {"correction": "x"}),
        ("analysis.correct", {"correction": "x"}, {"correction": None}),
        ("analysis.request", None, {"incident_id": incident}),
    ]


async def test_a_correction_is_kept_redacted_and_plain(stage: Stage, tenant: Tenant) -> None:
    incident, first = await explained(stage, tenant)
    secret = "ghp" + "_" + random_text(36, seed=3)
    text = f"The key {secret} of jane@example.com: see https://evil.example/x <b>"
    answer = await stage.incidents.put(
        url(tenant, incident, f"analyses/{first['id']}/correction"), json={"text": text}, headers=stage.bob()
    )
    kept = answer.json()["correction"]["text"]
    assert kept == "The key [redacted:token] of [redacted:email]: see [link removed] ‹b>"
    assert secret not in str(await stage.rows("SELECT * FROM audit_log WHERE project_id = %s", tenant.project_id))


async def test_who_may_do_what(stage: Stage, tenant: Tenant) -> None:
    incident, first = await explained(stage, tenant)
    calls = [
        ("GET", url(tenant, incident), None, "viewer"),
        ("GET", url(tenant, incident, "analyses"), None, "viewer"),
        ("POST", url(tenant, incident), None, "member"),
        ("POST", url(tenant, incident, f"analyses/{first['id']}/rating"), {"helpful": True}, "member"),
        ("PUT", url(tenant, incident, f"analyses/{first['id']}/correction"), {"text": "x"}, "member"),
    ]
    read_key, write_key = await api_key(stage, tenant, "incidents:read"), await api_key(stage, tenant, "incidents:write")
    for method, path, body, at_least in calls:
        may = {
            "charlie": (stage.charlie(), 404),
            "vera": (stage.vera(), 200 if at_least == "viewer" else 403),
            "bob": (stage.bob(), 200),
            "a reading key": (read_key, 200 if at_least == "viewer" else 403),
            "a writing key": (write_key, 403 if at_least == "viewer" else 200),
            "nobody": ({}, 401),
        }
        for who, (headers, status) in may.items():
            answer = await stage.incidents.request(method, path, json=body, headers=headers)
            expected = 201 if status == 200 and path.endswith("/analysis") and method == "POST" else status
            assert answer.status_code == expected, (method, path, who, answer.text)


async def test_an_analysis_is_found_under_its_own_incident_and_project_only(stage: Stage, tenant: Tenant) -> None:
    incident, first = await explained(stage, tenant)
    other = await send(stage, tenant, "something else")
    for path in (
        url(tenant, other, f"analyses/{first['id']}/rating"),
        url(tenant, incident, f"analyses/{first['id'] + 1000}/rating"),
        url(tenant, incident + 1000, f"analyses/{first['id']}/rating"),
    ):
        assert (await stage.incidents.post(path, json={"helpful": True}, headers=stage.bob())).status_code == 404
    assert (await stage.incidents.get(url(tenant, incident + 1000), headers=stage.bob())).status_code == 404
    elsewhere = await stage.tenant()
    path = url(elsewhere, incident, f"analyses/{first['id']}/rating")
    assert (await stage.incidents.post(path, json={"helpful": True}, headers=stage.bob())).status_code == 404
    assert (await stage.incidents.get(url(elsewhere, incident), headers=stage.bob())).status_code == 404


@pytest.mark.parametrize("text", ["", " ", "x" * 4_001, 5])
async def test_a_correction_that_is_none_is_refused(stage: Stage, tenant: Tenant, text: Any) -> None:
    incident, first = await explained(stage, tenant)
    answer = await stage.incidents.put(
        url(tenant, incident, f"analyses/{first['id']}/correction"), json={"text": text}, headers=stage.bob()
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/text")


async def test_what_says_nothing_cannot_be_rated_and_what_was_merged_cannot_be_analysed(stage: Stage, tenant: Tenant) -> None:
    incident, other = await send(stage, tenant, **ERROR), await send(stage, tenant, "something else")
    asked = await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    rated = await stage.incidents.post(
        url(tenant, incident, f"analyses/{asked.json()['id']}/rating"), json={"helpful": True}, headers=stage.bob()
    )
    assert rated.status_code == 409
    merged = await stage.incidents.post(url(tenant, incident, "merge"), json={"incident_ids": [other]}, headers=stage.bob())
    assert merged.status_code == 200
    assert (await stage.incidents.post(url(tenant, other), headers=stage.bob())).status_code == 409


async def test_a_request_beyond_the_budget_is_refused_until_the_month_ends(
    stage: Stage, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await send(stage, tenant, **ERROR)
    monkeypatch.setenv("ANALYSIS_WORKSPACE_BUDGET_USD", "0")
    settings.current.cache_clear()
    answer = await stage.incidents.post(url(tenant, incident), headers=stage.bob())
    assert (answer.status_code, answer.json()["title"]) == (429, "Budget used up")
    assert "workspace" in answer.json()["detail"]
    assert 0 < int(answer.headers["retry-after"]) <= 31 * 24 * 3600 + 1


# Settings


async def put_settings(stage: Stage, tenant: Tenant, headers: dict[str, str], **body: Any) -> Any:
    return await stage.projects.put(f"/api/projects/{tenant.project_id}/analysis-settings", json=body, headers=headers)


async def test_settings_are_replaced_whole_and_never_unseen(stage: Stage, tenant: Tenant) -> None:
    path = f"/api/projects/{tenant.project_id}/analysis-settings"
    first = (await stage.projects.get(path, headers=stage.vera())).json()
    models.AnalysisSettingsAnswer.model_validate(first)
    assert first == {
        "version": 0, "updated_at": None, "updated_by": None, "enabled": True, "environments": [], "events_min": 1,
        "interval_minutes": 60, "hourly_max": 20, "budget_dollars": None,
    }  # fmt: skip
    changed = await put_settings(stage, tenant, stage.alice(), version=0, environments=["production"], budget_dollars=1.5)
    assert changed.status_code == 200
    assert (changed.json()["version"], changed.json()["budget_dollars"]) == (1, 1.5)
    assert (await put_settings(stage, tenant, stage.alice(), version=0)).status_code == 409
    assert (await put_settings(stage, tenant, stage.bob(), version=1)).status_code == 403
    assert (await put_settings(stage, tenant, stage.charlie(), version=1)).status_code == 404
    again = await put_settings(stage, tenant, stage.alice(), version=1, enabled=False)
    assert (again.json()["version"], again.json()["environments"], again.json()["budget_dollars"]) == (2, [], None)
    assert (await trail(stage, tenant))[0] == (
        "analysis_settings.replace",
        {"environments": [], "budget_dollars": None},
        {"environments": ["production"], "budget_dollars": 1.5},
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"events_min": 0}, "/events_min"),
        ({"interval_minutes": 0}, "/interval_minutes"),
        ({"hourly_max": 1_001}, "/hourly_max"),
        ({"budget_dollars": -1}, "/budget_dollars"),
        ({"environments": [""]}, "/environments/0"),
        ({"environments": ["x"] * 21}, "/environments"),
        ({"model": "x"}, "/model"),
    ],
)
async def test_settings_that_cannot_be_meant_are_refused(stage: Stage, tenant: Tenant, body: Any, pointer: str) -> None:
    answer = await put_settings(stage, tenant, stage.alice(), version=0, **body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_settings_decide(stage: Stage, tenant: Tenant) -> None:
    await put_settings(stage, tenant, stage.alice(), version=0, environments=["production"])
    staging = await send(stage, tenant, **{**ERROR, "environment": "staging"})
    await sweep(stage)
    assert (await read(stage, tenant, staging))["latest"] is None
    await put_settings(stage, tenant, stage.alice(), version=1, budget_dollars=0)
    production = await send(stage, tenant, "something else", environment="production")
    await sweep(stage)
    assert (await read(stage, tenant, production))["latest"]["reason"] == "budget_project"
    await put_settings(stage, tenant, stage.alice(), version=2, enabled=False)
    third = await send(stage, tenant, "a third thing")
    assert (await read(stage, tenant, third))["detail"] == "Analysis is switched off in this project's settings."


# For messages


async def test_messages_get_the_newest_of_each_incident_of_one_project(stage: Stage, tenant: Tenant) -> None:
    first, said = await explained(stage, tenant)
    second = await send(stage, tenant, "not analysed")
    elsewhere = await stage.tenant()
    async with await db.connect(stage.database_url) as conn:
        found = await analysis.newest(conn, tenant.project_id, [first, second])
        assert await analysis.newest(conn, elsewhere.project_id, [first]) == {}
    assert set(found) == {first}
    assert found[first].summary == said["summary"]
    assert found[first].confidence == pytest.approx(said["confidence"])
