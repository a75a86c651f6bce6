"""Proofs: `make proof` names this folder; a run that does not leaves it alone.

What is shown here by thousands of cases, whole programs or kills, `make test` shows by a few, close to the code.
"""

from __future__ import annotations

from tests.api.conftest import _shared_database_url, shared_stage, stage
from tests.lib.alerts.conftest import alerting

__all__ = ["_shared_database_url", "alerting", "shared_stage", "stage"]
