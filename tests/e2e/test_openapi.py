"""What /api/openapi.json says is so: generated requests, right ones and wrong ones, are never answered with a 5xx, and every
answer is one that the document describes (Schemathesis).
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from starlette.applications import Starlette

from lib import settings as config
from local import clerk, clerk_directory, reference, serving, testing
from tests.api import isolation
from tests.api.conftest import ORIGIN, Stage, staged
from tests.api.examples import EXAMPLES, nouns
from tests.api.isolation import OPERATIONS
from tests.api.nouns import need
from tests.api.worlds import make_world
from tests.conftest import RedisStandIn
from tests.planting import plant

# Of each operation, right ones and wrong ones: less than a minute for all.
REQUESTS = 10
OPENAPI = "specs.openapi.checks"
CHECKS = {
    "not_a_server_error": "checks", "status_code_conformance": OPENAPI, "content_type_conformance": OPENAPI,
    "response_headers_conformance": OPENAPI, "response_schema_conformance": OPENAPI,
}  # fmt: skip


class Served(NamedTuple):
    """Clients of all functions, by file, and the document as Schemathesis reads it."""

    stage: Stage
    clients: Mapping[str, httpx.AsyncClient]
    document: Any


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[str]:
    with testing.database(server_url, "openapi") as url:
        yield url


@pytest.fixture(scope="module")
async def served(
    database: str, issuer: clerk.Issuer, _redis_server: RedisStandIn, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    """Everything in one process, over a database of its own, with all that can be set up."""
    schemathesis = importlib.import_module("schemathesis")
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        directory = clerk_directory.Directory(tmp_path_factory.mktemp("clerk") / "people.json")
        clerks = stack.enter_context(serving.in_thread(Starlette(routes=directory.routes())))
        own = {
            "CLERK_API_URL": clerks,
            "CLERK_SECRET_KEY": clerk_directory.SECRET,
            "CLERK_WEBHOOK_SIGNING_SECRET": "whsec_bm9uZQ==",
        }
        async with staged(database, issuer, _redis_server, patch) as stage:
            for name, value in (isolation.SETTINGS | own).items():
                patch.setenv(name, value)
            config.current.cache_clear()
            clients = {name: await stage.client(module.app) for name, module in reference.modules()}
            yield Served(stage, clients, schemathesis.openapi.from_dict(reference.openapi()))


def cases(document: Any, name: str, path: dict[str, Any], *, right: bool) -> list[Any]:
    """Requests of this operation: as the document has them, or with something wrong. The same every time."""
    modes = importlib.import_module("schemathesis").GenerationMode
    _, operation = OPERATIONS[name]
    described = document[reference.PARAMETER.sub(r"{\1}", operation.path)][operation.method]
    found: list[Any] = []

    @settings(
        max_examples=REQUESTS, phases=[Phase.generate], database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(described.as_strategy(generation_mode=modes.POSITIVE if right else modes.NEGATIVE, path_parameters=path))
    def collect(case: Any) -> None:
        found.append(case)

    with contextlib.suppress(Unsatisfiable):  # of what takes nothing, nothing can be wrong
        collect()
    return found


async def answered(client: httpx.AsyncClient, case: Any, headers: dict[str, str]) -> httpx.Response:
    """The answer to this request, asked by somebody who may do it."""
    sent = case.as_transport_kwargs(base_url=ORIGIN)
    content = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data")}
    own = {name: value for name, value in sent["headers"].items() if name.lower() not in {"authorization", "cookie"}}
    return await client.request(sent["method"], sent["url"], params=sent["params"], headers={**own, **headers}, **content)


async def faults(served: Served, name: str, *, right: bool) -> list[str]:
    """What is wrong with the answers to generated requests of this operation, by the owner of a new workspace."""
    file, operation = OPERATIONS[name]
    world = await make_world(served.stage)
    named = EXAMPLES[name].path
    await need(world, [noun for noun in nouns(operation) if noun in operation.path or noun in named.values()])
    ids = {one: world.ids[named.get(one, one)] for one in reference.PARAMETER.findall(operation.path)}
    path = {one: found for one, found in ids.items() if right or one in isolation.TARGETS}
    checks = [getattr(importlib.import_module(f"schemathesis.{module}"), one) for one, module in CHECKS.items()]
    owner = await world.person("owner")
    found: list[str] = []
    for case in cases(served.document, name, path, right=right):
        answer = await answered(served.clients[file], case, owner.headers)
        found += _faults(case, answer, checks)
    return found


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_every_answer_is_one_that_the_document_describes(served: Served, name: str, right: bool) -> None:
    assert await faults(served, name, right=right) == []


async def test_an_answer_of_500_is_seen(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "lib.projects:read", "if row is None:", "if 1 / 0:")
    assert "Server error" in (await faults(served, "read_project", right=True))[0]


def _faults(case: Any, answer: httpx.Response, checks: list[Any]) -> list[str]:
    try:
        case.validate_response(answer, checks=checks)
    except BaseExceptionGroup as found:  # it is no Exception, and would end the loop that all these tests run in
        return [f"{one}: {answer.text[:200]}" for one in found.exceptions]
    return []
