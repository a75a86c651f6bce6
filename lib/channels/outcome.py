"""How a try to send ended."""

from __future__ import annotations

from typing import NamedTuple


class Sent(NamedTuple):
    """It was taken. provider_id: how the provider calls it, where it says so."""

    provider_id: str | None


class ChannelError(Exception):
    """It was not taken, as far as is known: `detail` is public and harmless (nothing of an answer's body is in it).

    permanent: trying the same again cannot help. retry_after_seconds: how long the other side asks to wait, where it does.
    of_channel: and neither can sending anything else there, so that the channel itself is at fault.
    """

    def __init__(
        self, detail: str, *, permanent: bool = False, retry_after_seconds: int | None = None, of_channel: bool = False
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds
        self.of_channel = of_channel


class HeldBackError(ChannelError):
    """Too many at a time: it was not looked at, and is to be sent again after `retry_after_seconds`. That was no try."""


class OtherTakenError(ChannelError):
    """Something else was taken under the same key: an earlier try, where the content has changed since."""
