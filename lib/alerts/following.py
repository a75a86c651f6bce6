"""From what changed about incidents to what channels are to be told: transitions meet the rules of their projects."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from lib import db, incidents, queries
from lib.alerts.rules import Change, Rule
from lib.errors import NotFound

TRANSITIONS_MAX = 50
REASONS = {
    "new": "seen for the first time",
    "regressed": "back after it was resolved",
    "escalated": "far more events than usual, or no longer ignored",
}
# Of what had been met in other environments before.
REASONS_THERE = {
    "new": "seen for the first time in this environment",
    "regressed": "back in this environment after it was resolved",
}


async def follow(conn: db.Connection, now: datetime) -> int | None:
    """Follow the oldest transitions up; answers how many there were, None where none. `conn` is in a transaction."""
    rows = await db.fetch_all(conn, "alert_claim_transitions", now=now, limit=TRANSITIONS_MAX)
    known: dict[int, list[Rule]] = {}
    for row in rows:
        if row["is_deleted"]:
            continue
        project_id = row["project_id"]
        if project_id not in known:
            known[project_id] = await rules_of(conn, project_id, now)
        for rule in known[project_id]:
            if await finds(conn, rule, row) and await _is_first(conn, rule, row, now):
                await write(
                    conn, rule, now, row["told_incident_id"], row["told_kind"], reason_of(row),
                    transition_id=row["id"], **{name: row[name] for name in ("event_id", "environment", "release")},
                )  # fmt: skip
    if rows:
        handled = {"project_ids": [row["project_id"] for row in rows], "ids": [row["id"] for row in rows], "now": now}
        await conn.execute(queries.get("alert_update_handled"), handled)
    return len(rows) or None


async def rules_of(conn: db.Connection, project_id: int, now: datetime) -> list[Rule]:
    """The project's rules that may find something now."""
    return [Rule(**row) for row in await db.fetch_all(conn, "alert_list_rules", project_id=project_id, now=now)]


async def finds(conn: db.Connection, rule: Rule, row: dict[str, Any]) -> bool:
    """Whether a rule is about this transition. The event is read only where its tags decide.

    What appeared in an environment is news to rules that look at environments only.
    """
    level = row["event_level"] or row["level"]
    change = Change(level, row["environment"], row["release"], row["service"], row["route"])
    if row["told_kind"] not in rule.conditions.get("transitions", ()) or not rule.fits(change):
        return False
    if row["kind"] == "appeared" and not rule.filters.get("environments"):
        return False
    return not rule.filters.get("tags") or rule.fits_tags(await _tags(conn, rule.project_id, row["event_id"]))


def reason_of(row: dict[str, Any]) -> str:
    """Why a transition is told, in words."""
    return (REASONS_THERE if row["kind"] == "appeared" else REASONS)[row["told_kind"]]


async def _is_first(conn: db.Connection, rule: Rule, row: dict[str, Any], now: datetime) -> bool:
    """Whether a rule that looks at environments finds this incident for the first time since it was last new or regressed."""
    if row["told_kind"] == "escalated" or not rule.filters.get("environments"):
        return True
    state = {"rule_id": rule.id, "incident_id": row["incident_id"], "condition": "transitions", "value": row["episode"]}
    place = {"project_id": rule.project_id, "now": now, "before": None}
    return await db.fetch_one(conn, "alert_upsert_state", **place, **state) is not None


async def _tags(conn: db.Connection, project_id: int, event_id: uuid.UUID | None) -> dict[str, Any]:
    if event_id is None:
        return {}
    try:
        event = await incidents.read_event(conn, project_id, event_id.hex)
    except NotFound:
        return {}
    tags = (event["payload"] or {}).get("tags")
    return tags if isinstance(tags, dict) else {}


async def write(
    conn: db.Connection, rule: Rule, now: datetime, incident_id: int, kind: str, reason: str, *,
    event_id: uuid.UUID | None = None, environment: str | None = None, release: str | None = None,
    transition_id: int | None = None,
) -> None:  # fmt: skip
    """Write down what a rule found, for each channel that may be told."""
    found = {
        "project_id": rule.project_id, "rule_id": rule.id, "channel_ids": rule.channel_ids, "incident_id": incident_id,
        "transition_id": transition_id, "kind": kind, "reason": reason, "event_id": event_id, "environment": environment,
        "release": release, "now": now, "due_at": rule.due_at(now),
    }  # fmt: skip
    await conn.execute(queries.get("alert_insert"), found)
