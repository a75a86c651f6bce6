"""What channels share that POST JSON to a URL: its check where it is stored, and what an answer means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from lib import outbound
from lib.channels.outcome import ChannelError
from lib.errors import InvalidRequest

# What is not understood, or too large, may be this one message's fault.
OF_MESSAGE = {400, 413}


def refuse(field: str, detail: str) -> NoReturn:
    """Raise InvalidRequest about one field of the target."""
    raise InvalidRequest("The channel's target cannot be used.", [{"pointer": f"/target/{field}", "detail": detail}])


def check_url(target: Mapping[str, Any]) -> None:
    """Raises InvalidRequest where `url` may not be called."""
    try:
        outbound.check(target.get("url"))
    except outbound.RefusedUrlError as error:
        refuse("url", str(error))


async def check_whole_url(url: str) -> None:
    """As check_url, and where its name leads. Outside of any transaction, for CONNECT_SECONDS at most. Raises InvalidRequest."""
    try:
        await outbound.check_whole(url)
    except outbound.RefusedUrlError as error:
        refuse("url", str(error))


async def post(url: str, body: bytes, headers: Mapping[str, str], *, permanent: Collection[int]) -> None:
    """POST a body. Raises ChannelError: permanent for these statuses, and where the address itself is refused."""
    try:
        answer = await outbound.post(url, body, headers)
    except outbound.RefusedUrlError as error:
        raise ChannelError(str(error), permanent=True, of_channel=True) from error
    except outbound.UnreachableError as error:
        raise ChannelError(str(error)) from error
    if not 200 <= answer.status < 300:
        is_permanent = answer.status in permanent
        raise ChannelError(
            _detail(answer.status), permanent=is_permanent, retry_after_seconds=answer.retry_after_seconds,
            of_channel=is_permanent and answer.status not in OF_MESSAGE,
        )  # fmt: skip


def _detail(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}, a redirect. Redirects are not followed: name the final address."
    return f"It answered {status}."
