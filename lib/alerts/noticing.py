"""What a workspace's admins are told once by mail: notices, written with what happened (db/migrations/0010_limits.sql)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lib import db, deliveries, log, mail, queries, settings

NOTICES_MAX = 50
FOOTER = "You get this as an owner or admin of the workspace."


async def notice(conn: db.Connection, now: datetime) -> int | None:
    """Write the mails of the oldest notices; answers how many notices there were, None where none. `conn` is in a transaction."""
    rows = await db.fetch_all(conn, "alert_claim_notices", now=now, limit=NOTICES_MAX)
    for row in rows:
        if row["kind"] in CONTENTS:
            await _write(conn, row, CONTENTS[row["kind"]](row))
        else:
            log.write("notice_unknown", kind=row["kind"])
        await conn.execute(
            queries.get("alert_update_notice_handled"), {"workspace_id": row["workspace_id"], "id": row["id"], "now": now}
        )
    return len(rows) or None


async def _write(conn: db.Connection, row: dict[str, Any], content: dict[str, Any]) -> None:
    for admin in await db.fetch_all(conn, "delivery_list_admins", workspace_id=row["workspace_id"]):
        key = f"notice/{row['id']}/{admin['address']}"[:200]
        await deliveries.enqueue_mail(
            conn, row["workspace_id"], row["project_id"], admin["address"], row["kind"], content, idempotency_key=key
        )


def _spike(row: dict[str, Any]) -> dict[str, Any]:
    base_url, detail = settings.current().base_url, row["detail"]
    told = (
        f"The project {row['project_name']} got more than {detail['spike_events']:,} events within an hour, "
        f"{detail['spike_factor']} times what is usual for it."
    )
    meaning = (
        "All events are counted, and their incidents alert as always. Until it is over, only samples of the payloads are kept."
    )
    button = ("Open the project", f"{base_url}/projects/{row['project_id']}") if base_url else None
    return mail.render_plain_mail(f"A spike in {row['project_name']}", [told, meaning], button=button, footer=FOOTER)


CONTENTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"spike": _spike}
