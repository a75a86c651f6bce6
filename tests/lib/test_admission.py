"""Admission: a key gets its rate and not more, with Redis and without; whoever is refused is told when, and it costs nothing."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import admission
from lib import redis as lib_redis
from lib.admission import Admission
from lib.errors import RateLimited
from lib.keys import Key
from lib.redis import Redis
from local import serving
from tests.conftest import RedisStandIn


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is asked how many and not how soon: a busy machine must not take Redis away."""
    monkeypatch.setattr(lib_redis, "TIMEOUT_SECONDS", 30.0)
    monkeypatch.setattr(lib_redis, "FIRST_TIMEOUT_SECONDS", 30.0)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def key(rate_per_minute: int, key_id: int = 1) -> Key:
    return Key(1, key_id, "ingest", 1, rate_per_minute, (), 90, b"", None)


async def is_admitted(admits: Admission, one: Key, events: int = 1) -> bool:
    try:
        await admits.admit(one, events)
    except RateLimited:
        return False
    return True


async def retry_after_seconds(admits: Admission, one: Key, events: int = 1) -> int:
    """How long a refused request is told to wait; 0 where it is admitted."""
    try:
        await admits.admit(one, events)
    except RateLimited as refusal:
        return int(refusal.headers["Retry-After"])
    return 0


def alone(clock: Clock | None = None) -> Admission:
    """An instance without Redis."""
    return Admission(Redis(url="", token=""), clock=clock or time.monotonic)


def beside(stand_in: RedisStandIn) -> Admission:
    return Admission(Redis(stand_in.url, stand_in.token))


def nobodys_url() -> str:
    """Where nobody listens."""
    with serving.listen() as listener:
        return serving.url_of(listener)


# The bucket, on a clock of our own

steps = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), min_size=1, max_size=60)


@given(st.integers(1, 2_000), steps)
def test_no_more_is_admitted_than_a_burst_and_what_has_been_refilled(
    rate_per_minute: int, steps: list[tuple[float, int]]
) -> None:
    clock = Clock()
    admits, one, began = alone(clock), key(rate_per_minute), clock.now
    admitted = 0

    async def run() -> None:
        nonlocal admitted
        for seconds, events in steps:
            clock.now += seconds
            admitted += events * await is_admitted(admits, one, events)
            assert admitted <= rate_per_minute + (clock.now - began) * rate_per_minute / 60 + 1e-6

    asyncio.run(run())


@given(st.integers(1, 2_000), steps)
def test_who_waits_as_long_as_told_is_admitted(rate_per_minute: int, steps: list[tuple[float, int]]) -> None:
    """Also below one a second: the refill is never lost, the bucket never stuck."""
    clock = Clock()
    admits, one = alone(clock), key(rate_per_minute)

    async def run() -> None:
        for seconds, events in steps:
            clock.now += seconds
            if events > rate_per_minute:
                continue
            if wait_seconds := await retry_after_seconds(admits, one, events):
                clock.now += wait_seconds
                assert await is_admitted(admits, one, events)

    asyncio.run(run())


async def test_a_steady_rate_just_below_the_limit_is_never_refused() -> None:
    for rate_per_minute in (1, 7, 60, 600, 30_000):
        clock = Clock()
        admits, one = alone(clock), key(rate_per_minute)
        for _ in range(3_000):
            clock.now += 60 / rate_per_minute * 1.001
            assert await is_admitted(admits, one), rate_per_minute


@pytest.mark.parametrize("events", [1, 30, 70, 99])
async def test_events_sent_in_batches_get_the_same_rate(events: int) -> None:
    """What is left of a block when the next is fetched is not thrown away."""
    clock = Clock()
    admits, one = alone(clock), key(6_000)  # 100 a second
    admitted = 0
    for _ in range(6_000):
        clock.now += 0.01
        admitted += events * await is_admitted(admits, one, events)
    offered = 6_000 * events
    assert admitted >= min(offered, 6_000 + 60 * 100) * 0.98


async def test_a_refusal_takes_nothing_from_the_bucket() -> None:
    clock = Clock()
    admits, one = alone(clock), key(60)
    assert await is_admitted(admits, one, 60)
    for _ in range(1_000):
        assert not await is_admitted(admits, one)
    clock.now += 1
    assert await is_admitted(admits, one)


async def test_a_large_batch_that_is_refused_does_not_shut_out_single_events() -> None:
    clock = Clock()
    admits, one = alone(clock), key(60)
    assert await is_admitted(admits, one, 50)
    assert not await is_admitted(admits, one, 60)
    assert await is_admitted(admits, one)
    # And it goes on being refused without a question to Redis.
    assert not await is_admitted(admits, one, 60)


async def test_more_than_a_key_may_ever_send_at_once_is_refused_with_words() -> None:
    with pytest.raises(RateLimited, match="61 events at once"):
        await alone(Clock()).admit(key(60), 61)


async def test_keys_do_not_share_a_bucket_and_are_forgotten_when_they_are_many() -> None:
    clock = Clock()
    admits = alone(clock)
    assert await is_admitted(admits, key(1, key_id=1))
    assert await is_admitted(admits, key(1, key_id=2))
    assert not await is_admitted(admits, key(1, key_id=1))
    for number in range(3, admission.KEYS_HELD_MAX + 5):
        assert await is_admitted(admits, key(1, key_id=number))
    assert len(admits._held) == admission.KEYS_HELD_MAX


# With Redis


@pytest.mark.usefixtures("_patient")
async def test_redis_is_asked_for_blocks_and_not_for_events(redis_stand_in: RedisStandIn) -> None:
    admits, one = beside(redis_stand_in), key(60_000)
    for _ in range(100):
        await asyncio.gather(*(admits.admit(one) for _ in range(50)))
    assert redis_stand_in.upstash.commands <= 5_000 * 0.05
    await admits._permits.redis.close()


@pytest.mark.usefixtures("_patient")
async def test_50_parallel_clients_get_the_limit_and_at_most_a_hundredth_more(redis_stand_in: RedisStandIn) -> None:
    admits, one = beside(redis_stand_in), key(1_200)
    began = time.monotonic()

    async def client() -> int:
        return sum([await is_admitted(admits, one) for _ in range(100)])

    admitted = sum(await asyncio.gather(*(client() for _ in range(50))))
    allowed = 1_200 + 20 * (time.monotonic() - began)
    assert 1_200 * 0.95 <= admitted <= allowed * 1.01
    await admits._permits.redis.close()


@pytest.mark.usefixtures("_patient")
async def test_instances_share_one_limit(redis_stand_in: RedisStandIn) -> None:
    instances = [beside(redis_stand_in) for _ in range(3)]
    began = time.monotonic()
    admitted = 0
    for _ in range(200):
        admitted += sum(await asyncio.gather(*(is_admitted(one, key(300)) for one in instances)))
    assert 300 * 0.9 <= admitted <= (300 + 5 * (time.monotonic() - began)) * 1.01
    for one in instances:
        await one._permits.redis.close()


@pytest.mark.usefixtures("_patient")
async def test_refusals_are_remembered_and_cost_redis_nothing(redis_stand_in: RedisStandIn) -> None:
    admits, one = beside(redis_stand_in), key(6)
    found = [await is_admitted(admits, one) for _ in range(6)]
    assert found == [True] * 6
    seconds = await retry_after_seconds(admits, one)
    assert 9 <= seconds <= 10
    before = redis_stand_in.upstash.commands
    for _ in range(200):
        assert not await is_admitted(admits, one)
    assert redis_stand_in.upstash.commands == before
    await admits._permits.redis.close()


@pytest.mark.usefixtures("_patient")
async def test_a_flushed_redis_forgets_the_script_and_the_bucket_and_nothing_else_happens(redis_stand_in: RedisStandIn) -> None:
    admits, one = beside(redis_stand_in), key(60)
    assert await is_admitted(admits, one)
    redis_stand_in.upstash._redis.execute_command("SCRIPT", "FLUSH")
    redis_stand_in.flush()
    assert await is_admitted(admits, one)
    assert admits._permits.redis.state == "ok"
    await admits._permits.redis.close()


@pytest.mark.parametrize("mode", ["hang", "fail", "refuse"])
async def test_without_redis_an_instance_goes_on_under_its_own_cap(redis_stand_in: RedisStandIn, mode: str) -> None:
    """A time-out for the first event that notices, nothing for the others; never open, never shut."""
    redis = Redis(nobodys_url() if mode == "refuse" else redis_stand_in.url, redis_stand_in.token)
    redis._connected()  # a warm instance: the client is imported
    admits, one = Admission(redis), key(60)
    redis_stand_in.upstash.mode = "fail" if mode == "fail" else "hang"
    began = time.monotonic()
    found = [await is_admitted(admits, one) for _ in range(100)]
    assert time.monotonic() - began < 10  # waits of all would take 25
    assert 60 <= sum(found) <= 61
    assert redis.state == "failing"
    await redis.close()
