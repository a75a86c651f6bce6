"""Merge suggestions: incidents that are likely the same bug, with what speaks for it. Nothing merges by itself.

Computed when asked, from what incidents keep anyway (docs/decisions/0005-merge-suggestions.md); all that is stored is what a
person dismissed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib import audit, db, incidents, likeness
from lib.errors import InvalidRequest, NotFound
from lib.likeness import Traits

CANDIDATES_MAX = 1_000  # incidents, the last seen first
FINGERPRINTS_MAX = 3  # of an incident, those with most events
LISTED_MAX = 10
LISTED = (
    *("title", "culprit", "status", "level", "event_count", "first_seen", "last_seen", "first_release", "last_release"),
    *("environments",),
)


async def list_for(conn: db.Connection, project_id: int, incident_id: int) -> dict[str, Any]:
    """What an incident could be merged with, the best first: `{"incident_id", "items", "compared", "complete"}`.

    complete: false where the project has more than CANDIDATES_MAX incidents, of which the last seen were compared. A merged
    incident gets none. Raises NotFound.
    """
    incident = await incidents.find(conn, project_id, incident_id)
    rows = await db.fetch_all(
        conn, "suggestion_list_candidates", project_id=project_id, incident_id=incident_id, limit=CANDIDATES_MAX + 1,
        fingerprints_max=FINGERPRINTS_MAX,
    )  # fmt: skip
    others = {row["id"]: row for row in rows if row["id"] != incident_id}
    compared = list(others)[:CANDIDATES_MAX]
    found = _likenesses(rows, incident_id, set(compared)) if incident["merged_into"] is None else {}
    best = sorted(found.items(), key=lambda item: (-item[1].score, -item[0]))[:LISTED_MAX]
    return {
        "incident_id": incident_id,
        "items": [_shown(others[other], likeness_found) for other, likeness_found in best],
        "compared": len(compared),
        "complete": len(others) <= CANDIDATES_MAX,
    }


def _likenesses(rows: Sequence[Mapping[str, Any]], incident_id: int, compared: set[int]) -> dict[int, likeness.Likeness]:
    """The best reason for each incident over all pairs of fingerprints."""
    traits = [(row["id"], read) for row in rows if (read := _traits(row))]
    others = [(other, read) for other, read in traits if other in compared]
    best: dict[int, likeness.Likeness] = {}
    for own in (read for other, read in traits if other == incident_id):
        for other, found in likeness.like(own, others).items():
            if other not in best or best[other].score < found.score:
                best[other] = found
    return best


def _traits(row: Mapping[str, Any]) -> Traits | None:
    found = likeness.traits(row["rule"], row["parts"], row["title"])
    seen = {name: row[f"of_{name}"] for name in ("first_seen", "last_seen", "first_release", "last_release")}
    return found._replace(**seen) if found else None


def _shown(row: Mapping[str, Any], found: likeness.Likeness) -> dict[str, Any]:
    what = {name: row[name] for name in LISTED}
    return {"incident_id": row["id"], "score": round(found.score, 2), "evidence": found.evidence, **what}


async def dismiss(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, others: Sequence[int]
) -> dict[str, Any]:
    """Never suggest these together again, from either side: `{"incident_id", "dismissed"}`, those not dismissed before.

    Raises NotFound, InvalidRequest.
    """
    if incident_id in others:
        raise InvalidRequest(
            "An incident is not suggested for itself.",
            [{"pointer": f"/incident_ids/{others.index(incident_id)}", "detail": "this is the incident in the address"}],
        )
    wanted = sorted({incident_id, *others})
    if len(await db.fetch_all(conn, "incident_list_counts", project_id=project_id, incident_ids=wanted)) < len(wanted):
        raise NotFound("There is no such incident in this project.")
    rows = await db.fetch_all(
        conn, "suggestion_insert_dismissed", project_id=project_id, incident_id=incident_id, others=sorted(set(others)),
        person_id=actor.person_id,
    )  # fmt: skip
    dismissed = sorted(row["other_id"] if row["incident_id"] == incident_id else row["incident_id"] for row in rows)
    if dismissed:
        await audit.record(conn, actor, "suggestion.dismiss", incident_id, None, {"incident_ids": dismissed})
    return {"incident_id": incident_id, "dismissed": dismissed}
