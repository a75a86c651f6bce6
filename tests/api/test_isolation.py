"""No operation lets anybody see or change what is another tenant's, or do what their role or scopes do not say.

tests/api/examples.py says how to add an operation.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.api import isolation
from tests.api.conftest import Stage
from tests.api.examples import EXAMPLES, Read, request
from tests.api.isolation import OPERATIONS, Theatre, faults

# Of a list that is one's own they leave less.
NARROWING = {"actor_id", "object_id"}


@pytest.fixture(scope="module")
async def theatre(shared_stage: Stage) -> AsyncIterator[Theatre]:
    """Two tenants side by side, and everybody."""
    async with isolation.theatre(shared_stage) as made:
        yield made


def test_every_operation_has_an_example_and_every_example_an_operation() -> None:
    assert set(OPERATIONS) - set(EXAMPLES) == set(), "add a line to tests/api/examples.py, which says how"
    assert set(EXAMPLES) - set(OPERATIONS) == set(), "these operations are gone"


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) & set(EXAMPLES)))
def test_every_id_that_an_operation_takes_is_given_in_its_example(name: str) -> None:
    """Without it the matrix would not try another tenant's there."""
    _, operation = OPERATIONS[name]
    post = request(operation, Read()).post
    given = set(re.findall(r'"(\w+)":', post.body.decode())) | set(dict(parse_qsl(urlsplit(post.path).query)))
    for model in (operation.body, operation.query):
        taken = set(_names(model.model_json_schema())) if model else set()
        ids = {one for one in taken if re.search(r"(^|_)ids?$", one)}
        assert ids - given - NARROWING == set(), "give the example's body or query a noun there"


def _names(schema: Any) -> Iterator[str]:
    """The names of all fields of a model, those within it included."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for one in schema:
            yield from _names(one)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) & set(EXAMPLES)))
async def test_only_those_who_may_reach_only_what_is_theirs(theatre: Theatre, name: str) -> None:
    assert await faults(theatre, name) == []
