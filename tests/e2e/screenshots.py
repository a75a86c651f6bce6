"""Pictures of every page, light and dark, desktop and phone, into .local/screenshots: `python -m tests.e2e.screenshots`."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from local import serving
from local.folders import ROOT, data_folder
from tests.e2e import browser, demo, tools
from tests.e2e.conftest import FOREIGN, Product, wait_for_facts

PAGES = re.findall(r"path: '([^']+)'", (ROOT / "public" / "views.js").read_text())
APART = {"/", "/invitation"}
LOOKS = [(size, theme) for size in ("desktop", "phone") for theme in ("light", "dark")]
# All arrive at one moment here: let releases have come when their first events happened, as they do elsewhere.
SPREAD = """
UPDATE releases r SET first_seen = c.hour
  FROM (SELECT project_id, release, min(hour) AS hour FROM event_counts GROUP BY 1, 2) c
 WHERE c.project_id = r.project_id AND c.release = r.release
"""


@contextmanager
def product() -> Iterator[Product]:
    """The product with a fortnight of events; gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        with serving.listen() as free:
            port = str(free.getsockname()[1])
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        log = data_folder() / "screenshots.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.dev"], cwd=ROOT, env=kept | {"PORT": port, "SENSRA_LOCAL": name}, stdout=output,
                stderr=output,
            )  # fmt: skip
        try:
            facts = wait_for_facts(folder, process, log)
            demo.send(facts["url"], facts["ingest_key"])
            with psycopg.connect(facts["database_url"], autocommit=True) as conn:
                conn.execute(SPREAD)
            yield Product(**{name: facts[name] for name in Product._fields})
        finally:
            process.terminate()
            process.wait(20)


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


def main() -> int:
    """Returns the exit status."""
    tools.prepare()
    folder = data_folder() / "screenshots"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with product() as made:
        asyncio.run(take(made, folder))
    print(f"{len(list(folder.iterdir()))} pictures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
