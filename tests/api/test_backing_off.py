"""The unmodified sentry-sdk, told that a limit is reached, holds back and says how many: every event is accounted for."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any

import pytest

import api.ingest
from lib import key_cache
from local import serving
from tests.api.conftest import Stage

EVENTS = 12
PROGRAM = f"""
import sys, sentry_sdk
sentry_sdk.init(sys.argv[1], default_integrations=False)
for number in range({EVENTS}):
    sentry_sdk.capture_message(f"number {{number}}")
    sentry_sdk.flush(10)
"""


@pytest.mark.parametrize("limit", ["key", "project", "month"])
async def test_the_python_sdk_holds_back_once_it_is_told(stage: Stage, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_cache, "KEY_CACHE_SECONDS_MAX", 0.0)
    tenant = await stage.tenant(rate_per_minute=3 if limit == "key" else 600)
    if limit == "project":
        await stage.rows("UPDATE projects SET events_per_minute_max = 3 WHERE id = %s", tenant.project_id)
    if limit == "month":
        await stage.rows("UPDATE workspaces SET events_per_month_max = 3 WHERE id = %s", tenant.workspace_id)
    answered: Counter[int] = Counter()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                answered[message["status"]] += 1
            await send(message)

        await api.ingest.app(scope, receive, noted if scope["type"] == "http" else send)

    with serving.in_thread(app) as url:
        dsn = f"{url.replace('://', f'://{tenant.key}@')}/{tenant.project_id}"
        program = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, dsn)
        assert await asyncio.wait_for(program.wait(), 60) == 0
    # The one that is refused is the last that is sent; what else is answered are reports of what is held back.
    assert answered[429] == 1
    rows = await stage.rows(
        "SELECT outcome, reason, sum(event_count)::int AS number FROM outcomes WHERE project_id = %s GROUP BY 1, 2",
        tenant.project_id,
    )
    refused = ("over_quota", "quota") if limit == "month" else ("rate_limited", f"{limit}_rate")
    assert {(row["outcome"], row["reason"]): row["number"] for row in rows} == {
        ("accepted", ""): 3, refused: 1, ("sdk_dropped", "ratelimit_backoff"): EVENTS - 4,
    }  # fmt: skip
