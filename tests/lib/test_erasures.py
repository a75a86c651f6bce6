"""A person who stands in events: found, exported and erased, everywhere in the workspace and nowhere else."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

import local.erasures
from lib import audit, db, erasing, erasures, holds, keys, payloads, pruning, recording, subjects, tags
from lib.erasing import Search
from lib.errors import InvalidRequest, NotFound
from lib.intake import Incoming, prepare
from lib.mentions import Mentions
from lib.recording import Row
from tests.lib import canaries
from tests.lib.expiring import day, record
from tests.lib.rows import ask, counts, fingerprint, make_project, row

COPY_KEPT = """
    INSERT INTO kept_payloads (project_id, received_at, event_id, fingerprint, expires_on, dictionary, payload, kept_until)
    SELECT project_id, received_at, event_id, gen_random_uuid(), expires_on, dictionary, payload, today() + 9
      FROM event_payloads WHERE project_id = %s"""
ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)  # later than any event


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

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[db.Connection]:
        async with await db.connect(self.url) as conn:
            yield conn

    async def export(self, kind: subjects.Kind, value: str) -> list[dict[str, Any]]:
        subject = await self.subject(kind, value)
        text = b"".join([part async for part in subjects.export(self.connect, subject)])
        *lines, last = [orjson.loads(line) for line in text.splitlines()]
        assert last == {"complete": True, "events": len(lines), "cursor": None}
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
    "in the release": lambda who: {"release": f"shop@1+{who}"},
    "in the environment": lambda who: {"environment": f"review-{who}"},
    "behind a line's end": lambda who: {"message": f"the user\n{who}\nhas no plan"},
    "as a member's name": lambda who: {"extra": {"by_customer": {who: 1}}},
}  # fmt: skip


async def test_a_person_is_found_and_erased_wherever_they_stand(database_url: str, shop: Shop) -> None:
    who, other = canary(), canary()
    events = {one: {place: shop.event(**made(one)) for place, made in PLACES.items()} for one in (who, other)}
    await record(database_url, [event for places in events.values() for event in places.values()])
    assert canaries.found_in(canaries.database(database_url).lower(), who)
    before = await counts(database_url, shop.project_id)
    found = {one["event_id"].replace("-", "") for one in await shop.export("id", who)}
    assert [place for place, event in events[who].items() if event.columns["event_id"] not in found] == []
    assert len(found) == len(PLACES)
    receipt = await shop.erase("id", who)
    assert receipt["removed"]["events"] == receipt["removed"]["payloads"] == len(PLACES)
    left = "SELECT user_hash FROM incident_people WHERE project_id = %s AND user_hash = ANY (%s)"
    assert await ask(database_url, left, shop.project_id, (await shop.subject("id", who)).user_hashes) == []
    assert who not in orjson.dumps(receipt, default=str).decode()
    dump = canaries.database(database_url).lower()
    assert not canaries.found_in(dump, who)
    assert canaries.found_in(dump, other)
    assert await shop.export("id", who) == []
    after = await counts(database_url, shop.project_id)
    for counted in ("incidents", "incident_fingerprints", "event_counts"):
        assert after[counted] == before[counted] == 2 * len(PLACES)  # counts stay


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
    await ask(database_url, COPY_KEPT, shop.project_id)
    assert len(await shop.export("id", who)) == 2
    receipt = await shop.erase("id", who)
    assert (receipt["removed"]["events"], receipt["removed"]["payloads"]) == (2, 2)
    assert not canaries.found_in(canaries.database(database_url), who)


async def test_a_light_row_that_mentions_somebody_goes_though_its_payload_has_gone_before(database_url: str, shop: Shop) -> None:
    who, other = canary(), canary()
    await record(database_url, [shop.event(-1, transaction=f"/customers/{one}") for one in (who, who, other)])
    await run(database_url)
    assert [one["payload"] for one in await shop.export("id", who)] == [None, None]
    receipt = await shop.erase("id", who)
    assert (receipt["removed"]["events"], receipt["removed"]["payloads"]) == (2, 0)
    assert (await counts(database_url, shop.project_id))["events"] == 1


async def test_a_name_that_is_erased_from_counts_adds_them_up(database_url: str, shop: Shop) -> None:
    who = canary()
    names = [f"shop@1+{who}", f"shop@1+{who.upper()}", "shop@2"]
    await record(database_url, [shop.event(release=name, environment=f"on-{who}") for name in names])
    await shop.erase("id", who)
    sql = "SELECT environment, release, event_count FROM event_counts WHERE project_id = %s ORDER BY release"
    assert await ask(database_url, sql, shop.project_id) == [("on-[gone]", "shop@1+[gone]", 2), ("on-[gone]", "shop@2", 1)]
    sql = "SELECT release FROM releases WHERE project_id = %s ORDER BY 1"
    assert await ask(database_url, sql, shop.project_id) == [("shop@1+[gone]",), ("shop@2",)]
    assert (await counts(database_url, shop.project_id))["incidents"] == 3


async def test_texts_of_what_is_held_stay_and_the_others_go(database_url: str, shop: Shop) -> None:
    who = canary()
    await record(database_url, [shop.event(message=f"{what} failed for {who}") for what in ("checkout", "login")])
    found = await ask(database_url, "SELECT id, title FROM incidents WHERE project_id = %s ORDER BY title", shop.project_id)
    assert len(found) == 2
    async with await db.connect(database_url) as conn, conn.transaction():
        hold = await holds.place(conn, await shop.actor(), shop.project_id, found[0][0], "case 7")
    receipt = await shop.erase("id", who)
    assert receipt["removed"]["held_texts"] >= 1
    titles = "SELECT title FROM incidents WHERE project_id = %s ORDER BY title"
    [(held,), (free,)] = await ask(database_url, titles, shop.project_id)
    assert (who in held, who in free) == (True, False)
    async with await db.connect(database_url) as conn, conn.transaction():
        await holds.end(conn, await shop.actor(), shop.project_id, hold["id"])
    await shop.erase("id", who)
    assert not canaries.found_in(canaries.database(database_url), who)


async def test_a_text_that_changes_while_somebody_is_erased_is_looked_at_again(database_url: str, shop: Shop) -> None:
    who = canary()
    await record(database_url, [shop.event(message=f"no plan for {who}")])
    place = {"project_id": shop.project_id, "relation": "incidents"}
    async with await db.connect(database_url) as conn:
        told = {**place, "fields": ["title"], "incidents": "id", "after": None, "max_rows": 10}
        [row] = await db.fetch_all(conn, "erasure_list_texts", **told)
        await ask(database_url, "UPDATE incidents SET title = 'newer' WHERE project_id = %s", shop.project_id)
        texts = {"was": orjson.dumps(row["texts"]).decode(), "wanted": '{"title": "older"}'}
        assert await db.fetch_one(conn, "erasure_update_text", **place, key=row["key"], **texts) == {"replaced": False}
    assert await ask(database_url, "SELECT title FROM incidents WHERE project_id = %s", shop.project_id) == [("newer",)]


# Texts of a project that erasing a person leaves alone, and why.
OTHER_TEXTS = {
    "alert_rules": "settings of members, which say nothing of events",
    "alert_states": "names of conditions",
    "analysis_options": "settings of members",
    "archives": "names and checksums of objects, which are erased themselves",
    "channels": "settings of members",
    "events": "erased as rows",
    "event_counts": "renamed with releases and environments",
    "keys": "settings of members",
    "legal_holds": "why something is held stays as long as it is",
    "notices": "numbers",
    "outcomes": "words of ours",
    "project_rules": "settings of members",
    "project_slugs": "settings of members",
    "projects": "settings of members",
    "recipients": "to whom alerts go, who end that themselves",
}


async def test_each_text_of_a_project_is_looked_at_or_left_alone_for_a_reason(database_url: str) -> None:
    sql = """SELECT c.relname, a.attname
               FROM pg_class c
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND format_type(a.atttypid, NULL) IN ('text', 'text[]', 'jsonb', 'json', 'character varying')
                AND (c.relname = 'projects' OR EXISTS (
                       SELECT FROM pg_attribute o WHERE o.attrelid = c.oid AND o.attname = 'project_id'))"""
    looked_at = {
        relation: set(fields) for relation, fields in await ask(database_url, "SELECT relation, fields FROM kept_texts()")
    }
    ours = {  # columns whose words are ours, or a person's choice among ours
        *("status", "level", "kind", "platform", "rule", "state", "cause", "model", "purpose", "recipient", "idempotency_key"),
        *("provider_id", "outcome", "action", "object_id", "actor_kind", "address", "release_key", "name", "sort", "sender"),
        "dropped_for",
    }
    missing = {
        (relation, field)
        for relation, field in await ask(database_url, sql)
        if relation not in OTHER_TEXTS and field not in looked_at.get(relation, set()) and field not in ours
    }
    assert missing == {("outcome_samples", "reason")}  # one of the reasons that outcomes are counted by
    assert not set(OTHER_TEXTS) & set(looked_at)


async def test_the_planners_statistics_quote_no_text_and_no_name_of_somebody_erased(database_url: str, shop: Shop) -> None:
    who = canary()
    # So often that it is among the commonest, whatever other tests have written.
    await record(database_url, [row(shop.project_id, crash, release=f"shop@{who}") for crash in range(200)])
    await ask(
        database_url, "ANALYZE incidents, incident_fingerprints, event_counts, releases, transitions, deliveries, audit_log"
    )
    quoted = "SELECT relation::text FROM quoted_in_statistics() WHERE quoted LIKE %s"
    assert ("event_counts",) in await ask(database_url, quoted, f"%{who}%")
    texts = """SELECT t.relation, a.attname
                 FROM kept_texts() t JOIN pg_attribute a ON a.attrelid = t.relation::regclass AND a.attname = ANY (t.fields)
                WHERE a.attstattarget IS DISTINCT FROM 0 AND a.attname !~ 'release|environment'"""
    assert await ask(database_url, texts) == []
    await shop.erase("id", who)
    assert await ask(database_url, quoted, f"%{who}%") == []


async def test_an_export_goes_on_where_it_stopped_and_tells_each_event_once(
    database_url: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PAGE_EVENTS": 2, "PAGE_LIGHT": 3, "EXPORT_SECONDS": 0.0}.items():
        monkeypatch.setattr(subjects, name, value)
    who = canary()
    mine = [shop.event(user={"id": who}) for _ in range(7)] + [shop.event(tags={"by": who}) for _ in range(5)]
    mine += [shop.event(user={"id": who}, transaction=f"/{who}", tags={"by": who}), shop.event(30, extra={"by": who})]
    await record(database_url, mine + [shop.event(tags={"by": canary()}) for _ in range(5)])
    subject = await shop.subject("id", who)
    parts: list[list[dict[str, Any]]] = []
    start = None
    while not parts or parts[-1][-1]["cursor"]:
        text = b"".join([piece async for piece in subjects.export(shop.connect, subject, start)])
        parts.append([orjson.loads(line) for line in text.splitlines()])
        if cursor := parts[-1][-1]["cursor"]:
            start = subjects.decode(cursor)
        if len(parts) == 1:
            await record(database_url, [shop.event(user={"id": who})])  # what comes meanwhile is in none
    told = [one["event_id"].replace("-", "") for part in parts for one in part[:-1]]
    assert sorted(told) == sorted(one.columns["event_id"] for one in mine)
    assert len(parts) > 5
    assert [part[-1]["complete"] for part in parts] == [False] * (len(parts) - 1) + [True]
    assert all(part[-1]["events"] == len(part) - 1 for part in parts)


async def test_what_was_put_back_beside_its_partition_is_told_once(database_url: str, shop: Shop) -> None:
    who = canary()
    await record(database_url, [shop.event(5, tags={"by": who}), shop.event(5, user={"id": who})])
    await ask(database_url, COPY_KEPT, shop.project_id)
    assert len(await shop.export("id", who)) == 2


async def test_an_erasure_in_many_steps_is_interrupted_anywhere_and_goes_on(
    database_url: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "PAGE_EVENTS", 3)
    monkeypatch.setattr(subjects, "PAGE_LIGHT", 3)
    monkeypatch.setattr(erasing, "TEXT_ROWS", 3)
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
            await (await Search.begin(conn, row)).step(conn, row)  # each step by another run
            steps += 1
    assert steps > 20
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
    [line] = [one for one in told if one.get("workspace_id") == shop.workspace_id]
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
    [line] = [one for one in local.erasures.read(told) if one.get("workspace_id") == shop.workspace_id]
    subject = await shop.subject("id", who)
    assert (line["mark"], line["user_hashes"]) == (subject.sought.mark, [one.hex() for one in subject.user_hashes])


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
        page = await subjects.look(conn, subject, Mentions(subject.sought), place, ALWAYS, None)
    assert len(page.found) == 2


async def test_tags_that_tell_of_a_person_go_with_them(database_url: str, shop: Shop) -> None:
    """With their events whatever the tags of these kinds are, since the identifier may stand within one; and where it is one."""
    told, (who, other), today = tags.Told(), (canary(), canary()), datetime.now(UTC).date()
    for one in (who, other):
        event = shop.event(message=f"no plan for {one}", user={"id": one}, level="info", fingerprint=[f"plan {one}"])
        new = told.new(shop._hash_key, shop.project_id, event.columns["fingerprint"], {"order": f"order of {one}"}, today)
        async with await db.connect(database_url) as conn:
            await recording._record(conn, [event._replace(tags=new)])
        insert = "INSERT INTO incident_tags VALUES (%s, %s, 1, %s, %s)"  # of an event of which no payload was kept
        await ask(database_url, insert, shop.project_id, fingerprint(one), tags.hashed(shop._hash_key, one), today)
    receipt = await shop.erase("id", who)
    assert receipt["removed"]["tags"] == 1
    left = await ask(database_url, "SELECT value_hash FROM incident_tags WHERE project_id = %s", shop.project_id)
    assert {value for (value,) in left} == {tags.hashed(shop._hash_key, word) for word in (other, f"order of {other}")}
