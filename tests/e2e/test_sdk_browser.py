"""A browser build of the unmodified @sentry/browser on a page of another origin, in headless Chromium."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.e2e import page
from tests.e2e.conftest import Product
from tests.e2e.wire import Wire
from tests.lib.redaction.lookalikes import random_text
from tests.sdk import cases
from tests.sdk.arrivals import Arrival, Reader

Arrivals: TypeAlias = dict[str, list[Arrival]]
Run: TypeAlias = Callable[..., Awaitable[tuple[Wire, Arrivals]]]
ACTIONS = ("crash", "reject", "timer", "cause", "message")
PASSWORD = random_text(14)
DATA = cases.data_of(0) | {"password": PASSWORD}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page.bundled(tmp_path_factory.mktemp("page"))


@pytest.fixture
async def run(product: Product, reader: Reader, bundle: Path, tmp_path: Path) -> Run:
    """Click these buttons of the page; answers the wire that it used and what arrived under its release."""

    async def click_all(*actions: str, **options: Any) -> tuple[Wire, Arrivals]:
        release = f"{tmp_path.name}@1.0.0"
        async with Wire(product.url).carrying() as wire:
            told = {"dsn": product.dsn_over(wire.url), "release": release, "environment": "production", "ctx": DATA}
            async with page.opened(bundle, {**told, "options": options}) as shop:
                for action in actions:
                    await shop.click(f"#{action}")
                    await shop.wait_for_timeout(100)
                assert await shop.evaluate("window.flushed()")
        return wire, await reader.arrivals(release)

    return click_all


async def test_what_a_page_throws_rejects_and_captures_arrives(run: Run) -> None:
    wire, arrivals = await run(*ACTIONS)
    assert sorted(arrivals) == sorted(f"browser:{action}" for action in ACTIONS)
    assert wire.statuses() == {200}
    titles = {label: found.incident["title"] for label, [found] in arrivals.items()}
    assert titles == {
        "browser:crash": "TypeError: Cannot read properties of undefined (reading 'toFixed')",
        "browser:reject": f"RangeError: payment of {DATA['number']} is too high",
        "browser:timer": "TypeError: Cannot read properties of undefined (reading 'toFixed')",
        "browser:cause": "CartError: the cart cannot be restored",
        "browser:message": f"order {DATA['order_id']} took long",
    }
    assert {found.incident["platform"] for [found] in arrivals.values()} == {"javascript"}
    # The same bug from a click and from a timer.
    assert arrivals["browser:crash"][0].incident["id"] == arrivals["browser:timer"][0].incident["id"]


async def test_frames_causes_breadcrumbs_tags_and_the_page_arrive(run: Run) -> None:
    _, arrivals = await run("crash", "cause")
    [crash] = arrivals["browser:crash"]
    assert [frame["function"] for frame in crash.frames][-2:] == ["buy", "totalOf"]
    assert crash.frames[-1]["filename"].endswith(".js")
    assert crash.headline["mechanism"]["handled"] is False
    assert crash.payload["tags"]["region"] == DATA["region"]
    assert crash.payload["user"]["id"] == DATA["user_id"]
    assert crash.payload["contexts"]["cart"]["id"] == DATA["uuid"]
    assert "voucher=WINTER" in crash.payload["request"]["url"]
    assert "Chrome" in crash.payload["request"]["headers"]["User-Agent"]
    [cause] = arrivals["browser:cause"]
    assert [value["type"] for value in cause.payload["exception"]["values"]] == ["SyntaxError", "CartError"]
    crumbs = cause.payload["breadcrumbs"]["values"]
    assert {"ui.click", "checkout"} <= {crumb["category"] for crumb in crumbs}


async def test_a_preflight_is_answered_where_the_page_sets_headers_of_its_own(run: Run) -> None:
    plain, _ = await run("message")
    assert {method for method, _ in plain.requests()} == {"POST"}
    wire, arrivals = await run("message", transportOptions={"headers": {"X-Requested-With": "shop"}})
    assert [method for method, _ in wire.requests()][:2] == ["OPTIONS", "POST"]
    assert {found.incident["title"] for found in arrivals["browser:message"]} == {f"order {DATA['order_id']} took long"}


async def test_a_page_can_read_why_it_was_refused(product: Product, bundle: Path) -> None:
    told = {"dsn": product.dsn, "release": "shop@1.0.0", "environment": "production", "ctx": DATA, "options": {}}
    ask = """async (url) => {
        const answer = await fetch(url, {method: 'POST', body: '{}', headers: {'x-sentry-auth': 'Sentry sentry_key=unknown'}});
        return [answer.status, answer.headers.get('x-sentry-error'), (await answer.json()).detail];
    }"""
    async with page.opened(bundle, told) as shop:
        status, reason, detail = await shop.evaluate(ask, f"{product.url}/api/{product.project_id}/envelope/")
    assert status in {401, 403}
    assert reason
    assert detail


async def test_people_and_secrets_of_a_page_do_not_arrive(run: Run) -> None:
    _, arrivals = await run(*ACTIONS)
    text = json.dumps([found.event for arrived in arrivals.values() for found in arrived])
    assert DATA["email"] not in text
    assert PASSWORD not in text
