"""A message waits for an analysis that is about to end, for a minute at most; what is not analysed waits for nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from lib import analysis, settings
from tests.conftest import ModelStandIn
from tests.lib.alerts.stage import Alerting
from tests.lib.rows import ask

NEW = {"transitions": ["new"]}


@pytest.fixture
async def explained(alerting: Alerting, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alerting]:
    monkeypatch.setenv("OPENAI_BASE_URL", model_stand_in.url)
    monkeypatch.setenv("OPENAI_API_KEY", model_stand_in.key)
    settings.current.cache_clear()
    await ask(alerting.url, "UPDATE transitions SET considered_at = now() WHERE considered_at IS NULL")
    await ask(alerting.url, "TRUNCATE analyses, analysis_watch, analysis_months, analysis_spending")
    await ask(alerting.url, "UPDATE analysis_provider SET failures = 0, paused_until = NULL, last_failure = NULL")
    await alerting.rule(NEW)
    yield alerting
    settings.current.cache_clear()


async def run(alerting: Alerting) -> None:
    """Analyses, then alerts, as the follow-up has them."""
    await alerting.sweep()
    await analysis.sweep(alerting.database, deadline=alerting.now + timedelta(seconds=50), clock=lambda: alerting.now)
    await alerting.sweep()


async def record(alerting: Alerting) -> int:
    """Events enough to be worth an analysis, just now."""
    incident_id = await alerting.record(number=20)
    [(created_at,)] = await alerting.rows("SELECT max(created_at) FROM transitions")
    alerting.now = created_at + timedelta(seconds=1)
    return incident_id


async def test_a_message_waits_for_its_analysis_and_tells_it(explained: Alerting) -> None:
    incident_id = await record(explained)
    await run(explained)
    assert explained.told() == [[(incident_id, "new")]]
    [item] = explained.sink.posts[0].body["data"]["items"]
    assert item["analysis"]["summary"]


async def test_while_an_analysis_is_awaited_nothing_is_told_and_after_a_minute_it_is_told_without(
    explained: Alerting,
) -> None:
    incident_id = await record(explained)
    await explained.sweep()
    assert explained.told() == [], "nobody has decided yet whether it is analysed"
    await explained.rows("UPDATE transitions SET considered_at = now() WHERE considered_at IS NULL")
    await explained.rows(
        "INSERT INTO analyses (project_id, incident_id, state, cause, created_at, due_at)"
        " VALUES (%s, %s, 'running', 'new', now(), now() + interval '2 minutes')",
        explained.project_id, incident_id,
    )  # fmt: skip
    await explained.sweep(timedelta(seconds=30))
    assert explained.told() == []
    await explained.sweep(timedelta(seconds=30))
    assert explained.told() == [[(incident_id, "new")]]
    [item] = explained.sink.posts[0].body["data"]["items"]
    assert item["analysis"] is None


async def test_a_provider_that_fails_holds_no_message_up(explained: Alerting, model_stand_in: ModelStandIn) -> None:
    model_stand_in.model.mode = "429"
    incident_id = await record(explained)
    await run(explained)
    assert explained.told() == [[(incident_id, "new")]]


async def test_what_no_analysis_was_begun_for_goes_without_once_analyses_had_their_turn(explained: Alerting) -> None:
    """Nobody may come by for a long time: a Hobby deployment's cron runs once a day."""
    await explained.rows("UPDATE analysis_provider SET failures = 3, paused_until = %s", explained.now + timedelta(hours=1))
    incident_id = await record(explained)
    await run(explained)
    assert explained.told() == [], "another instance may begin it at any moment"
    await explained.sweep(is_last=True)
    assert explained.told() == [[(incident_id, "new")]]


async def test_the_last_look_leaves_what_is_being_analysed_to_whoever_does_that(explained: Alerting) -> None:
    incident_id = await record(explained)
    await explained.sweep()
    await explained.rows("UPDATE transitions SET considered_at = now() WHERE considered_at IS NULL")
    await explained.rows(
        "INSERT INTO analyses (project_id, incident_id, state, cause, created_at, due_at)"
        " VALUES (%s, %s, 'running', 'new', now(), now() + interval '2 minutes')",
        explained.project_id, incident_id,
    )  # fmt: skip
    await explained.sweep(is_last=True)
    assert explained.told() == []


async def test_what_is_not_analysed_does_not_wait(explained: Alerting) -> None:
    await explained.rows(
        "INSERT INTO analysis_options (project_id, version, enabled, environments, events_min, interval_minutes, hourly_max)"
        " VALUES (%s, 1, false, '{}', 1, 60, 10)",
        explained.project_id,
    )  # fmt: skip
    incident_id = await record(explained)
    await run(explained)
    assert explained.told() == [[(incident_id, "new")]]


async def test_without_a_model_alerts_go_at_once(alerting: Alerting) -> None:
    await alerting.rule(NEW)
    incident_id = await record(alerting)
    await alerting.sweep()
    assert alerting.told() == [[(incident_id, "new")]]
