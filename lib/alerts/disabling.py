"""A channel that has failed for days is switched off, and the workspace's admins are told by mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from lib import db, deliveries, mail, settings
from lib.alerts.noticing import FOOTER
from lib.deliveries import Claimed, Ended

FAILING_MAX = timedelta(days=3)
FAILURES_MIN = 10
PURPOSE = "channel_disabled"


def is_due(ended: Ended, now: datetime) -> bool:
    """Whether it has failed for long enough, and often enough, without one success."""
    return ended.failing_since is not None and ended.failures >= FAILURES_MIN and now - ended.failing_since >= FAILING_MAX


async def disable(conn: db.Connection, claimed: Claimed, ended: Ended, error: str, now: datetime) -> bool:
    """Switch the channel off and tell its admins; `conn` is in a transaction. False where that is not right, or was done.

    A channel of mail is left alone while no mail of the deployment arrives anywhere: then the provider fails, and not it.
    """
    if claimed.kind == "email":
        found = await db.fetch_one(conn, "delivery_find_sent_mail", since=ended.failing_since)
        if not found or not found["is_working"]:
            return False
    row = await db.fetch_one(
        conn, "delivery_update_channel_disabled", project_id=claimed.project_id, channel_id=claimed.channel_id, now=now,
        reason=f"Failed for {FAILING_MAX.days} days: {error}"[:200],
    )  # fmt: skip
    if row is None:
        return False
    content = _content(row["project_name"], row["name"], error, claimed.project_id)
    for admin in await db.fetch_all(conn, "delivery_list_admins", workspace_id=claimed.workspace_id):
        if admin["address"] != claimed.recipient:
            key = f"{PURPOSE}/{claimed.channel_id}/{now.date()}/{admin['address']}"[:200]
            await deliveries.enqueue_mail(
                conn, claimed.workspace_id, claimed.project_id, admin["address"], PURPOSE, content, idempotency_key=key
            )
    return True


def _content(project_name: str, name: str, error: str, project_id: int | None) -> dict[str, Any]:
    base_url, days = settings.current().base_url, FAILING_MAX.days
    told = (
        f"Alerts of the project {project_name} no longer go to the channel {name}: it failed for {days} days without a success."
    )
    todo = "Mend it, then switch it on again. What could not be sent is in the list of deliveries and can be sent again."
    button = ("Open the project's alerts", f"{base_url}/projects/{project_id}/alerts") if base_url else None
    return mail.render_plain_mail(
        f"The channel {name} was switched off", [told, f"The last error: {error}", todo], button=button, footer=FOOTER
    )
