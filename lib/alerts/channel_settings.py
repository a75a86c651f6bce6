"""A project's channels as people set them. A URL may be a secret itself: it is shown by its host and its end alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from lib import audit, channels, db, deliveries, log, queries, settings
from lib.alerts import addresses, telling
from lib.channels.notice import Frame, Item, Notice
from lib.errors import Conflict, InvalidRequest, NotFound, TooOften

CHANNELS_MAX = 50
TESTS_PER_HOUR = 10
SHOWN = (
    "id", "kind", "name", "digest_minutes", "hourly_max", "muted_until", "failing_since", "disabled_at", "disabled_reason",
    "created_at",
)  # fmt: skip
# No settings: what receivers did, and whether that is who looks.
SEEN = ("receiver_count", "ended_by_you")
PLAIN = ("name", "digest_minutes", "hourly_max", "muted_until")
OWNERS = "the workspace's owners"
OFF_BY_HAND = "Switched off by hand."
MUTED = "The channel was muted."
NOBODY = (
    "Nobody receives this channel's mails: its address has not agreed, or whoever got them has ended them. Ask the address once"
    " more, or begin your own again on the page of alerts."
)


async def list_all(conn: db.Connection, actor: audit.Actor, project_id: int) -> dict[str, Any]:
    """`{"items": […]}`: all channels of the project as the actor sees them, the oldest first."""
    rows = await db.fetch_all(conn, "channel_list", project_id=project_id, channel_id=None, person_id=actor.person_id)
    return {"items": [_shown(row) for row in rows]}


async def read(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> dict[str, Any]:
    """One channel, as the actor sees it. Raises NotFound."""
    return _shown(await _find(conn, actor, project_id, channel_id))


async def create(conn: db.Connection, actor: audit.Actor, project_id: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Make a channel: kind, target and the PLAIN settings. Answers it with the secret of a webhook, for this one time.

    Raises Conflict beyond CHANNELS_MAX, InvalidRequest for a target that cannot be used, TooOften (lib/alerts/addresses.py).
    """
    await db.fetch_one(conn, "alert_lock_project", project_id=project_id)
    if len((await list_all(conn, actor, project_id))["items"]) >= CHANNELS_MAX:
        raise Conflict(f"A project may have {CHANNELS_MAX} channels. Delete one first.")
    secret = _new_secret() if given["kind"] == "webhook" else None
    target = _target(given["kind"], given["target"], secret)
    row = await db.fetch_one(
        conn, "channel_insert", project_id=project_id, kind=given["kind"], target=_json(target),
        person_id=actor.person_id, **{name: given[name] for name in PLAIN},
    )  # fmt: skip
    assert row  # noqa: S101 - INSERT … RETURNING answers a row or raises
    await addresses.lead(conn, actor, project_id, row["id"], target)
    made = await read(conn, actor, project_id, row["id"])
    await audit.record(conn, actor, "channel.create", row["id"], None, _audited(made))
    return {**made, "secret": secret}


async def change(
    conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int, given: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Change these of its settings: PLAIN, target, enabled. Raises NotFound, InvalidRequest, TooOften."""
    await db.fetch_one(conn, "alert_lock_project", project_id=project_id)
    row = await _find(conn, actor, project_id, channel_id)
    target = row["target"]
    if "target" in given:
        target = _target(row["kind"], given["target"], (target or {}).get("secret"))
    new = {name: given.get(name, row[name]) for name in PLAIN}
    is_enabled = given.get("enabled", row["disabled_at"] is None)
    place = {"project_id": project_id, "channel_id": channel_id}
    changes = {**new, "target": _json(target), "is_enabled": is_enabled, "reason": OFF_BY_HAND}
    await conn.execute(queries.get("channel_update"), place | changes)
    await _end_waiting(conn, place, is_enabled=is_enabled, muted_until=new["muted_until"])
    if target != row["target"]:
        await addresses.lead(conn, actor, project_id, channel_id, target)
    before, after = _shown(row), await read(conn, actor, project_id, channel_id)
    changed = [name for name in after if after[name] != before[name] and name not in SEEN]
    await audit.record(
        conn,
        actor,
        "channel.change",
        channel_id,
        {name: before[name] for name in changed},
        {name: after[name] for name in changed},
    )
    return after


async def _end_waiting(
    conn: db.Connection, place: dict[str, int], *, is_enabled: bool, muted_until: datetime | None
) -> None:  # fmt: skip
    """What a channel was about to send, it sends no more once it is switched off, nor alerts while it is muted."""
    is_muted = muted_until is not None and muted_until > datetime.now(UTC)
    if is_enabled and not is_muted:
        return
    ended = {"reason": MUTED, "purpose": "alert"} if is_enabled else {"reason": OFF_BY_HAND, "purpose": None}
    await conn.execute(queries.get("delivery_update_ended"), place | ended | {"now": None})


async def delete(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> None:
    """Delete a channel; what waits for it is cancelled. Raises NotFound."""
    before = await read(conn, actor, project_id, channel_id)
    await conn.execute(queries.get("channel_delete"), {"project_id": project_id, "channel_id": channel_id})
    await audit.record(conn, actor, "channel.delete", channel_id, _audited(before), None)


async def ask_again(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> dict[str, Any]:
    """Ask the channel's address once more to agree. Raises NotFound, Conflict where there is nothing to ask, TooOften."""
    row = await _find(conn, actor, project_id, channel_id)
    if row["target"] is None and row["receiver_count"] == 0:
        raise Conflict("Whoever of the owners has ended these mails begins them again themselves, on the page of alerts.")
    if row["receiver_count"] != 0:
        raise Conflict("Nobody need be asked: mail may go there already.")
    if not await addresses.ask(conn, actor, project_id, channel_id, row["target"]):
        raise TooOften("The address was asked a moment ago. Ask it again in some minutes.", addresses.AGAIN.seconds)
    await audit.record(conn, actor, "channel.ask", channel_id, None, None)
    return _shown(row)


async def resume(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> dict[str, Any]:
    """The person who asks gets the channel's mails again. Raises NotFound, Conflict where they have not ended them."""
    await read(conn, actor, project_id, channel_id)
    await addresses.resume(conn, actor, project_id, channel_id)
    return await read(conn, actor, project_id, channel_id)


async def test(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> str:
    """Write a test message for the channel, which goes the way of all; answers the delivery's id.

    Raises NotFound, Conflict where nobody may be sent anything yet, TooOften beyond TESTS_PER_HOUR.
    """
    row = await _find(conn, actor, project_id, channel_id)
    counted = await db.fetch_one(conn, "channel_count_tests", project_id=project_id, channel_id=channel_id)
    if counted and counted["made"] >= TESTS_PER_HOUR:
        raise TooOften(f"A channel takes {TESTS_PER_HOUR} tests an hour.", 3_600)
    names = await db.fetch_one(conn, "channel_find_names", project_id=project_id)
    assert names  # noqa: S101 - the caller is in it
    receivers = await telling.receivers_of(conn, {**row, **names, "project_id": project_id})
    if not receivers:
        raise Conflict(NOBODY)
    delivery_id = uuid.uuid4()
    now = datetime.now(UTC)
    for number, (address, token) in enumerate(receivers):
        one = delivery_id if number == 0 else uuid.uuid4()
        notice = Notice(
            names["workspace_name"], project_id, names["project_name"], (_sample(now),), 0, settings.current().base_url,
            telling.unsubscribe_url(token), row["name"],
        )  # fmt: skip
        content = channels.render(row["kind"], notice, delivery_id=str(one), created_at=now)
        new = deliveries.New(
            names["workspace_id"], project_id, channel_id, "test", row["kind"], address, content, f"test/{one}"
        )  # fmt: skip
        await deliveries.enqueue(conn, new, delivery_id=one)
    await audit.record(conn, actor, "channel.test", channel_id, None, None)
    log.note(delivery=delivery_id)
    return str(delivery_id)


async def _find(conn: db.Connection, actor: audit.Actor, project_id: int, channel_id: int) -> dict[str, Any]:
    row = await db.fetch_one(
        conn, "channel_list", project_id=project_id, channel_id=channel_id, person_id=actor.person_id
    )  # fmt: skip
    if row is None:
        raise NotFound("There is no such channel in this project.")
    return row


def _target(kind: channels.Kind, given: Mapping[str, Any] | None, secret: str | None) -> dict[str, Any] | None:
    """What is kept of the other side. Raises InvalidRequest where it cannot be used."""
    if given is None and kind == "email":
        return None
    wanted, other = ("address", "url") if kind == "email" else ("url", "address")
    found = given or {}
    if found.get(other) is not None or found.get(wanted) is None:
        raise InvalidRequest(
            "The channel's target cannot be used.",
            [{"pointer": f"/target/{wanted}", "detail": f"a channel of {kind} leads to this"}],
        )
    target: dict[str, Any] = {wanted: found[wanted]} | ({"secret": secret} if secret else {})
    channels.check_target(kind, target)
    return target


def _new_secret() -> str:
    from lib.channels.webhook import new_secret

    return new_secret()


def _json(target: dict[str, Any] | None) -> str | None:
    return None if target is None else orjson.dumps(target).decode()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: row[name] for name in (*SHOWN, *SEEN)}
    return {**shown, "target": _hint(row["target"]), "confirmed": row["is_confirmed"]}


def _hint(target: dict[str, Any] | None) -> str:
    if target is None:
        return OWNERS
    if "address" in target:
        return str(target["address"])
    return f"{urlsplit(target['url']).hostname}/…{target['url'][-4:]}"


def _audited(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in ("kind", "target", *PLAIN)}


def _sample(now: datetime) -> Item:
    """What a test shows."""
    return Item(
        incident_id=1, transition="new", reason="a test of this channel, sent by hand", title="TestError: this is only a test",
        culprit="add in shop/cart.py", level="error", platform="python", environment="production", release="shop@1.4.2",
        first_seen=now, last_seen=now, event_count=1, people_count=1,
        frame=Frame("shop/cart.py", 7, "add", "    plan = plans[name]"), explained=None, removed_count=0,
    )  # fmt: skip
