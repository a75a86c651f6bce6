"""People who stand in events: finding all that is stored of one, by what the application that sent the events calls them.

An event is a person's where it counts them as its user (an HMAC under the workspace's key), or where a word of its payload is
their identifier, or is what redaction wrote in place of it. Only hashes are compared and kept: what is looked for stands nowhere.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import orjson

from lib import db, payloads
from lib.errors import InvalidRequest, NotFound
from lib.intake import hashed_person
from lib.redaction.text import hashed
from lib.stored_events import Connect

# Later than any event: an export asks for all there are.
ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
# A function lives for 60 s: an export that is not through by then says so, instead of being cut off.
EXPORT_SECONDS = 50.0
Kind = Literal["id", "email", "username", "ip_address"]
PAGE_EVENTS = 200
# Shorter ones are looked for as the user of an event only: "7" or "en" is a word of almost every payload.
MENTION_CHARACTERS_MIN = 6
VALUE_CHARACTERS_MAX = 320
# Words of one kind of programs repeat: those that were looked at are not hashed again, as long as there are not too many.
WORDS_REMEMBERED_MAX = 500_000
# As erased_text in db/migrations/0053_erasure.sql has it.
WORD = re.compile(r"""[^\s"'`\\,;()\[\]{}<>=|]+""")
PARTS = re.compile(r"[/:?&#]")
TRIMMED = ".:!?"


class Subject(NamedTuple):
    """A person of one workspace. user_hashes: as events count people; mark: as redaction writes one that it hashes."""

    workspace_id: int
    hash_key: bytes
    user_hashes: list[bytes]
    mark: str
    mentions: bool


class Place(NamedTuple):
    """Where to look: a project's light rows of a day received, its payloads of a day expiring, or what is kept beyond them."""

    project_id: int
    kind: Literal["received", "expiring", "kept"]
    day: date | None


class Found(NamedTuple):
    """An event of the person."""

    project_id: int
    received_at: datetime
    event_id: Any


class Page(NamedTuple):
    """What one step looked at: `found` of it, and where the next step begins (None: the place is done)."""

    found: list[Found]
    after: tuple[datetime, Any] | None


async def identify(conn: db.Connection, workspace_id: int, kind: Kind, value: str) -> Subject:
    """The person whom events call so. kind: the field of `user`; value: as it is sent. Raises NotFound, InvalidRequest."""
    value = value.strip()
    if not 0 < len(value) <= VALUE_CHARACTERS_MAX:
        raise InvalidRequest(f"Name the person by 1 to {VALUE_CHARACTERS_MAX} characters.")
    row = await db.fetch_one(conn, "subject_find_key", workspace_id=workspace_id)
    if row is None:
        raise NotFound("There is no such workspace, or it is not yours to see.")
    key = bytes(row["person_hash_key"])
    user_hashes = sorted({bytes.fromhex(hashed_person(key, f"{kind}:{one}")) for one in (value, value.lower())})
    return Subject(workspace_id, key, user_hashes, hashed(key, value), len(value) >= MENTION_CHARACTERS_MIN)


class Words:
    """Decides whether a text mentions the person."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._others: set[str] = set()

    def mention(self, text: str) -> bool:
        """Whether a word of it is the person's identifier, in any case, or what redaction wrote for it."""
        return any(self._is_person(word) for word in set(WORD.findall(text)) - self._others)

    def _is_person(self, word: str) -> bool:
        parts = {word, *PARTS.split(word)} if PARTS.search(word) else {word}
        for part in parts:
            trimmed = part.strip(TRIMMED)
            if trimmed and self._subject.mark in {trimmed, hashed(self._subject.hash_key, trimmed)}:
                return True
        if len(self._others) < WORDS_REMEMBERED_MAX:
            self._others.add(word)
        return False


async def list_places(conn: db.Connection, subject: Subject) -> list[Place]:
    """Everywhere in the workspace, in an order that stays."""
    rows = await db.fetch_all(conn, "subject_list_places", workspace_id=subject.workspace_id)
    return [Place(row["project_id"], row["kind"], row["day"]) for row in rows if subject.mentions or row["kind"] == "received"]


async def look(
    conn: db.Connection, subject: Subject, words: Words, place: Place, before: datetime, after: tuple[datetime, Any] | None
) -> Page:
    """The next PAGE_EVENTS events of a place, received before a time, and which of them are the person's."""
    received = place.kind == "received"
    own: dict[str, Any] = {"after_at": after[0] if after else None, "after": after[1] if after else None, "limit": PAGE_EVENTS}
    if received:
        assert place.day  # noqa: S101 - as it is listed
        own |= {"since": place.day, "until": place.day + timedelta(days=1), "user_hashes": subject.user_hashes}
    elif place.kind == "expiring":
        own["day"] = place.day
    rows = await db.fetch_all(conn, f"subject_list_by_{place.kind}", project_id=place.project_id, before=before, **own)
    found = [Found(row["project_id"], row["received_at"], row["event_id"]) for row in rows if received or _mentions(row, words)]
    await asyncio.sleep(0)  # others may have waited while the payloads were read
    more = len(rows) == PAGE_EVENTS
    return Page(found, (rows[-1]["received_at"], rows[-1]["event_id"]) if more else None)


def _mentions(row: dict[str, Any], words: Words) -> bool:
    return words.mention(_body(row).decode("utf-8", "replace"))


def _body(row: dict[str, Any] | None) -> bytes:
    """What is stored; of a payload that cannot be read, or is not there, nothing can be told."""
    try:
        return payloads.decompress(row["dictionary"], row["payload"]) if row else b"{}"
    except payloads.UnreadablePayloadError:
        return b"{}"


async def export(connect: Connect, subject: Subject, before: datetime) -> AsyncIterator[bytes]:
    """NDJSON: each event of the person, whole, once; the last line says whether these are all that are stored.

    Nothing is held in memory but ids, and no connection between pages.
    """
    words, told, until = Words(subject), set(), time.monotonic() + EXPORT_SECONDS
    async with connect() as conn:
        places = await list_places(conn, subject)
    for place in places:
        after: tuple[datetime, Any] | None = None
        while True:
            async with connect() as conn:
                page = await look(conn, subject, words, place, before, after)
                lines = [await _line(conn, one) for one in page.found if one.event_id not in told]
            told |= {one.event_id for one in page.found}
            if lines:
                yield b"".join(lines)
            if time.monotonic() > until:
                yield orjson.dumps({"complete": False, "events": len(told)}) + b"\n"
                return
            if page.after is None:
                break
            after = page.after
    yield orjson.dumps({"complete": True, "events": len(told)}) + b"\n"


async def _line(conn: db.Connection, one: Found) -> bytes:
    light = await db.fetch_one(conn, "subject_find_light", project_id=one.project_id, event_id=one.event_id)
    stored = await db.fetch_one(conn, "subject_find_payload", **one._asdict())
    body = orjson.loads(_body(stored))
    told = {**one._asdict(), **(light or {}), "payload": body.get("payload"), "removals": body.get("removals", [])}
    return orjson.dumps(told) + b"\n"
