"""The unmodified sentry-sdk over HTTP: what it sends of real programs is there, in the right incident, and redacted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import api.ingest
from local import serving
from tests.api.conftest import Stage
from tests.lib.redaction.lookalikes import random_text, tokens
from tests.sdk import cases, python_runs
from tests.sdk.arrivals import Arrival, Reader
from tests.sdk.cases import BASE, Variation

Arrivals: TypeAlias = dict[str, list[Arrival]]
Run: TypeAlias = Callable[..., Awaitable[Arrivals]]
EVERYTHING = [*python_runs.BUGS, *python_runs.MESSAGES]
DATA = cases.data_of(0)


async def run_all(stage: Stage, sandbox: Path, targets: list[str], *variations: Variation) -> Arrivals:
    """Run targets of the sample program under each of these variations, all into one project; answers what arrived."""
    tenant = await stage.tenant()
    with serving.in_thread(api.ingest.app) as url:
        dsn = f"{url.replace('://', f'://{tenant.key}@')}/{tenant.project_id}"

        async def run_one(number: int, variation: Variation) -> None:
            await asyncio.to_thread(python_runs.run, variation, targets, sandbox / str(number), dsn, f"{url}/ping")

        await asyncio.gather(*(run_one(number, variation) for number, variation in enumerate(variations)))
    return await Reader(stage.incidents, stage.bob(), tenant.project_id).arrivals()


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Run:
    """run_all in a project of its own."""
    return partial(run_all, stage, tmp_path)


@pytest.fixture(scope="module")
async def arrivals(shared_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Arrivals:
    """Of one run of the whole program as it is."""
    return await run_all(shared_stage, tmp_path_factory.mktemp("base"), EVERYTHING, BASE)


def only(arrivals: Arrivals, label: str) -> Arrival:
    """The one event of this bug."""
    [arrival] = arrivals[label]
    return arrival


async def test_every_bug_of_a_program_becomes_an_incident_of_its_own(arrivals: Arrivals) -> None:
    assert sorted(arrivals) == sorted(EVERYTHING)
    assert all(len(found) == 1 for found in arrivals.values())
    assert len({only(arrivals, label).incident["id"] for label in EVERYTHING}) == len(EVERYTHING)
    for label in EVERYTHING:
        found = only(arrivals, label)
        assert found.incident["event_count"] == 1
        assert found.incident["first_release"] == "shop@1.4.0"
        assert found.incident["environments"] == ["production"]
        assert found.incident["platform"] == "python"
        assert found.payload["server_name"] == "web-1.example.com"


async def test_frames_arrive_with_source_and_local_variables_and_the_crash_last(arrivals: Arrivals) -> None:
    found = only(arrivals, "shop.orders:show")
    assert found.incident["title"] == "KeyError: 'total'"
    assert found.headline["type"] == "KeyError"
    assert [frame["function"] for frame in found.frames][-2:] == ["show", "total_of"]
    crash = found.frames[-1]
    assert crash["context_line"] == '    amount = order["total"]'
    assert crash["pre_context"][-1] == '    currency = "EUR"'
    assert crash["in_app"] is True
    assert crash["module"] == "shop.orders"
    assert crash["vars"]["currency"] == "'EUR'"
    assert crash["vars"]["order"]["id"] == f"'{DATA['order_id']}'"
    assert crash["vars"]["order"]["at"] == "datetime.datetime(2026, 3, 1, 12, 30)"


async def test_chains_and_groups_arrive_whole_and_the_oldest_comes_first(arrivals: Arrivals) -> None:
    def types(label: str) -> list[str]:
        return [value["type"] for value in only(arrivals, label).payload["exception"]["values"]]

    assert types("shop.warehouse.stock:pick") == ["KeyError", "StockError"]  # raise … from …
    assert types("shop.warehouse.stock:level") == ["KeyError", "KeyError"]  # while another was handled
    assert types("shop.live.updates:broadcast") == ["ConnectionError", "ExceptionGroup"]
    group = only(arrivals, "shop.live.updates:broadcast").headline
    assert group["mechanism"]["is_exception_group"] is True


async def test_messages_arrive_with_their_parameters(arrivals: Arrivals) -> None:
    low = only(arrivals, "shop.alarms:low_stock").payload
    assert low["logentry"]["message"] == "stock of %s fell to %d in warehouse %s"
    assert low["logentry"]["params"] == [f"SKU-{DATA['number']}", int(DATA["number"]), DATA["uuid"]]
    assert low["logger"] == "shop.alarms"
    cold = only(arrivals, "shop.alarms:cold_cache")
    assert (cold.incident["title"], cold.incident["level"]) == ("cache is cold", "warning")
    assert only(arrivals, "shop.alarms:disk").incident["level"] == "fatal"


async def test_tags_contexts_breadcrumbs_and_the_user_arrive(arrivals: Arrivals) -> None:
    payload = only(arrivals, "shop.orders:show").payload
    assert payload["tags"]["region"] == DATA["region"]
    assert payload["user"]["id"] == DATA["user_id"]
    assert payload["contexts"]["cart"]["id"] == DATA["uuid"]
    assert payload["extra"]["order_id"] == DATA["order_id"]
    assert payload["contexts"]["runtime"]["name"] == "CPython"
    assert "sentry-sdk" in payload["modules"]
    crumbs = payload["breadcrumbs"]["values"]
    assert {crumb["category"] for crumb in crumbs} >= {"navigation", "shop", "httplib"}
    assert f"customer {DATA['user_id']} opened order {DATA['order_id']}" in [crumb.get("message") for crumb in crumbs]
    assert f"page={DATA['number']}" in [crumb["data"].get("http.query") for crumb in crumbs if crumb["category"] == "httplib"]


@pytest.mark.parametrize("mode", python_runs.BEHIND_HTTP)
async def test_a_request_arrives_without_its_cookies(run: Run, mode: str) -> None:
    variation = replace(BASE, mode=mode)
    payload = only(await run(["shop.orders:show"], variation), "shop.orders:show").payload
    request = payload["request"]
    assert request["method"] == "POST"
    assert request["url"].endswith("/shop.orders/show")
    assert f"order={DATA['order_id']}" in request["query_string"]
    assert "dark" not in json.dumps(request)


async def test_threads_loops_retries_loggers_and_uncaught_ends_join_the_same_incident(run: Run) -> None:
    modes = ["direct", *python_runs.IN_PROCESS, python_runs.UNCAUGHT]
    bugs = ["shop.orders:show", "shop.live.updates:gathered"]
    arrivals = await run(bugs, *(replace(BASE, mode=mode) for mode in modes))
    for bug in bugs:
        assert len(arrivals[bug]) == len(modes)
        assert {found.incident["id"] for found in arrivals[bug]} == {arrivals[bug][0].incident["id"]}
        assert arrivals[bug][0].incident["event_count"] == len(modes)
    mechanisms = {found.headline["mechanism"]["type"] for found in arrivals["shop.orders:show"]}
    assert mechanisms == {"generic", "logging", "excepthook"}


@pytest.mark.parametrize("algorithm", ["br", "gzip"])
async def test_every_compression_of_the_sdk_is_understood(run: Run, algorithm: str) -> None:
    options = (("_experiments", {"transport_compression_algo": algorithm}),)
    arrivals = await run(["shop.orders:show"], replace(BASE, options=options))
    assert only(arrivals, "shop.orders:show").headline["type"] == "KeyError"


async def test_what_a_program_knows_of_people_and_secrets_does_not_arrive(run: Run) -> None:
    planted = {
        "password": random_text(14),
        "note": f"called with {tokens()['github']}",
        "callback": "https://shop:" + (inner := random_text(12)) + "@hooks.example.com/",
    }
    variation = replace(BASE, planted=tuple(planted.items()))
    bugs = ["shop.orders:show", "shop.warehouse.stock:pick", "shop.alarms:late_delivery"]
    arrivals = await run(bugs, variation, replace(variation, mode="wsgi"))
    told: Any = {label: [found.event for found in arrivals[label]] for label in bugs}
    text = json.dumps(told, ensure_ascii=False)
    for secret in (planted["password"], tokens()["github"], inner, DATA["email"], DATA["ip"]):
        assert secret not in text
    removed = {removal["rule"] for label in bugs for found in arrivals[label] for removal in found.event["removals"]}
    assert {"email", "ip", "password"} <= removed
