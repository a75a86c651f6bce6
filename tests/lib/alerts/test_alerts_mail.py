"""Mail through a provider that fails in every way: one mail for each key, and none is lost."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import pytest

from lib import deliveries, mail, settings
from lib.alerts import sending, sweep
from local import mail as outbox
from local.failing import Mode
from tests.lib.alerts.stage import DAY, HOUR, Alerting

CONTENT = mail.render_plain_mail("Hello", ["One.", "Two."], button=None, footer="The end.")
MAILS = 6
FAILURES: dict[str, list[Mode]] = {
    "it answers 500": [500] * MAILS,
    "it answers 500 for hours": [500] * (8 * MAILS),
    "too many at once": [429] * (2 * MAILS),
    "two tries of one key at once": [409] * MAILS,
    "the answer is lost after it took the mail": ["reset"] * MAILS,
    "lost again and again": ["reset"] * (5 * MAILS),
    "everything": [500, "reset", 429, 409, "reset", 503, 408, "reset", 500, 429],
}


async def enqueue(alerting: Alerting, number: int = MAILS) -> set[str]:
    """So many mails of one workspace; answers their addresses."""
    [(workspace_id,)] = await alerting.rows("SELECT workspace_id FROM projects WHERE id = %s", alerting.project_id)
    addresses = [f"p{place}@example.com" for place in range(number)]
    async with alerting.database.transaction() as conn:
        for address in addresses:
            new = deliveries.New(workspace_id, None, None, "test", "email", address, CONTENT, address)
            await deliveries.enqueue(conn, new, now=alerting.now)
    return set(addresses)


async def drain(alerting: Alerting) -> Counter[str]:
    """Sweep at each time at which something is due, until nothing is pending."""
    total: Counter[str] = Counter()
    while True:
        total += await alerting.sweep()
        [(next_at,)] = await alerting.rows("SELECT min(next_try_at) FROM deliveries WHERE state = 'pending'")
        if next_at is None:
            return total
        # Not before what was paused may go on.
        alerting.now = max(alerting.now + timedelta(seconds=1), next_at)


@pytest.mark.parametrize("coming", FAILURES.values(), ids=FAILURES)
async def test_however_the_provider_fails_each_mail_comes_once(alerting: Alerting, coming: list[Mode]) -> None:
    addresses = await enqueue(alerting)
    began = alerting.now
    alerting.outbox.failing.coming.extend(coming)
    assert (await drain(alerting))["sent"] == MAILS
    assert Counter(one.to[0] for one in alerting.outbox.mails) == dict.fromkeys(addresses, 1)
    assert len({one.key for one in alerting.outbox.mails}) == MAILS
    assert alerting.now - began < DAY


async def test_a_provider_that_hangs_is_left_and_tried_again(alerting: Alerting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SEND_TIMEOUT_SECONDS", 0.3)
    addresses = await enqueue(alerting)
    alerting.outbox.failing.coming.extend(["hang"] * MAILS)
    assert await drain(alerting) == {"failed": MAILS, "sent": MAILS}
    assert {one.to[0] for one in alerting.outbox.mails} == addresses


async def test_while_the_provider_asks_to_wait_no_more_mail_is_tried_and_other_channels_go_on(alerting: Alerting) -> None:
    await enqueue(alerting, 40)
    await alerting.rule({"transitions": ["new"]})
    incident_id = await alerting.record()
    alerting.outbox.failing.mode = 429
    found = await alerting.sweep()
    assert found["held_back"] == deliveries.EACH_MAX
    assert alerting.told() == [[(incident_id, "new")]]
    alerting.outbox.failing.mend()
    assert (await alerting.sweep(HOUR))["sent"] == 40


async def test_a_short_pause_that_the_provider_asks_for_is_waited_out_within_the_sweep(
    alerting: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRY_AFTER_SECONDS", 1)
    addresses = await enqueue(alerting)
    alerting.outbox.failing.coming.extend([429] * MAILS)
    began, began_at = alerting.now, time.monotonic()
    found = await sweep.run(alerting.database, lambda: began + timedelta(seconds=time.monotonic() - began_at))
    assert (found["sent"], found["held_back"]) == (MAILS, MAILS)
    assert Counter(one.to[0] for one in alerting.outbox.mails) == dict.fromkeys(addresses, 1)


async def test_what_the_provider_held_back_was_no_try(alerting: Alerting) -> None:
    await enqueue(alerting, 1)
    alerting.outbox.failing.mode = 429
    for _ in range(2 * len(deliveries.BACKOFF)):
        assert await alerting.sweep(timedelta(seconds=10)) == {"held_back": 1}
    alerting.outbox.failing.mend()
    assert await alerting.sweep(timedelta(seconds=10)) == {"sent": 1}


async def test_it_is_held_back_for_as_long_as_the_provider_knows_its_key_and_no_longer(alerting: Alerting) -> None:
    await enqueue(alerting, 1)
    alerting.outbox.failing.mode = 429
    assert await alerting.sweep() == {"held_back": 1}
    last_at = alerting.now + deliveries.WINDOW - deliveries.LATE
    assert await alerting.sweep(last_at - alerting.now - timedelta(seconds=3)) == {"held_back": 1}
    assert await alerting.rows("SELECT state, next_try_at FROM deliveries") == [("pending", last_at)]
    await alerting.sweep(timedelta(seconds=3))
    assert await alerting.rows("SELECT state FROM deliveries") == [("dead",)]


async def test_a_day_whose_mails_are_used_up_counts_as_a_failure(alerting: Alerting, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not over in a second, and each try would be refused."""
    monkeypatch.setitem(outbox.NAMES, 429, "daily_quota_exceeded")
    await enqueue(alerting, 1)
    alerting.outbox.failing.mode = 429
    assert (await drain(alerting)) == {"failed": 1 + len(deliveries.BACKOFF)}


async def test_a_mail_stays_from_whom_its_first_try_was(alerting: Alerting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was lost, and MAIL_FROM changes: with another sender the provider would refuse the key that it knows."""
    await enqueue(alerting, 1)
    alerting.outbox.failing.coming.append("reset")
    await alerting.sweep()
    monkeypatch.setenv("MAIL_FROM", "Sensra <other@sensra.example>")
    settings.current.cache_clear()
    assert (await drain(alerting))["sent"] == 1
    await enqueue(alerting, 2)
    assert (await drain(alerting))["sent"] == 1
    assert [one.sender for one in alerting.outbox.mails] == [alerting.outbox.sender, "Sensra <other@sensra.example>"]


async def test_a_key_that_the_provider_knows_with_another_body_ends_it_and_is_seen(alerting: Alerting) -> None:
    """It cannot happen, since the body is frozen; if it does, nothing is sent twice and somebody sees it."""
    await enqueue(alerting, 1)
    await alerting.rows("UPDATE deliveries SET content = %s", '{"subject": "A", "text": "a", "html": "a"}')
    alerting.outbox.failing.coming.append("reset")
    await alerting.sweep()
    await alerting.rows("UPDATE deliveries SET content = %s", '{"subject": "B", "text": "b", "html": "b"}')
    await drain(alerting)
    assert [one.subject for one in alerting.outbox.mails] == ["A"]
    [(state, error)] = await alerting.rows("SELECT state, last_error FROM deliveries")
    assert state == "dead"
    assert "another mail under the same key" in error
