"""The Upstash stand-in, asked by Upstash's own client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx
import pytest
from upstash_redis.asyncio import Redis
from upstash_redis.errors import UpstashError

if TYPE_CHECKING:
    from tests.conftest import RedisStandIn

TAKE = """#!lua flags=no-writes
local used = redis.call('INCRBY', KEYS[1], ARGV[1])
if used > tonumber(ARGV[2]) then redis.call('DECRBY', KEYS[1], ARGV[1]) return {0, used - ARGV[1]} end
redis.call('EXPIRE', KEYS[1], 60)
return {1, used}
"""


@pytest.fixture
async def client(redis_stand_in: RedisStandIn) -> AsyncIterator[Redis]:
    async with Redis(redis_stand_in.url, redis_stand_in.token, rest_retries=0) as client:
        yield client


async def test_values_come_back_as_they_were_sent(client: Redis) -> None:
    for value in ("plain", "ünï\n\x00", "OK", "", "1.50"):
        assert await client.set("key", value)
        assert await client.get("key") == value
    assert await client.get("missing") is None
    await client.hset("hash", values={"a": "1", "b": "2"})
    assert await client.hgetall("hash") == {"a": "1", "b": "2"}
    assert await client.mget("key", "missing") == ["1.50", None]


async def test_a_script_is_run_by_its_hash_once_it_is_known(client: Redis) -> None:
    sha = "0" * 40
    with pytest.raises(UpstashError, match=r"^NOSCRIPT "):
        await client.evalsha(sha, keys=["quota"], args=["3", "10"])
    assert await client.eval(TAKE, keys=["quota"], args=["3", "10"]) == [1, 3]
    sha = await client.script_load(TAKE)
    assert await client.evalsha(sha, keys=["quota"], args=["7", "10"]) == [1, 10]
    assert await client.evalsha(sha, keys=["quota"], args=["1", "10"]) == [0, 10]
    assert 0 < await client.ttl("quota") <= 60


async def test_a_script_is_atomic(client: Redis) -> None:
    await asyncio.gather(*(client.eval(TAKE, keys=["quota"], args=["1", "20"]) for _ in range(40)))
    assert await client.get("quota") == "20"


async def test_a_pipeline_and_a_transaction_answer_item_by_item(client: Redis, redis_stand_in: RedisStandIn) -> None:
    for batch in (client.pipeline(), client.multi()):
        batch.set("n", "1")
        batch.incr("n")
        batch.get("n")
        assert await batch.exec() == [True, 2, "2"]
    assert redis_stand_in.upstash.commands == 6


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["NOPE"], "ERR unknown command"),
        (["SET", "a"], "ERR wrong number of arguments"),
        (["HGET", "text", "a"], "WRONGTYPE Operation"),
        (["EVAL", "return redis.error_reply('MY own')", "0"], "MY own"),
    ],
)
async def test_an_error_carries_the_code_that_redis_gives(client: Redis, command: list[str], message: str) -> None:
    await client.set("text", "a")
    with pytest.raises(UpstashError, match=f"^{message}"):
        await client.execute(command)


async def test_a_wrong_password_is_refused(redis_stand_in: RedisStandIn) -> None:
    async with Redis(redis_stand_in.url, "wrong", rest_retries=0) as client:
        with pytest.raises(UpstashError, match="WRONGPASS"):
            await client.get("a")


async def test_a_test_can_take_it_away_and_give_it_back(client: Redis, redis_stand_in: RedisStandIn) -> None:
    redis_stand_in.upstash.mode = "fail"
    with pytest.raises(UpstashError):
        await client.get("a")
    redis_stand_in.upstash.mode = "hang"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await client.get("a")
    redis_stand_in.upstash.mode = "work"
    assert await client.get("a") is None


async def test_a_caller_that_wants_no_base64_gets_plain_text(redis_stand_in: RedisStandIn) -> None:
    headers = {"Authorization": f"Bearer {redis_stand_in.token}"}
    async with httpx.AsyncClient(base_url=redis_stand_in.url, headers=headers) as http:
        assert (await http.post("/", json=["SET", "a", "é"])).json() == {"result": "OK"}
        assert (await http.post("/pipeline", json=[["GET", "a"], ["NOPE"]])).json()[0] == {"result": "é"}
