"""How long lists take on 100,000 incidents and 1,000,000 events, at the API and to pixels: `make figures`.

Exit status 1 where the p95 of a list or its facets is above API_MS_MAX, or of what is seen above PIXELS_MS_MAX.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import quote

from tests.e2e import browser, filled, tools
from tests.e2e.conftest import Product, running
from tests.e2e.test_page_figures import PAINTED

API_MS_MAX, PIXELS_MS_MAX = 100, 300
SAMPLES = 40
PIXELS = {"last seen": "", "first seen": "&sort=first_seen", "most events": "&sort=event_count"}


def at_the_api(product: Product, project_id: int) -> dict[str, list[float]]:
    """Every list, and the facets beside it."""
    found = {}
    for name, query in filled.LISTS.items():
        found[f"list: {name}"] = filled.milliseconds(product, project_id, "/incidents", {**query, "trend": "14d"}, SAMPLES)
        found[f"facets: {name}"] = filled.milliseconds(product, project_id, "/incidents/facets", query, SAMPLES)
        for one in list(found)[-2:]:
            print(f"{one:32} {filled.said(found[one])}", flush=True)
    return found


async def to_pixels(product: Product, project_id: int, samples: int = SAMPLES // 3) -> dict[str, list[float]]:
    """From a click on another page until the rows are painted."""
    found = {}
    base = f"/projects/{project_id}"
    async with browser.opened(product) as person:
        for name, more in PIXELS.items():
            await person.sign_in()
            page = await person.open(f"{base}/keys")
            spent = []
            for _ in range(samples):
                await page.get_by_role("heading", name="Keys").wait_for()
                address = f"{base}/incidents?q={quote('is:open')}{more}"
                await page.evaluate("async (address) => (await import('/lib/router.js')).go(address)", address)
                spent.append(await page.evaluate(PAINTED, "a.title"))
                await page.evaluate("async (address) => (await import('/lib/router.js')).go(address)", f"{base}/keys")
            found[f"pixels: {name}"] = sorted(spent)
            print(f"pixels: {name:24} {filled.said(sorted(spent))}", flush=True)
    return found


def main() -> int:
    """Returns the exit status."""
    tools.prepare()
    with running() as product:
        project_id = filled.fill(product)
        api = at_the_api(product, project_id)
        pixels = asyncio.run(to_pixels(product, project_id))
    slow = [
        name
        for most, figures in ((API_MS_MAX, api), (PIXELS_MS_MAX, pixels))
        for name, spent in figures.items()
        if filled.p95(spent) > most
    ]
    print(f"too slow: {', '.join(slow)}" if slow else f"all within {API_MS_MAX} ms at the API and {PIXELS_MS_MAX} ms to pixels")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
