"""The page on privacy in a browser, and an export as the documentation says it is downloaded."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from local.folders import ROOT
from tests.e2e.browser import DESKTOP, PHONE, expect, opened
from tests.e2e.conftest import Product

LOOP = re.compile(r"```sh\n(.+?)```", re.DOTALL)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_the_page_fills_itself_under_the_strict_policy(product: Product, viewport: dict[str, int], scheme: str) -> None:
    async with opened(product, viewport, color_scheme=scheme) as person:
        page = await person.open("/privacy")
        await expect(page.locator("#processors td").first).to_have_text("Running the service")
        await expect(page.get_by_text("Sending mail")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await person.all_noticed() == []


def test_an_export_is_downloaded_as_documented_and_goes_on_after_an_interruption(product: Product, tmp_path: Path) -> None:
    [loop] = LOOP.findall((ROOT / "docs/export.md").read_text(encoding="utf-8"))
    with httpx.Client(base_url=product.url, timeout=20) as client:
        token = client.get(product.session_token_url, params={"email": "owner@example.com"}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        [workspace] = [one["id"] for one in client.get("/api/account").json()["workspaces"] if one["projects"]]
        made = client.post(f"/api/workspaces/{workspace}/exports").json()
    for _ in range(2):
        subprocess.run(["bash", "-euc", loop], cwd=tmp_path, env={"LINK": made["link"], "PATH": "/usr/bin:/bin"}, check=True)
        assert {file.name for file in tmp_path.glob("*.zip*")} == {part["name"] for part in made["parts"]}
        assert (tmp_path / "export/README.md").is_file()
        assert (tmp_path / "export/workspace/members.csv").is_file()
        shutil.rmtree(tmp_path / "export")
