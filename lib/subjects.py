"""People who stand in events: finding all that is stored of one, by what the application that sent the events calls them.

An event is a person's where it counts them as its user (an HMAC under the workspace's key), or where its light row or its payload
mentions them (lib/mentions.py). Only hashes are compared and kept: what is looked for stands nowhere.
"""

from __future__ import annotations

import asyncio
import time
import unicodedata
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import orjson

from lib import db, paging, payloads, tags
from lib.errors import InvalidRequest, NotFound
from lib.intake import hashed_person
from lib.mentions import Mentions, Sought, seek
from lib.stored_events import EVENTS_BETWEEN_PAUSES, Connect

# A function lives for 60 s: an export that is not through by then says where the next part begins.
EXPORT_SECONDS = 50.0
Kind = Literal["id", "email", "username", "ip_address"]
PAGE_EVENTS = 200
PAGE_LIGHT = 2_000
# Shorter ones are looked for as the user of an event only: "7" or "en" is a word of almost every payload.
MENTION_CHARACTERS_MIN = 6
VALUE_CHARACTERS_MAX = 320


class Subject(NamedTuple):
    """A person of one workspace. user_hashes: as events count people; mentions: whether what mentions them is looked for.

    tag_hashes: a tag that is the identifier; known while that is.
    """

    workspace_id: int
    user_hashes: list[bytes]
    sought: Sought
    mentions: bool
    tag_hashes: Sequence[int] = ()


class Place(NamedTuple):
    """Where to look: a project's light rows of a day received, its payloads of a day expiring, or what is kept beyond them."""

    project_id: int
    kind: Literal["received", "expiring", "kept"]
    day: date | None

    @property
    def key(self) -> list[Any]:
        """Sorts as places are listed, and survives JSON."""
        return [self.project_id, ["received", "expiring", "kept"].index(self.kind), self.day.isoformat() if self.day else ""]


class Found(NamedTuple):
    """An event of the person."""

    project_id: int
    received_at: datetime
    event_id: Any


class Page(NamedTuple):
    """What one step looked at: `found` of it, and the key where the next step begins (None: the place is done)."""

    found: list[Found]
    after: list[str] | None


class Position(NamedTuple):
    """Where a search goes on: received before, a place's key, a key in it."""

    before: datetime
    place: list[Any]
    after: list[str] | None


async def identify(conn: db.Connection, workspace_id: int, kind: Kind, value: str) -> Subject:
    """The person whom events call so. kind: the field of `user`; value: as it is sent. Raises NotFound, InvalidRequest."""
    value = value.strip()
    if not 0 < len(value) <= VALUE_CHARACTERS_MAX:
        raise InvalidRequest(f"Name the person by 1 to {VALUE_CHARACTERS_MAX} characters.")
    row = await db.fetch_one(conn, "subject_find_key", workspace_id=workspace_id)
    if row is None:
        raise NotFound("There is no such workspace, or it is not yours to see.")
    key = bytes(row["person_hash_key"])
    written = {value, value.lower(), *(unicodedata.normalize(form, value) for form in ("NFC", "NFD"))}
    user_hashes = sorted({bytes.fromhex(hashed_person(key, f"{kind}:{one}")) for one in written})
    sought = seek(key, value, is_ip=kind == "ip_address")
    mentions = bool(sought.lengths) and len(value) >= MENTION_CHARACTERS_MIN
    return Subject(workspace_id, user_hashes, sought, mentions, sorted({tags.hashed(key, one) for one in written}))


async def list_places(conn: db.Connection, subject: Subject) -> list[Place]:
    """Everywhere in the workspace where there is something, in an order that stays."""
    rows = await db.fetch_all(conn, "subject_list_places", workspace_id=subject.workspace_id)
    return [Place(row["project_id"], row["kind"], row["day"]) for row in rows if subject.mentions or row["kind"] == "received"]


async def look(
    conn: db.Connection, subject: Subject, mentions: Mentions, place: Place, before: datetime, after: list[str] | None
) -> Page:
    """The next page of a place, received before a time: which of its events are the person's."""
    if place.kind == "received":
        return await _look_at_light(conn, subject, mentions, place, before, after)
    own: dict[str, Any] = {"day": place.day} if place.kind == "expiring" else {}
    own |= {"project_id": place.project_id, "before": before, "after": after, "limit": PAGE_EVENTS}
    rows, found = await db.fetch_all(conn, f"subject_list_by_{place.kind}", **own), []
    for nth, row in enumerate(rows):
        if mentions.are_in(_body(row)):
            found.append(_found(row))
        if nth % EVENTS_BETWEEN_PAUSES == 0:
            await asyncio.sleep(0)
    last = rows[-1] if len(rows) == PAGE_EVENTS else None
    return Page(found, [last["received_at"].isoformat(), str(last["event_id"])] if last else None)


async def _look_at_light(
    conn: db.Connection, subject: Subject, mentions: Mentions, place: Place, before: datetime, after: list[str] | None
) -> Page:
    assert place.day  # noqa: S101 - as it is listed
    rows = await db.fetch_all(
        conn, "subject_list_by_received", project_id=place.project_id, before=before, since=place.day,
        until=place.day + timedelta(days=1), user_hashes=subject.user_hashes, mentions=subject.mentions, after=after,
        limit=PAGE_LIGHT,
    )  # fmt: skip
    told = {row["texts"]: False for row in rows}
    if subject.mentions:
        told = {texts: mentions.are_in(texts) for texts in told}
    found = [_found(row) for row in rows if row["is_counted"] or told[row["texts"]]]
    last = rows[-1] if len(rows) == PAGE_LIGHT else None
    return Page(found, [str(last["fingerprint"]), last["received_at"].isoformat(), str(last["event_id"])] if last else None)


def _found(row: dict[str, Any]) -> Found:
    return Found(row["project_id"], row["received_at"], row["event_id"])


def _body(row: dict[str, Any] | None) -> Any:
    """What is stored; of a payload that cannot be read, or is not there, nothing can be told."""
    try:
        return orjson.loads(payloads.decompress(row["dictionary"], row["payload"])) if row else {}
    except (payloads.UnreadablePayloadError, orjson.JSONDecodeError):
        return {}


async def export(connect: Connect, subject: Subject, start: Position | None = None) -> AsyncIterator[bytes]:
    """NDJSON: each event of the person, whole, once; the last line says whether these are all, or how to ask for the others.

    start: from the cursor of the part before. What came after the first part was asked for is in none. Nothing is held in memory
    but a page, and no connection between pages.
    """
    mentions, count, until = Mentions(subject.sought), 0, time.monotonic() + EXPORT_SECONDS
    async with connect() as conn:
        before = start.before if start else await _now(conn)
        places = [one for one in await list_places(conn, subject) if start is None or one.key >= start.place]
    pages = 0
    for place in places:
        after = start.after if start and place.key == start.place else None
        while True:
            if pages and time.monotonic() > until:  # each part comes forward
                cursor = encode(Position(before, place.key, after))
                yield orjson.dumps({"complete": False, "events": count, "cursor": cursor}) + b"\n"
                return
            async with connect() as conn:
                page = await look(conn, subject, mentions, place, before, after)
                lines = [line for one in page.found if (line := await _line(conn, subject, mentions, place, one))]
            pages, count = pages + 1, count + len(lines)
            if lines:
                yield b"".join(lines)
            after = page.after
            if after is None:
                break
    yield orjson.dumps({"complete": True, "events": count, "cursor": None}) + b"\n"


async def _now(conn: db.Connection) -> datetime:
    row = await db.fetch_one(conn, "cron_find_now")
    assert row  # noqa: S101 - one row
    return row["now"]  # type: ignore[no-any-return]


async def _line(conn: db.Connection, subject: Subject, mentions: Mentions, place: Place, one: Found) -> bytes | None:
    """None where the event is told at another place."""
    light = await db.fetch_one(conn, "subject_find_light", project_id=one.project_id, event_id=one.event_id) or {}
    stored = await db.fetch_one(conn, "subject_find_payload", **one._asdict())
    user_hash, texts = light.pop("user_hash", None), light.pop("texts", "")
    if place.kind != "received" and (user_hash in subject.user_hashes or mentions.are_in(texts)):
        return None
    if place.kind == "kept" and stored and not stored["is_kept"]:
        return None
    body = _body(stored)
    told = {**one._asdict(), **light, "payload": body.get("payload"), "removals": body.get("removals", [])}
    return orjson.dumps(told) + b"\n"


def encode(position: Position) -> str:
    """The cursor of a part."""
    return paging.encode([position.before.isoformat(), *position.place, position.after or []])


def decode(cursor: str) -> Position:
    """What encode was given. Raises InvalidRequest."""
    before, project_id, nth, day, after = paging.decode(cursor, (str, int, int, str, list))
    try:
        forms: tuple[Callable[[str], object], ...] = (uuid.UUID, datetime.fromisoformat, uuid.UUID)
        for form, part in zip(forms[-len(after) :] if after else (), after, strict=True):
            form(part)
        at = datetime.fromisoformat(before)
        if at.tzinfo is None:
            raise ValueError
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidRequest("The cursor is not one that an export gave out.") from error
    return Position(at, [project_id, nth, day], after or None)
