"""Slack-compatible webhooks."""

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

OUR_LINK = re.compile(rf"<{re.escape(BASE_URL)}/projects/1[^<>|]*\|[A-Z][a-z ]+>")


def render(given: Notice) -> dict[str, Any]:
    return channels.render("slack", given, delivery_id="d1", created_at=CREATED_AT)


def texts_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    found = [{"type": "mrkdwn", "text": body["text"]}]
    for block in body["blocks"]:
        found += [*([block["text"]] if "text" in block else []), *block.get("elements", [])]
    return found


def test_a_message_tells_what_where_how_often_and_why() -> None:
    told = "\n".join(one["text"] for one in texts_of(render(notice())["body"])).replace("\u200b", "")
    for wanted in (
        "New: KeyError: no plan for [redacted:email]", "A new error in production.", "Events: 1,284", "People affected: 37",
        "production", "shop/checkout/plans.py", 'return PLANS[customer["plan"]].price', "The plan of a customer",
        "Written by a model",
        f"<{BASE_URL}/projects/1/incidents/17|Open>", "then=resolve|Resolve>", "then=mute|Mute>", "Shop",
    ):  # fmt: skip
        assert wanted in told, wanted


@each("text", TEXTS)
def test_nothing_of_an_event_is_a_link_a_mention_or_markup(text: str) -> None:
    for given in (hostile(text), notice(hostile(text).items[0])):
        body = render(given)["body"]
        for one in texts_of(body):
            rest = OUR_LINK.sub("", one["text"])
            assert not set(rest) & set("<>")
            assert re.search(r"&(?!amp;|lt;|gt;)", rest) is None
            assert links_in(rest) == []
            assert one["type"] == "plain_text" or one["text"] == body["text"] or one["verbatim"]
            assert rest.count("```") in {0, 2}
        assert CHECKS["slack"](body) == ""
        json.dumps(body).encode()


def test_a_long_digest_keeps_slack_s_limits() -> None:
    body = render(notice(*[ITEM] * 60, omitted=3))["body"]
    assert CHECKS["slack"](body) == ""
    assert len(body["blocks"]) <= 50
    assert "63 incidents" in body["text"]
    assert "And 55 more incidents." in body["blocks"][-1]["elements"][0]["text"].replace("\u200b", "")


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (403, True), (404, True), (410, True), (429, False), (500, False), (302, False)]
)
async def test_an_answer_says_whether_to_try_again(sink: SinkStandIn, status: int, permanent: bool) -> None:
    target = {"url": f"{sink.url}/local/sink/slack"}
    sink.failing.coming.append(status)
    with pytest.raises(ChannelError) as caught:
        await channels.send("slack", render(notice()), target, idempotency_key="k")
    assert caught.value.permanent == permanent
    await channels.send("slack", render(notice()), target, idempotency_key="k")
    assert sink.posts[0].body["blocks"]
