"""How long a project keeps what its events hold: read, tried, changed. lib/pruning.py does what follows from it."""

from __future__ import annotations

from typing import Any

from lib import audit, db
from lib.errors import InvalidRequest, NotFound

DAYS_MIN = 1
DAYS_MAX = 3_650


async def read(conn: db.Connection, project_id: int) -> dict[str, Any]:
    """`retention_days`; `applied`: whether all that is stored has it by now; the project's legal holds. Raises NotFound."""
    row = await db.fetch_one(conn, "retention_find", project_id=project_id)
    if row is None:
        raise NotFound("There is no such project.")
    return dict(row)


async def effect(conn: db.Connection, project_id: int, retention_days: int) -> dict[str, Any]:
    """What this retention would do to what is stored at this moment; changes nothing.

    `{"retention_days", "stored": {"rows", "bytes"}, "removed": {"rows", "bytes"}}`: payloads as they are stored,
    compressed. Held ones are among the removed, and stay as long as they are held. Raises InvalidRequest.
    """
    _require_days(retention_days)
    row = await db.fetch_one(conn, "retention_count_effect", project_id=project_id, retention_days=retention_days)
    assert row  # noqa: S101 - it counts
    return {
        "retention_days": retention_days,
        "stored": {"rows": row["stored_rows"], "bytes": row["stored_bytes"]},
        "removed": {"rows": row["removed_rows"], "bytes": row["removed_bytes"]},
    }


async def change(conn: db.Connection, actor: audit.Actor, project_id: int, retention_days: int) -> dict[str, Any]:
    """Set how many days payloads are kept; answers as `read` does. Events that come have it within a minute.

    What is stored follows with the next runs of the cron: shortened, it goes within a day; lengthened, it stays if it is still
    there. Raises NotFound, InvalidRequest.
    """
    _require_days(retention_days)
    was = await db.fetch_one(conn, "retention_update_days", project_id=project_id, retention_days=retention_days)
    if was is None:
        raise NotFound("There is no such project.")
    if was["retention_days"] != retention_days:
        await db.fetch_one(conn, "retention_upsert_change", project_id=project_id)
        before, after = {"retention_days": was["retention_days"]}, {"retention_days": retention_days}
        await audit.record(conn, actor, "project.retention", project_id, before, after)
    return await read(conn, project_id)


def _require_days(retention_days: int) -> None:
    if not DAYS_MIN <= retention_days <= DAYS_MAX:
        raise InvalidRequest(
            f"Payloads can be kept for {DAYS_MIN} to {DAYS_MAX} days.",
            [{"pointer": "/retention_days", "detail": f"a number from {DAYS_MIN} to {DAYS_MAX}"}],
        )
