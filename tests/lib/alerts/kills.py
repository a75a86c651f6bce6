"""Killing sweeps, again and again, between sending and writing that down."""

from __future__ import annotations

import asyncio
import random

from lib import deliveries, settings
from tests.lib.alerts import killed
from tests.lib.alerts.stage import Alerting
from tests.lib.alerts.test_alerts_mail import drain, enqueue


async def survive(alerting: Alerting, kills: int, mails: int) -> None:
    """Asserts that after so many kills each mail has come, once."""
    addresses, chance = await enqueue(alerting, mails), random.Random(7)
    began, config = alerting.now, settings.current()
    environment = {
        "DATABASE_URL": alerting.url, "RESEND_API_URL": alerting.outbox.url, "RESEND_API_KEY": alerting.outbox.api_key,
        "MAIL_FROM": alerting.outbox.sender, "PUBLIC_URL": config.base_url or "",
    }  # fmt: skip
    statuses = []
    for _ in range(kills):
        ending = await asyncio.to_thread(killed.run, alerting.now, chance.randrange(1, deliveries.EACH_MAX), **environment)
        statuses.append(ending)
        alerting.now += deliveries.LEASE
    assert set(statuses) == {-9}, "each died in the middle"
    assert await alerting.rows("SELECT 1 FROM attempts WHERE finished_at IS NULL") != []
    await drain(alerting)
    assert {one.to[0] for one in alerting.outbox.mails} == addresses, "none is lost"
    assert len(alerting.outbox.mails) == len(addresses), "none came twice"
    assert await alerting.rows("SELECT DISTINCT state FROM deliveries") == [("sent",)]
    assert alerting.now - began < deliveries.WINDOW
