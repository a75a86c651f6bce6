"""The unmodified @sentry/node against the running product."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio.to_thread
import pytest

from tests.e2e.conftest import Product
from tests.e2e.wire import Wire
from tests.lib.redaction.lookalikes import random_text, tokens
from tests.sdk import cases, node_runs
from tests.sdk.arrivals import Arrival, Reader
from tests.sdk.cases import BASE, Variation

Run: TypeAlias = Callable[..., Awaitable[tuple[Wire, dict[str, list[Arrival]]]]]
EVERYTHING = [*node_runs.BUGS, *node_runs.MESSAGES]


@pytest.fixture
async def run(product: Product, reader: Reader, tmp_path: Path) -> Run:
    """Run targets of the sample program; answers the wire that it used and what arrived under its release."""

    async def run_all(targets: list[str], *variations: Variation) -> tuple[Wire, dict[str, list[Arrival]]]:
        async with Wire(product.url).carrying() as wire:
            for number, variation in enumerate(variations):
                own = replace(variation, release=f"{tmp_path.name}@1.0.0")
                dsn, ping_url = product.dsn_over(wire.url), f"{wire.url}/api/health/live"
                await anyio.to_thread.run_sync(partial(node_runs.run, own, targets, tmp_path / str(number), dsn, ping_url))
        return wire, await reader.arrivals(f"{tmp_path.name}@1.0.0")

    return run_all


async def test_every_bug_of_a_program_becomes_an_incident_of_its_own(run: Run) -> None:
    _, arrivals = await run(EVERYTHING, BASE)
    assert sorted(arrivals) == sorted(EVERYTHING)
    assert all(len(found) == 1 for found in arrivals.values())
    assert len({found.incident["id"] for [found] in arrivals.values()}) == len(EVERYTHING)
    [shown] = arrivals["orders:show"]
    assert shown.incident["title"] == "TypeError: Cannot read properties of undefined (reading 'toFixed')"
    assert [frame["function"] for frame in shown.frames][-2:] == ["show", "totalOf"]
    assert shown.frames[-1]["context_line"] == "  const amount = order.total.toFixed(2);"
    assert shown.frames[-1]["in_app"] is True


async def test_causes_arrive_whole_and_the_oldest_comes_first(run: Run) -> None:
    _, arrivals = await run(["client:place", "client:broadcast"], BASE)
    [placed] = arrivals["client:place"]
    assert [value["type"] for value in placed.payload["exception"]["values"]] == ["TypeError", "Error"]
    [sent] = arrivals["client:broadcast"]
    assert [value["type"] for value in sent.payload["exception"]["values"]] == ["ShopError", "ShopError", "AggregateError"]


async def test_a_message_is_a_message_and_its_stack_a_threads(run: Run) -> None:
    _, arrivals = await run(["alarms:coldCache", "alarms:lateDelivery"], BASE)
    [cold] = arrivals["alarms:coldCache"]
    assert (cold.incident["title"], cold.incident["level"]) == ("cache is cold", "warning")
    assert "exception" not in cold.payload
    [late] = arrivals["alarms:lateDelivery"]
    assert late.payload["logentry"]["message"] == "delivery %s to %s is %s minutes late"


async def test_tags_users_contexts_and_breadcrumbs_arrive(run: Run) -> None:
    data = cases.data_of(0)
    _, arrivals = await run(["orders:show"], BASE)
    payload = arrivals["orders:show"][0].payload
    assert payload["tags"]["region"] == data["region"]
    assert payload["user"]["id"] == data["user_id"]
    assert payload["contexts"]["cart"]["id"] == data["uuid"]
    assert payload["extra"]["order_id"] == data["order_id"]
    assert f"/orders/{data['order_id']}" in [crumb.get("message") for crumb in payload["breadcrumbs"]["values"]]
    assert payload["server_name"] == "web-1.example.com"


async def test_a_request_arrives_without_its_cookies(run: Run) -> None:
    data = cases.data_of(0)
    _, arrivals = await run(["orders:show"], replace(BASE, mode="http"))
    request = arrivals["orders:show"][0].payload["request"]
    assert request["method"] == "POST"
    assert "/orders/show" in request["url"]
    assert data["uuid"] not in json.dumps(request)
    assert "dark" not in json.dumps(request)


async def test_callers_timers_and_rejections_join_the_same_incident(run: Run) -> None:
    modes = ["direct", *node_runs.IN_PROCESS, node_runs.UNCAUGHT]
    bugs = ["orders:show", "client:pick"]
    _, arrivals = await run(bugs, *(replace(BASE, mode=mode) for mode in modes))
    for bug in bugs:
        assert len(arrivals[bug]) == len(modes)
        assert len({found.incident["id"] for found in arrivals[bug]}) == 1


async def test_the_first_lone_session_is_accepted(run: Run) -> None:
    wire, arrivals = await run(["orders:show"], BASE)
    asked = [path for method, path in wire.requests() if method == "POST"]
    assert len(asked) >= 2  # a session, then the event
    assert b'"type":"session"' in wire.sent[: wire.sent.index(b'"type":"event"')]
    assert b"event_id" not in wire.sent[: wire.sent.index(b'"type":"session"')]
    assert b"transfer-encoding: chunked" in wire.sent.lower()
    assert wire.statuses() == {200}
    assert len(arrivals["orders:show"]) == 1


async def test_large_events_come_compressed(run: Run) -> None:
    # The SDK compresses from 32 KiB on.
    variation = replace(BASE, planted=(("order_id", "The parcel stands behind the third door. " * 1000),))
    wire, arrivals = await run(["orders:show"], variation)
    assert wire.statuses() == {200}
    assert b"content-encoding: gzip" in wire.sent.lower()
    assert arrivals["orders:show"][0].payload["extra"]["order_id"].startswith("The parcel stands")


async def test_what_a_program_knows_of_people_and_secrets_does_not_arrive(run: Run) -> None:
    data = cases.data_of(0)
    planted = (("password", random_text(14)), ("note", f"called with {tokens()['github']}"))
    bugs = ["orders:show", "alarms:lateDelivery"]
    _, arrivals = await run(bugs, replace(BASE, planted=planted), replace(BASE, planted=planted, mode="http"))
    text = json.dumps([found.event for bug in bugs for found in arrivals[bug]])
    for secret in (planted[0][1], tokens()["github"], data["email"], data["ip"]):
        assert secret not in text
