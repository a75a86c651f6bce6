"""Every page can be used by everybody: axe finds nothing serious, everything is reached by keyboard, and the focus is seen.

Pages are those of public/views.js, so that none is forgotten, and the few that stand beside it.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from local import page_tools
from local.folders import ROOT
from tests.e2e import browser, demo
from tests.e2e.conftest import Product

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS = re.findall(r"path: '([^']+)'", (ROOT / "public" / "views.js").read_text())
BESIDE = ("/privacy", "/reference.html", "/projects/0/incidents", "/projects/:project_id/incidents?q=nothing+like+this")
# Buttons that open a dialog, by the page they stand on.
DIALOGS = {
    "/projects/:project_id/keys": "New key",
    "/projects/:project_id/alerts": "New rule",
    "/projects/:project_id/incidents/:incident_id": "GitHub issue…",
    "/account": "Delete your account…",
}
# What can be done on the page as it is now. What is folded, off or out of sight cannot.
REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')].filter(
  (one) =>  !one.disabled && !one.matches('fieldset:disabled *') && one.tabIndex >= 0
  && one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !one.closest('.skip, [hidden]')
  && !(one.closest('details:not([open])') && !one.matches('summary')))"""
# The next stop of the Tab key: whether it was known, and whether one sees where one is.
STOP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  const seen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
  return { mark: one.dataset.reached ?? '', seen, html: one.outerHTML.slice(0, 120) };
}"""


async def prepared(product: Product, person: browser.Person) -> dict[str, str]:
    """Pages by their pattern, with what they need to have something to show."""
    await person.sign_in()
    page = await person.open(f"/projects/{product.project_id}/incidents?q=PaymentDeclined")
    href = await page.locator("a.title").first.get_attribute("href")
    ids = {":project_id": str(product.project_id), ":workspace_id": "1", ":incident_id": href.rpartition("/")[2]}
    return {pattern: re.sub(r":\w+", lambda found: ids[found[0]], pattern) for pattern in (*VIEWS, *BESIDE)}


async def shown(product: Product, page: Any, path: str) -> None:
    await page.goto(product.url + path)
    await page.locator(":is(main, body) :is(h1, h2)").first.wait_for(state="attached")
    await page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(("theme", "size"), [("light", browser.DESKTOP), ("dark", browser.PHONE)], ids=["light", "dark phone"])
@pytest.mark.timeout(300)
async def test_axe_finds_nothing_serious_on_any_page(product: Product, theme: str, size: dict[str, int]) -> None:
    demo.send(product.url, product.ingest_key, 60)
    axe = (page_tools.modules() / "axe-core" / "axe.min.js").read_text()
    found = {}

    async def look(page: Any, name: str) -> None:
        await page.evaluate(axe)
        result = await page.evaluate(f"axe.run(document, {{runOnly: {RULES}}})")
        bad = [one for one in result["violations"] if one["impact"] in {"serious", "critical"}]
        if bad:
            found[name] = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in bad]

    async with browser.opened(product, size, color_scheme=theme, bypass_csp=True) as person:
        for pattern, path in (await prepared(product, person)).items():
            await shown(product, person.page, path)
            await person.page.evaluate(
                "() => { for (const one of document.querySelectorAll('details:not(.menu)')) one.open = true }"
            )
            await look(person.page, path)
            if pattern in DIALOGS:
                await person.page.get_by_role("button", name=DIALOGS[pattern]).first.click()
                await person.page.get_by_role("dialog").wait_for()
                await look(person.page, f"{path}: {DIALOGS[pattern]}")
        await person.page.keyboard.press("Escape")
        await person.page.goto(product.url)
        for keys in ("Control+k", "?"):
            await person.page.locator("#nav a").first.wait_for(state="attached")
            await person.page.keyboard.press(keys)
            await person.page.get_by_role("dialog").wait_for()
            await look(person.page, keys)
            await person.page.keyboard.press("Escape")
    assert found == {}, json.dumps(found, indent=1)


@pytest.mark.timeout(300)
async def test_everything_on_every_page_is_reached_by_keyboard_and_the_focus_is_seen(product: Product) -> None:
    demo.send(product.url, product.ingest_key, 60)
    lost: dict[str, list[str]] = {}
    async with browser.opened(product) as person:
        for path in (await prepared(product, person)).values():
            page = person.page
            await shown(product, page, path)
            marks = await page.evaluate(f"() => ({REACHABLE})().map((one, n) => one.dataset.reached = String(n))")
            left = set(marks)
            for _ in range(len(marks) + 20):
                await page.keyboard.press("Tab")
                stop = await page.evaluate(STOP)
                if stop is None:
                    continue
                left.discard(stop["mark"])
                if not stop["seen"]:
                    lost.setdefault(f"{path}: not seen", []).append(stop["html"])
                if not left:
                    break
            for mark in sorted(left):
                html = await page.evaluate(f"() => document.querySelector('[data-reached=\"{mark}\"]')?.outerHTML.slice(0, 120)")
                if html:  # what was drawn anew meanwhile is another element, which was reached
                    lost.setdefault(path, []).append(html)
    assert lost == {}, json.dumps(lost, indent=1)
