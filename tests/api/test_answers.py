"""The hook that holds every answer of every API test against what its operation declares does see what is wrong."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest
from starlette.responses import Response

from lib.models import Answer, Query
from lib.operations import ANYONE, Call, Operations
from tests.api.calls import Post, instance
from tests.api.conftest import Stage


class Which(Query):
    """What is to be answered."""

    answer: str


class Said(Answer):
    """What is declared."""

    number: int


ANSWERS: dict[str, Any] = {
    "right": {"number": 1}, "another": {"number": "1"}, "more": {"number": 1, "secret": 2}, "less": {},
    "status": Response(b'{"number":1}', 201, media_type="application/json"),
    "kind": Response(b'{"number":1}', 200, media_type="text/html"),
}  # fmt: skip
said = Operations()


@said.get("/api/said", ANYONE, answers=Said)
async def say(call: Call, query: Which) -> Any:
    """Say it."""
    return ANSWERS[query.answer]


@pytest.mark.parametrize("answer", ANSWERS)
async def test_only_the_declared_answer_passes(stage: Stage, answer: str) -> None:
    client = await stage.client(said.app())
    async with instance(said.app()) as raw:
        for ask in (
            lambda: client.get("/api/said", params={"answer": answer}),
            lambda: raw.call("GET", Post(f"/api/said?answer={answer}", b"", {})),
        ):
            if answer == "right":
                await ask()
            else:
                with pytest.raises((AssertionError, pydantic.ValidationError)):
                    await ask()


async def test_a_refusal_is_not_held_against_the_answer(stage: Stage) -> None:
    client = await stage.client(said.app())
    assert (await client.get("/api/said")).status_code == 400
