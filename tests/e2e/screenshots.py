"""Pictures of every page, light and dark, desktop and phone, into .local/screenshots: `python -m tests.e2e.screenshots`."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from local.folders import ROOT, data_folder
from tests.e2e import browser, demo, tools
from tests.e2e.conftest import Product, running

PAGES = re.findall(r"path: '([^']+)'", (ROOT / "public" / "views.js").read_text())
APART = {"/", "/invitation"}
ALONE = ("privacy", "sign-in", "invitation")  # for whoever has not signed in
LOOKS = [(size, theme) for size in ("desktop", "phone") for theme in ("light", "dark")]
# All arrive at one moment here: let releases have come when their first events happened, as they do elsewhere.
SPREAD = """
UPDATE releases r SET first_seen = c.hour
  FROM (SELECT project_id, release, min(hour) AS hour FROM event_counts GROUP BY 1, 2) c
 WHERE c.project_id = r.project_id AND c.release = r.release
"""

# What a model might say of the first one, in place of what its local stand-in says.
EXPLAINED = """
UPDATE analyses SET result = result || %(said)s, confidence = 0.86
 WHERE incident_id = (SELECT min(id) FROM incidents WHERE kind = 'PaymentDeclined') AND result IS NOT NULL
"""
SAID = {
    "summary": "Since shop@2.15.0 carts with an expired voucher are charged a price of zero, which the bank declines with 402.",
    "likely_cause": (
        "charge sums the lines before the voucher is looked at, and a voucher that is valid no longer still takes its discount:"
        " the sum can fall to zero. The failing calls all carry a voucher, and began with this release."
    ),
    "suggested_fix": (
        "--- a/shop/payment.py\n+++ b/shop/payment.py\n@@ -43,4 +43,4 @@\n     plan = self.plans[cart.plan_id]\n"
        "-    if voucher:\n+    if voucher and voucher.valid_on(self.today):\n         price -= voucher.discount_of(price, plan)"
    ),
    "severity": "high",
}


async def take(made: Product, folder: Path) -> None:
    """Every page in every look."""
    ids = {":project_id": str(made.project_id), ":workspace_id": "1", ":incident_id": "1"}
    for size, theme in LOOKS:
        viewport = browser.DESKTOP if size == "desktop" else browser.PHONE
        async with browser.opened(made, viewport, color_scheme=theme) as person:
            await person.sign_in()
            for pattern in sorted(set(PAGES) - APART):
                await person.open(re.sub(r":\w+", lambda found: ids[found[0]], pattern))
                await person.page.wait_for_timeout(900)
                name = re.sub(r"\W+", "-", pattern).strip("-")
                await person.page.screenshot(path=folder / f"{name}-{size}-{theme}.png")
            for name in ALONE:
                await person.page.goto(f"{made.url}/{name}")
                await person.page.wait_for_timeout(900)
                await person.page.screenshot(path=folder / f"{name}-{size}-{theme}.png")


def wait_for_analysis(conn: psycopg.Connection[Any]) -> None:
    """Until the first incident is explained; half a minute at most."""
    for _ in range(60):
        found = conn.execute("SELECT count(*) FROM analyses WHERE incident_id = 1 AND state = 'done'").fetchone()
        if found and found[0]:
            return
        time.sleep(0.5)


def main() -> int:
    """Returns the exit status."""
    tools.prepare()
    folder = data_folder() / "screenshots"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with running() as made:
        demo.send(made.url, made.ingest_key)
        with psycopg.connect(made.database_url, autocommit=True) as conn:
            conn.execute(SPREAD)
            wait_for_analysis(conn)
            conn.execute(EXPLAINED, {"said": Jsonb(SAID)})
        asyncio.run(take(made, folder))
    print(f"{len(list(folder.iterdir()))} pictures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
