"""Proofs: `make proof` names this folder; a run that does not leaves it alone.

What is shown here by thousands of cases, whole programs or kills, `make test` shows by a few, close to the code.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.conftest import _shared_database_url, shared_stage, stage
from tests.lib.alerts.conftest import alerting

SECONDS_MAX = 300  # a busy machine takes its time
__all__ = ["_shared_database_url", "alerting", "shared_stage", "stage"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Proofs may take longer than other tests."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(SECONDS_MAX))
