"""Redis over REST: every call is bounded, none is repeated, and one that fails is left alone for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from lib import redis as lib_redis
from lib.redis import Redis, RedisUnavailableError
from local import serving
from tests.conftest import RedisStandIn

COUNT = "return {redis.call('INCRBY', KEYS[1], ARGV[1])}"


@pytest.fixture
async def redis(redis_stand_in: RedisStandIn) -> AsyncIterator[Redis]:
    made = Redis(redis_stand_in.url, redis_stand_in.token)
    yield made
    await made.close()


async def is_away(redis: Redis) -> bool:
    try:
        await redis.run(COUNT, ["n"], ["1"])
    except RedisUnavailableError:
        return True
    return False


async def test_a_script_is_sent_once_and_then_called_by_its_hash(redis: Redis, redis_stand_in: RedisStandIn) -> None:
    assert [await redis.run(COUNT, ["n"], ["2"]) for _ in range(5)] == [[2], [4], [6], [8], [10]]
    assert redis_stand_in.upstash.commands == 5
    assert redis.state == "ok"


async def test_a_redis_that_forgot_the_script_is_given_it_again(redis: Redis, redis_stand_in: RedisStandIn) -> None:
    await redis.run(COUNT, ["n"], ["1"])
    redis_stand_in.upstash._redis.execute_command("SCRIPT", "FLUSH")
    assert await redis.run(COUNT, ["n"], ["1"]) == [2]


@pytest.mark.parametrize("mode", ["hang", "fail"])
async def test_a_failing_redis_is_bounded_in_time_and_left_alone_for_a_while(
    redis: Redis, redis_stand_in: RedisStandIn, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(lib_redis, "PAUSE_SECONDS", 0.2)
    assert not await is_away(redis)
    redis_stand_in.upstash.mode = "hang" if mode == "hang" else "fail"
    began = time.monotonic()
    assert await is_away(redis)
    assert time.monotonic() - began < lib_redis.TIMEOUT_SECONDS + 2
    assert redis.state == "failing"
    began, waits = time.monotonic(), []
    while time.monotonic() < began + 0.6:  # three pauses: each is followed by one question, for which nobody waits
        asked_at = time.monotonic()
        assert await is_away(redis)
        waits.append(time.monotonic() - asked_at)
        await asyncio.sleep(0.01)
    assert sorted(waits)[len(waits) // 2] < 0.1
    redis_stand_in.upstash.mode = "work"
    # Found out in the background: nobody waits for it, and soon all have it again.
    deadline = time.monotonic() + 5
    while await is_away(redis) and time.monotonic() < deadline:  # noqa: ASYNC110 - there is nothing to wait for but time
        await asyncio.sleep(0.02)
    assert redis.state == "ok"


async def test_a_script_that_redis_refuses_is_as_bad_as_none_at_all(redis: Redis) -> None:
    with pytest.raises(RedisUnavailableError):
        await redis.run("return nonsense(", [], [])


async def test_a_wrong_token_or_address_is_as_bad_as_none_at_all(redis_stand_in: RedisStandIn) -> None:
    with serving.listen() as listener:
        nobody = serving.url_of(listener)
    for url, token in ((redis_stand_in.url, "wrong"), (nobody, "any"), ("http://[", "any"), ("not a url", "any")):
        redis = Redis(url, token)
        assert await is_away(redis), url
        assert redis.state == "failing"
        await redis.close()


async def test_without_settings_nobody_is_asked() -> None:
    redis = Redis(url="", token="")
    assert await is_away(redis)
    assert redis.state == "not_configured"
    assert redis._client is None
    await redis.close()
