"""What a project decides about its analyses: read, and replaced whole, never overwritten unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib import audit, db
from lib.analysis.policy import Options
from lib.errors import Conflict

# What a project that decided nothing has; docs/analysis.md gives the reasons.
DEFAULTS = Options()
MICRODOLLARS = 1_000_000
NAMES = ("enabled", "environments", "events_min", "interval_minutes", "hourly_max", "budget_dollars")


def of_row(row: Mapping[str, Any]) -> Options:
    """From columns of analysis_options, which a left join leaves null."""
    if row["enabled"] is None:
        return DEFAULTS
    return Options(
        row["enabled"], tuple(row["option_environments"]), row["events_min"], row["interval_minutes"], row["hourly_max"],
        row["budget_microdollars"],
    )  # fmt: skip


async def read(conn: db.Connection, project_id: int) -> dict[str, Any]:
    """`{"version", "updated_at", "updated_by"}` and NAMES; version 0 where nothing was ever set. budget_dollars: a month's."""
    row = await db.fetch_one(conn, "analysis_find_options", project_id=project_id)
    if row is None:
        return {"version": 0, "updated_at": None, "updated_by": None, **_shown(DEFAULTS)}
    return {name: row[name] for name in ("version", "updated_at", "updated_by")} | _shown(of_row(row))


def _shown(options: Options) -> dict[str, Any]:
    budget = options.budget_microdollars
    return {
        "enabled": options.enabled,
        "environments": list(options.environments),
        "events_min": options.events_min,
        "interval_minutes": options.interval_minutes,
        "hourly_max": options.hourly_max,
        "budget_dollars": None if budget is None else budget / MICRODOLLARS,
    }


async def replace(
    conn: db.Connection, actor: audit.Actor, project_id: int, version: int, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Set NAMES all at once; answers them as `read` does.

    version: that of what these were made from. Raises Conflict where they have changed since.
    """
    await db.fetch_one(conn, "rules_lock_project", project_id=project_id)
    before = await read(conn, project_id)
    if before["version"] != version:
        raise Conflict(
            f"These settings are at version {before['version']} by now, yours were made from {version}. Read them again."
        )
    budget = given["budget_dollars"]
    await db.fetch_one(
        conn, "analysis_upsert_options", project_id=project_id, enabled=given["enabled"], environments=given["environments"],
        events_min=given["events_min"], interval_minutes=given["interval_minutes"], hourly_max=given["hourly_max"],
        budget=None if budget is None else round(budget * MICRODOLLARS),
        person_id=actor.id if actor.kind == "person" else None,
    )  # fmt: skip
    after = await read(conn, project_id)
    changed = [name for name in NAMES if before[name] != after[name]]
    await audit.record(
        conn, actor, "analysis_settings.replace", project_id, {name: before[name] for name in changed},
        {name: after[name] for name in changed},
    )  # fmt: skip
    return after
