"""kill -9 between sending and marking; `make soak` does it a hundred times."""

from __future__ import annotations

from tests.lib.alerts.kills import survive
from tests.lib.alerts.stage import Alerting


async def test_a_sweep_killed_after_sending_loses_nothing_and_nothing_comes_twice(alerting: Alerting) -> None:
    await survive(alerting, kills=4, mails=60)
