"""Sending what is due, to a receiver that fails in every way: each arrives, once a key, and nothing is lost."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from lib import db, deliveries
from lib.alerts import sending, sweep
from local.failing import Mode
from tests.conftest import SinkStandIn
from tests.lib.rows import ask, make_project

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Sending:
    """Sweeps over one database, on a clock that only a test moves."""

    def __init__(self, url: str, sink: SinkStandIn, database: db.Database) -> None:
        self.url, self.sink, self.database, self.now = url, sink, database, NOW

    async def channel(self, path: str = "webhook") -> tuple[int, int, int]:
        """(workspace, project, channel)."""
        project_id = await make_project(self.url)
        [(workspace_id,)] = await ask(self.url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
        [(channel_id,)] = await ask(
            self.url,
            "INSERT INTO channels (project_id, kind, name, target) VALUES (%s, 'webhook', 'Ops',"
            " jsonb_build_object('url', %s::text, 'secret', %s::text)) RETURNING id",
            project_id, f"{self.sink.url}/local/sink/{path}", self.sink.secret,
        )  # fmt: skip
        return workspace_id, project_id, channel_id

    async def enqueue(self, channel: tuple[int, int, int]) -> str:
        """A delivery to it; answers its id."""
        made = uuid.uuid4()
        new = deliveries.New(*channel, "test", "webhook", None, {"body": {"id": made.hex}}, made.hex)
        async with self.database.connection() as conn:
            assert await deliveries.enqueue(conn, new, delivery_id=made, now=self.now)
        return str(made)

    async def sweep(self) -> Counter[str]:
        return await sweep.run(self.database, lambda: self.now)

    async def drain(self) -> Counter[str]:
        """Sweep, and let time pass to when the next is due, until nothing is pending."""
        total: Counter[str] = Counter()
        while True:
            total += await self.sweep()
            [(next_at,)] = await ask(self.url, "SELECT min(next_try_at) FROM deliveries WHERE state = 'pending'")
            if next_at is None:
                return total
            self.now = max(self.now, next_at)

    def arrived(self) -> Counter[str]:
        """How often each key came."""
        return Counter(post.headers["webhook-id"] for post in self.sink.posts)

    async def states(self) -> Counter[str]:
        return Counter(dict(await ask(self.url, "SELECT state, count(*) FROM deliveries GROUP BY state")))


@pytest.fixture
async def sending_stage(database_url: str, sink: SinkStandIn) -> AsyncIterator[Sending]:
    await ask(database_url, "DELETE FROM deliveries; UPDATE transitions SET handled_at = now() WHERE handled_at IS NULL")
    database = db.Database(database_url)
    yield Sending(database_url, sink, database)
    await database.close()


FAILURES: dict[str, list[Mode]] = {
    "it answers 500": [500],
    "it answers 500 again and again": [500] * 9,
    "it asks to wait": [429, 429],
    "it refuses for now": [404, 401, 503],
    "it breaks off after it has taken it": ["reset"],
    "both": [500, "reset", 429],
}


@pytest.mark.parametrize("coming", FAILURES.values(), ids=FAILURES)
async def test_a_receiver_that_fails_gets_it_in_the_end(sending_stage: Sending, coming: list[Mode]) -> None:
    delivery_id = await sending_stage.enqueue(await sending_stage.channel())
    sending_stage.sink.failing.coming.extend(coming)
    assert (await sending_stage.drain())["sent"] == 1
    # Whoever broke off had it already: the key tells the receiver that it comes again.
    assert set(sending_stage.arrived()) == {delivery_id}
    assert sending_stage.arrived()[delivery_id] == 1 + coming.count("reset")
    assert await sending_stage.states() == {"sent": 1}
    assert sending_stage.now - NOW < DAY


async def test_a_receiver_that_hangs_is_left_after_some_seconds(sending_stage: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SEND_TIMEOUT_SECONDS", 0.2)
    delivery_id = await sending_stage.enqueue(await sending_stage.channel())
    sending_stage.sink.failing.coming.append("hang")
    assert await sending_stage.sweep() == {"failed": 1}
    [(error,)] = await ask(sending_stage.url, "SELECT last_error FROM deliveries")
    assert error == sending.NO_ANSWER.detail
    await sending_stage.drain()
    assert sending_stage.arrived() == {delivery_id: 1}


async def test_one_that_wants_no_more_is_asked_once(sending_stage: Sending) -> None:
    await sending_stage.enqueue(await sending_stage.channel())
    sending_stage.sink.failing.mode = 410
    assert await sending_stage.drain() == {"failed": 1}
    assert await sending_stage.states() == {"dead": 1}


async def test_what_never_arrives_is_dead_within_a_day_and_visible(sending_stage: Sending) -> None:
    await sending_stage.enqueue(await sending_stage.channel())
    sending_stage.sink.failing.mode = 500
    assert await sending_stage.drain() == {"failed": 11}
    assert sending_stage.now - NOW < DAY
    [row] = await ask(sending_stage.url, "SELECT state, last_error, tries, content IS NOT NULL FROM deliveries")
    assert row == ("dead", "It answered 500.", 11, True)


async def test_five_sweeps_at_once_send_nothing_twice(sending_stage: Sending) -> None:
    channels = [await sending_stage.channel() for _ in range(10)]
    ids = [await sending_stage.enqueue(channel) for channel in channels for _ in range(12)]
    totals = await asyncio.gather(*(sending_stage.sweep() for _ in range(5)))
    assert sum((total for total in totals), Counter()) == {"sent": 120}
    assert sending_stage.arrived() == dict.fromkeys(ids, 1)


async def test_a_backlog_of_a_day_drains_in_one_sweep(sending_stage: Sending) -> None:
    ids = []
    for _ in range(6):
        channel = await sending_stage.channel()
        for _ in range(24):
            ids.append(await sending_stage.enqueue(channel))
            sending_stage.now += timedelta(minutes=10)
    sending_stage.now += DAY
    assert await sending_stage.sweep() == {"sent": len(ids)}
    assert sending_stage.arrived() == dict.fromkeys(ids, 1)


async def test_a_worker_whose_lease_ended_while_it_lived_changes_nothing(
    sending_stage: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_TIMEOUT_SECONDS", 3.0)
    delivery_id = await sending_stage.enqueue(await sending_stage.channel())
    sending_stage.sink.failing.coming.append("hang")
    slow = asyncio.ensure_future(sending_stage.sweep())
    while not await ask(sending_stage.url, "SELECT 1 FROM deliveries WHERE tries = 1"):  # noqa: ASYNC110 - a row
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    sending_stage.now += deliveries.LEASE
    assert await sending_stage.sweep() == {"sent": 1}
    before = await ask(sending_stage.url, "SELECT * FROM deliveries")
    assert await slow == {"stale": 1}
    assert await ask(sending_stage.url, "SELECT * FROM deliveries") == before
    assert sending_stage.arrived() == {delivery_id: 1}


async def test_tried_long_ago_and_cut_off_is_given_up_rather_than_sent_twice(sending_stage: Sending) -> None:
    await sending_stage.enqueue(await sending_stage.channel())
    async with sending_stage.database.connection() as conn:
        await deliveries.claim(conn, sending_stage.now, 1)  # and this worker is killed
    sending_stage.now += DAY
    assert await sending_stage.sweep() == {"failed": 1}
    assert await sending_stage.states() == {"dead": 1}
    assert not sending_stage.sink.posts


async def test_after_its_time_a_sweep_claims_nothing_more(sending_stage: Sending) -> None:
    for _ in range(40):
        await sending_stage.enqueue(await sending_stage.channel())
    assert (await sweep.run(sending_stage.database, lambda: sending_stage.now, 0)) == {}
    times = iter([NOW, NOW, *[NOW + timedelta(seconds=1)] * 1_000])
    sender = sending.Sender(sending_stage.database, lambda: next(times))
    await sender.run(NOW + timedelta(seconds=1))
    assert sender.counts == {"sent": sending.UNDER_WAY_MAX}


async def test_many_are_sent_at_once_and_claimed_several_at_a_time(sending_stage: Sending) -> None:
    """A receiver that hangs holds up one of 32, and a round trip to the database is for 8 or more."""
    for channel in [await sending_stage.channel() for _ in range(12)]:
        for _ in range(8):
            await sending_stage.enqueue(channel)
    ticks = count()
    sender = sending.Sender(sending_stage.database, lambda: NOW + timedelta(milliseconds=next(ticks)))
    await sender.run(NOW + DAY)
    assert sender.counts == {"sent": 96}
    claims = await ask(sending_stage.url, "SELECT count(*) FROM attempts GROUP BY started_at ORDER BY started_at")
    first, *others, _last = [size for (size,) in claims]
    assert first == 32
    assert min(others, default=8) >= 8


async def test_a_channel_that_is_gone_ends_what_waits_for_it(sending_stage: Sending) -> None:
    workspace_id, project_id, channel_id = await sending_stage.channel()
    await sending_stage.enqueue((workspace_id, project_id, channel_id))
    await ask(sending_stage.url, "DELETE FROM channels WHERE project_id = %s", project_id)
    assert await sending_stage.sweep() == {"failed": 1}
    [(error,)] = await ask(sending_stage.url, "SELECT last_error FROM deliveries")
    assert error == sending.CHANNEL_GONE.detail


async def test_a_bug_of_ours_costs_one_try_and_no_other_delivery(sending_stage: Sending, capsysbinary: Any) -> None:
    broken, whole = await sending_stage.channel(), await sending_stage.channel()
    await sending_stage.enqueue(broken)
    await ask(sending_stage.url, "UPDATE channels SET target = '{\"url\": 5}' WHERE id = %s", broken[2])
    delivery_id = await sending_stage.enqueue(whole)
    assert await sending_stage.sweep() == {"failed": 1, "sent": 1}
    assert sending_stage.arrived() == {delivery_id: 1}
    assert b"delivery_unexpected" in capsysbinary.readouterr().out
