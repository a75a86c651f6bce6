"""Tags are told once a day by each instance, and again where that was not stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from lib import db, pruning, recording, tags
from lib.recording import Row
from tests.lib.rows import ask, fingerprint, make_project, row

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


def test_names_that_are_others_each_time_are_not_told_for_ever_either() -> None:
    told = tags.Told()
    number = 0
    while new := told.new(*KIND, {f"name{number}-{at}": "x" for at in range(100)}, TODAY):
        told.remember(new)
        number += 1
    assert number == tags.TAGS_OF_KIND_MAX / 100
    assert len(told.new(KEY, 1, fingerprint("b"), {"region": "eu"}, TODAY)) == 1


def test_a_tag_with_many_values_is_told_again_each_day() -> None:
    told = tags.Told()
    for day in range(4):
        for number in range(60):
            new = told.new(*KIND, {"host": str(number)}, TODAY + timedelta(days=day))
            assert len(new) == 1
            told.remember(new)


async def test_the_database_knows_so_many_tags_of_a_kind_however_many_come_at_once(database_url: str) -> None:
    project_id = await make_project(database_url)
    [kind] = [row(project_id, "flood")]
    async with await db.connect(database_url) as conn:
        await recording._record(conn, [kind])
        names, values = list(range(50)), list(range(50))
        for first in (0, 7_000):  # in one statement, and in a second one
            pairs = [(name + first, value) for name in names for value in values]
            await conn.execute(
                "SELECT record_tags(%s, %s::uuid[], %s, %s, 10, 0)",
                [[project_id] * len(pairs), [kind.columns["fingerprint"]] * len(pairs), *map(list, zip(*pairs, strict=True))],
            )
            found = "SELECT count(*), count(*) FILTER (WHERE n > 10) FROM (SELECT name_hash, count(*) AS n FROM incident_tags"
            [(known, too_many)] = await ask(database_url, f"{found} WHERE project_id = %s GROUP BY 1) k", project_id)
            of_all = await ask(database_url, "SELECT count(*) FROM incident_tags WHERE project_id = %s", project_id)
            assert (known, too_many) == (10, 0)
            assert of_all == [(100,)]


async def test_tags_of_a_kind_that_was_one_too_many_are_told_again(database_url: str) -> None:
    project_id = await make_project(database_url, fingerprints_per_minute_max=1)
    told = tags.Told()

    def tagged(name: str) -> Row:
        new = told.new(KEY, project_id, fingerprint(name), {"region": "eu"}, TODAY)
        return row(project_id, name)._replace(tags=new)

    async with await db.connect(database_url) as conn:
        for name in ("apple", "pear"):
            answers = (await recording._record(conn, [tagged(name)])).values()
            told.remember(tag for answer in answers for tag in answer.tags)
        assert tagged("apple").tags == ()
        assert len(tagged("pear").tags) == 1


async def test_of_a_flood_of_tags_one_batch_tells_so_many(database_url: str) -> None:
    project_id, told = await make_project(database_url), tags.Told()
    rows = []
    for number in range(8):
        given = {f"name{at}": "x" for at in range(100)}
        rows.append(row(project_id, number)._replace(tags=told.new(KEY, project_id, fingerprint(number), given, TODAY)))
    async with await db.connect(database_url) as conn:
        answers = (await recording._record(conn, rows)).values()
    assert sum(len(answer.tags) for answer in answers) == tags.BATCH_TAGS_MAX
    [(stored,)] = await ask(database_url, "SELECT count(*) FROM incident_tags WHERE project_id = %s", project_id)
    assert stored == tags.BATCH_TAGS_MAX


def test_what_is_remembered_has_an_end() -> None:
    told = tags.Told()
    for number in range(tags.TOLD_MAX + 2):
        told.remember([tags.Tag(0, 0, number, number, number)])
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
    held = await make_project(database_url, retention_days=30)
    await ask(database_url, insert, held, fingerprint("a"), 7, datetime.now(UTC).date() - timedelta(days=400))
    await ask(database_url, "INSERT INTO legal_holds (project_id, reason) VALUES (%s, 'a case')", held)
    async with await db.connect(database_url) as conn:
        assert (await pruning.plan(conn))["rows"]["tags"] >= 2
        assert pruning.STEPS["tags"] is pruning.prune_tags
        await db.fetch_all(conn, "retention_delete_tags", max_rows=1000)
    left = "SELECT name_hash FROM incident_tags WHERE project_id = %s ORDER BY 1"
    assert [name for (name,) in await ask(database_url, left, project_id)] == [0, 1, 2]
    assert [name for (name,) in await ask(database_url, left, held)] == [7]
