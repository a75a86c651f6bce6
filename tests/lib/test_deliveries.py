"""The queue of deliveries: once written down, sent once or known not to be; leases, tokens, the schedule, fairness."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import db, deliveries, usage
from lib.channels import KINDS, ChannelError, Kind, Sent
from lib.deliveries import Claimed
from tests.lib.rows import ask, make_project

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
FAILED, REFUSED = ChannelError("It answered 500."), ChannelError("It answered 410.", permanent=True)


class Queue:
    """The queue, on a clock of its own."""

    def __init__(self, url: str, conn: db.Connection) -> None:
        self.url, self.conn, self.now = url, conn, NOW

    async def workspace(self) -> int:
        project_id = await make_project(self.url)
        [(workspace_id,)] = await ask(self.url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
        return int(workspace_id)

    async def mail(self, workspace_id: int, key: str | None = None, kind: Kind = "email") -> bool:
        new = deliveries.New(
            workspace_id, None, None, "test", kind, "to@example.com" if kind == "email" else None, {"subject": "Hello"},
            key or uuid.uuid4().hex,
        )  # fmt: skip
        return await deliveries.enqueue(self.conn, new, now=self.now)

    async def claim(self, limit: int = 100, kinds: Sequence[Kind] = KINDS) -> list[Claimed]:
        return await deliveries.claim(self.conn, self.now, limit, kinds)

    async def finish(self, claimed: Claimed, result: Sent | ChannelError) -> deliveries.Ended | None:
        return await deliveries.finish(self.conn, claimed, result, self.now)

    async def row(self, workspace_id: int) -> dict[str, Any]:
        cursor = await self.conn.execute("SELECT * FROM deliveries WHERE workspace_id = %s", [workspace_id])
        [row] = await cursor.fetchall()
        return row

    async def attempts(self, workspace_id: int) -> list[tuple[Any, ...]]:
        return await ask(
            self.url, "SELECT number, outcome, error FROM attempts WHERE workspace_id = %s ORDER BY number", workspace_id
        )  # fmt: skip


@pytest.fixture
async def queue(database_url: str) -> AsyncIterator[Queue]:
    async with await db.connect(database_url) as conn:
        await conn.execute("DELETE FROM deliveries")
        yield Queue(database_url, conn)


@asynccontextmanager
async def connections(url: str, number: int) -> AsyncIterator[list[db.Connection]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(await db.connect(url)) for _ in range(number)]


async def test_a_mail_asked_for_twice_is_made_once(queue: Queue) -> None:
    workspace_id, other = await queue.workspace(), await queue.workspace()
    for workspace, is_new in ((workspace_id, True), (workspace_id, False), (other, True)):
        made = await deliveries.enqueue_mail(
            queue.conn, workspace, None, "to@example.com", "invitation", {"subject": "Come"}, idempotency_key="invitation/1"
        )  # fmt: skip
        assert made is is_new
    queue.now = datetime.now(UTC) + MINUTE
    found = await queue.claim()
    assert [(one.workspace_id, one.kind, one.recipient, one.content) for one in found] == [
        (workspace, "email", "to@example.com", {"subject": "Come"}) for workspace in (workspace_id, other)
    ]


async def test_what_a_rolled_back_transaction_wrote_is_never_sent(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    async with queue.conn.transaction(force_rollback=True):
        assert await queue.mail(workspace_id)
    assert await queue.claim() == []


async def test_a_delivery_that_is_being_sent_is_nobody_elses_until_its_lease_ends(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    [first] = await queue.claim()
    queue.now += deliveries.LEASE - SECOND
    assert await queue.claim() == []
    queue.now += SECOND
    [second] = await queue.claim()
    assert (first.id, first.token, second.token) == (second.id, 1, 2)


async def test_whoever_lost_the_lease_may_not_write_any_more(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    [stale] = await queue.claim()
    queue.now += deliveries.LEASE
    [fresh] = await queue.claim()
    for result in (FAILED, REFUSED, Sent("of the stale one")):
        assert await queue.finish(stale, result) is None
    assert (await queue.row(workspace_id))["state"] == "pending"
    assert await queue.finish(fresh, Sent("of the fresh one")) is not None
    assert await queue.finish(stale, FAILED) is None
    row = await queue.row(workspace_id)
    assert (row["state"], row["provider_id"], row["last_error"]) == ("sent", "of the fresh one", None)
    # What became of its try stays known as it first told it.
    assert await queue.attempts(workspace_id) == [(1, "failed", FAILED.detail), (2, "sent", None)]


async def test_a_try_is_written_down_before_it_is_made(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    await queue.claim()
    assert await queue.attempts(workspace_id) == [(1, None, None)]


async def test_what_was_sent_is_never_claimed_again_and_its_content_is_forgotten(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    [claimed] = await queue.claim()
    await queue.finish(claimed, Sent("re_1"))
    queue.now += timedelta(days=2)
    assert await queue.claim() == []
    row = await queue.row(workspace_id)
    assert (row["state"], row["provider_id"], row["content"], row["finished_at"]) == ("sent", "re_1", None, NOW)


async def test_a_permanent_error_stops_at_once_and_the_content_stays_to_be_sent_again(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    [claimed] = await queue.claim()
    await queue.finish(claimed, REFUSED)
    row = await queue.row(workspace_id)
    assert (row["state"], row["next_try_at"], row["last_error"]) == ("dead", None, REFUSED.detail)
    assert row["content"] == {"subject": "Hello"}
    assert await queue.attempts(workspace_id) == [(1, "refused", REFUSED.detail)]


async def test_what_keeps_failing_is_tried_by_the_schedule_and_dead_within_a_day(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    waited = []
    while (row := await queue.row(workspace_id))["state"] == "pending":
        waited.append(row["next_try_at"] - queue.now)
        queue.now = row["next_try_at"] - SECOND
        assert await queue.claim() == []
        queue.now += SECOND
        [claimed] = await queue.claim()
        await queue.finish(claimed, FAILED)
    assert len(await queue.attempts(workspace_id)) == 11
    for wait, backoff in zip(waited[1:], deliveries.BACKOFF, strict=True):
        assert backoff * 0.9 <= wait <= backoff * 1.1
    assert 17 * HOUR < queue.now - NOW < 24 * HOUR


@given(st.lists(st.integers(0, 100_000), min_size=10, max_size=10))
def test_no_try_is_later_than_the_provider_remembers_the_first_one(asked: list[int]) -> None:
    now = NOW
    for number, wait_seconds in enumerate(asked, 1):
        at = deliveries.next_try(number, NOW, now, wait_seconds)
        if at is None:  # there is no time left for what the schedule itself waits
            assert now + deliveries.BACKOFF[number - 1] * 1.1 > NOW + deliveries.WINDOW - deliveries.LATE
            return
        assert now < at <= NOW + deliveries.WINDOW - deliveries.LATE
        assert at - now >= min(wait_seconds * SECOND, deliveries.ASKED_MAX, NOW + deliveries.WINDOW - deliveries.LATE - now)
        assert at - now <= max(deliveries.BACKOFF[number - 1] * 1.1, wait_seconds * SECOND)
        now = at
    assert deliveries.next_try(11, NOW, now) is None


@given(st.integers(0, 1_000_000))
def test_whatever_the_other_side_asks_to_wait_it_is_tried_again_and_again(wait_seconds: int) -> None:
    tries, at = 1, deliveries.next_try(1, NOW, NOW, wait_seconds)
    while at is not None:
        tries += 1
        at = deliveries.next_try(tries, NOW, at, wait_seconds)
    assert tries >= 5


def test_what_failed_together_is_not_tried_again_together() -> None:
    for number, backoff in enumerate(deliveries.BACKOFF, 1):
        waits = {deliveries.next_try(number, NOW, NOW) for _ in range(20)}
        assert len(waits) > 1
        assert all(at and backoff * 0.9 <= at - NOW <= backoff * 1.1 for at in waits)


@pytest.mark.parametrize(("asked", "waited"), [(400, 400 * SECOND), (86_400, 6 * HOUR)])
async def test_how_long_the_other_side_asks_to_wait_is_waited_and_ends_nothing(
    queue: Queue, asked: int, waited: timedelta
) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    [claimed] = await queue.claim()
    await queue.finish(claimed, ChannelError("Too many.", retry_after_seconds=asked))
    row = await queue.row(workspace_id)
    assert (row["state"], row["next_try_at"]) == ("pending", NOW + waited)


async def test_a_delivery_first_tried_long_ago_is_known_to_be_too_old(queue: Queue) -> None:
    """Its worker died, and nobody came for a day: the provider may have forgotten that it has it."""
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    [claimed] = await queue.claim()
    assert not deliveries.is_too_old(claimed, queue.now + deliveries.WINDOW)
    queue.now += deliveries.WINDOW + SECOND
    [claimed] = await queue.claim()
    assert deliveries.is_too_old(claimed, queue.now)


async def test_one_that_waited_for_its_first_try_for_days_is_not_too_old(queue: Queue) -> None:
    await queue.mail(await queue.workspace())
    queue.now += timedelta(days=3)
    [claimed] = await queue.claim()
    assert not deliveries.is_too_old(claimed, queue.now)


async def test_many_workers_at_once_claim_each_delivery_once(queue: Queue) -> None:
    for workspace_id in [await queue.workspace() for _ in range(10)]:
        for _ in range(deliveries.EACH_MAX):
            await queue.mail(workspace_id)
    async with connections(queue.url, 5) as workers:
        rounds = [await asyncio.gather(*(deliveries.claim(one, NOW, 7) for one in workers)) for _ in range(5)]
    claimed = [one.id for round_ in rounds for found in round_ for one in found]
    assert len(claimed) == len(set(claimed)) == 80


async def test_a_tenant_whose_receivers_hang_keeps_nobody_else_waiting(queue: Queue) -> None:
    loud, quiet = await queue.workspace(), await queue.workspace()
    for _ in range(50):
        await queue.mail(loud)
    queue.now += SECOND
    await queue.mail(quiet)
    claimed = await queue.claim(20)
    assert sorted(one.workspace_id for one in claimed) == [loud] * deliveries.EACH_MAX + [quiet]
    assert await queue.claim(20) == []  # the loud one has as many under way as it may have
    await queue.finish(next(one for one in claimed if one.workspace_id == loud), FAILED)
    assert [one.workspace_id for one in await queue.claim(20)] == [loud]
    queue.now += deliveries.LEASE  # whoever held them is gone
    assert len(await queue.claim(20)) == deliveries.EACH_MAX + 1


async def test_what_is_due_longest_comes_first(queue: Queue) -> None:
    workspaces = [await queue.workspace() for _ in range(3)]
    for workspace_id in reversed(workspaces):
        await queue.mail(workspace_id)
        queue.now += SECOND
    assert [one.workspace_id for one in await queue.claim(2)] == workspaces[:0:-1]


async def test_a_kind_that_is_not_asked_for_is_left_alone(queue: Queue) -> None:
    workspace_id = await queue.workspace()
    await queue.mail(workspace_id)
    await queue.mail(workspace_id, kind="slack")
    assert [one.kind for one in await queue.claim(kinds=["webhook", "slack"])] == ["slack"]
    assert [one.kind for one in await queue.claim()] == ["email"]


async def test_a_channel_counts_failures_in_a_row(queue: Queue) -> None:
    project_id = await make_project(queue.url)
    [(workspace_id,)] = await ask(queue.url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    insert = "INSERT INTO channels (project_id, kind, name, target) VALUES (%s, 'slack', 'Ops', '{\"url\": \"x\"}') RETURNING id"
    [(channel_id,)] = await ask(queue.url, insert, project_id)

    async def tried(result: Sent | ChannelError) -> deliveries.Ended | None:
        new = deliveries.New(workspace_id, project_id, channel_id, "test", "slack", None, {"text": "x"}, uuid.uuid4().hex)
        await deliveries.enqueue(queue.conn, new, now=queue.now)
        [claimed] = await queue.claim()
        assert claimed.target == {"url": "x"}
        return await queue.finish(claimed, result)

    assert await tried(Sent(None)) == (0, None)
    assert await tried(REFUSED) == (1, NOW)
    queue.now += HOUR
    assert await tried(REFUSED) == (2, NOW)
    assert await tried(Sent(None)) == (0, None)
    assert await tried(REFUSED) == (1, NOW + HOUR)


async def test_a_delivery_cannot_be_of_another_tenants_project_or_channel(queue: Queue) -> None:
    workspace_id, project_id = await queue.workspace(), await make_project(queue.url)
    new = deliveries.New(workspace_id, project_id, None, "test", "email", "to@example.com", {}, "key")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await deliveries.enqueue(queue.conn, new)


async def mails_counted(queue: Queue, project_id: int) -> int:
    [(counted,)] = await ask(queue.url, "SELECT coalesce(sum(mail_count), 0) FROM usage WHERE project_id = %s", project_id)
    return int(counted)


async def test_a_projects_mail_is_counted_once_when_it_is_sent_and_nothing_else_is(queue: Queue) -> None:
    project_id = await make_project(queue.url)
    [(workspace_id,)] = await ask(queue.url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    await deliveries.enqueue(
        queue.conn, deliveries.New(workspace_id, project_id, None, "test", "email", "to@example.com", {}, "mail"), now=queue.now
    )
    [first] = await queue.claim()
    await queue.finish(first, FAILED)
    assert await mails_counted(queue, project_id) == 0, "a try is no mail"
    queue.now += MINUTE
    [second] = await queue.claim()
    queue.now += deliveries.LEASE
    [third] = await queue.claim()
    assert await queue.finish(second, Sent("late")) is None
    assert await mails_counted(queue, project_id) == 0, "whoever lost the lease counts nothing"
    await queue.finish(third, Sent("right"))
    await queue.finish(third, Sent("again"))
    assert await mails_counted(queue, project_id) == 1


async def test_a_mail_of_no_project_counts_for_its_workspace_and_a_webhook_for_nobody(queue: Queue) -> None:
    project_id = await make_project(queue.url)
    [(workspace_id,)] = await ask(queue.url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    await queue.mail(workspace_id)
    await deliveries.enqueue(
        queue.conn, deliveries.New(workspace_id, project_id, None, "test", "webhook", None, {}, "hook"), now=queue.now
    )
    for one in await queue.claim():
        assert await queue.finish(one, Sent(None)) is not None
    found = await usage.of_workspace(queue.conn, workspace_id, datetime.now(UTC).date().replace(day=1))
    assert found["mail_count"] == 1
    assert [(one["project_id"], one["name"], one["mail_count"]) for one in found["projects"]] == [(None, None, 1)]
    assert await mails_counted(queue, project_id) == 0
