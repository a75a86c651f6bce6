"""The call: one question to an OpenAI-compatible server, bounded in time, never repeated here."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from lib import settings
from lib.analysis.answer import Answer, InvalidAnswerError, parse
from lib.analysis.prices import Usage
from lib.analysis.prompt import Prompt

if TYPE_CHECKING:
    from openai import AsyncOpenAI

CONNECT_TIMEOUT_SECONDS = 3.0
TIMEOUT_SECONDS = 30.0
# What the model thinks before it answers counts too.
OUTPUT_TOKENS_MAX = 4_000
# The schema, roles and field names, which are sent beside the prompt and counted as input.
REQUEST_BYTES = 3_000


class Reply(NamedTuple):
    """answer: None where it was not usable, for `reason`: refused, truncated or invalid. usage: None where it was not told."""

    answer: Answer | None
    reason: str | None
    usage: Usage | None
    latency_ms: int


class ProviderError(Exception):
    """The provider did not answer. is_charged: it may have worked all the same, and send a bill for it."""

    def __init__(self, reason: str, *, is_charged: bool) -> None:
        self.reason, self.is_charged = reason, is_charged
        super().__init__(reason)


class Model:
    """A client for as long as a sweep lasts; use it as an async context manager."""

    def __init__(self) -> None:
        self.name = settings.current().analysis_model
        self._client: AsyncOpenAI | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._client:
            await self._client.close()

    async def ask(self, prompt: Prompt, seconds: float = TIMEOUT_SECONDS) -> Reply:
        """What it answers within so many seconds. Raises ProviderError."""
        import openai

        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                response = await self._connected().responses.parse(
                    model=self.name, instructions=prompt.instructions, input=prompt.question, text_format=Answer,
                    # The schema is sent, the text is checked here: what is invalid must still say what it cost.
                    parse_as=None, max_output_tokens=OUTPUT_TOKENS_MAX, store=False,
                )  # fmt: skip
        except (TimeoutError, openai.APITimeoutError) as error:
            raise ProviderError("timeout", is_charged=True) from error
        except openai.APIConnectionError as error:
            raise ProviderError("unreachable", is_charged=not _never_connected(error)) from error
        except openai.APIStatusError as error:
            raise ProviderError(f"status_{error.status_code}", is_charged=False) from error
        except Exception as error:
            raise ProviderError("garbage", is_charged=True) from error
        return _read(response, round((time.monotonic() - began) * 1000))

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            import httpx2  # what openai speaks HTTP with
            from openai import AsyncOpenAI

            config = settings.current()
            self._client = AsyncOpenAI(
                api_key=config.openai_api_key, base_url=config.openai_base_url, max_retries=0,
                timeout=httpx2.Timeout(TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            )  # fmt: skip
        return self._client


def _never_connected(error: Exception) -> bool:
    import httpx2

    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)


def _read(response: Any, latency_ms: int) -> Reply:
    """A compatible server may leave out anything: what cannot be read is invalid."""
    usage = _usage(response)
    try:
        if response.status == "incomplete":
            return Reply(None, "truncated", usage, latency_ms)
        parts = [part for item in response.output if item.type == "message" for part in item.content]
        if any(part.type == "refusal" for part in parts):
            return Reply(None, "refused", usage, latency_ms)
        return Reply(parse("".join(part.text for part in parts)), None, usage, latency_ms)
    except (InvalidAnswerError, AttributeError, TypeError):
        return Reply(None, "invalid", usage, latency_ms)


def _usage(response: Any) -> Usage | None:
    found: Any = getattr(response, "usage", None)
    read: Any = getattr(found, "input_tokens", None)
    written: Any = getattr(found, "output_tokens", None)
    if not _is_count(read) or not _is_count(written):
        return None
    cached: Any = getattr(getattr(found, "input_tokens_details", None), "cached_tokens", 0)
    return Usage(read, min(cached, read) if _is_count(cached) else 0, written)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0
