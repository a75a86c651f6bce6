"""The stage of tests/lib/analysis: everything that other tests left to analyse is ticked off, nothing is spent yet."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lib import settings
from tests.conftest import ModelStandIn
from tests.lib.analysis.stage import Stage
from tests.lib.rows import ask, make_project


@pytest.fixture
async def stage(database_url: str, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    for name, value in {
        "DATABASE_URL": database_url,
        "OPENAI_BASE_URL": model_stand_in.url,
        "OPENAI_API_KEY": model_stand_in.key,
    }.items():
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    await ask(database_url, "UPDATE transitions SET considered_at = now() WHERE considered_at IS NULL")
    await ask(database_url, "TRUNCATE analyses, analysis_watch, analysis_months, analysis_spending")
    await ask(database_url, "UPDATE analysis_provider SET failures = 0, paused_until = NULL, last_failure = NULL")
    made = Stage(database_url, await make_project(database_url), model_stand_in)
    yield made
    await made.close()
    settings.current.cache_clear()
