"""Signed webhooks, received by the sink, which verifies them by code of its own."""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest

from lib import channels
from lib.channels import webhook
from lib.channels.outcome import ChannelError, Sent
from lib.errors import InvalidRequest
from tests.conftest import SinkStandIn
from tests.lib.channels import snippets
from tests.lib.channels.notices import CREATED_AT, FRAME, ITEM, notice

CONTENT = channels.render("webhook", notice(), delivery_id="d1", created_at=CREATED_AT)


def target(sink: SinkStandIn) -> dict[str, str]:
    return {"url": f"{sink.url}/local/sink/webhook", "secret": sink.secret}


def test_the_body_tells_everything_by_name_and_version() -> None:
    body = CONTENT["body"]
    assert (body["type"], body["version"], body["id"], body["timestamp"]) == ("alert", 1, "d1", "2026-11-26T12:00:00+00:00")
    item = body["data"]["items"][0]
    assert set(item) == {*ITEM._fields, "links", "analysis"} - {"explained"}
    assert item["frame"] == FRAME._asdict()
    assert item["links"]["open"] == "https://sensra.test/projects/1/incidents/17"
    assert json.loads(json.dumps(CONTENT)) == CONTENT


def test_a_body_is_bounded_and_says_what_it_leaves_out() -> None:
    many = notice(*[ITEM._replace(title="x" * 100_000, incident_id=number) for number in range(150)], omitted=5)
    data = channels.render("webhook", many, delivery_id="d1", created_at=CREATED_AT)["body"]["data"]
    assert (len(data["items"]), data["omitted"]) == (100, 55)
    assert len(orjson.dumps(data)) < 512 * 1024


async def test_a_webhook_arrives_with_a_signature_that_its_receiver_verifies(sink: SinkStandIn) -> None:
    assert await channels.send("webhook", CONTENT, target(sink), idempotency_key="key-1") == Sent(None)
    (post,) = sink.posts
    assert (post.verified, post.headers["webhook-id"], post.body) == (True, "key-1", CONTENT["body"])


async def test_another_secret_s_signature_is_refused(sink: SinkStandIn) -> None:
    with pytest.raises(ChannelError, match="401"):
        await channels.send("webhook", CONTENT, target(sink) | {"secret": webhook.new_secret()}, idempotency_key="key-1")
    assert not sink.posts


def test_the_signature_is_that_of_the_standard_s_own_example() -> None:
    """From the specification's reference libraries."""
    secret = webhook.SECRET_PREFIX + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = webhook.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "permanent", "retry_after"),
    [
        *[(410, True, None), (400, False, None), (401, False, None), (404, False, None), (408, False, None), (409, False, None)],
        *[(425, False, None), (429, False, 7), (500, False, None), (503, False, None), (301, False, None)],
    ],
)
async def test_only_gone_ends_a_webhook_at_once(sink: SinkStandIn, status: int, permanent: bool, retry_after: int | None) -> None:
    sink.failing.mode = status
    with pytest.raises(ChannelError) as caught:
        await channels.send("webhook", CONTENT, target(sink), idempotency_key="key-1")
    assert (caught.value.permanent, caught.value.retry_after_seconds) == (permanent, retry_after)
    assert str(status) in caught.value.detail
    assert "told to fail" not in caught.value.detail  # nothing of the other side's body


async def test_a_connection_that_breaks_may_be_tried_again_with_the_same_id(sink: SinkStandIn) -> None:
    sink.failing.coming.append("reset")
    with pytest.raises(ChannelError) as caught:
        await channels.send("webhook", CONTENT, target(sink), idempotency_key="key-1")
    assert not caught.value.permanent
    await channels.send("webhook", CONTENT, target(sink), idempotency_key="key-1")
    assert [post.headers["webhook-id"] for post in sink.posts] == ["key-1", "key-1"]
    assert sink.posts[0].body == sink.posts[1].body


async def test_an_address_that_leads_inside_is_refused_for_good(sink: SinkStandIn) -> None:
    sink.forbid_private()
    with pytest.raises(ChannelError) as caught:
        await channels.send("webhook", CONTENT, target(sink), idempotency_key="key-1")
    assert caught.value.permanent
    assert not sink.posts


def wrong_secrets() -> list[object]:
    long, short = (webhook.SECRET_PREFIX + base64.b64encode(b"k" * size).decode() for size in (65, 23))
    return [
        None,
        7,
        "",
        webhook.SECRET_PREFIX,
        webhook.SECRET_PREFIX + "***",
        long,
        short,
        base64.b64encode(b"k" * 32).decode(),
    ]


@pytest.mark.parametrize("secret", wrong_secrets())
def test_a_secret_that_is_none_is_refused_by_name(secret: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        channels.check_target("webhook", {"url": "https://example.com/", "secret": secret})
    assert caught.value.extra["errors"][0]["pointer"] == "/target/secret"


def test_a_url_that_may_not_be_called_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        channels.check_target("webhook", {"url": "https://169.254.169.254/", "secret": webhook.new_secret()})
    assert caught.value.extra["errors"][0]["pointer"] == "/target/url"
    channels.check_target("webhook", {"url": "https://example.com/", "secret": webhook.new_secret()})


def test_secrets_are_never_the_same() -> None:
    assert len({webhook.new_secret() for _ in range(100)}) == 100


def test_the_documented_python_verifies_what_is_ours_and_nothing_else() -> None:
    scope: dict[str, Any] = {}
    exec(snippets.snippet("python"), scope)
    for given, wanted in snippets.cases():
        assert scope["verify"](given["secret"], given["headers"], given["body"].encode()) is wanted, given
