"""What the pages promise in milliseconds and bytes, in headless Chromium on loopback.

Times are the best of some runs: what the pages cost, whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.e2e import browser, demo, filled
from tests.e2e.browser import Person
from tests.e2e.conftest import Product

FIRST_LOAD_BYTES_MAX = 150_000
INTERACTIVE_MS_MAX = 1_000
LIST_MS_MAX = 300
API_MS_MAX = 100
SEARCH_MS_MAX = 600
LETTER_MS_MAX = 100
LETTER_MS_WORST = 1_000  # of a machine that does other things, too
HEAVY_EVENT_MS_MAX = 500
RUNS = 5
FRAMES, CONTEXT_BYTES = 1_000, 1_000_000
# Milliseconds from now until this selector is on the page and painted.
PAINTED = """(selector) => new Promise((resolve) => {
  const began = performance.now();
  const look = () => document.querySelector(selector)
    ? requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began))) : setTimeout(look, 4);
  look();
})"""


@pytest.fixture
async def owner(product: Product) -> AsyncIterator[Person]:
    async with browser.opened(product) as person:
        await person.sign_in()
        yield person


def heavy_event() -> dict[str, Any]:
    """As many frames and as much context as an event may have."""
    frames = [
        {"filename": f"shop/part{n}.py", "function": f"step_{n}", "lineno": n, "in_app": n % 3 == 0, "context_line": "  go()"}
        for n in range(FRAMES)
    ]  # fmt: skip
    size = CONTEXT_BYTES - len(json.dumps(frames)) - 20_000
    context = {f"item_{n}": {"name": f"Teapot {n}", "price": n * 7, "tags": ["blue", "round"]} for n in range(size // 75)}
    return {
        "level": "error", "platform": "python", "contexts": {"cart": context},
        "exception": {"values": [{"type": "HeavyError", "value": "much to look at", "stacktrace": {"frames": frames}}]},
    }  # fmt: skip


async def test_a_first_load_is_light_and_soon_usable(product: Product) -> None:
    demo.send(product.url, product.ingest_key, 60)
    loaded: dict[str, int] = {}

    async def took(answer: Any) -> None:
        if answer.url.startswith(product.url) and "/api/" not in answer.url and answer.status == 200:
            loaded[answer.url] = len(gzip.compress(await answer.body(), 6))

    times = []
    for _ in range(RUNS):
        async with browser.opened(product) as fresh:
            await fresh.sign_in()
            await fresh.page.goto("about:blank")
            fresh.page.on("response", took)
            await fresh.page.goto(f"{product.url}/projects/{product.project_id}/incidents?q=", wait_until="commit")
            await fresh.page.locator("a.title").first.wait_for()
            times.append(await fresh.page.evaluate("performance.now()"))
    print(f"first load {sum(loaded.values())} bytes gzipped in {len(loaded)} files; interactive {sorted(times)} ms")
    assert sum(loaded.values()) <= FIRST_LOAD_BYTES_MAX
    assert min(times) <= INTERACTIVE_MS_MAX


@pytest.fixture(scope="module")
def large(product: Product) -> int:
    """A project of 100,000 incidents and 1,000,000 events."""
    return filled.fill(product)


@pytest.mark.timeout(300)
def test_lists_and_facets_of_a_hundred_thousand_incidents_are_answered_at_once(product: Product, large: int) -> None:
    best = {}
    for name, query in filled.LISTS.items():
        bars = {**query, "trend": "14d"}
        best[f"list: {name}"] = filled.milliseconds(product, large, "/incidents", bars, RUNS)[0]
        best[f"facets: {name}"] = filled.milliseconds(product, large, "/incidents/facets", query, RUNS)[0]
    print({name: round(ms) for name, ms in best.items()})
    # Words are looked for in every title, and what many have is looked up as a set: that takes longer with the machine.
    longer = {name: SEARCH_MS_MAX if re.search("words|many have|one release", name) else API_MS_MAX for name in best}
    assert {name: ms for name, ms in best.items() if ms > longer[name]} == {}


@pytest.mark.timeout(300)
async def test_the_list_of_a_hundred_thousand_incidents_is_soon_seen_in_every_order(product: Product, large: int) -> None:
    base = f"/projects/{large}"
    go = "async (address) => (await import('/lib/router.js')).go(address)"
    best = {}
    async with browser.opened(product) as person:
        await person.sign_in()
        page = await person.open(f"{base}/keys")
        for order in ("last_seen", "first_seen", "event_count"):
            spent = []
            for _ in range(RUNS):
                await page.get_by_role("heading", name="Keys").wait_for()
                await page.evaluate(go, f"{base}/incidents?q=is%3Aopen&sort={order}")
                spent.append(await page.evaluate(PAINTED, "a.title"))
                await page.evaluate(go, f"{base}/keys")
            best[order] = min(spent)
    print({name: round(ms) for name, ms in best.items()})
    assert {name: ms for name, ms in best.items() if ms > LIST_MS_MAX} == {}


@pytest.mark.timeout(300)
async def test_typing_a_search_is_never_held_up(product: Product, large: int) -> None:
    """Each letter is drawn in the frame after it, though the API takes its time and fifty rows are drawn meanwhile."""
    async with browser.opened(product) as person:
        await person.sign_in()
        page = await person.open(f"/projects/{large}/incidents?q=")
        await page.locator("a.title").first.wait_for()
        await page.get_by_label("Search incidents").focus()
        spent = []
        for letter in "step 777 of the checkout":
            took = await page.evaluate(
                """(letter) => new Promise((resolve) => {
                  const field = document.getElementById('search'), began = performance.now();
                  field.value += letter;
                  field.dispatchEvent(new Event('input', { bubbles: true }));
                  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
                })""",
                letter,
            )
            spent.append(took)
            await page.wait_for_timeout(40)
        print(f"a letter {sorted(spent)[len(spent) // 2]:.0f} ms at the median, {max(spent):.0f} at most")
        assert sorted(spent)[len(spent) // 2] <= LETTER_MS_MAX
        assert max(spent) <= LETTER_MS_WORST
        await page.get_by_text("step 777 of the checkout failed").first.wait_for()


@pytest.mark.timeout(300)
async def test_a_list_goes_on_as_far_as_somebody_scrolls(product: Product, large: int) -> None:
    async with browser.opened(product) as person:
        await person.sign_in()
        page = await person.open(f"/projects/{large}/incidents?q=")
        rows = page.get_by_role("list", name="Incidents").get_by_role("listitem")
        async with asyncio.timeout(60):
            while await rows.count() < 150:
                await page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight)")
                await page.wait_for_timeout(50)
        links = await page.locator("a.title").evaluate_all("(links) => links.map((one) => one.href)")
        assert len(set(links)) >= 150
        # Whoever comes back finds all of it, and the place.
        await page.locator(f'a.title[href$="/{links[120].rpartition("/")[2]}"]').click()
        await page.get_by_role("heading", level=1).wait_for()
        await page.go_back()
        current = page.locator(".row.current")
        await current.wait_for()
        assert await current.locator("a.title").evaluate("(link) => link.href") == links[120]
        await browser.expect(current).to_be_in_viewport()
        assert await rows.count() >= 150
        await page.keyboard.press("j")
        assert await current.locator("a.title").evaluate("(link) => link.href") == links[121]


async def test_going_to_the_list_takes_no_time_to_speak_of(product: Product, owner: Person) -> None:
    page = await owner.open(f"/projects/{product.project_id}/keys")
    await page.get_by_role("heading", name="Keys").wait_for()
    times = []
    for _ in range(RUNS):
        await page.evaluate("() => { document.querySelector('#nav a').click(); }")
        times.append(await page.evaluate(PAINTED, "a.title"))
        await page.evaluate("() => { document.querySelector('#nav a[href$=keys]').click(); }")
        await page.get_by_role("heading", name="Keys").wait_for()
    print(f"list {sorted(times)} ms to pixels")
    assert min(times) <= LIST_MS_MAX


async def test_an_event_with_everything_opens_at_once(product: Product, owner: Person) -> None:
    async with httpx.AsyncClient(base_url=product.url, timeout=30) as client:
        headers = {"Authorization": f"Bearer {product.ingest_key}"}
        answer = await client.post("/api/ingest", json=heavy_event(), headers=headers)
    incident = answer.json()["items"][0]["incident_id"]
    page = await owner.open(f"/projects/{product.project_id}/incidents?q=HeavyError")
    times = []
    for _ in range(RUNS):
        await page.get_by_role("link", name="HeavyError").wait_for()
        await page.evaluate(f"() => {{ document.querySelector('a.title[href$=\"/{incident}\"]').click(); }}")
        times.append(await page.evaluate(PAINTED, ".frames"))
        await page.go_back()
    print(f"heavy event {sorted(times)} ms to pixels")
    assert min(times) <= HEAVY_EVENT_MS_MAX
