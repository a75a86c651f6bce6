"""The receiver of webhooks refuses what the real ones refuse."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest

from tests.conftest import SinkStandIn

BODY = b'{"a":1}'


def headers(sink: SinkStandIn, timestamp: str, secret: str | None = None) -> dict[str, str]:
    key = base64.b64decode((secret or sink.secret).removeprefix("whsec_"))
    digest = hmac.new(key, f"id.{timestamp}.".encode() + BODY, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": "id", "webhook-timestamp": timestamp, "webhook-signature": signature}


@pytest.mark.parametrize("timestamp", ["1", "", "now", "99999999999"])
def test_an_old_signature_or_one_of_the_future_is_refused(sink: SinkStandIn, timestamp: str) -> None:
    answer = httpx.post(f"{sink.url}/local/sink/webhook", content=BODY, headers=headers(sink, timestamp))
    assert answer.status_code == 401
    assert not sink.posts


def test_no_signature_is_refused(sink: SinkStandIn) -> None:
    assert httpx.post(f"{sink.url}/local/sink/webhook", content=BODY).status_code == 401


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *[("slack", {}), ("slack", {"text": "x" * 40_001}), ("slack", {"text": "x", "blocks": [{"type": "divider"}] * 51})],
        *[("slack", {"text": "x", "blocks": [{"type": "header", "text": {"text": "x" * 151}}]})],
        *[("slack", {"text": "x", "blocks": [{"type": "section", "text": {"text": ""}}]})],
        *[("slack", {"text": "x", "blocks": [{"type": "context", "elements": [{"text": "x" * 2_001}]}]})],
        *[("discord", {}), ("discord", {"embeds": [{"title": "x" * 257}]}), ("discord", {"embeds": [{"title": ""}]})],
        *[("discord", {"embeds": [{"description": "x" * 4_000}] * 2}), ("discord", {"embeds": [{"title": "x"}] * 11})],
        *[("discord", {"embeds": [{"title": "x", "fields": [{"name": "n", "value": "v"}] * 26}]})],
    ],
)
def test_a_message_beyond_the_limits_is_refused(sink: SinkStandIn, kind: str, body: dict[str, Any]) -> None:
    assert httpx.post(f"{sink.url}/local/sink/{kind}", json=body).status_code == 400
    assert not sink.posts


def test_what_came_is_shown_as_text(sink: SinkStandIn) -> None:
    assert httpx.post(f"{sink.url}/local/sink/slack", json={"text": "<script>x</script>"}).text == "ok"
    page = httpx.get(f"{sink.url}/local/sink").text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert httpx.get(f"{sink.url}/local/sink.json").json()["items"][0]["kind"] == "slack"
