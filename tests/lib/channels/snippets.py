"""The code that docs/alerts.md gives to those who receive webhooks, and what it must say to each of a table of requests."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

from lib.channels import webhook
from local.folders import ROOT

SECRET = webhook.SECRET_PREFIX + base64.b64encode(b"k" * webhook.SECRET_BYTES).decode()
OTHER = webhook.SECRET_PREFIX + base64.b64encode(b"o" * webhook.SECRET_BYTES).decode()
BODY = '{"title": "é <&"}'


def snippet(language: str) -> str:
    """The one block of this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "alerts.md").read_text(), re.DOTALL)
    return str(found)


def cases() -> list[tuple[dict[str, Any], bool]]:
    """(secret, headers and body, whether they verify)."""
    now = int(time.time())
    good = _signed("id-1", now)
    return [
        (good, True),
        (_signed("id-1", now - 240), True),
        (_signed("id-1", now - 400), False),
        (_signed("id-1", now + 400), False),
        ({**good, "body": BODY + " "}, False),
        ({**good, "secret": OTHER}, False),
        ({**good, "headers": {**good["headers"], "webhook-id": "id-2"}}, False),
        ({**good, "headers": {**good["headers"], "webhook-timestamp": str(now - 1)}}, False),
        ({**good, "headers": {**good["headers"], "webhook-signature": "v1,AAAA " + good["headers"]["webhook-signature"]}}, True),
        ({**good, "headers": {**good["headers"], "webhook-signature": "v1,AAAA"}}, False),
        ({**good, "headers": {**good["headers"], "webhook-signature": ""}}, False),
    ]


def _signed(message_id: str, timestamp: int) -> dict[str, Any]:
    signature = webhook.sign(SECRET, message_id, timestamp, BODY.encode())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}
    return {"secret": SECRET, "headers": headers, "body": BODY}
