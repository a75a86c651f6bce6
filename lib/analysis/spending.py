"""Money: set aside before a call, settled after it. Whatever is not known to be cheaper counts as spent in full."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from lib import db, settings
from lib.analysis.policy import Options
from lib.analysis.prices import Usage


class Held(NamedTuple):
    """An analysis that this taker holds: `fence` is its proof."""

    project_id: int
    id: int
    fence: int


async def reserve(conn: db.Connection, held: Held, amount: int, options: Options, now: datetime) -> str | None:
    """Set `amount` microdollars aside, atomically with the check of every limit. None: done; else why not (migration 0040)."""
    config = settings.current()
    row = await db.fetch_one(
        conn, "analysis_claim_money", **held._asdict(), now=now, amount=amount, hourly_max=options.hourly_max,
        project_max=options.budget_microdollars, workspace_max=config.analysis_workspace_budget_microdollars,
        deployment_max=config.analysis_budget_microdollars,
    )  # fmt: skip
    return str(row["refusal"]) if row and row["refusal"] else None


async def settle(conn: db.Connection, held: Held, cost: int, usage: Usage) -> bool:
    """Put the cost, in microdollars, in the place of what was set aside. False: somebody else holds it by now."""
    row = await db.fetch_one(
        conn, "analysis_update_money", **held._asdict(), cost=cost, read=usage.read, cached=usage.cached, written=usage.written
    )
    return bool(row and row["settled"])


async def this_month(conn: db.Connection, project_id: int, now: datetime) -> dict[str, Any]:
    """`{"project", "workspace", "deployment"}`: microdollars spent or set aside in the month of `now` (UTC)."""
    row = await db.fetch_one(conn, "analysis_find_spending", project_id=project_id, month=now.date().replace(day=1))
    assert row  # noqa: S101 - the project is there
    return dict(row)
