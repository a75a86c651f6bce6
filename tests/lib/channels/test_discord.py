"""Discord's webhooks."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lib import channels
from lib.channels.notice import Notice
from lib.channels.outcome import ChannelError
from local.sink import CHECKS
from tests.cases import each
from tests.conftest import SinkStandIn
from tests.lib.channels.hostile_texts import TEXTS, links_in
from tests.lib.channels.notices import BASE_URL, CREATED_AT, ITEM, notice
from tests.lib.channels.test_email import hostile

OUR_LINK = re.compile(rf"\[[A-Z][a-z ]+\]\({re.escape(BASE_URL)}/projects/1[^()\s]*\)")


def render(given: Notice) -> dict[str, Any]:
    return channels.render("discord", given, delivery_id="d1", created_at=CREATED_AT)


def texts_of(body: dict[str, Any]) -> list[str]:
    found = [body["content"]]
    for embed in body["embeds"]:
        found += [
            embed.get("title", ""),
            embed["description"],
            embed["footer"]["text"],
            *(field["value"] for field in embed["fields"]),
        ]
    return found


def test_a_message_tells_what_where_how_often_and_why() -> None:
    told = "\n".join(texts_of(render(notice())["body"])).replace("\u200b", "").replace("\\", "")
    for wanted in (
        "New: KeyError: no plan for [redacted:email]", "A new error in production.", "1,284", "37", "production", "Shop",
        "shop/checkout/plans.py", 'return PLANS[customer["plan"]].price', "The plan of a customer", "Written by a model",
        f"[Open]({BASE_URL}/projects/1/incidents/17)", "then=resolve)", "then=mute)", "3 pieces",
    ):  # fmt: skip
        assert wanted in told, wanted


@each("text", TEXTS)
def test_nothing_of_an_event_is_a_link_a_mention_or_markup(text: str) -> None:
    for given in (hostile(text), notice(hostile(text).items[0])):
        body = render(given)["body"]
        assert body["allowed_mentions"] == {"parse": []}
        for one in texts_of(body):
            rest = OUR_LINK.sub("", one)
            assert links_in(rest) == []
            assert rest.count("```") in {0, 2}
            outside = re.sub(r"```\n.*?\n```", "", rest, flags=re.DOTALL)
            assert re.search(r"(?<!\\)(?:\\\\)*[<>`_~|\[\]]", outside) is None
        assert CHECKS["discord"](body) == ""
        json.dumps(body).encode()


def test_a_long_digest_keeps_discord_s_limits() -> None:
    body = render(notice(*[ITEM] * 60, omitted=3))["body"]
    assert CHECKS["discord"](body) == ""
    assert "63 incidents" in body["content"].replace("\\", "")
    assert "And 59 more incidents." in body["content"]


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (401, True), (404, True), (429, False), (500, False)])
async def test_an_answer_says_whether_to_try_again(sink: SinkStandIn, status: int, permanent: bool) -> None:
    target = {"url": f"{sink.url}/local/sink/discord"}
    sink.failing.coming.append(status)
    with pytest.raises(ChannelError) as caught:
        await channels.send("discord", render(notice()), target, idempotency_key="k")
    assert caught.value.permanent == permanent
    await channels.send("discord", render(notice()), target, idempotency_key="k")
    assert sink.posts[0].body["embeds"]
