"""What the database knows of one incident, gathered for a prompt: of its own project only, redacted once more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lib import db, incidents, redaction
from lib.analysis.material import Context
from lib.errors import NotFound

EVENTS_LOOKED_AT = 20  # of a flooding incident few payloads are kept
HOURS = 24
DESCRIBED = ("title", "culprit", "kind", "level", "platform", "status")


async def gather(
    conn: db.Connection, project_id: int, incident_id: int, event_id: Any, cause: str, now: datetime
) -> Context | None:
    """The incident as it is now; None where it was merged away or its project deleted.

    event_id: of the event that the change came with.
    """
    row = await db.fetch_one(conn, "analysis_find_incident", project_id=project_id, incident_id=incident_id)
    if row is None or row["merged_into"]:
        return None
    place = {"project_id": project_id, "incident_id": incident_id}
    last = await db.fetch_one(conn, "analysis_find_last", **place)
    about = {
        "incident": {name: row[name] for name in DESCRIBED if row[name]} | _state(row, cause),
        "frequency": await _frequency(conn, place, row, now),
        "changes": await _changes(conn, place, row, last) if last else {},
        "feedback": _feedback(last) if last else {},
    }
    clean = redaction.redact(about).payload
    payload = redaction.redact(await _payload(conn, place, event_id)).payload
    return Context(clean["incident"], clean["frequency"], payload, clean["changes"], clean["feedback"])


def _state(row: Mapping[str, Any], cause: str) -> dict[str, Any]:
    return {
        "why_now": cause,
        "events": row["event_count"],
        "stacks": row["stacks"],
        "first_release": row["first_release"],
        "last_release": row["last_release"],
    }


async def _frequency(conn: db.Connection, place: dict[str, int], row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    hours = await db.fetch_all(conn, "analysis_list_hours", **place, since=now - timedelta(hours=HOURS))
    releases = await db.fetch_all(conn, "analysis_list_releases", **place)
    return {
        "first_seen": row["first_seen"].isoformat(),
        "last_seen": row["last_seen"].isoformat(),
        "environments": row["environments"][:10],
        "events_of_the_last_hours": [{"hour": one["hour"].isoformat(), "events": one["events"]} for one in hours],
        "events_by_release": [{"release": one["release"], "events": one["events"]} for one in releases],
    }


async def _changes(
    conn: db.Connection, place: dict[str, int], row: Mapping[str, Any], last: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    since = last["created_at"]
    found = await db.fetch_all(conn, "analysis_list_transitions", **place, since=since)
    return {
        "analysed_at": since.isoformat(),
        "it_said": last["result"]["summary"],
        "events_then": last["event_count"],
        "events_now": row["event_count"],
        "release_then": last["release"],
        "transitions": [
            {
                "kind": one["kind"],
                "release": one["release"],
                "environment": one["environment"],
                "at": one["created_at"].isoformat(),
            }
            for one in found
        ],
    }


def _feedback(last: Mapping[str, Any]) -> dict[str, Any]:
    found = {"helpful": last["helpful"], "correction": last["correction"]}
    return {name: value for name, value in found.items() if value is not None}


async def _payload(conn: db.Connection, place: dict[str, int], event_id: Any) -> dict[str, Any]:
    """Of the event that the change came with, else of the newest one whose payload is kept."""
    newest = await incidents.list_events(conn, place["project_id"], place["incident_id"], EVENTS_LOOKED_AT)
    ids = ([event_id.hex] if event_id else []) + [event["event_id"] for event in newest["items"]]
    for one in ids:
        try:
            event = await incidents.read_event(conn, place["project_id"], one)
        except NotFound:  # removed by retention
            continue
        if event["payload"] and event["incident_id"] == place["incident_id"]:
            return dict(event["payload"])
    return {}
