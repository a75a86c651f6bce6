"""What the retention cron does: bounded steps, each complete by itself, so that a run may end anywhere and overlap another.

What day it is, PostgreSQL says. A step that fails costs no other step its turn; the report names it, the next run tries again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import psycopg

from lib import accounts, archives, db, erasures, idempotency, keeping, log, purging, settings
from lib.runs import RUN_SECONDS, Run, gently, repeat, when_free

RECEIVED_DAYS_AHEAD = 14
EXPIRING_DAYS_AHEAD = 100
# How much one statement does: a few hundred milliseconds' worth.
MOVED_ROWS = 1_000
EVENT_ROWS = 10_000
COUNT_ROWS = 20_000
INCIDENT_ROWS = 200
TAG_ROWS = 5_000
AUDIT_ROWS = 2_000
ACCOUNT_ROWS = 5_000
INVITATION_ROWS = 1_000
ANSWER_ROWS = 1_000


async def run(conn: db.Connection, seconds: float = RUN_SECONDS) -> dict[str, Any]:
    """Every step in turn, for as long as there is time; answers the report. conn: in autocommit.

    Raises NotConfigured where a setting cannot be read: then nothing is removed.
    """
    one = Run(conn, seconds)
    failed = [name for name, step in STEPS.items() if not await _succeeds(one, name, step)]
    return {**one.report, "failed": failed, "complete": not one.over and not failed}


async def _succeeds(one: Run, name: str, step: Callable[[Run], Awaitable[None]]) -> bool:
    try:
        await step(one)
    except Exception as error:  # noqa: BLE001 - a store that is away, or a bug in one step, does not stop what the others remove
        log.write("retention_step_failed", step=name, sqlstate=getattr(error, "sqlstate", None), **log.where(error))
        return False
    return True


async def make_partitions(one: Run) -> None:
    """Those that events of the coming days need; ingest makes what is missing, but an event waits for it."""
    row = await db.fetch_one(
        one.conn, "retention_upsert_partitions", received_days=RECEIVED_DAYS_AHEAD, expiring_days=EXPIRING_DAYS_AHEAD
    )
    one.add("partitions", made=row["made"] if row else 0)


async def apply_changes(one: Run) -> None:
    """Let changes of projects' retention reach what is stored, those first that wait longest."""
    for change in await db.fetch_all(one.conn, "retention_list_changes"):
        moved: int | None = 0
        while moved is not None and not one.over:
            async with gently(one):
                row = await db.fetch_one(
                    one.conn, "retention_update_payloads", project_id=change["project_id"], max_rows=MOVED_ROWS
                )  # fmt: skip
            moved = row["moved"] if row else None
            one.add("changes", rows=moved or 0)


async def prune_payloads(one: Run) -> None:
    """Drop the payloads of each day that is over, the oldest first; held ones are moved aside before."""
    for expired in await db.fetch_all(one.conn, "retention_list_expired"):
        if one.over:
            return
        if dropped := await _drop_unless_held(one, expired["day"]):
            one.add("payloads", days=1, rows=dropped["row_count"], bytes=dropped["bytes"])


async def _drop_unless_held(one: Run, day: date) -> dict[str, Any] | None:
    while True:
        query = "archive_delete_payloads" if one.store.configured else "retention_delete_payloads"
        try:
            await repeat(one, "held", "retention_update_held", day=day, max_rows=MOVED_ROWS)
            if one.store.configured:
                one.add("archived", rows=await archives.write_day(one.conn, one.store, day, one.keep.archives))
            return await when_free(one, query, day=day)
        except psycopg.errors.UndefinedTable:
            return None  # another run has dropped it between this one's look and its lock
        except (psycopg.errors.ObjectInUse, psycopg.errors.ObjectNotInPrerequisiteState):
            # A hold was placed since, a change moved something here, or there was no time to move all.
            if one.over:
                return None


async def prune_archives(one: Run) -> None:
    """Remove archives whose time is over, and what runs that broke off have left of others."""
    for left in await db.fetch_all(one.conn, "archive_list_leftovers"):
        if one.over:
            return
        await archives.remove_leftover(one.conn, one.store, left)
    for archive in await db.fetch_all(one.conn, "archive_list_due"):
        if one.over:
            return
        await archives.remove(one.conn, one.store, archive)
        one.add("archives", removed=1)


async def release_kept(one: Run) -> None:
    """Remove payloads whose hold has ended, or that were brought back for a time that is over."""
    await repeat(one, "kept", "retention_delete_kept", max_rows=MOVED_ROWS)


async def prune_events(one: Run) -> None:
    """Remove light rows of days that are older than is kept, the oldest day first."""
    for received in await db.fetch_all(one.conn, "retention_list_received", days=one.keep.events):
        removed: int | None = 1
        while removed and not one.over:
            async with gently(one):
                row = await when_free(one, "retention_delete_events", day=received["day"], max_rows=EVENT_ROWS)
            removed = row["removed"] if row else None
            one.add("events", rows=removed or 0)


async def prune_counts(one: Run) -> None:
    """Remove hourly counts older than is kept; looks at every row, in the order of their key, over as many runs as it takes."""
    seen = 1
    while seen and not one.over:
        async with gently(one):
            row = await db.fetch_one(one.conn, "retention_delete_counts", days=one.keep.counts, max_rows=COUNT_ROWS)
        seen = row["seen"] if row else 0
        one.add("counts", rows=row["removed"] if row else 0)


async def prune_tags(one: Run) -> None:
    """Remove what is known of tags of events whose payloads have expired."""
    await repeat(one, "tags", "retention_delete_tags", max_rows=TAG_ROWS)


async def prune_incidents(one: Run) -> None:
    """Remove incidents that have not been seen for longer than is kept."""
    await repeat(one, "incidents", "retention_delete_incidents", days=one.keep.incidents, max_rows=INCIDENT_ROWS)


async def prune_audit(one: Run) -> None:
    """Remove entries of the trail older than is kept, and refused attempts."""
    await repeat(one, "audit", "retention_delete_audit", days=one.keep.audit, max_rows=AUDIT_ROWS)
    await repeat(one, "audit", "retention_delete_refusals", days=one.keep.audit, max_rows=AUDIT_ROWS)


async def prune_accounts(one: Run) -> None:
    """Remove usage and outcomes older than is kept."""
    await repeat(one, "usage", "retention_delete_usage", days=one.keep.usage, max_rows=ACCOUNT_ROWS)
    await repeat(one, "outcomes", "retention_delete_outcomes", days=one.keep.outcomes, max_rows=ACCOUNT_ROWS)


async def prune_invitations(one: Run) -> None:
    """Remove invitations that ended some time ago."""
    await repeat(one, "invitations", "invitation_delete_ended", days=keeping.INVITATION_DAYS, max_rows=INVITATION_ROWS)


async def prune_answers(one: Run) -> None:
    """Remove answers kept for repeated requests, and which messages of the sign-in service were taken, a day old."""
    await repeat(one, "answers", "idempotency_delete_old", lifetime=idempotency.LIFETIME, max_rows=ANSWER_ROWS)
    await repeat(one, "answers", "clerk_delete_old", hours=accounts.MESSAGES_KEPT_HOURS, max_rows=ANSWER_ROWS)


OTHER_LIFETIMES = {
    "invitations": keeping.INVITATION_DAYS,
    "lifetime": idempotency.LIFETIME,
    "hours": accounts.MESSAGES_KEPT_HOURS,
}


async def plan(conn: db.Connection) -> dict[str, Any]:
    """What a run would remove now; changes nothing."""
    keep = keeping.read(settings.current().keep_days)
    return {
        "keep_days": keep._asdict(),
        "changes": await db.fetch_all(conn, "retention_list_changes"),
        "payloads": await db.fetch_all(conn, "retention_list_expired"),
        "events": await db.fetch_all(conn, "retention_list_received", days=keep.events),
        "archives": await db.fetch_all(conn, "archive_list_due"),
        "rows": await db.fetch_one(conn, "retention_count_due", **keep._asdict(), **OTHER_LIFETIMES),
        "deleted": {
            "projects": await db.fetch_all(conn, "deletion_list_due"),
            "workspaces": await db.fetch_all(conn, "deletion_list_due_workspaces"),
        },
    }


STEPS: dict[str, Callable[[Run], Awaitable[None]]] = {
    "partitions": make_partitions,
    "changes": apply_changes,
    "payloads": prune_payloads,
    "archives": prune_archives,
    "kept": release_kept,
    # What somebody asked for, before what only takes long: a backlog of events may need all the time of many runs.
    "deleted": purging.purge_deleted,
    "erased": erasures.erase_requested,
    "events": prune_events,
    "counts": prune_counts,
    "tags": prune_tags,
    "incidents": prune_incidents,
    "audit": prune_audit,
    "accounts": prune_accounts,
    "invitations": prune_invitations,
    "answers": prune_answers,
}
