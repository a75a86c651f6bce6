"""A project's alert rules as people set them, and what one would have found in the week before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lib import audit, db, incidents, queries
from lib.alerts import following, rules
from lib.alerts.rules import UNUSUAL_LEAST, Rule
from lib.errors import Conflict, InvalidRequest, NotFound

RULES_MAX = 50
PREVIEW_MAX = 100
PREVIEW_TRANSITIONS_MAX = 1_000
PREVIEW_INCIDENTS_MAX = 1_000
# Light rows that are read to tell when people met an incident: of one, and of all.
PEOPLE_EVENTS_MAX, PEOPLE_EVENTS_IN_ALL_MAX = 100_000, 500_000
SETTINGS = ("name", "conditions", "filters", "quiet_hours", "enabled", "muted_until", "channel_ids")


async def list_all(conn: db.Connection, project_id: int) -> dict[str, Any]:
    """`{"items": […]}`: all rules of the project, the oldest first."""
    return {"items": await db.fetch_all(conn, "alert_list_settings", project_id=project_id, rule_id=None)}


async def read(conn: db.Connection, project_id: int, rule_id: int) -> dict[str, Any]:
    """One rule. Raises NotFound."""
    row = await db.fetch_one(conn, "alert_list_settings", project_id=project_id, rule_id=rule_id)
    if row is None:
        raise NotFound("There is no such alert rule in this project.")
    return row


async def create(conn: db.Connection, actor: audit.Actor, project_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Make a rule of these SETTINGS. Raises Conflict beyond RULES_MAX, InvalidRequest for a channel that is not the project's."""
    await db.fetch_one(conn, "alert_lock_project", project_id=project_id)
    if len((await list_all(conn, project_id))["items"]) >= RULES_MAX:
        raise Conflict(f"A project may have {RULES_MAX} alert rules. Delete one first.")
    person_id = actor.id if actor.kind == "person" else None
    row = await db.fetch_one(conn, "alert_insert_rule", project_id=project_id, person_id=person_id, **_stored(given))
    assert row  # noqa: S101 - INSERT … RETURNING answers a row or raises
    await _set_channels(conn, project_id, row["id"], given["channel_ids"])
    await audit.record(conn, actor, "alert_rule.create", row["id"], None, given)
    return await read(conn, project_id, row["id"])


async def change(
    conn: db.Connection, actor: audit.Actor, project_id: int, rule_id: int, given: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Change these of its SETTINGS. Raises NotFound, InvalidRequest."""
    await db.fetch_one(conn, "alert_lock_project", project_id=project_id)
    before = await read(conn, project_id, rule_id)
    after = {name: given.get(name, before[name]) for name in SETTINGS}
    await conn.execute(queries.get("alert_update_rule"), {"project_id": project_id, "rule_id": rule_id, **_stored(after)})
    if "channel_ids" in given:
        await _set_channels(conn, project_id, rule_id, given["channel_ids"])
    await audit.record(conn, actor, "alert_rule.change", rule_id, {name: before[name] for name in given}, dict(given))
    return await read(conn, project_id, rule_id)


async def delete(conn: db.Connection, actor: audit.Actor, project_id: int, rule_id: int) -> None:
    """Delete a rule, and what waits to be told by it. Raises NotFound."""
    before = await read(conn, project_id, rule_id)
    await conn.execute(queries.get("alert_delete_rule"), {"project_id": project_id, "rule_id": rule_id})
    await audit.record(conn, actor, "alert_rule.delete", rule_id, {name: before[name] for name in SETTINGS}, None)


def _stored(given: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: given[name] for name in ("name", "enabled", "muted_until")}
    quiet = given["quiet_hours"]
    texts = {name: orjson.dumps(given[name]).decode() for name in ("conditions", "filters")}
    return plain | texts | {"quiet_hours": None if quiet is None else orjson.dumps(quiet).decode()}


async def _set_channels(conn: db.Connection, project_id: int, rule_id: int, channel_ids: list[int]) -> None:
    rows = await db.fetch_all(conn, "channel_list", project_id=project_id, channel_id=None, person_id=None)
    known = {row["id"] for row in rows}
    errors = [
        {"pointer": f"/channel_ids/{place}", "detail": "there is no such channel in this project"}
        for place, channel_id in enumerate(channel_ids)
        if channel_id not in known
    ]
    if errors:
        raise InvalidRequest("A rule tells channels of its own project.", errors)
    place = {"project_id": project_id, "rule_id": rule_id}
    await conn.execute(queries.get("alert_delete_rule_channels"), place)
    await conn.execute(queries.get("alert_insert_rule_channels"), {**place, "channel_ids": channel_ids})


# -- what it would have found ----------------------------------------------------------------------------------------


async def preview(
    conn: db.Connection, project_id: int, conditions: dict[str, Any], filters: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """What a rule of these would have found in the week before; see models.Preview."""
    row = await db.fetch_one(conn, "cron_find_now")
    assert row  # noqa: S101 - it answers one row
    rule = Rule(project_id, 0, "", conditions, filters, None, row["now"], [])
    found: list[dict[str, Any]] = []
    if conditions.get("transitions"):
        found += await _past_transitions(conn, rule)
    if frequency := conditions.get("frequency"):
        reason = rules.frequency_in_words(**frequency)
        found += await _past_hours(conn, rule, reason, **frequency)
    if unusual := conditions.get("unusual"):
        reason = rules.unusual_in_words(**unusual)
        found += await _past_hours(conn, rule, reason, more_than=UNUSUAL_LEAST - 1, **unusual)
    if conditions.get("milestones"):
        found += await _past_milestones(conn, rule)
    left = []
    if conditions.get("frequency") and (narrow := [name for name in ("services", "routes") if filters.get(name)]):
        left.append(f"{' and '.join(narrow)} of frequencies, which hourly counts do not know")
    if people := conditions.get("people"):
        met, unread = await _past_people(conn, rule, people["more_than"])
        found += met
        if unread:
            left.append(f"people of {unread} incidents with too many events to be read")
    found.sort(key=lambda item: item["at"], reverse=True)
    return {
        "items": found[:PREVIEW_MAX],
        "approximate": bool(conditions.get("frequency") or conditions.get("unusual")),
        "complete": len(found) <= PREVIEW_MAX,
        "not_covered": left,
    }


def _found(row: dict[str, Any], kind: str, reason: str, at: Any) -> dict[str, Any]:
    return {"incident_id": row["incident_id"], "title": row["title"], "kind": kind, "reason": reason, "at": at}


async def _past_transitions(conn: db.Connection, rule: Rule) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in await db.fetch_all(conn, "alert_list_past", project_id=rule.project_id, limit=PREVIEW_TRANSITIONS_MAX):
        if len(found) <= PREVIEW_MAX and await following.finds(conn, rule, row):
            # The first of an episode is told, which comes last here.
            once = row["episode"] if row["told_kind"] != "escalated" and rule.filters.get("environments") else row["id"]
            found[row["incident_id"], once] = _found(row, row["told_kind"], following.reason_of(row), row["created_at"])
    return list(found.values())


async def _past_hours(
    conn: db.Connection, rule: Rule, reason: str, *, minutes: int, more_than: int, times: int | None = None
) -> list[dict[str, Any]]:
    filters = rule.filters
    rows = await db.fetch_all(
        conn, "alert_list_past_hours", project_id=rule.project_id, minutes=minutes, hours=-(-minutes // 60), more_than=more_than,
        times=times, limit=PREVIEW_MAX + 1, incidents_max=PREVIEW_INCIDENTS_MAX, levels=filters.get("levels") or None,
        environments=rules.like(filters.get("environments")), releases=rules.like(filters.get("releases")),
    )  # fmt: skip
    return [_found(row, "frequency", reason, row["at"]) for row in rows]


async def _past_people(conn: db.Connection, rule: Rule, more_than: int) -> tuple[list[dict[str, Any]], int]:
    """What was found, and of how many incidents that could not be told."""
    rows = await db.fetch_all(
        conn, "alert_list_past_people", project_id=rule.project_id, more_than=more_than, limit=PREVIEW_INCIDENTS_MAX,
        events_max=PEOPLE_EVENTS_MAX, events_in_all_max=PEOPLE_EVENTS_IN_ALL_MAX, slack=incidents.CLOCK_SLACK,
    )  # fmt: skip
    fitting = [row for row in rows if rule.fits_incident(row["level"], row["environments"])]
    reason = rules.people_in_words(more_than)
    found = [_found(row, "frequency", reason, row["at"]) for row in fitting if row["at"]]
    return found, len(fitting) - len(found)


async def _past_milestones(conn: db.Connection, rule: Rule) -> list[dict[str, Any]]:
    rows = await db.fetch_all(conn, "alert_list_past_counts", project_id=rule.project_id, limit=PREVIEW_TRANSITIONS_MAX)
    return [
        _found(row, "milestone", f"{reached:,} events", row["at"])
        for row in rows
        if (reached := rules.milestone(row["event_count"])) > rules.milestone(max(0, int(row["before"])))
        and rule.fits_incident(row["level"], row["environments"])
    ]
