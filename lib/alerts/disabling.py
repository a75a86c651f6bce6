"""A channel that has failed for days, or refuses what is sent there, is switched off; the workspace's admins are told by mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from lib import db, deliveries, mail, queries, settings
from lib.alerts.noticing import FOOTER
from lib.channels import ChannelError
from lib.deliveries import Claimed, Ended

FAILING_MAX = timedelta(days=3)
FAILURES_MIN = 10
# What the other side refuses for good it need not refuse for days: a quiet project may have one message in two of them. Yet a
# provider that refuses everything for some minutes is down, and not the channel.
REFUSING_MAX = timedelta(hours=1)
REFUSALS_MIN = 2
PURPOSE = "channel_disabled"


def is_due(ended: Ended, error: ChannelError, now: datetime) -> bool:
    """Whether it has failed for long enough, and often enough, without one success. error: what the last try ended with."""
    times, length = (REFUSALS_MIN, REFUSING_MAX) if error.of_channel else (FAILURES_MIN, FAILING_MAX)
    return ended.failing_since is not None and ended.failures >= times and now - ended.failing_since >= length


async def disable(conn: db.Connection, claimed: Claimed, ended: Ended, error: ChannelError, now: datetime) -> bool:
    """Switch the channel off and tell its admins; `conn` is in a transaction. False where that is not right, or was done.

    A channel of mail is left alone while no mail of the deployment arrives anywhere: then the provider fails, and not it. Admins
    are told by the addresses of their own accounts, whatever channels there are; the one that fails is not told that it does.
    """
    if claimed.kind == "email":
        found = await db.fetch_one(conn, "delivery_find_sent_mail", since=ended.failing_since)
        if not found or not found["is_working"]:
            return False
    why = "Refuses what is sent there" if error.of_channel else f"Failed for {FAILING_MAX.days} days"
    reason = f"{why}: {error.detail}"[:200]
    off = {"project_id": claimed.project_id, "channel_id": claimed.channel_id, "now": now, "reason": reason}
    row = await db.fetch_one(conn, "delivery_update_channel_disabled", **off)
    if row is None:
        return False
    await conn.execute(queries.get("delivery_update_ended"), off | {"purpose": None})
    content = _content(row["project_name"], row["name"], error, claimed.project_id)
    for admin in await db.fetch_all(conn, "delivery_list_admins", workspace_id=claimed.workspace_id):
        if admin["address"] != claimed.recipient:
            key = f"{PURPOSE}/{claimed.id}/{claimed.token}/{admin['address']}"[:200]
            await deliveries.enqueue_mail(
                conn, claimed.workspace_id, claimed.project_id, admin["address"], PURPOSE, content, idempotency_key=key
            )
    return True


def _content(project_name: str, name: str, error: ChannelError, project_id: int | None) -> dict[str, Any]:
    base_url, days = settings.current().base_url, FAILING_MAX.days
    why = "it refuses what is sent there" if error.of_channel else f"it failed for {days} days without a success"
    told = f"Alerts of the project {project_name} no longer go to the channel {name}: {why}."
    todo = "Mend it, then switch it on again. What could not be sent is in the list of deliveries and can be sent again."
    button = ("Open the project's alerts", f"{base_url}/projects/{project_id}/alerts") if base_url else None
    return mail.render_plain_mail(
        f"The channel {name} was switched off", [told, f"The last error: {error.detail}", todo], button=button, footer=FOOTER
    )
