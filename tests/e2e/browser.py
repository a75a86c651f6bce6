"""A person at a browser: signed in, watched for anything that runs, fails or is blocked and should not."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e import tools
from tests.e2e.conftest import Product

DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
# Told by the page itself, before anything of ours runs.
WATCH = """
window.noticed = [];
addEventListener('securitypolicyviolation', (event) => noticed.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
addEventListener('error', (event) => noticed.push(`error: ${event.message}`));
addEventListener('unhandledrejection', (event) => noticed.push(`rejected: ${event.reason}`));
window.alert = window.confirm = window.prompt = () => noticed.push('a dialog was opened');
"""


class Person:
    """One browser context with one page. `noticed` must stay empty."""

    def __init__(self, product: Product, page: Any) -> None:
        self.product = product
        self.page = page
        self.noticed: list[str] = []
        page.on("pageerror", lambda error: self.noticed.append(f"thrown: {error}"))
        page.on("console", self._said)

    def _said(self, line: Any) -> None:
        if line.type == "error":
            self.noticed.append(f"console: {line.text}")

    async def sign_in(self, email: str = "owner@example.com") -> None:
        """On the issuer's own page, as a person does."""
        await self.page.goto(f"{self.product.url}/local/clerk/sign-in?email={email}&return=/health")
        await self.page.get_by_role("heading", name="Health").wait_for()

    async def open(self, path: str) -> Any:
        """Load an address; returns the page."""
        await self.page.goto(self.product.url + path)
        return self.page

    async def all_noticed(self) -> list[str]:
        """What the page, the console and the policy said."""
        return [*self.noticed, *await self.page.evaluate("window.noticed ?? []")]


@asynccontextmanager
async def opened(product: Product, viewport: dict[str, int] | None = None, **options: Any) -> AsyncIterator[Person]:
    """A browser of one's own, with nothing remembered."""
    # Not a package of the environment (tools.py), so nothing that checks types could find it.
    playwright = importlib.import_module("playwright.async_api")
    async with playwright.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=tools.chromium(), args=["--no-sandbox"])
        context = await browser.new_context(viewport=viewport or DESKTOP, **options)
        await context.add_init_script(WATCH)
        context.set_default_timeout(15_000)
        yield Person(product, await context.new_page())
        await browser.close()


def expect(locator: Any) -> Any:
    """Playwright's assertions, which wait until they hold."""
    return importlib.import_module("playwright.async_api").expect(locator)
