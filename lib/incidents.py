"""Incidents and their events, as the API shows them; the change of an incident's status."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import orjson

from lib import audit, db, paging, payloads, searching, sifting
from lib.errors import Conflict, InvalidRequest, NotFound

Status = Literal["open", "resolved", "ignored"]
Sort = Literal["last_seen", "first_seen", "event_count"]
Order = Literal["newest", "oldest"]
# An event's own clock may be this far ahead of ours.
CLOCK_SLACK = timedelta(days=1)
# Longer is for ever; a year beyond 9999 could be stored, and then never be read again.
IGNORED_MAX = timedelta(days=3_650)
LISTED = (
    "id", "title", "culprit", "kind", "level", "platform", "status", "event_count", "people_count", "first_seen", "last_seen",
    "first_release", "last_release", "environments", "regressed_at", "escalated_at",
)  # fmt: skip
EVENT = (
    "event_id", "received_at", "occurred_at", "expires_on", "level", "release", "environment", "service", "route",
    "removed_count", "sampled",
)  # fmt: skip
# Events that a narrowed page looks at: what they are narrowed by stands in no key.
LOOKED_MAX = 20_000
RESOLUTION = ("status_changed_at", "resolved_release", "resolved_in_next_release", "ignored_until", "ignored_until_count")
# What a change answers as it was: all that it takes to undo it.
WAS = ("status", "resolved_release", "resolved_in_next_release", "ignored_until", "ignored_until_count")
# Of these the trail keeps what was before and what is after.
AUDITED = ("status", "resolved_release", "ignored_until", "ignored_until_count")


class Filters(NamedTuple):
    """What a list of incidents is narrowed to; None: not narrowed."""

    status: Status | None = None
    level: str | None = None
    environment: str | None = None
    release: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    assignee_id: int | None = None
    """0: nobody."""
    narrowed: searching.Narrowed = searching.EVERYTHING


class StatusChange(NamedTuple):
    """A status, and when it ends by itself."""

    status: Status
    in_next_release: bool = False
    ignored_until: datetime | None = None
    ignored_events: int | None = None
    resolved_release: str | None = None
    """None: as of now."""
    ignored_until_count: int | None = None


def _pattern(text: str | None) -> str | None:
    """An ILIKE pattern that finds the text as it is written."""
    if not text:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    assignee = {"id": row["assignee_id"], "name": row["assignee_name"]} if row["assignee_id"] else None
    return {name: row[name] for name in LISTED} | {"assignee": assignee}


def parameters(filters: Filters) -> dict[str, Any]:
    """The filters as queries take them."""
    given = filters._asdict()
    return {"pattern": _pattern(given.pop("text")), **given.pop("narrowed")._asdict(), **given}


async def list_page(
    conn: db.Connection, project_id: int, filters: Filters, sort: Sort = "last_seen", limit: int = paging.LIMIT_DEFAULT,
    cursor: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """`{"items": […], "next_cursor": …}`, the highest of `sort` first. Raises InvalidRequest for a foreign cursor."""
    after, after_id = paging.decode(cursor, (int if sort == "event_count" else str, int)) if cursor else (None, None)
    if isinstance(after, str):
        after = moment(after)
    rows = await db.fetch_all(
        conn, f"incident_list_by_{sort}", project_id=project_id, after=after, after_id=after_id, limit=limit + 1,
        **parameters(filters),
    )  # fmt: skip
    return paging.page(rows, limit, (sort, "id"), _listed)


def moment(text: str) -> datetime:
    """The time in a cursor. Raises InvalidRequest."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest("The cursor is not one that this list gave out.") from error


async def find(conn: db.Connection, project_id: int, incident_id: int) -> dict[str, Any]:
    """The row of an incident, merged or not. Raises NotFound."""
    row = await db.fetch_one(conn, "incident_find", project_id=project_id, incident_id=incident_id)
    if row is None:
        raise NotFound("There is no such incident in this project.")
    return row


async def read(conn: db.Connection, project_id: int, incident_id: int) -> dict[str, Any]:
    """One incident whole, with the fingerprints that lead to it. Raises NotFound.

    A merged one answers as it was, without events, and says in `merged_into` where these are, so that a link still leads on.
    `events_removed_on`: the day on which retention removed what its last event held; null while something of it is there.
    """
    row = await find(conn, project_id, incident_id)
    fingerprints = await db.fetch_all(conn, "incident_list_fingerprints", project_id=project_id, incident_id=incident_id)
    for found in fingerprints:
        found["fingerprint"] = found["fingerprint"].hex
    removed = await db.fetch_one(conn, "incident_find_removal", project_id=project_id, incident_id=incident_id)
    more = {
        "merged_into": row["merged_into"],
        "fingerprints": fingerprints,
        "events_removed_on": removed["removed_on"] if removed else None,
    }
    return _listed(row) | {name: row[name] for name in RESOLUTION} | more


class EventFilters(NamedTuple):
    """Which of an incident's events, and from which end; None: not narrowed."""

    environment: str | None = None
    release: str | None = None
    order: Order = "newest"
    sieve: sifting.Sieve = sifting.OPEN


ALL_EVENTS = EventFilters()


async def list_events(
    conn: db.Connection, project_id: int, incident_id: int, limit: int = paging.LIMIT_DEFAULT, cursor: str | None = None,
    filters: EventFilters = ALL_EVENTS, beyond: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """`{"items": […], "next_cursor": …}` of an incident's events by when they were received.

    beyond: begin behind this event. A narrowed page looks at LOOKED_MAX events at most, or at as many as its sieve takes; it may
    hold fewer than `limit`, or none, and lead on all the same. Raises NotFound, InvalidRequest.
    """
    incident = await find(conn, project_id, incident_id)
    since = incident["first_seen"] - CLOCK_SLACK
    after, after_id = await _begin(conn, project_id, cursor, beyond)
    narrowed = filters.environment or filters.release
    most = filters.sieve.rows_max or limit + 1
    rows = await db.fetch_all(
        conn, "event_list_by_incident", project_id=project_id, incident_id=incident_id, since=since, after=after,
        after_id=after_id, oldest_first=filters.order == "oldest", environment=filters.environment, release=filters.release,
        max_rows=most, max_looked=LOOKED_MAX if narrowed else most,
    )  # fmt: skip
    found = [row for row in rows if row["event_id"]]
    fitting = await sifting.sift(conn, project_id, found, filters.sieve)
    page = fitting[:limit]
    end = None
    if len(fitting) > limit:
        end = page[-1]["received_at"], page[-1]["event_id"]
    elif len(found) >= most:
        end = found[-1]["received_at"], found[-1]["event_id"]
    elif rows and rows[0]["is_more"]:
        end = rows[0]["last_at"], rows[0]["last_id"]
    return {"items": [_shown(row) for row in page], "next_cursor": paging.encode([end[0], end[1].hex]) if end else None}


async def _begin(
    conn: db.Connection, project_id: int, cursor: str | None, beyond: str | None
) -> tuple[datetime | None, uuid.UUID | None]:
    """Behind which event a page begins. Raises InvalidRequest for a foreign cursor, NotFound for an event that is not there."""
    if cursor:
        after, after_id = paging.decode(cursor, (str, str))
        return moment(after), event_uuid(after_id)
    if beyond:
        event_id = event_uuid(beyond)
        place = await db.fetch_one(conn, "event_find_id", project_id=project_id, event_id=event_id)
        if place is None:
            raise NotFound("There is no such event here.")
        return place["received_at"], event_id
    return None, None


def event_uuid(text: str) -> uuid.UUID:
    """An event id in either form. Raises NotFound where it cannot be one."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound("There is no such event: its id is 32 hexadecimal characters.") from error


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in EVENT} | {"event_id": row["event_id"].hex}


async def read_event(conn: db.Connection, project_id: int, event_id: str, incident_id: int | None = None) -> dict[str, Any]:
    """One event whole, as redacted: its light fields, `payload` and `removals`. Raises NotFound.

    The payload is null once it has expired, and where the event is `sampled`: counted like any other, and its payload not kept.
    """
    identity = event_uuid(event_id)
    place = await db.fetch_one(conn, "event_find_id", project_id=project_id, event_id=identity)
    # A link under an incident that was merged since still finds its event.
    if place is None or incident_id not in (None, place["incident_id"], place["home_incident_id"]):
        raise NotFound("There is no such event here.")
    row = await db.fetch_one(
        conn, "event_find_row", project_id=project_id, event_id=identity, received_at=place["received_at"],
        fingerprint=place["fingerprint"],
    )  # fmt: skip
    if row is None:
        raise NotFound("This event has been removed by retention.")
    stored = await db.fetch_one(
        conn, "event_find_payload", project_id=project_id, event_id=identity, received_at=place["received_at"],
        expires_on=row["expires_on"],
    )  # fmt: skip
    body = orjson.loads(payloads.decompress(stored["dictionary"], stored["payload"])) if stored else {}
    return {
        **_shown(row),
        "incident_id": place["incident_id"],
        "fingerprint": place["fingerprint"].hex,
        "payload": body.get("payload"),
        "removals": body.get("removals", []),
    }


async def change_status(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, change: StatusChange
) -> dict[str, Any]:
    """Set the status; answers the incident as it is then, and in `was` what it was before.

    Raises NotFound; InvalidRequest for an end in the past or beyond IGNORED_MAX, or a release that is not known; Conflict for
    "in the next release" where the project has named none, and for an incident that was merged into another.
    """
    now = datetime.now(UTC)
    if change.ignored_until and not now < change.ignored_until <= now + IGNORED_MAX:
        raise InvalidRequest(
            "The time until which to ignore lies in the past, or more than ten years ahead.",
            [{"pointer": "/ignored_until", "detail": "name a time to come; leave it out to ignore for ever"}],
        )
    row = await db.fetch_one(
        conn, "incident_update_status", project_id=project_id, incident_id=incident_id, status=change.status,
        in_next_release=change.in_next_release, ignored_until=change.ignored_until, ignored_events=change.ignored_events,
        resolved_release=change.resolved_release, ignored_until_count=change.ignored_until_count,
    )  # fmt: skip
    if row is None:
        await find(conn, project_id, incident_id)
        raise Conflict("This incident has been merged into another one; `merged_into` says which.")
    if change.resolved_release and row["resolved_release"] is None:
        raise InvalidRequest(
            "No event of this project has come from the release that is named.",
            [{"pointer": "/resolved_release", "detail": "leave it out to measure against the release of now"}],
        )
    if change.in_next_release and row["resolved_release"] is None:
        raise Conflict(
            "This project's events name no release, so there is no next one. Resolve it now, or set `release` in the SDK."
        )
    was = {name: row[f"was_{name}"] for name in WAS}
    before, after = {name: was[name] for name in AUDITED}, {name: row[name] for name in AUDITED}
    await audit.record(conn, actor, "incident.status", incident_id, before, after)
    return await read(conn, project_id, incident_id) | {"was": was}
