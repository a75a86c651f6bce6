"""What no single event decides: frequencies, what is unusual, people, milestones; and incidents that grow tenfold.

Each project is looked at once a minute where something happened in it. Within a window the light rows are counted, by the time
they were received, so that a window has the precision of its minute; what is usual is told by the hourly counts of a week.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lib import db, queries
from lib.alerts import following
from lib.alerts.rules import (
    UNUSUAL_LEAST,
    Rule,
    frequency_in_words,
    like,
    milestone,
    people_in_words,
    unusual_in_words,
)

PROJECTS_MAX = 50
INCIDENTS_MAX = 200
EVERY = timedelta(minutes=1)
WINDOW_MAX = timedelta(days=1)
# What a frequency told it does not tell again for so long, or for its window where that is longer.
AGAIN = timedelta(hours=1)
# An incident that grows: an order of magnitude over what is usual, told once a day.
ESCALATION_TIMES, ESCALATION_LEAST, ESCALATION_MINUTES = 10, 100, 60
ESCALATION_AGAIN = timedelta(days=1)
# Beyond so many events within a window it makes no difference how many they are.
COUNTED_MAX = 100_000


class Due(NamedTuple):
    """A project that is to be looked at. checked_at: when it was last."""

    project_id: int
    checked_at: datetime


async def due(conn: db.Connection, now: datetime) -> list[Due] | None:
    """Projects that are to be looked at now, None where there are no more; from here on they count as looked at. Those in which
    nothing happens are passed over, so that a list may be empty and others be due.
    """
    rows = await db.fetch_all(
        conn, "alert_claim_watches", now=now, before=now - EVERY, since=now - WINDOW_MAX, limit=PROJECTS_MAX
    )  # fmt: skip
    return [Due(row["project_id"], row["checked_at"]) for row in rows if row["is_active"]] if rows else None


async def put_back(conn: db.Connection, left: list[Due]) -> None:
    """There was no time for these: they are due as they were, so that whoever waits longest comes first."""
    columns = {"project_ids": [one.project_id for one in left], "checked_at": [one.checked_at for one in left]}
    await conn.execute(queries.get("alert_update_watches"), columns)


async def look(conn: db.Connection, project_id: int, now: datetime) -> int:
    """Look at a project's incidents; answers what was found. `conn` is in a transaction."""
    found = await _escalate(conn, project_id, now)
    for rule in await following.rules_of(conn, project_id, now):
        found += await _look_by(conn, rule, now)
    return found


async def _escalate(conn: db.Connection, project_id: int, now: datetime) -> int:
    rows = await _unusual(
        conn, project_id, now, ESCALATION_TIMES, ESCALATION_MINUTES, ESCALATION_LEAST, {}, quiet_since=now - ESCALATION_AGAIN
    )  # fmt: skip
    escalated = 0
    for row in sorted(rows, key=lambda row: int(row["id"])):
        written = await db.fetch_one(
            conn, "alert_insert_escalation", project_id=project_id, incident_id=row["id"], now=now,
            before=now - ESCALATION_AGAIN, **{name: row[name] for name in ("event_id", "environment", "release")},
        )  # fmt: skip
        escalated += written is not None
    return escalated


async def _look_by(conn: db.Connection, rule: Rule, now: datetime) -> int:
    conditions, found = rule.conditions, 0
    if frequency := conditions.get("frequency"):
        reason = frequency_in_words(frequency["more_than"], frequency["minutes"])
        rows = await _frequent(conn, rule, now, **frequency)
        found += await _tell_frequent(conn, rule, now, "frequency", frequency["minutes"], reason, rows)
    if unusual := conditions.get("unusual"):
        reason = unusual_in_words(**unusual)
        rows = await _unusual(
            conn, rule.project_id, now, unusual["times"], unusual["minutes"], UNUSUAL_LEAST, rule.filters
        )  # fmt: skip
        fitting = [row for row in rows if rule.fits_incident(row["level"], [row["environment"] or "production"])]
        found += await _tell_frequent(conn, rule, now, "unusual", unusual["minutes"], reason, fitting)
    if conditions.get("people") or conditions.get("milestones"):
        found += await _tell_thresholds(conn, rule, now)
    return found


async def _frequent(conn: db.Connection, rule: Rule, now: datetime, more_than: int, minutes: int) -> list[dict[str, Any]]:
    filters = rule.filters
    return await db.fetch_all(
        conn, "alert_list_frequent", project_id=rule.project_id, now=now, since=now - timedelta(minutes=minutes),
        more_than=more_than, limit=INCIDENTS_MAX, levels=filters.get("levels") or None,
        **{name: like(filters.get(name)) for name in ("environments", "releases", "services", "routes")},
    )  # fmt: skip


async def _unusual(
    conn: db.Connection, project_id: int, now: datetime, times: int, minutes: int, least: int, filters: dict[str, Any], *,
    quiet_since: datetime | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """quiet_since: only open incidents that have not escalated since then."""
    return await db.fetch_all(
        conn, "alert_list_unusual", project_id=project_id, now=now, since=now - timedelta(minutes=minutes), minutes=minutes,
        times=times, least=least, counted_max=COUNTED_MAX, limit=INCIDENTS_MAX, quiet_since=quiet_since,
        statuses=["open"] if quiet_since else ["open", "resolved"], environments=like(filters.get("environments")),
        releases=like(filters.get("releases")),
    )  # fmt: skip


async def _tell_frequent(
    conn: db.Connection, rule: Rule, now: datetime, condition: str, minutes: int, reason: str, rows: list[dict[str, Any]]
) -> int:  # fmt: skip
    before = now - max(AGAIN, timedelta(minutes=minutes))
    told = 0
    for row in rows:
        if await _is_news(conn, rule, now, row["id"], condition, 0, before):
            named = {name: row[name] for name in ("event_id", "environment", "release")}
            await following.write(conn, rule, now, row["id"], "frequency", reason, **named)
            told += 1
    return told


async def _tell_thresholds(conn: db.Connection, rule: Rule, now: datetime) -> int:
    rows = await db.fetch_all(
        conn, "alert_list_active", project_id=rule.project_id, since=now - WINDOW_MAX, limit=INCIDENTS_MAX
    )  # fmt: skip
    fitting = [row for row in rows if rule.fits_incident(row["level"], row["environments"])]
    states = {
        (state["incident_id"], state["condition"]): state["value"]
        for state in await db.fetch_all(
            conn, "alert_list_states", project_id=rule.project_id, rule_id=rule.id, incident_ids=[row["id"] for row in fitting]
        )
    }
    told = 0
    for row in fitting:
        for condition, value, kind, reason in _thresholds(rule, row):
            known = states.get((row["id"], condition))
            if value <= (known or 0) or not await _is_news(conn, rule, now, row["id"], condition, value, None):
                continue
            # What an incident had reached before there was the rule is no news, but is what the next is measured by.
            if known is not None or row["first_seen"] >= rule.created_at:
                await following.write(conn, rule, now, row["id"], kind, reason)
                told += 1
    return told


def _thresholds(rule: Rule, row: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    """(condition, the threshold that is reached, kind, reason in words) of an incident."""
    reached = []
    if rule.conditions.get("milestones") and (value := milestone(row["event_count"])):
        reached.append(("milestones", value, "milestone", f"{value:,} events"))
    people = rule.conditions.get("people")
    if people and row["people_count"] > people["more_than"]:
        reached.append(("people", 1, "frequency", people_in_words(**people)))
    return reached


async def _is_news(
    conn: db.Connection, rule: Rule, now: datetime, incident_id: int, condition: str, value: int, before: datetime | None
) -> bool:  # fmt: skip
    """Note that it is told; False where it was: that high, or since `before`."""
    row = await db.fetch_one(
        conn, "alert_upsert_state", project_id=rule.project_id, rule_id=rule.id, incident_id=incident_id, condition=condition,
        value=value, now=now, before=before,
    )  # fmt: skip
    return row is not None
