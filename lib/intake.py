"""The way of an event once its request is read: authenticate, admit, normalise, redact, fingerprint, record.

One Intake serves an instance; every protocol goes through it.
"""

from __future__ import annotations

import asyncio
import hmac
import time
import uuid
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson

from lib import db, events, keys, log, payloads, project_rules, releases, usage
from lib.admission import Admission
from lib.errors import Forbidden, Problem, Unauthenticated
from lib.key_cache import KeyCache
from lib.outcomes import Outcomes
from lib.recording import Recorded, Recorder, Row
from lib.redis import Redis
from lib.tags import Told

# 128 bits of an HMAC-SHA256 tell people apart; more would only cost space.
USER_HASH_BYTES = 16
# How long one request may keep the event loop to itself.
TURN_SECONDS = 0.01


class Incoming(NamedTuple):
    """An event as a protocol read it: Sentry-shaped, and the JSON text it was read from."""

    raw: dict[str, Any]
    body: bytes | None


class Accepted(NamedTuple):
    """What became of one event."""

    event_id: str
    result: Recorded | Problem


class Intake:
    """What an instance needs to take events in."""

    def __init__(self, database_url: str | None = None) -> None:
        self.redis = Redis()
        self.recorder = Recorder(lambda: db.connect(database_url))
        self.keys = KeyCache(self._find_key)
        self.admission = Admission(self.redis, self._used)
        self.outcomes = Outcomes(self.recorder.ask)
        self.told = Told()

    async def _find_key(self, secret: str) -> keys.Key | None:
        return await self.recorder.ask(lambda conn: keys.find(conn, secret))

    async def _used(self, workspace_id: int, month: date) -> int:
        return await self.recorder.ask(lambda conn: usage.events_of_month(conn, workspace_id, month))

    async def authenticate(self, secret: str, project_id: int | None = None, origin: str | None = None) -> keys.Key:
        """The ingest key, where it is valid, belongs to the project and may be used from that origin.

        Raises Unauthenticated, Forbidden or Unavailable.
        """
        key = await self.keys.get(secret)
        if key is None:
            raise Unauthenticated("The key is malformed, unknown, revoked or expired. Make a new one in the project's settings.")
        log.note(project=key.project_id, key=key.key_id)
        if key.kind != "ingest":
            raise Forbidden("This is a management key; events are sent with an ingest key. Revoke it if it stood in a DSN.")
        if project_id is not None and key.project_id != project_id:
            raise Forbidden("The key belongs to another project than the one in the address.")
        if origin and key.allowed_origins and origin.rstrip("/") not in key.allowed_origins:
            self.outcomes.count(key, "filtered", "origin")
            raise Forbidden("This key may not be used from this origin; its list of origins says which.")
        return key

    async def accept(self, key: keys.Key, incoming: list[Incoming]) -> list[Accepted]:
        """Store events that were admitted; returns when they are durable. Raises Unavailable where nothing could be.

        Empties `incoming`: while the database is waited for, only what is stored is held.
        """
        received_at = datetime.now(UTC)
        rows: list[Row] = []
        turn_ends = time.perf_counter() + TURN_SECONDS
        incoming.reverse()
        while incoming:
            rows.append(prepare(incoming.pop(), key, received_at, self.told))
            if incoming and time.perf_counter() > turn_ends:
                await asyncio.sleep(0)  # a thousand events in one request are not to hold up everybody else's
                turn_ends = time.perf_counter() + TURN_SECONDS
        results = await self.recorder.record(rows)
        self.outcomes.count(key, "duplicate", events=sum(isinstance(one, Recorded) and one.is_copy for one in results))
        self.told.remember(tag for result in results if isinstance(result, Recorded) for tag in result.tags)
        log.note(events=len(rows), duplicates=sum(isinstance(one, Recorded) and one.outcome == "duplicate" for one in results))
        return [Accepted(row.columns["event_id"], result) for row, result in zip(rows, results, strict=True)]

    async def close(self) -> None:
        """Let what is under way end."""
        await self.admission.close()
        await self.outcomes.close()
        await self.recorder.close()
        await self.redis.close()


def prepare(incoming: Incoming, key: keys.Key, received_at: datetime, told: Told | None = None) -> Row:
    """The row of an event: nothing unredacted is in it. Raises nothing, whatever the event holds.

    told: what has been told of tags; None: none is told.
    """
    payload = events.normalise(incoming.raw, received_at, incoming.body)
    event_id = payload.setdefault("event_id", uuid.uuid4().hex)
    person = events.user_key(payload)
    redacted, print_, previous = project_rules.prepare(payload, key.rules)
    described = events.describe(redacted.payload)
    removals = orjson.dumps([removal._asdict() for removal in redacted.removals])
    dictionary, compressed = payloads.compress(b'{"payload":%b,"removals":%b}' % (redacted.body, removals))
    columns = {
        **described._asdict(),
        "project_id": key.project_id,
        "key_id": key.key_id,
        "event_id": event_id,
        "fingerprint": print_.value,
        "version": print_.version,
        "rule": print_.rule,
        "reason": print_.reason,
        "parts": print_.parts,
        "retention_days": key.retention_days,
        "release_key": releases.sort_key(described.release) if described.release else None,
        "user_hash": hashed_person(key.person_hash_key, person) if person else None,
        "removed_count": sum(removal.count for removal in redacted.removals),
        "dictionary": dictionary,
    }
    if previous:
        columns["previous"] = previous
    tags = redacted.payload.get("tags")
    if told is None or not isinstance(tags, dict):  # text stands where redaction had to remove them as a whole
        return Row(columns, compressed)
    return Row(columns, compressed, told.new(key.person_hash_key, key.project_id, print_.value, tags, received_at.date()))


def hashed_person(hash_key: bytes, person: str) -> str:
    """Hex HMAC under the workspace's key: counts people, and cannot be reversed by trying addresses as a plain hash can."""
    return hmac.digest(hash_key, person.encode("utf-8", "replace"), "sha256")[:USER_HASH_BYTES].hex()
