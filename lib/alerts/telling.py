"""From what waits for a channel to deliveries: one message of all that is due, at once or as a digest, rendered and frozen."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from lib import analysis, channels, db, deliveries, fingerprint, incidents, log, settings
from lib.channels.notice import Explained, Frame, Item, Notice
from lib.errors import NotFound

# Of a message; what comes beyond is counted.
ITEMS_MAX = 20
# Of several kinds that an incident is told for, the first of these names it.
KINDS = ("regressed", "new", "escalated", "frequency", "milestone")
REASON_CHARACTERS_MAX = 200
# How long a message waits for an analysis that is about to end; after that it goes without.
ANALYSIS_WAIT = timedelta(seconds=60)
UNSUBSCRIBE = "/api/alerts/unsubscribe"
PLACE = ("project_id", "target", "workspace_id", "project_name", "workspace_name", "channel_name")


async def tell(conn: db.Connection, now: datetime, *, is_last: bool = False) -> int | None:
    """Write the deliveries of one channel that has something due; answers how many, None where there is no such channel.

    `conn` is in a transaction: what waits is told by exactly these deliveries, or waits on. is_last: analyses have had their
    turn; what none was begun for goes without, since it may be long until somebody comes again.
    """
    patience = now - ANALYSIS_WAIT if settings.current().openai_api_key else now
    awaited = {"patience": patience, "awaited": ["running"] if is_last else ["running", "waiting"]}
    rows = await db.fetch_all(conn, "alert_claim_waiting", now=now, **awaited)
    if not rows:
        return None
    waiting = [row for row in rows if row["id"] is not None]
    if not waiting:  # taken away meanwhile, or dropped
        return 0
    channel = {**{name: rows[0][name] for name in PLACE}, "id": rows[0]["channel_id"], "kind": rows[0]["channel_kind"]}
    receivers = await receivers_of(conn, channel)
    if not receivers:
        log.write("alerts_without_receiver", project=channel["project_id"], channel=channel["id"], alerts=len(waiting))
        return 0
    items, omitted = await items_of(conn, channel["project_id"], waiting)
    for address, token in receivers:
        await _write(conn, channel, address, token, items, omitted, now, waiting[0]["id"])
    return len(receivers)


async def _write(
    conn: db.Connection, channel: dict[str, Any], address: str | None, token: str | None, items: list[Item], omitted: int,
    now: datetime, first_id: int,
) -> None:  # fmt: skip
    delivery_id = uuid.uuid4()
    base_url = settings.current().base_url
    notice = Notice(
        channel["workspace_name"], channel["project_id"], channel["project_name"], tuple(items), omitted, base_url,
        unsubscribe_url(token), channel["channel_name"],
    )  # fmt: skip
    content = channels.render(channel["kind"], notice, delivery_id=str(delivery_id), created_at=now)
    receiver = hashlib.sha256((address or "").encode()).hexdigest()[:16]
    new = deliveries.New(
        channel["workspace_id"], channel["project_id"], channel["id"], "alert", channel["kind"], address, content,
        f"alert/{first_id}/{channel['id']}/{receiver}", [item.incident_id for item in items],
    )  # fmt: skip
    await deliveries.enqueue(conn, new, delivery_id=delivery_id, now=now)


def unsubscribe_url(token: str | None) -> str | None:
    """The link by which somebody ends these mails; None where the deployment does not know its own address."""
    base_url = settings.current().base_url
    return f"{base_url}{UNSUBSCRIBE}?token={token}" if token and base_url else None


async def receivers_of(conn: db.Connection, channel: dict[str, Any]) -> list[tuple[str | None, str | None]]:
    """(address, token to end its mails); (None, None) for what is no mail. Without those who ended them or never agreed.

    channel: kind, target, id, project_id and workspace_id of it.
    """
    if channel["kind"] != "email":
        return [(None, None)]
    workspace_id = channel["workspace_id"]
    if channel["target"] is None:
        addresses = [row["address"] for row in await db.fetch_all(conn, "alert_list_owners", workspace_id=workspace_id)]
    else:
        addresses = [channel["target"]["address"].lower()]
        found = await db.fetch_one(conn, "alert_find_address", workspace_id=workspace_id, address=addresses[0])
        if not found or not found["is_allowed"]:
            return []
    return [
        (address, token)
        for address in addresses
        if (token := await token_of(conn, channel["project_id"], channel["id"], address))
    ]


async def token_of(conn: db.Connection, project_id: int, channel_id: int, address: str) -> str | None:
    """The token by which an address ends a channel's mails; None where it has ended them."""
    row = await db.fetch_one(
        conn, "alert_upsert_recipient", project_id=project_id, channel_id=channel_id, address=address,
        token=secrets.token_urlsafe(32),
    )  # fmt: skip
    return row["token"] if row else None


async def list_waiting(conn: db.Connection, project_id: int, now: datetime) -> dict[str, Any]:
    """What waits in a project, and what was dropped lately; see models.WaitingAlerts."""
    place = {"project_id": project_id, "now": now}
    return {
        "waiting": await db.fetch_all(conn, "alert_list_waiting", **place),
        "dropped": await db.fetch_all(conn, "alert_list_dropped", **place),
    }


# -- what a message says ---------------------------------------------------------------------------------------------


async def items_of(conn: db.Connection, project_id: int, alerts: list[dict[str, Any]]) -> tuple[list[Item], int]:
    """An item for each incident, in the order in which they were found, and how many are left out."""
    by_incident: dict[int, list[dict[str, Any]]] = {}
    for alert in alerts:
        by_incident.setdefault(alert["incident_id"], []).append(alert)
    shown = list(by_incident)[:ITEMS_MAX]
    rows = {
        row["id"]: row
        for row in await db.fetch_all(conn, "alert_list_incidents", project_id=project_id, incident_ids=shown)
    }  # fmt: skip
    explained = await analysis.newest(conn, project_id, shown)
    items = [
        await _item(conn, rows[incident_id], by_incident[incident_id], explained.get(incident_id))
        for incident_id in shown
        if incident_id in rows
    ]
    return items, len(by_incident) - len(items)


async def _item(conn: db.Connection, incident: dict[str, Any], alerts: list[dict[str, Any]], explained: Explained | None) -> Item:
    first = min(alerts, key=lambda alert: KINDS.index(alert["kind"]))
    reasons = "; ".join(dict.fromkeys(alert["reason"] for alert in alerts))
    event = await _event(conn, incident, first["event_id"])
    return Item(
        incident_id=incident["id"], transition=first["kind"], reason=reasons[:REASON_CHARACTERS_MAX],
        **{name: incident[name] for name in ("title", "culprit", "level", "platform", "first_seen", "last_seen", "event_count")},
        environment=first["environment"] or event.get("environment"), release=first["release"] or event.get("release"),
        people_count=incident["people_count"] or None, frame=_frame(event.get("payload")), explained=explained,
        removed_count=event.get("removed_count"),
    )  # fmt: skip


async def _event(conn: db.Connection, incident: dict[str, Any], event_id: uuid.UUID | None) -> dict[str, Any]:
    """The event that stands for it, whole; empty where it is gone."""
    if event_id is None:
        place = {"project_id": incident["project_id"], "incident_id": incident["id"]}
        row = await db.fetch_one(
            conn, "alert_find_newest_event", **place, since=incident["first_seen"] - incidents.CLOCK_SLACK
        )  # fmt: skip
        event_id = row["event_id"] if row else None
    try:
        return await incidents.read_event(conn, incident["project_id"], event_id.hex) if event_id else {}
    except NotFound:
        return {}


def _frame(payload: dict[str, Any] | None) -> Frame | None:
    """Where it crashed, as the incident's culprit is found."""
    found = fingerprint.crash_frame(payload) if payload else None
    filename = _text((found or {}).get("filename") or (found or {}).get("module"))
    if not found or not filename:
        return None
    lineno = found.get("lineno")
    return Frame(
        filename, lineno if isinstance(lineno, int) else None, _text(found.get("function")), _text(found.get("context_line"))
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
