"""Section 4: analyses by a model."""

from __future__ import annotations

from typing import Any

import pytest

from lib import settings
from tests.api.conftest import Stage, Tenant
from tests.conftest import ModelStandIn
from tests.policy.acts import CRASH, project, send
from tests.policy.conftest import Crons
from tests.policy.table import shows


@pytest.fixture
async def tenant(stage: Stage, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """A tenant where a model is configured."""
    monkeypatch.setenv("OPENAI_BASE_URL", model_stand_in.url)
    monkeypatch.setenv("OPENAI_API_KEY", model_stand_in.key)
    settings.current.cache_clear()
    await stage.rows("UPDATE transitions SET considered_at = now(), handled_at = now() WHERE considered_at IS NULL")
    model_stand_in.model.asked.clear()
    return await stage.tenant()


async def read(stage: Stage, tenant: Tenant, incident: int) -> Any:
    answer = await stage.incidents.get(project(tenant, f"/incidents/{incident}/analysis"), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return answer.json()["analysis"]


@shows(
    "4.1",
    by="A shortened, redacted document of one event is sent; a summary, a fix and a confidence come back",
    also=("test_what_tells_of_people_is_never_sent",),
)
async def test_a_model_gets_a_redacted_event_and_answers_with_a_confidence(
    stage: Stage, tenant: Tenant, crons: Crons, model_stand_in: ModelStandIn
) -> None:
    sent = await send(stage, tenant, **CRASH | {"user": {"email": "jane@shop.example"}})
    await crons.alerts()
    said = await read(stage, tenant, sent["incident_id"])
    assert said["summary"]
    assert said["suggested_fix"] is not None
    assert 0 <= said["confidence"] <= 1
    [asked] = model_stand_in.model.asked
    assert "shop/pay.py" in asked
    assert "jane@shop.example" not in asked


@shows(
    "4.2",
    by="New, regressed, a new kind of stack, or an order of magnitude more; otherwise the model is not asked",
    also=("test_the_policy_decides",),
)
async def test_a_model_is_asked_once_for_what_has_not_changed(
    stage: Stage, tenant: Tenant, crons: Crons, model_stand_in: ModelStandIn
) -> None:
    for _ in range(3):
        await send(stage, tenant)
        await crons.alerts()
    assert len(model_stand_in.model.asked) == 1
