"""A person who stands in events: found, exported and erased, everywhere in the workspace and nowhere else."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

import local.erasures
from lib import audit, db, erasures, holds, keys, payloads, pruning, subjects
from lib.errors import InvalidRequest, NotFound
from lib.intake import Incoming, prepare
from lib.recording import Row
from tests.lib import canaries
from tests.lib.expiring import day, record
from tests.lib.rows import ask, counts, make_project


class Shop:
    """A project whose events are prepared as ingest prepares them."""

    def __init__(self, url: str, project_id: int, workspace_id: int, hash_key: bytes) -> None:
        self.url, self.project_id, self.workspace_id, self._hash_key = url, project_id, workspace_id, hash_key

    def event(self, retention_days: int = 90, **payload: Any) -> Row:
        key = keys.Key(self.project_id, 1, "ingest", self.workspace_id, 1000, (), retention_days, self._hash_key, None)
        return prepare(Incoming({"message": "no plan", **payload}, None), key, datetime.now(UTC))

    async def actor(self) -> audit.Actor:
        return audit.Actor(self.workspace_id, None, "person", None)

    async def subject(self, kind: subjects.Kind, value: str) -> subjects.Subject:
        async with await db.connect(self.url) as conn:
            return await subjects.identify(conn, self.workspace_id, kind, value)

    async def request(self, kind: subjects.Kind, value: str) -> int:
        subject = await self.subject(kind, value)
        async with await db.connect(self.url) as conn, conn.transaction():
            return int((await erasures.request(conn, await self.actor(), subject))["id"])

    async def erase(self, kind: subjects.Kind, value: str) -> dict[str, Any]:
        """Until it is done; the receipt."""
        erasure_id = await self.request(kind, value)
        await run(self.url)
        async with await db.connect(self.url) as conn:
            receipt = await erasures.read(conn, self.workspace_id, erasure_id)
        assert receipt["finished_at"]
        return receipt

    async def export(self, kind: subjects.Kind, value: str) -> list[dict[str, Any]]:
        @asynccontextmanager
        async def connect() -> AsyncIterator[db.Connection]:
            async with await db.connect(self.url) as conn:
                yield conn

        subject = await self.subject(kind, value)
        text = b"".join([part async for part in subjects.export(connect, subject, subjects.ALWAYS)])
        *lines, last = [orjson.loads(line) for line in text.splitlines()]
        assert last == {"complete": True, "events": len(lines)}
        return lines


async def run(url: str) -> dict[str, Any]:
    async with await db.connect(url) as conn:
        report = await pruning.run(conn, 60)
    assert report["failed"] == []
    return report


@pytest.fixture
async def shop(database_url: str) -> Shop:
    return await another(database_url, await make_project(database_url))


async def another(url: str, project_id: int) -> Shop:
    sql = "SELECT w.id, w.person_hash_key FROM projects p JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = %s"
    [(workspace_id, hash_key)] = await ask(url, sql, project_id)
    return Shop(url, project_id, workspace_id, bytes(hash_key))


def canary() -> str:
    return f"zc{secrets.token_hex(8)}"


PLACES: dict[str, Any] = {
    "as the user": lambda who: {"user": {"id": who}},
    "as the user, beside an id that counts": lambda who: {"user": {"id": "somebody", "username": who}},
    "in a tag": lambda who: {"tags": {"customer": who}},
    "in a breadcrumb": lambda who: {"breadcrumbs": [{"message": f"loaded /customers/{who}?tab=1"}]},
    "in the message": lambda who: {"message": f"no plan for customer {who}."},
    "in extra, deep": lambda who: {"extra": {"order": [{"buyer": who, "n": 1}]}},
    "in a variable": lambda who: {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [
        {"function": "f", "vars": {"c": f"'{who}'"}}]}}]}},
    "in another case": lambda who: {"tags": {"customer": who.upper()}},
    "as the route": lambda who: {"transaction": f"/customers/{who}"},
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
async def test_a_person_is_found_and_erased_wherever_they_stand(database_url: str, shop: Shop, place: str) -> None:
    who, other = canary(), canary()
    events = [shop.event(**PLACES[place](one)) for one in (who, other)]
    await record(database_url, events)
    assert canaries.found_in(canaries.database(database_url).lower(), who)
    exported = await shop.export("id", who)
    assert [one["event_id"] for one in exported] == [str(uuid.UUID(events[0].columns["event_id"]))]
    receipt = await shop.erase("id", who)
    assert receipt["removed"]["events"] == receipt["removed"]["payloads"] == 1
    left = "SELECT user_hash FROM incident_people WHERE project_id = %s AND user_hash = ANY (%s)"
    assert await ask(database_url, left, shop.project_id, (await shop.subject("id", who)).user_hashes) == []
    assert who not in orjson.dumps(receipt, default=str).decode()
    found = canaries.database(database_url).lower()
    assert not canaries.found_in(found, who)
    assert canaries.found_in(found, other)
    assert await shop.export("id", who) == []
    assert (await counts(database_url, shop.project_id))["incidents"] == 2  # counts stay


@pytest.mark.parametrize(
    ("kind", "value"), [("email", "Jane.Doe@example.com"), ("ip_address", "203.0.113.77"), ("username", "jane_doe_77")]
)
async def test_a_person_is_found_by_what_redaction_hides(database_url: str, shop: Shop, kind: subjects.Kind, value: str) -> None:
    mine, others = shop.event(user={kind: value}), shop.event(user={kind: "z" + value})
    hashed = shop.event(user={"id": "5", kind: value})  # counted by its id, and the address itself is hashed or removed
    await record(database_url, [mine, others, hashed])
    found = {one["event_id"].replace("-", "") for one in await shop.export(kind, f" {value} ")}
    assert mine.columns["event_id"] in found
    assert others.columns["event_id"] not in found
    if kind == "username":
        assert hashed.columns["event_id"] in found
    receipt = await shop.erase(kind, value)
    assert receipt["removed"]["events"] == len(found)


async def test_a_short_identifier_is_looked_for_as_the_user_only(database_url: str, shop: Shop) -> None:
    await record(database_url, [shop.event(user={"id": 7}), shop.event(tags={"shelf": "7"}), shop.event(user={"id": 77})])
    assert len(await shop.export("id", "7")) == 1
    receipt = await shop.erase("id", "7")
    assert receipt["removed"]["events"] == 1


async def test_other_workspaces_are_not_touched(database_url: str, shop: Shop) -> None:
    who, neighbour = canary(), await another(database_url, await make_project(database_url))
    await record(database_url, [shop.event(user={"id": who}), neighbour.event(user={"id": who})])
    await shop.erase("id", who)
    assert (await counts(database_url, shop.project_id))["events"] == 0
    assert (await counts(database_url, neighbour.project_id))["events"] == 1
    assert len(await neighbour.export("id", who)) == 1


async def test_what_is_held_stays_and_the_receipt_says_so(database_url: str, shop: Shop) -> None:
    who = canary()
    await record(database_url, [shop.event(user={"id": who})])
    async with await db.connect(database_url) as conn, conn.transaction():
        hold = await holds.place(conn, await shop.actor(), shop.project_id, None, "case 7")
    receipt = await shop.erase("id", who)
    assert receipt["removed"]["events"] == 0
    assert receipt["removed"]["held"] >= 1
    async with await db.connect(database_url) as conn, conn.transaction():
        await holds.end(conn, await shop.actor(), shop.project_id, hold["id"])
    assert (await shop.erase("id", who))["removed"]["events"] == 1


async def test_light_rows_without_payload_and_payloads_beside_their_partition_go_too(database_url: str, shop: Shop) -> None:
    who = canary()
    await record(database_url, [shop.event(-1, user={"id": who}), shop.event(5, tags={"customer": who})])
    await run(database_url)
    await ask(
        database_url,
        "INSERT INTO kept_payloads (project_id, received_at, event_id, fingerprint, expires_on, dictionary, payload, kept_until)"
        " SELECT project_id, received_at, event_id, gen_random_uuid(), expires_on, dictionary, payload, today() + 9"
        "   FROM event_payloads WHERE project_id = %s",
        shop.project_id,
    )
    assert len(await shop.export("id", who)) == 2
    receipt = await shop.erase("id", who)
    assert (receipt["removed"]["events"], receipt["removed"]["payloads"]) == (2, 2)
    assert not canaries.found_in(canaries.database(database_url), who)


async def test_an_erasure_in_many_steps_is_interrupted_anywhere_and_goes_on(
    database_url: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "PAGE_EVENTS", 3)
    monkeypatch.setattr(erasures, "TEXT_ROWS", 3)
    who = canary()
    await record(database_url, [shop.event(user={"id": who}, message=f"plan {n}") for n in range(8)])
    await record(database_url, [shop.event(tags={"customer": who if n % 2 else "x"}, message=f"{who} {n}") for n in range(8)])
    erasure_id = await shop.request("id", who)
    steps = 0
    while True:
        async with await db.connect(database_url) as conn, conn.transaction():
            row = await db.fetch_one(conn, "erasure_claim", workspace_id=shop.workspace_id, erasure_id=erasure_id)
            if row is None:
                break
            await (await erasures.Search.begin(conn, row)).step(conn, row)  # each step by another run
            steps += 1
    assert steps > 10
    async with await db.connect(database_url) as conn:
        receipt = await erasures.read(conn, shop.workspace_id, erasure_id)
    assert receipt["removed"]["events"] == receipt["removed"]["payloads"] == 16
    assert not canaries.found_in(canaries.database(database_url), who)


async def test_erasures_are_replayed_on_a_restored_backup_without_what_came_later(database_url: str, shop: Shop) -> None:
    who = canary()
    old = shop.event(user={"id": who})
    await record(database_url, [old])
    await shop.erase("id", who)
    told = local.erasures.read(await local.erasures.export(database_url))
    [line] = [one for one in told if one["workspace_id"] == shop.workspace_id]
    assert who not in str(line)
    await ask(database_url, "DELETE FROM erasures WHERE workspace_id = %s", shop.workspace_id)  # as the backup has it
    await record(database_url, [old])
    await ask(database_url, "UPDATE events SET received_at = %s WHERE project_id = %s", *earlier(line), shop.project_id)
    await ask(database_url, "UPDATE event_payloads SET received_at = %s WHERE project_id = %s", *earlier(line), shop.project_id)
    await record(database_url, [shop.event(user={"id": who})])  # they came back since, of their own will
    async with await db.connect(database_url) as conn:
        assert await local.erasures.replay(database_url, [line]) == 1
        assert not await erasures.replay(conn, line)  # once is enough
        assert not await erasures.replay(conn, {**line, "workspace_id": 2**60})
    await run(database_url)
    assert (await counts(database_url, shop.project_id))["events"] == 1
    assert old.columns["event_id"] not in str(await shop.export("id", who)).replace("-", "")


def earlier(line: dict[str, Any]) -> list[datetime]:
    return [datetime.fromisoformat(line["requested_at"]) - timedelta(seconds=1)]


async def test_an_erasure_is_in_the_trail_without_the_person(database_url: str, shop: Shop) -> None:
    who = canary()
    await shop.erase("id", who)
    told = await ask(database_url, "SELECT action, before, after FROM audit_log WHERE workspace_id = %s", shop.workspace_id)
    assert told == [("subject.erase", None, None)]


@pytest.mark.parametrize("value", ["", "  ", "x" * 321])
async def test_a_person_is_named_by_something(database_url: str, shop: Shop, value: str) -> None:
    with pytest.raises(InvalidRequest):
        await shop.subject("id", value)


async def test_of_a_workspace_that_is_not_there_nobody_is_found(database_url: str, shop: Shop) -> None:
    async with await db.connect(database_url) as conn:
        with pytest.raises(NotFound):
            await subjects.identify(conn, 2**60, "id", "somebody")
        with pytest.raises(NotFound):
            await erasures.read(conn, shop.workspace_id, 2**60)


TEXTS = [
    "no plan for {}", "{}", "'{}'", "/customers/{}/orders?id=1", "id={}", "user:{}", "({}), then", '{{"id":"{}","n":1}}', "{}.",
    "x {}\n",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
async def test_the_database_and_python_find_the_same_words(database_url: str, shop: Shop, text: str) -> None:
    who = canary()
    subject = await shop.subject("id", who)
    pads = [erasures._padded(subject.hash_key, value) for value in (0x36, 0x5C)]
    for found in (who, who.upper(), f"z{who}", f"{who}z", who[:-1], "nobody"):
        body = text.format(found)
        [(left,)] = await ask(database_url, "SELECT erased_text(%s, %s, %s, %s)", body, subject.mark, *pads)
        assert (left != body) == subjects.Words(subject).mention(body) == (found.lower() == who), body
        assert not canaries.found_in(left.lower().encode(), who) or found in (f"z{who}", f"{who}z")


async def test_a_payload_that_cannot_be_read_does_not_stop_an_erasure(database_url: str, shop: Shop) -> None:
    who = canary()
    await record(database_url, [shop.event(user={"id": who}), shop.event(tags={"customer": who})])
    await record(database_url, [shop.event()._replace(payload=b"damaged")])
    receipt = await shop.erase("id", who)
    assert receipt["removed"]["events"] == 2
    assert payloads.CURRENT_VERSION


async def test_the_log_of_an_erasure_can_be_replayed_and_names_nobody(
    database_url: str, shop: Shop, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    who = canary()
    await record(database_url, [shop.event(user={"id": who})])
    await shop.erase("id", who)
    told = capfdbinary.readouterr().out.decode()
    assert who not in told
    [line] = [one for one in local.erasures.read(told) if one["workspace_id"] == shop.workspace_id]
    subject = await shop.subject("id", who)
    assert (line["mark"], line["user_hashes"]) == (subject.mark, [one.hex() for one in subject.user_hashes])


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
async def test_a_day_is_a_day_of_utc_whatever_the_servers_time_zone(database_url: str, shop: Shop, zone: str) -> None:
    who = canary()
    await record(database_url, [shop.event(user={"id": who}) for _ in range(2)])
    sql = """WITH n AS (SELECT event_id, row_number() OVER () AS n FROM events WHERE project_id = %s)
             UPDATE events e SET received_at = (today()::timestamp AT TIME ZONE 'UTC') + CASE n WHEN 1 THEN interval '1 minute'
                    ELSE interval '23 hours 59 minutes' END FROM n WHERE n.event_id = e.event_id"""
    await ask(database_url, sql, shop.project_id)
    subject = await shop.subject("id", who)
    async with await db.connect(f"{database_url}&options=-c%20timezone%3D{zone}") as conn:
        place = subjects.Place(shop.project_id, "received", day(0))
        page = await subjects.look(conn, subject, subjects.Words(subject), place, subjects.ALWAYS, None)
    assert len(page.found) == 2
