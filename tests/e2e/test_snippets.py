"""What the page tells people to paste, run as it stands there, and the page that waits for it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.e2e import browser, page
from tests.e2e.conftest import Product
from tests.sdk import node_runs

Run: TypeAlias = Callable[[str, Path], Awaitable[None]]
# The clock of the reader's machine, which the page must not go by.
AHEAD = "Date = class extends Date { constructor(...given) { super(...(given.length ? given : [Date.now() + 300_000])); } };"


async def _execute(*command: str) -> None:
    """To its end, whatever that is: most of these programs crash, as they should."""
    await (await asyncio.create_subprocess_exec(*command)).wait()


async def with_shell(code: str, folder: Path) -> None:
    await _execute("sh", "-c", code)


async def with_python(code: str, folder: Path) -> None:
    (folder / "hello.py").write_text(code)
    await _execute(sys.executable, str(folder / "hello.py"))


async def with_node(code: str, folder: Path) -> None:
    (folder / "hello.js").write_text(code)
    (folder / "node_modules").symlink_to(node_runs.MODULES)
    await _execute(node_runs.executable(), str(folder / "hello.js"))


async def in_browser(code: str, folder: Path) -> None:
    (folder / "hello.js").write_text(code)
    (folder / "node_modules").symlink_to(node_runs.MODULES)
    async with page.opened(node_runs.esbuild("hello.js", folder), {}) as shop:
        await shop.wait_for_timeout(3_000)


@pytest.mark.parametrize(
    ("platform", "title", "run"),
    [
        ("curl", "Hello from curl", with_shell),
        ("python", "ValueError: Hello from Python", with_python),
        ("node", "Error: Hello from Node", with_node),
        ("browser", "Error: Hello from the browser", in_browser),
    ],
)
async def test_a_snippet_sends_an_event_that_shows_at_once(
    product: Product, tmp_path: Path, platform: str, title: str, run: Run
) -> None:
    async with browser.opened(product) as person:
        await person.page.add_init_script(AHEAD)
        await person.sign_in()
        start: Any = await person.open(f"/projects/{product.project_id}/start?platform={platform}")
        await start.get_by_role("heading", name="Waiting for an event").wait_for()
        await start.get_by_label("Ingest key").fill(product.ingest_key)
        await run(await start.locator(".block pre").last.inner_text(), tmp_path)
        await start.get_by_role("heading", name="It has arrived").wait_for()
        await start.get_by_role("link", name=title).click()
        await start.wait_for_url("**/incidents/*")
