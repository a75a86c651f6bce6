"""Tags are told once a day by each instance, and again where that was not stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from lib import db, pruning, tags
from tests.lib.rows import ask, fingerprint, make_project

KEY, TODAY = b"k" * 32, date(2026, 11, 26)
KIND = (KEY, 1, fingerprint("a"))


def test_a_tag_is_told_once_a_day_and_for_each_kind_of_error() -> None:
    told = tags.Told()
    first = told.new(*KIND, {"region": "eu", "plan": "free"}, TODAY)
    assert len(first) == 2
    assert told.new(*KIND, {"region": "eu"}, TODAY) == first[:1]  # not stored yet: told again
    told.remember(first)
    assert told.new(*KIND, {"region": "eu", "plan": "free"}, TODAY) == ()
    assert len(told.new(*KIND, {"region": "us", "plan": "free"}, TODAY)) == 1
    assert len(told.new(*KIND, {"region": "eu"}, TODAY + timedelta(days=1))) == 1
    assert len(told.new(KEY, 1, fingerprint("b"), {"region": "eu"}, TODAY)) == 1
    assert len(told.new(KEY, 2, fingerprint("a"), {"region": "eu"}, TODAY)) == 1


def test_a_tag_that_is_another_each_time_is_not_told_for_ever() -> None:
    told = tags.Told()
    number = 0
    while new := told.new(*KIND, {"request": str(number)}, TODAY):
        told.remember(new)
        number += 1
    assert number == tags.VALUES_MAX
    assert len(told.new(*KIND, {"region": "eu"}, TODAY)) == 1


def test_what_is_remembered_has_an_end() -> None:
    told = tags.Told()
    for number in range(tags.TOLD_MAX + 2):
        told.remember([tags.Tag(0, 0, number, number)])
    assert told.new(*KIND, {"region": "eu"}, TODAY)
    assert len(told._keys) < 10


def test_hashes_need_the_workspaces_key_and_know_no_case() -> None:
    assert tags.hashed(KEY, "EU") == tags.hashed(KEY, "eu")
    assert tags.hashed(KEY, "eu") != tags.hashed(b"other", "eu")
    assert -(2**63) <= tags.hashed(KEY, "\ud800") < 2**63


async def test_tags_go_when_no_payload_can_be_left_that_said_so(database_url: str) -> None:
    project_id = await make_project(database_url, retention_days=30)
    insert = "INSERT INTO incident_tags VALUES (%s, %s, %s, 1, %s)"
    for name, age in enumerate((0, 30, 31, 32, 400)):
        day = datetime.now(UTC).date() - timedelta(days=age)
        await ask(database_url, insert, project_id, fingerprint("a"), name, day)
    async with await db.connect(database_url) as conn:
        assert pruning.STEPS["tags"] is pruning.prune_tags
        await db.fetch_all(conn, "retention_delete_tags", max_rows=1000)
    left = "SELECT name_hash FROM incident_tags WHERE project_id = %s ORDER BY 1"
    assert [name for (name,) in await ask(database_url, left, project_id)] == [0, 1, 2]
