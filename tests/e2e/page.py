"""A page of another origin with a bundle of @sentry/browser, in headless Chromium."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from local import serving
from tests.e2e import tools
from tests.sdk import node_runs, render

HTML = """<!doctype html><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<body><h1>Shop</h1><script>window.run = {run}</script><script src="/assets/{bundle}"></script></body>"""


def bundled(folder: Path) -> Path:
    """The page's program and the SDK in one minified file."""
    render.write(tools.folder_of_browser_programs(), folder)
    (folder / "node_modules").symlink_to(node_runs.MODULES)
    return node_runs.esbuild("page.js", folder, "--minify", "--keep-names")


@asynccontextmanager
async def opened(bundle: Path, run: dict[str, Any]) -> AsyncIterator[Any]:
    """A Playwright page (playwright.async_api.Page) that was told `run` and has loaded."""
    # Not a package of the environment (tools.py), so nothing that checks types could find it.
    playwright = importlib.import_module("playwright.async_api")

    async def shop(request: Request) -> Response:
        return HTMLResponse(HTML.format(run=json.dumps(run), bundle=bundle.name))

    app = Starlette(routes=[Route("/", shop), Route(f"/assets/{bundle.name}", lambda request: FileResponse(bundle))])
    with serving.in_thread(app) as url:
        async with playwright.async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=tools.chromium(), args=["--no-sandbox"])
            page = await browser.new_page()
            await page.goto(url + "/?voucher=WINTER", wait_until="load")
            yield page
            await browser.close()
