"""What people do with analyses: ask for one, rate it, correct it. Each is in the trail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lib import audit, db, incidents, redaction, settings, waking
from lib.analysis import options, spending
from lib.analysis.plain import plain
from lib.analysis.reading import shown
from lib.errors import BudgetSpent, Conflict, NotConfigured, NotFound

CORRECTION_CHARS_MAX = 4_000


async def request(conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int) -> dict[str, Any]:
    """Let an incident be analysed as soon as may be; answers the analysis, which is waiting, or under way already.

    Raises NotFound; Conflict for one that was merged away; NotConfigured without a key; BudgetSpent.
    """
    incident = await incidents.find(conn, project_id, incident_id)
    if incident["merged_into"] is not None:
        raise Conflict("This incident has been merged into another one; `merged_into` says which.")
    if settings.current().openai_api_key is None:
        raise NotConfigured("Analysis is off: set OPENAI_API_KEY.")
    now = datetime.now(UTC)
    await _require_money(conn, project_id, now)
    row = await db.fetch_one(
        conn, "analysis_upsert_requested", project_id=project_id, incident_id=incident_id, person_id=_person(actor), now=now
    )
    assert row  # noqa: S101 - INSERT … ON CONFLICT DO UPDATE … RETURNING answers a row or raises
    await audit.record(conn, actor, "analysis.request", row["id"], None, {"incident_id": incident_id})
    waking.want()
    return shown(row)


async def _require_money(conn: db.Connection, project_id: int, now: datetime) -> None:
    """Whether anything is left; how much a call needs is decided when it is made."""
    config = settings.current()
    found = await spending.this_month(conn, project_id, now)
    row = await db.fetch_one(conn, "analysis_find_options", project_id=project_id)
    own = row["budget_microdollars"] if row else options.DEFAULTS.budget_microdollars
    limits = {
        "project": own,
        "workspace": config.analysis_workspace_budget_microdollars,
        "deployment": config.analysis_budget_microdollars,
    }
    for scope, most in limits.items():
        if most is not None and found[scope] >= most:
            raise BudgetSpent(now, f"The {scope}'s budget for analyses of this month is used up.")


async def rate(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, analysis_id: int, *, helpful: bool
) -> dict[str, Any]:  # fmt: skip
    """Say whether it helped. Raises NotFound, and Conflict where it says nothing."""
    before = await _find(conn, project_id, incident_id, analysis_id)
    row = await db.fetch_one(
        conn, "analysis_update_rating", project_id=project_id, id=analysis_id, helpful=helpful, person_id=_person(actor),
        now=datetime.now(UTC),
    )  # fmt: skip
    await audit.record(conn, actor, "analysis.rate", analysis_id, {"helpful": before["helpful"]}, {"helpful": helpful})
    return shown(row or before)


async def correct(
    conn: db.Connection, actor: audit.Actor, project_id: int, incident_id: int, analysis_id: int, text: str | None
) -> dict[str, Any]:
    """Say what it really was; None takes that back. Kept redacted and plain, and told to the model the next time.

    Raises NotFound, and Conflict where the analysis says nothing.
    """
    before = await _find(conn, project_id, incident_id, analysis_id)
    kept = plain(str(redaction.redact({"text": text}).payload["text"]), CORRECTION_CHARS_MAX) if text else None
    row = await db.fetch_one(
        conn, "analysis_update_correction", project_id=project_id, id=analysis_id, correction=kept or None,
        person_id=_person(actor), now=datetime.now(UTC),
    )  # fmt: skip
    await audit.record(
        conn, actor, "analysis.correct", analysis_id, {"correction": before["correction"]}, {"correction": kept or None}
    )
    return shown(row or before)


async def _find(conn: db.Connection, project_id: int, incident_id: int, analysis_id: int) -> dict[str, Any]:
    row = await db.fetch_one(conn, "analysis_find", project_id=project_id, incident_id=incident_id, id=analysis_id)
    if row is None:
        raise NotFound("There is no such analysis of this incident.")
    if row["state"] != "done":
        raise Conflict("This analysis says nothing that could be rated or corrected.")
    return row


def _person(actor: audit.Actor) -> int | None:
    """Who it was, unless an api key was it."""
    return actor.id if actor.kind == "person" else None
