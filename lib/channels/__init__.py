"""Channels: how a notice looks, and how it leaves. One module a kind, each with `render`, `check_target` and `send`.

A target is what a channel keeps of the other side: email {"address"}, webhook {"url", "secret"}, slack {"url"},
discord {"url"}. Content is rendered once and frozen, so that every try of a delivery sends the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from importlib import import_module
from typing import Any, Literal

from lib.channels.notice import Notice
from lib.channels.outcome import ChannelError, Sent

__all__ = ["KINDS", "ChannelError", "Kind", "Sent", "check_target", "look_up", "render", "send"]

Kind = Literal["email", "webhook", "slack", "discord"]
KINDS: tuple[Kind, ...] = ("email", "webhook", "slack", "discord")


def render(kind: Kind, notice: Notice, *, delivery_id: str, created_at: datetime) -> dict[str, Any]:
    """The message as this kind of channel sends it: JSON-able, bounded, the same for the same notice."""
    content: dict[str, Any] = _module(kind).render(notice, delivery_id=delivery_id, created_at=created_at)
    return content


def check_target(kind: Kind, target: Mapping[str, Any]) -> None:
    """Before a channel is stored. Raises InvalidRequest that names the field of `/target` which cannot be used."""
    _module(kind).check_target(target)


async def look_up(target: Mapping[str, Any]) -> None:
    """Before a channel is stored, and outside of any transaction: where its URL leads. Raises InvalidRequest as check_target."""
    if target.get("url") is not None:
        from lib.channels import hooks

        await hooks.check_whole_url(target["url"])


async def send(kind: Kind, content: Mapping[str, Any], target: Mapping[str, Any], *, idempotency_key: str) -> Sent:
    """Hand the content over, within 10 s; to be called outside of any transaction. Raises ChannelError.

    idempotency_key: the delivery's. Resend mails one key once within 24 h; a webhook's receiver reads it as `webhook-id`;
    Slack and Discord know no such thing, so that what they answered too late is there twice.
    """
    sent: Sent = await _module(kind).send(content, target, idempotency_key=idempotency_key)
    return sent


def _module(kind: Kind) -> Any:
    """Imported when first used: each brings an HTTP client along."""
    if kind not in KINDS:
        raise ValueError(kind)
    return import_module(f"lib.channels.{kind}")
