"""Mails: those of the system itself, made here, and the way that all of them leave by: Resend's HTTP API.

https://resend.com/docs/api-reference/emails/send-email, over httpx (docs/decisions/0008). Resend keeps an idempotency key for
24 hours, so that a try whose answer was lost is repeated without a second mail.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from lib import mail_page, outbound, settings
from lib.channels.outcome import ChannelError, HeldBackError, OtherTakenError, Sent
from lib.channels.text import clean, inert, one_line, unlinked

if TYPE_CHECKING:
    import httpx

SUBJECT_CHARS_MAX = 140
ADDRESS_CHARS_MAX = 254
# One mailbox and nothing else: no name, no list, no line break, no quoted local part.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
_SLUG = re.compile(r"[a-z_]{1,60}")


def render_plain_mail(subject: str, paragraphs: Sequence[str], *, button: tuple[str, str] | None, footer: str) -> dict[str, Any]:
    """A mail of words: {"subject", "text", "html"}. button: (words, an address of ours)."""
    written = [clean(paragraph) for paragraph in paragraphs]
    parts = [mail_page.heading(one_line(subject, SUBJECT_CHARS_MAX)), *map(mail_page.text, written)]
    if button:
        parts.append(mail_page.buttons(button))
    foot = mail_page.text(clean(footer), "soft", size=12, after=0)
    page = mail_page.page(subject, written[0] if written else "", "Sensra", [mail_page.card(*parts)], [foot])
    lines = [*map(inert, written), *([f"{button[0]}:\n{button[1]}"] if button else []), f"-- \n{inert(clean(footer))}"]
    return {"subject": subject_of(subject), "text": "\n\n".join(lines) + "\n", "html": page}


def subject_of(text: str) -> str:
    """A subject: one line, bounded, without links; so no header can come after it."""
    return one_line(unlinked(clean(text)), SUBJECT_CHARS_MAX)


def is_address(text: object) -> bool:
    """Whether it is one mail address, in ASCII."""
    return isinstance(text, str) and len(text) <= ADDRESS_CHARS_MAX and bool(ADDRESS.fullmatch(text))


async def send(content: Mapping[str, Any], address: str, *, sender: str | None, idempotency_key: str) -> Sent:
    """Hand a mail to Resend. content: {"subject", "text", "html"} and maybe {"headers"}; the sender is of the same for each try
    under one key. Raises ChannelError.
    """
    config = settings.current()
    if not config.resend_api_key or not sender:
        raise ChannelError("Mail is not configured: set RESEND_API_KEY and MAIL_FROM.", permanent=True)
    body = orjson.dumps({**content, "from": sender, "to": [address]}, option=orjson.OPT_SORT_KEYS)
    headers = {
        "Authorization": f"Bearer {config.resend_api_key}",
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key,
        "User-Agent": outbound.USER_AGENT,
    }
    status, answer, retry_after = await _exchange(f"{config.resend_api_url}/emails", body, headers)
    if 200 <= status < 300:
        found = answer.get("id")
        return Sent(found if isinstance(found, str) else None)
    raise _refusal(status, str(answer.get("name")), retry_after)


async def _exchange(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any], int | None]:
    """(status, the answer's members, Retry-After). Raises ChannelError where there is no whole answer."""
    import httpx

    timeout = httpx.Timeout(outbound.TOTAL_SECONDS, connect=outbound.CONNECT_SECONDS)
    try:
        async with (
            asyncio.timeout(outbound.TOTAL_SECONDS),
            httpx.AsyncClient(verify=outbound.public_authorities(), timeout=timeout, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=dict(headers)) as answer,
        ):
            members = _members(await _read(answer))
            return answer.status_code, members, outbound.retry_after(answer.headers.get("retry-after"))
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:  # TimeoutError is an OSError
        raise ChannelError("Resend did not answer, or not in whole.") from error


async def _read(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > outbound.ANSWER_BYTES_MAX:
            break
    return body


def _members(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, name: str, retry_after: int | None) -> ChannelError:
    """What an answer other than 2xx means: https://resend.com/docs/api-reference/errors."""
    told = f"{status}, {name}" if _SLUG.fullmatch(name) and name != "None" else str(status)
    if status in {401, 403}:
        return ChannelError(f"Mail is not configured: Resend refuses RESEND_API_KEY or MAIL_FROM ({told}).", permanent=True)
    if status == 409 and name != "concurrent_idempotent_requests":
        return OtherTakenError("Resend has taken another mail under the same key: this one is not sent.", permanent=True)
    if status == HTTPStatus.TOO_MANY_REQUESTS and not name.endswith("_quota_exceeded"):
        return HeldBackError(f"Resend takes no more at a time ({told}).", retry_after_seconds=retry_after or 1)
    if status in {408, 409, 425, 429} or status >= 500:
        return ChannelError(f"Resend cannot take it now ({told}).", retry_after_seconds=retry_after)
    return ChannelError(f"Resend refuses this mail ({told}).", permanent=True, of_channel=True)
