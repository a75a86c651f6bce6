"""What an instance remembers of keys: a revoked key ends soon, a stranger's guesses ask nothing, one question at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from lib import key_cache, keys
from lib.errors import Unavailable
from lib.key_cache import KeyCache
from lib.keys import Key

KNOWN = Key(1, 1, "ingest", 1, 600, (), 90, b"", None)
# The promise to whoever revokes a key; other instances never hear of it.
REVOKED_WITHIN_SECONDS = 60


class Stage:
    """A database of keys that counts its questions, and a clock that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.found: dict[str, Key] = {}
        self.asked: Counter[str] = Counter()
        self.away = False
        self.cache = KeyCache(self.find, lambda: self.now)

    async def find(self, secret: str) -> Key | None:
        self.asked[secret] += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable
        return self.found.get(secret)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def settled() -> None:
    """Let questions in the background be answered."""
    for _ in range(4):
        await asyncio.sleep(0)


async def test_a_known_key_is_asked_for_once_in_its_time(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    for _ in range(100):
        assert await stage.cache.get(secret) is KNOWN
    assert stage.asked[secret] == 1
    stage.now += key_cache.KEY_CACHE_SECONDS
    assert await stage.cache.get(secret) is KNOWN
    await settled()
    assert stage.asked[secret] == 2


async def test_no_event_waits_while_a_known_key_is_asked_for_again(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    await stage.cache.get(secret)
    stage.now += key_cache.KEY_CACHE_SECONDS
    stage.found[secret] = changed = KNOWN._replace(rate_per_minute=1)
    for _ in range(10):
        assert await stage.cache.get(secret) is KNOWN
    await settled()
    assert await stage.cache.get(secret) is changed
    assert stage.asked[secret] == 2


async def test_a_revoked_key_ends_with_the_first_question_after_it(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    await stage.cache.get(secret)
    del stage.found[secret]
    while await stage.cache.get(secret):
        await settled()
        stage.now += 1
    assert stage.now <= key_cache.KEY_CACHE_SECONDS + 1


async def test_a_revoked_key_is_refused_within_a_minute_though_nobody_answers(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    await stage.cache.get(secret)
    stage.away = True
    while stage.now < key_cache.KEY_CACHE_SECONDS_MAX < REVOKED_WITHIN_SECONDS:
        assert await stage.cache.get(secret) is KNOWN
        await settled()
        stage.now += 1
    with pytest.raises(Unavailable):
        await stage.cache.get(secret)
    # Asked for again each second, not with each event.
    assert stage.asked[secret] <= 2 + key_cache.KEY_CACHE_SECONDS_MAX - key_cache.KEY_CACHE_SECONDS


async def test_a_key_not_used_for_long_is_asked_for_before_it_is_believed(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    await stage.cache.get(secret)
    del stage.found[secret]
    stage.now += key_cache.KEY_CACHE_SECONDS_MAX
    assert await stage.cache.get(secret) is None


async def test_a_key_in_steady_use_is_not_remembered_longer_for_it(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    await stage.cache.get(secret)
    del stage.found[secret]
    for _ in range(int(key_cache.KEY_CACHE_SECONDS * 10) + 1):
        stage.now += 0.1
        await stage.cache.get(secret)
        await settled()
    assert await stage.cache.get(secret) is None


async def test_an_unknown_key_is_remembered_as_unknown_and_a_new_one_works_soon(stage: Stage) -> None:
    secret = keys.generate("ingest")
    for _ in range(100):
        assert await stage.cache.get(secret) is None
    assert stage.asked[secret] == 1
    stage.found[secret] = KNOWN
    stage.now += key_cache.UNKNOWN_KEY_CACHE_SECONDS
    assert await stage.cache.get(secret) is KNOWN


async def test_a_malformed_key_asks_nothing(stage: Stage) -> None:
    for text in ("", "x", "sns_ingest_", keys.generate("ingest")[:-1], keys.generate("ingest") + "x", "x" * 100_000):
        assert await stage.cache.get(text) is None
    assert not stage.asked


async def test_an_expiry_is_kept_to_the_second_though_the_key_is_remembered(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN._replace(expires_at=datetime.now(UTC) + timedelta(seconds=0.05))
    assert await stage.cache.get(secret)
    await asyncio.sleep(0.06)
    assert await stage.cache.get(secret) is None
    assert stage.asked[secret] == 1


async def test_many_at_once_ask_one_question(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    assert set(await asyncio.gather(*(stage.cache.get(secret) for _ in range(200)))) == {KNOWN}
    assert stage.asked[secret] == 1


async def test_a_caller_that_gave_up_does_not_cancel_the_question_of_others(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    first, second = (asyncio.ensure_future(stage.cache.get(secret)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second is KNOWN
    assert stage.asked[secret] == 1


async def test_a_database_that_is_away_is_not_remembered(stage: Stage) -> None:
    secret = keys.generate("ingest")
    stage.found[secret] = KNOWN
    stage.away = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await stage.cache.get(secret)
    stage.away = False
    assert await stage.cache.get(secret) is KNOWN


async def test_the_memory_is_bounded_and_holds_no_key_in_clear(stage: Stage) -> None:
    known, unknown = stage.cache._known, stage.cache._unknown
    secrets = [keys.generate("ingest") for _ in range(2 * key_cache.KEYS_CACHED_MAX + 100)]
    stage.found = dict.fromkeys(secrets[::2], KNOWN)
    for secret in secrets:
        await stage.cache.get(secret)
    assert (len(known), len(unknown)) == (key_cache.KEYS_CACHED_MAX, key_cache.UNKNOWN_KEYS_CACHED_MAX)
    assert not stage.cache._asking
    assert all(isinstance(digest, bytes) and len(digest) == 32 for digest in [*known, *unknown])
    assert not any(secret in repr(known) + repr(unknown) for secret in secrets[-2:])


async def test_unknown_keys_and_keys_of_others_push_no_key_in_use_out(stage: Stage) -> None:
    used = keys.generate("ingest")
    stage.found[used] = KNOWN
    await stage.cache.get(used)
    for _ in range(key_cache.KEYS_CACHED_MAX + 50):
        other, invented = keys.generate("ingest"), keys.generate("ingest")
        stage.found[other] = KNOWN
        await stage.cache.get(other)
        await stage.cache.get(invented)
        await stage.cache.get(used)
    assert stage.asked[used] == 1
