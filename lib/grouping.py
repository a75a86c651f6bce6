"""Why events are together, and what a person changes about it: explain, merge, split.

A fingerprint leads to one incident. Merge and split change where fingerprints lead and nothing else, which makes both exact and
each the other's undoing (docs/decisions/0002-counts-belong-to-fingerprints.md).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from lib import audit, db, incidents, paging
from lib.errors import Conflict, InvalidRequest, NotFound

# Of one incident. A page of its events takes a page of each.
FINGERPRINTS_MAX = 500
REFUSALS = {
    "target_merged": "This incident has been merged into another one; `merged_into` says which.",
    "merged": "One of these incidents has been merged into another one meanwhile. Split it there first.",
    "too_many": f"The incident would have more than {FINGERPRINTS_MAX} fingerprints. A grouping rule does this better.",
    "elsewhere": "One of these fingerprints does not lead to this incident.",
    "all": "Nothing would be left of this incident: leave at least one of its fingerprints.",
}


def _refuse(refusal: str) -> None:
    if refusal in {"not_found", "elsewhere"}:
        raise NotFound(REFUSALS.get(refusal, "There is no such incident in this project."))
    raise Conflict(REFUSALS[refusal if refusal in REFUSALS else "target_merged"])


async def explain(
    conn: db.Connection, project_id: int, incident_id: int, limit: int = paging.LIMIT_DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """A page of the fingerprints that lead to an incident, the oldest first: what decided, and how each came here.

    Raises NotFound, InvalidRequest.
    """
    incident = await incidents.find(conn, project_id, incident_id)
    after, after_id = paging.decode(cursor, (str, str)) if cursor else (None, None)
    rows = await db.fetch_all(
        conn, "incident_list_grouping", project_id=project_id, incident_id=incident_id, limit=limit + 1,
        after=incidents.moment(after) if after else None, after_id=fingerprint_uuid(after_id) if after_id else None,
    )  # fmt: skip
    page = paging.page(rows, limit, ("first_seen", "fingerprint"), lambda row: _explained(row, incident_id))
    return {"incident_id": incident_id, "merged_into": incident["merged_into"], **page}


def fingerprint_uuid(text: str) -> uuid.UUID:
    """A fingerprint in either form. Raises InvalidRequest where it cannot be one."""
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise InvalidRequest("A fingerprint is 32 hexadecimal characters.") from error


def _explained(row: dict[str, Any], incident_id: int) -> dict[str, Any]:
    shown = {name: row[name] for name in ("version", "rule", "reason", "parts", "event_count", "first_seen", "last_seen")}
    where = {name: row[name] for name in ("environments", "first_release", "last_release")}
    return {"fingerprint": row["fingerprint"].hex, **shown, **where, "origin": _origin(row, incident_id)}


def _origin(row: dict[str, Any], incident_id: int) -> dict[str, Any]:
    """How a fingerprint came here. `began`: with the incident; `merged`, `split`: by a person; `version`: after another."""
    by = {"id": row["moved_by"], "name": row["moved_by_name"]} if row["moved_by"] else None
    previous = row["previous_fingerprint"].hex if row["previous_fingerprint"] else None
    moved = "merged" if row["home_incident_id"] else "split"
    kind = moved if row["moved_at"] else "version" if previous else "began"
    return {
        "kind": kind,
        "text": _told(kind, row, previous),
        "home_incident_id": row["home_incident_id"] or incident_id,
        "from_incident_id": row["moved_from"],
        "at": row["moved_at"],
        "by": by,
        "previous_fingerprint": previous,
    }


def _told(kind: str, row: dict[str, Any], previous: str | None) -> str:
    if kind == "began":
        return "Its first event made this incident."
    if kind == "version":
        return f"It followed fingerprint {previous} here: a newer version of the algorithm gives the same events this one."
    who, when = row["moved_by_name"] or "Somebody", f"{row['moved_at']:%Y-%m-%d %H:%M} UTC"
    if kind == "merged":
        return f"{who} merged incident {row['moved_from']} into this one on {when}. A split takes it out again."
    return f"{who} split it off incident {row['moved_from']} on {when}."


async def merge(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, others: Sequence[int]
) -> dict[str, Any]:
    """Let the fingerprints of the others lead here, and their future events with them; answers the incident as it is then.

    `moved` says of each where it led before: `[{"fingerprint", "incident_id"}]`, for whoever takes it back.
    The status of this incident stands. Merging again what is merged here already changes nothing. Raises NotFound, Conflict or
    InvalidRequest, with nothing changed.
    """
    if incident_id in others:
        raise InvalidRequest(
            "An incident cannot be merged into itself.",
            [{"pointer": f"/incident_ids/{others.index(incident_id)}", "detail": "this is the incident in the address"}],
        )
    wanted = sorted(set(others))
    await db.fetch_one(conn, "incident_lock", project_id=project_id, incident_ids=[incident_id, *wanted])
    before = await db.fetch_all(conn, "incident_list_counts", project_id=project_id, incident_ids=[incident_id, *wanted])
    led = await db.fetch_all(
        conn, "incident_list_leading", project_id=project_id, incident_ids=wanted, limit=FINGERPRINTS_MAX
    )  # fmt: skip
    row = await db.fetch_one(
        conn, "incident_merge", project_id=project_id, incident_id=incident_id, others=wanted, person_id=actor.person_id,
        fingerprints_max=FINGERPRINTS_MAX,
    )  # fmt: skip
    if row and row["refusal"]:
        _refuse(row["refusal"])
    merged = await incidents.read(conn, project_id, incident_id)
    after = await db.fetch_all(conn, "incident_list_counts", project_id=project_id, incident_ids=[incident_id, *wanted])
    await audit.record(conn, actor, "incident.merge", incident_id, {"incidents": before}, {"incidents": after})
    return merged | {"moved": _moved(led)}


def _moved(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"fingerprint": row["fingerprint"].hex, "incident_id": row["incident_id"]} for row in rows]


async def split(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, fingerprints: Sequence[uuid.UUID]
) -> dict[str, Any]:
    """Take fingerprints out of an incident, each back to the one it was born with; answers where each leads.

    `{"incident": …, "split": [{"fingerprint", "incident_id"}]}`. Raises NotFound or Conflict, with nothing changed.
    """
    rows = await db.fetch_all(
        conn, "incident_split", project_id=project_id, incident_id=incident_id, fingerprints=sorted(set(fingerprints)),
        person_id=actor.person_id,
    )  # fmt: skip
    if rows[0]["refusal"]:
        _refuse(rows[0]["refusal"])
    moved = _moved(rows)
    left = await incidents.read(conn, project_id, incident_id)
    before = [one | {"incident_id": incident_id} for one in moved]
    await audit.record(conn, actor, "incident.split", incident_id, {"fingerprints": before}, {"fingerprints": moved})
    return {"incident": left, "split": moved}
