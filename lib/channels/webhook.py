"""Signed webhooks as standardwebhooks.com has them: HMAC-SHA256 over `id.timestamp.body`. docs/alerts.md shows how to verify."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from lib import confidence
from lib.channels import hooks
from lib.channels.links import links_of
from lib.channels.notice import Explained, Item, Notice
from lib.channels.outcome import Sent
from lib.channels.text import clean, cut

VERSION = 1
SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with
SECRET_BYTES = 32
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
ITEMS_MAX = 100
TEXT_CHARS_MAX = 2_000
# 410 says that the receiver wants no more. Whatever else it answers may pass: a deployment under way answers 404 or 401 too.
PERMANENT = {410}


def render(notice: Notice, *, delivery_id: str, created_at: datetime) -> dict[str, Any]:
    """The body. A change that could break a receiver raises `version`; new members may join it."""
    shown = notice.items[:ITEMS_MAX]
    data = {
        "workspace": {"name": _text(notice.workspace_name)},
        "project": {"id": notice.project_id, "name": _text(notice.project_name)},
        "items": [_item(notice, item) for item in shown],
        "omitted": notice.omitted + len(notice.items) - len(shown),
    }
    return {"body": {"type": "alert", "version": VERSION, "id": delivery_id, "timestamp": created_at.isoformat(), "data": data}}


def _item(notice: Notice, item: Item) -> dict[str, Any]:
    texts = ("transition", "reason", "title", "culprit", "level", "platform", "environment", "release")
    return {
        "incident_id": item.incident_id,
        **{name: _text(getattr(item, name)) for name in texts},
        "first_seen": item.first_seen.isoformat(),
        "last_seen": item.last_seen.isoformat(),
        "event_count": item.event_count,
        "people_count": item.people_count,
        "frame": item.frame and {name: _text(value) for name, value in item.frame._asdict().items()},
        "analysis": item.explained and _explained(item.explained),
        "removed_count": item.removed_count,
        "links": (links := links_of(notice, item)) and links._asdict(),
    }


def _explained(explained: Explained) -> dict[str, Any]:
    told = {name: _text(value) for name, value in explained._asdict().items()}
    return told | {"confidence_in_words": confidence.in_words(explained.confidence)}


def _text(value: Any) -> Any:
    return cut(clean(value), TEXT_CHARS_MAX) if isinstance(value, str) else value


def check_target(target: Mapping[str, Any]) -> None:
    """Raises InvalidRequest where the URL may not be called or the secret is none."""
    hooks.check_url(target)
    try:
        key_of(target.get("secret"))
    except ValueError:
        wanted = f"{SECRET_PREFIX} and {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes in base64"
        hooks.refuse("secret", f"The secret must be {wanted}.")


def new_secret() -> str:
    """A secret to sign with; the receiver needs it too."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: object) -> bytes:
    """The bytes that a secret stands for. Raises ValueError."""
    if not isinstance(secret, str) or not secret.startswith(SECRET_PREFIX):
        raise ValueError("no secret")
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    if not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
        raise ValueError("too short or too long")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """What `webhook-signature` says."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


async def send(content: Mapping[str, Any], target: Mapping[str, Any], *, idempotency_key: str) -> Sent:
    """POST the body, signed with the time of this try. Raises ChannelError."""
    body = orjson.dumps(content["body"], option=orjson.OPT_SORT_KEYS)
    timestamp = int(time.time())
    headers = {
        "webhook-id": idempotency_key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(target["secret"], idempotency_key, timestamp, body),
    }
    await hooks.post(target["url"], body, headers, permanent=PERMANENT)
    return Sent(None)
