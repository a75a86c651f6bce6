"""/api/projects/{project_id}/alert-rules, …/channels, …/deliveries; and /api/alerts, where links in mails lead."""

from __future__ import annotations

import functools
import html
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from lib import channels, delivery_log, http
from lib.alerts import addresses, channel_settings, rule_settings, telling
from lib.errors import InvalidRequest, NotFound
from lib.models import alerts as models
from lib.operations import ANYONE, Call, Operations

PROJECT = "/api/projects/{project_id:id}"
RULES, CHANNELS, DELIVERIES = f"{PROJECT}/alert-rules", f"{PROJECT}/channels", f"{PROJECT}/deliveries"
RULE, CHANNEL, DELIVERY = f"{RULES}/{{rule_id:id}}", f"{CHANNELS}/{{channel_id:id}}", f"{DELIVERIES}/{{delivery_id}}"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Sensra</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style/base.css">
</head>
<body>
<main class="sign-in"><h1>{title}</h1>
<p>{text}</p>
{form}<p class="muted"><a href="/privacy">What becomes of your data here</a></p></main>
</body>
</html>
"""
FORM = '<form method="post"><button class="primary">{words}</button></form>\n'
Handler = Callable[[Call, models.TokenQuery], Awaitable[Response]]
operations = Operations()


# -- rules


@operations.get(RULES, "alerts:read", answers=models.RuleList)
async def list_rules(call: Call) -> dict[str, Any]:
    """All alert rules of the project, the oldest first."""
    return await rule_settings.list_all(call.conn, call.project_id)


@operations.post(RULES, "alerts:write", answers=models.Rule, status=201)
async def create_rule(call: Call, body: models.RuleCreate) -> dict[str, Any]:
    """Make an alert rule."""
    given = body.model_dump(by_alias=True, exclude={"conditions"}) | {"conditions": _conditions(body.conditions)}
    return await rule_settings.create(call.conn, call.actor, call.project_id, given)


@operations.post(RULES + "/preview", "alerts:read", answers=models.Preview)
async def preview_rule(call: Call, body: models.RuleTry) -> dict[str, Any]:
    """What a rule of these conditions and filters would have found in the week before."""
    return await rule_settings.preview(call.conn, call.project_id, _conditions(body.conditions), body.filters.model_dump())


@operations.get(RULE, "alerts:read", answers=models.Rule)
async def read_rule(call: Call) -> dict[str, Any]:
    """One alert rule."""
    return await rule_settings.read(call.conn, call.project_id, call.id("rule_id"))


@operations.patch(RULE, "alerts:write", answers=models.Rule)
async def change_rule(call: Call, body: models.RulePatch) -> dict[str, Any]:
    """Change an alert rule, mute it or switch it off. What is left out stays."""
    given = body.model_dump(by_alias=True, exclude_unset=True)
    if body.conditions:
        given["conditions"] = _conditions(body.conditions)
    settings = {name: value for name, value in given.items() if value is not None or name in {"quiet_hours", "muted_until"}}
    before = await rule_settings.read(call.conn, call.project_id, call.id("rule_id"))
    together = {name: settings.get(name, before[name]) for name in ("conditions", "filters")}
    try:
        models.RuleTry.model_validate(together)
    except ValueError as error:
        raise InvalidRequest("These filters do not go with these conditions; see docs/alerts.md.") from error
    return await rule_settings.change(call.conn, call.actor, call.project_id, call.id("rule_id"), settings)


@operations.delete(RULE, "alerts:write")
async def delete_rule(call: Call) -> None:
    """Delete an alert rule, and what waits to be told by it."""
    await rule_settings.delete(call.conn, call.actor, call.project_id, call.id("rule_id"))


def _conditions(conditions: models.Conditions) -> dict[str, Any]:
    """Those that are wanted."""
    return {name: value for name, value in conditions.model_dump().items() if value}


# -- channels


@operations.get(CHANNELS, "alerts:read", answers=models.ChannelList)
async def list_channels(call: Call) -> dict[str, Any]:
    """All channels of the project, the oldest first."""
    return await channel_settings.list_all(call.conn, call.actor, call.project_id)


async def _look_up(body: models.ChannelCreate | models.ChannelPatch) -> None:
    """Where a URL leads."""
    if body.target:
        await channels.look_up(body.target.model_dump())


@operations.post(CHANNELS, "alerts:write", answers=models.CreatedChannel, status=201, shown_once=("secret",), before=_look_up)
async def create_channel(call: Call, body: models.ChannelCreate) -> dict[str, Any]:
    """Make a channel. An address that is no member's is asked by mail first. Keep a webhook's secret: it is not shown again."""
    return await channel_settings.create(call.conn, call.actor, call.project_id, body.model_dump())


@operations.get(CHANNEL, "alerts:read", answers=models.Channel)
async def read_channel(call: Call) -> dict[str, Any]:
    """One channel."""
    return await channel_settings.read(call.conn, call.actor, call.project_id, call.id("channel_id"))


@operations.patch(CHANNEL, "alerts:write", answers=models.Channel, before=_look_up)
async def change_channel(call: Call, body: models.ChannelPatch) -> dict[str, Any]:
    """Change a channel, mute it, switch it off or on again. What is left out stays."""
    given = body.model_dump(exclude_unset=True)
    settings = {name: value for name, value in given.items() if value is not None or name in {"muted_until", "target"}}
    return await channel_settings.change(call.conn, call.actor, call.project_id, call.id("channel_id"), settings)


@operations.delete(CHANNEL, "alerts:write")
async def delete_channel(call: Call) -> None:
    """Delete a channel; what waits for it is cancelled."""
    await channel_settings.delete(call.conn, call.actor, call.project_id, call.id("channel_id"))


@operations.post(CHANNEL + "/test", "alerts:write", answers=models.Delivery)
async def test_channel(call: Call) -> dict[str, Any]:
    """Send a test message over the channel; answers its delivery, whose state tells what becomes of it."""
    delivery_id = await channel_settings.test(call.conn, call.actor, call.project_id, call.id("channel_id"))
    return await delivery_log.read(call.conn, call.workspace_id, call.project_id, delivery_id)


@operations.post(CHANNEL + "/confirmation", "alerts:write", answers=models.Channel)
async def ask_channel(call: Call) -> dict[str, Any]:
    """Ask the channel's address once more whether it agrees."""
    return await channel_settings.ask_again(call.conn, call.actor, call.project_id, call.id("channel_id"))


@operations.post(CHANNEL + "/resume", "alerts:receive", answers=models.Channel)
async def resume_channel(call: Call) -> dict[str, Any]:
    """Get the channel's mails again that you have ended by their link. For yourself alone: nobody can begin them for others."""
    return await channel_settings.resume(call.conn, call.actor, call.project_id, call.id("channel_id"))


# -- what waits, and deliveries


@operations.get(f"{PROJECT}/waiting-alerts", "alerts:read", answers=models.WaitingAlerts)
async def list_waiting_alerts(call: Call) -> dict[str, Any]:
    """What was found and waits to be told, why and until when; and what was dropped instead within the day before."""
    return await telling.list_waiting(call.conn, call.project_id, datetime.now(UTC))


@operations.get(DELIVERIES, "alerts:read", answers=models.DeliveryPage)
async def list_deliveries(call: Call, query: models.DeliveryQuery) -> dict[str, Any]:
    """A page of the project's deliveries of the last 30 days, the newest first."""
    return await delivery_log.list_page(
        call.conn, call.project_id, query.state, query.channel_id, query.limit, query.cursor
    )  # fmt: skip


@operations.get(DELIVERY, "alerts:read", answers=models.Delivery)
async def read_delivery(call: Call) -> dict[str, Any]:
    """One delivery with its tries."""
    return await delivery_log.read(call.conn, call.workspace_id, call.project_id, call.text("delivery_id"))


@operations.post(DELIVERY + "/resend", "alerts:write", answers=models.Delivery)
async def resend_delivery(call: Call) -> dict[str, Any]:
    """Send a dead delivery again, as it was rendered."""
    return await delivery_log.send_again(call.conn, call.actor, call.project_id, call.text("delivery_id"))


# -- links in mails: looking changes nothing, since mail scanners look at all of them


def _page(title: str, text: str, words: str | None = None, status: int = 200) -> Response:
    form = FORM.format(words=html.escape(words)) if words else ""
    content = PAGE.format(title=html.escape(title), text=html.escape(text), form=form)
    return Response(content, status, http.HEADERS, "text/html")


def _for_people(handler: Handler) -> Handler:
    """A link that leads nowhere is told to whoever followed it as a page, too."""

    @functools.wraps(handler)
    async def answer(call: Call, query: models.TokenQuery) -> Response:
        try:
            return await handler(call, query)
        except NotFound as error:
            return _page("This link has ended", error.detail, status=error.status)

    return answer


@operations.get(addresses.CONFIRM, ANYONE, media_type="text/html")
@_for_people
async def show_confirmation(call: Call, query: models.TokenQuery) -> Response:
    """The page on which an address agrees to get alerts."""
    asked = await addresses.find_asked(call.conn, query.token)
    if asked["channel_name"] is None:
        text = f"The workspace {asked['workspace_name']} wants to send its alerts about errors to {asked['address']}."
        return _page("Do you want these alerts?", text, "Yes, send them")
    text = (
        f"The workspace {asked['workspace_name']} asks whether the mails of {_channel(asked)} may go to {asked['address']},"
        " which has ended such mails. Other channels stay as they are."
    )
    return _page("Do you want these alerts again?", text, "Yes, send them again")


@operations.post(addresses.CONFIRM, ANYONE, media_type="text/html")
@_for_people
async def confirm_address(call: Call, query: models.TokenQuery) -> Response:
    """An address agrees to get alerts."""
    found = await addresses.confirm(call.conn, query.token, http.client_address(call.request))
    what = (
        f"alerts of the workspace {found['workspace_name']}" if found["channel_name"] is None else f"mails of {_channel(found)}"
    )
    return _page("Thank you", f"From now on {what} go to {found['address']}. Each has a link that ends those of its channel.")


@operations.get(telling.UNSUBSCRIBE, ANYONE, media_type="text/html")
@_for_people
async def show_subscription(call: Call, query: models.TokenQuery) -> Response:
    """The page on which somebody ends a channel's mails."""
    found = await addresses.find_recipient(call.conn, query.token)
    if found["unsubscribed_at"]:
        return _ended(found)
    text = f"This ends the mails of {_channel(found)} to {found['address']}. Other channels go on, and end by links of their own."
    return _page("End these alerts?", text, "End them")


@operations.post(telling.UNSUBSCRIBE, ANYONE, media_type="text/html")
@_for_people
async def unsubscribe_address(call: Call, query: models.TokenQuery) -> Response:
    """End a channel's mails to somebody: one click in a mail client, or the page's button (RFC 8058)."""
    return _ended(await addresses.unsubscribe(call.conn, query.token, http.client_address(call.request)))


def _ended(found: dict[str, Any]) -> Response:
    text = (
        f"No more mails of {_channel(found)} go to {found['address']}. Other channels go on. Members of the workspace begin them"
        " again on the project's page of alerts; others agree again by a mail that the workspace can have sent."
    )
    return _page("They have ended", text)


def _channel(found: dict[str, Any]) -> str:
    return f"the channel {found['channel_name']} of the project {found['project_name']}"


app = operations.app()
