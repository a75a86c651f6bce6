"""Permits: three limits taken together or not at all, on a clock of our own, with Redis whole, flushed and away; and the month's
quota stays what PostgreSQL's account says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace

import fakeredis.commands_mixins.server_mixin as redis_time
import pytest

from lib import permits
from lib import redis as lib_redis
from lib.admission import QUOTA_RETRY_SECONDS, Admission
from lib.errors import OverQuota, ProjectRateLimited, RateLimited, Unavailable
from lib.keys import Key
from lib.permits import Permits
from lib.redis import Redis
from tests.conftest import RedisStandIn


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked here is how many, not how soon: a busy machine must not take Redis away."""
    monkeypatch.setattr(lib_redis, "TIMEOUT_SECONDS", 30.0)
    monkeypatch.setattr(lib_redis, "FIRST_TIMEOUT_SECONDS", 30.0)


class World:
    """One Redis, one account, one clock; any number of instances."""

    def __init__(self, stand_in: RedisStandIn) -> None:
        self.stand_in = stand_in
        self.now = 1_764_000_000.0
        self.recorded = 0
        self.asked = 0
        self.account_away = False
        self.instances: list[Redis] = []

    async def used(self, _workspace_id: int, _month: date) -> int:
        self.asked += 1
        if self.account_away:
            raise Unavailable
        return self.recorded

    def today(self) -> date:
        return datetime.fromtimestamp(self.now, UTC).date()

    def clock(self) -> float:
        return self.now

    def instance(self, redis: Redis | None = None) -> Admission:
        """An instance whose clock is ours, as Redis's is."""
        redis = redis or Redis(self.stand_in.url, self.stand_in.token)
        self.instances.append(redis)
        found = Permits(redis, self.used, self.clock, self.today)
        return Admission(redis, clock=self.clock, permits=found)

    async def sent(self, admits: Admission, key: Key, events: int = 1) -> type[RateLimited] | None:
        """Send events, which are recorded at once; None, or why they were refused."""
        try:
            await admits.admit(key, events)
        except RateLimited as refusal:
            return type(refusal)
        self.recorded += events
        return None


@pytest.fixture
async def world(redis_stand_in: RedisStandIn, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World(redis_stand_in)
    monkeypatch.setattr(redis_time, "time", SimpleNamespace(time=made.clock))
    yield made
    for redis in made.instances:
        await redis.close()


def away() -> Redis:
    return Redis(url="", token="")


def key(rate: int = 600_000, project: int = 600_000, quota: int | None = None, key_id: int = 1, project_id: int = 1) -> Key:
    limits = {"events_per_minute_max": project, "events_per_month_max": quota}
    return Key(project_id, key_id, "ingest", 1, rate, (), 90, b"", None, **limits)  # type: ignore[arg-type]


Source = Callable[[World], Admission]
SOURCES: dict[str, Source] = {"redis": lambda world: world.instance(), "alone": lambda world: world.instance(away())}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


# The three limits


@pytest.mark.parametrize("rate", [1, 7, 59, 61])
async def test_a_bucket_refills_however_slowly(world: World, source: Source, rate: int) -> None:
    """Below one a second too: a steady sender just under the limit is never refused, one above it gets exactly the limit."""
    admits, one = source(world), key(rate)
    for _ in range(3 * rate if rate < 60 else rate):
        assert await world.sent(admits, one) is None
        world.now += 60 / rate * 1.001
    world.now += 3_600
    began, admitted = world.now, 0
    while world.now < began + 300:
        admitted += await world.sent(admits, one) is None
        world.now += 60 / rate / 5.3
    assert rate * 5 * 0.9 <= admitted <= rate * 6 * 1.01 + 1


async def test_who_is_refused_is_admitted_when_the_time_told_has_passed(world: World, source: Source) -> None:
    admits, one = source(world), key(2)
    for _ in range(5):
        while await world.sent(admits, one) is None:
            pass
        with pytest.raises(RateLimited) as refusal:
            await admits.admit(one)
        told = int(refusal.value.headers["Retry-After"])
        assert 1 <= told <= 30
        world.now += told
        assert await world.sent(admits, one) is None


async def test_a_projects_keys_share_its_rate(world: World, source: Source) -> None:
    admits = source(world)
    ends = [[await world.sent(admits, key(project=30, key_id=n)) for _ in range(20)] for n in (1, 2, 3)]
    assert [end.count(None) for end in ends] == [20, 10, 0]
    assert ends[1][-1] is ends[2][-1] is ProjectRateLimited
    assert await world.sent(admits, key(project=30, project_id=2)) is None


async def test_what_one_limit_refuses_takes_nothing_from_the_others(world: World, source: Source) -> None:
    admits = source(world)
    assert await world.sent(admits, key(rate=60, project=100, quota=1_000, key_id=1), 60) is None
    for _ in range(50):
        world.now += 0.01
        assert await world.sent(admits, key(rate=60, project=100, quota=1_000, key_id=1), 5) is RateLimited
        assert await world.sent(admits, key(rate=60, project=100, quota=1_000, key_id=2), 59) is ProjectRateLimited
    # 60 of the key's were taken and nothing since: the project has 40 and what has been refilled.
    assert await world.sent(admits, key(rate=60, project=100, quota=1_000, key_id=2), 40) is None
    assert world.recorded == 100


async def test_a_month_has_its_quota_and_the_next_one_its_own(world: World, source: Source) -> None:
    admits, one = source(world), key(quota=500)
    ends = [await world.sent(admits, one) for _ in range(600)]
    assert ends.count(None) == 500
    assert ends[-1] is OverQuota
    with pytest.raises(OverQuota) as refusal:
        admits.check(one)
    assert refusal.value.headers["Retry-After"] == str(QUOTA_RETRY_SECONDS)
    world.now += 31 * 86_400
    world.recorded = 0
    assert await world.sent(admits, one) is None


async def test_a_quota_of_nothing_admits_nothing(world: World, source: Source) -> None:
    assert await world.sent(source(world), key(quota=0)) is OverQuota


async def test_a_limit_that_is_raised_counts_at_once(world: World, source: Source) -> None:
    admits = source(world)
    assert [await world.sent(admits, key(quota=2)) for _ in range(3)] == [None, None, OverQuota]
    assert await world.sent(admits, key(quota=10)) is None


async def test_without_a_quota_nobody_asks_for_the_account(world: World, source: Source) -> None:
    admits = source(world)
    for _ in range(50):
        assert await world.sent(admits, key()) is None
        world.now += 10
    assert world.asked == 0


async def test_a_redis_that_goes_away_leaves_nobody_a_second_burst(world: World) -> None:
    admits, one = world.instance(), key(rate=60)
    assert [await world.sent(admits, one) for _ in range(61)] == [None] * 60 + [RateLimited]
    world.stand_in.upstash.mode = "fail"
    world.now += 2
    assert [await world.sent(admits, one) for _ in range(10)].count(None) in {2, 3}


# The quota and the account


async def test_instances_share_a_quota_to_the_last_event(world: World) -> None:
    instances = [world.instance() for _ in range(4)]
    one = key(rate=60_000, project=60_000, quota=10_000)
    for _ in range(3_000):
        for admits in instances:
            await world.sent(admits, one)
        world.now += 0.02
    assert world.recorded == 10_000
    assert world.stand_in.upstash.commands < 10_000 * 0.05


async def test_permits_that_were_never_used_come_back(world: World) -> None:
    """Blocks of instances that fell silent, or died: the account knows what was recorded."""
    one = key(rate=60_000, project=60_000, quota=100)
    while await world.sent(world.instance(), one) is None:
        pass
    assert 30 < world.recorded < 100
    world.now += 2 * permits.UNDER_WAY_SECONDS + permits.FULL_ACCOUNT_SECONDS
    left = 100 - world.recorded
    last = world.instance()
    assert [await world.sent(last, one) for _ in range(left)] == [None] * left
    assert await world.sent(last, one) is OverQuota


async def test_an_instance_that_ends_gives_back_what_it_holds(world: World) -> None:
    one = key(rate=60_000, project=60_000, quota=1_000)
    first = world.instance()
    assert await world.sent(first, one) is None
    await first.close()
    assert await world.sent(world.instance(), one, 999) is None


async def test_a_flushed_redis_is_told_the_account_again(world: World) -> None:
    admits, one = world.instance(), key(rate=600, project=600, quota=1_000)
    for _ in range(600):
        assert await world.sent(admits, one) is None
    world.stand_in.flush()
    world.now += 3_600
    ends = [await world.sent(admits, one) for _ in range(600)]
    assert ends.count(None) == 400
    assert ends[-1] is OverQuota


async def test_what_is_under_way_is_not_forgotten_when_the_account_is_told(world: World) -> None:
    """Admitted, and not recorded yet: the account does not have it, and still it counts."""
    admits, one = world.instance(), key(rate=60_000, project=60_000, quota=1_000)
    await admits.admit(one, 900)
    world.now += permits.ACCOUNT_SECONDS - 1
    await admits.admit(one, 90)
    world.now += 2
    world.recorded = 900
    assert await world.sent(world.instance(), one, 50) is OverQuota


async def test_the_account_is_asked_for_seldom(world: World) -> None:
    instances = [world.instance() for _ in range(3)]
    one = key(quota=100_000)
    for _ in range(1_000):
        for admits in instances:
            assert await world.sent(admits, one) is None
        world.now += 1
    assert world.asked <= 3
    # And while there is nothing left, no more than every few seconds, whoever asks.
    full = key(quota=world.recorded, project_id=2)
    before = world.asked
    for _ in range(120):
        for admits in instances:
            assert await world.sent(admits, full) is OverQuota
        world.now += 1
    assert world.asked - before <= 8


async def test_without_an_account_the_rates_still_hold(world: World, source: Source) -> None:
    world.account_away = True
    admits, one = source(world), key(rate=60, quota=10)
    ends = [await world.sent(admits, one) for _ in range(100)]
    assert ends.count(None) == 60
    assert ends[-1] is RateLimited


# By the clock on the wall


@pytest.mark.parametrize("whose", ["key", "project", "month"])
async def test_50_parallel_clients_of_several_instances_get_the_limit_and_at_most_a_hundredth_more(
    redis_stand_in: RedisStandIn, whose: str
) -> None:
    recorded = 0

    async def used(_workspace_id: int, _month: date) -> int:
        return recorded

    one = {"key": key(rate=1_200), "project": key(project=1_200), "month": key(rate=60_000, quota=1_200)}[whose]
    redises = [Redis(redis_stand_in.url, redis_stand_in.token) for _ in range(5)]
    instances = [Admission(redis, used) for redis in redises]
    began = time.monotonic()

    async def client(number: int) -> None:
        nonlocal recorded
        for _ in range(60):
            try:
                await instances[number % 5].admit(one)
            except RateLimited:
                await asyncio.sleep(0)
            else:
                recorded += 1

    await asyncio.gather(*(client(number) for number in range(50)))
    refilled = 0 if whose == "month" else 20 * (time.monotonic() - began)
    assert 1_200 * 0.9 <= recorded <= (1_200 + refilled) * 1.01
    for redis in redises:
        await redis.close()
