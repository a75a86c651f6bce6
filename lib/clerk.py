"""Clerk beside its tokens: its webhooks, and its Backend API for what people change about their account here.

https://clerk.com/docs/webhooks/overview (signed by Svix: https://docs.svix.com/receiving/verifying-payloads/how-manual),
https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import httpx

from lib import settings
from lib.errors import NotConfigured, Unauthenticated, Unavailable

# Older or younger than this, and a message may be a replay.
TOLERANCE = timedelta(minutes=5)
API_TIMEOUT_SECONDS = 8.0
NAME_CHARACTERS_MAX = 200
EMAIL_CHARACTERS_MAX = 320


class Message(NamedTuple):
    """What a webhook tells of one person. email: verified, or None; as_of: when it was so, by Clerk's clock."""

    kind: Literal["created", "updated", "deleted", "other"]
    clerk_user_id: str
    email: str | None
    name: str | None
    as_of: datetime


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a message that Clerk signed, within TOLERANCE of `now`. Raises Unauthenticated, NotConfigured."""
    message_id, timestamp = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise NotConfigured("CLERK_WEBHOOK_SIGNING_SECRET is not what Clerk shows: `whsec_` and base64.") from error
    expected = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    if not any(hmac.compare_digest(expected, found) for found in _signatures(headers.get("svix-signature", ""))):
        raise Unauthenticated("The signature is not Clerk's.")
    if not message_id or len(message_id) > 200 or not _is_near(timestamp, now):
        raise Unauthenticated("The message is too old, or from a clock that is wrong.")
    return message_id


def _signatures(header: str) -> list[bytes]:
    """Of `v1,<base64> v1,<base64>`: there are several while a secret is rotated."""
    found = []
    for one in header.split()[:20]:
        version, _, text = one.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except binascii.Error:
                continue
    return found


def _is_near(timestamp: str, now: datetime) -> bool:
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
        return False
    return abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= TOLERANCE


def read(event: Mapping[str, Any]) -> Message | None:
    """The message of a verified webhook's JSON; None where it does not speak of a person."""
    kind, data = str(event.get("type", "")), event.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not 0 < len(data["id"]) <= 200:
        return None
    known: dict[str, Literal["created", "updated", "deleted"]] = {
        "user.created": "created", "user.updated": "updated", "user.deleted": "deleted",
    }  # fmt: skip
    at = data.get("updated_at") or event.get("timestamp") or 0
    as_of = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) and 0 <= at < 10**14 else datetime.now(UTC)
    return Message(known.get(kind, "other"), data["id"], _email(data), _name(data), as_of)


def _email(data: Mapping[str, Any]) -> str | None:
    for address in data.get("email_addresses") or []:
        if isinstance(address, dict) and address.get("id") == data.get("primary_email_address_id"):
            text, verification = address.get("email_address"), address.get("verification")
            is_verified = isinstance(verification, dict) and verification.get("status") == "verified"
            return text if is_verified and isinstance(text, str) and 0 < len(text) <= EMAIL_CHARACTERS_MAX else None
    return None


def _name(data: Mapping[str, Any]) -> str | None:
    parts = [data.get(part) for part in ("first_name", "last_name")]
    return " ".join(part for part in parts if isinstance(part, str) and part)[:NAME_CHARACTERS_MAX] or None


async def rename(clerk_user_id: str, first_name: str, last_name: str) -> None:
    """Set a person's name at Clerk. Raises NotConfigured, Unavailable."""
    await _call("PATCH", clerk_user_id, {"first_name": first_name, "last_name": last_name})


async def delete(clerk_user_id: str) -> None:
    """Delete a person at Clerk; one that is gone already is fine. Raises NotConfigured, Unavailable."""
    await _call("DELETE", clerk_user_id, None)


async def _call(method: str, clerk_user_id: str, body: dict[str, str] | None) -> None:
    config = settings.current()
    if not config.clerk_secret_key:
        raise NotConfigured(
            "CLERK_SECRET_KEY is not set, so do this in the sign-in service's own profile page; Sensra follows what it tells."
        )
    url = f"{config.clerk_api_url}/v1/users/{quote(clerk_user_id, safe='')}"
    try:
        async with httpx.AsyncClient(timeout=API_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = await client.request(
                method, url, json=body, headers={"Authorization": f"Bearer {config.clerk_secret_key}"}
            )  # fmt: skip
    except httpx.HTTPError as error:
        raise Unavailable("The sign-in service did not answer; nothing was changed. Try again.") from error
    if answer.status_code == 401:
        raise NotConfigured("CLERK_SECRET_KEY is not one that Clerk takes.")
    if answer.is_error and not (method == "DELETE" and answer.status_code == 404):
        raise Unavailable("The sign-in service refused; nothing was changed. Try again later.")
