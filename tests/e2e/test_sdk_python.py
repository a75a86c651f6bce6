"""The DSN that `make dev` prints works in the unmodified sentry-sdk; tests/proof/test_sdk_python.py looks at it closely."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from tests.e2e.conftest import Product
from tests.sdk import python_runs
from tests.sdk.arrivals import Reader
from tests.sdk.cases import BASE


async def test_every_bug_of_a_program_becomes_an_incident_of_its_own(product: Product, reader: Reader, tmp_path: Path) -> None:
    targets = [*python_runs.BUGS, *python_runs.MESSAGES]
    variation = replace(BASE, release=f"{tmp_path.name}@1.0.0")
    await anyio.to_thread.run_sync(
        lambda: python_runs.run(variation, targets, tmp_path, product.dsn, f"{product.url}/api/health/live")
    )
    arrivals = await reader.arrivals(variation.release)
    assert sorted(arrivals) == sorted(targets)
    assert len({found.incident["id"] for [found] in arrivals.values()}) == len(targets)
