"""Section 11: changes and contact."""

from __future__ import annotations

import pytest

from lib import settings
from local.folders import ROOT
from tests.api.conftest import Stage
from tests.policy.table import shows


@shows(
    "11.1",
    "11.2",
    by="PRIVACY_EFFECTIVE_DATE and PRIVACY_CONTACT, which `/privacy` shows; it says so where they are missing",
    also=("test_without_settings_it_says_that_they_are_missing",),
)
async def test_the_date_and_the_contact_are_shown_as_they_are_set(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2026-04-07", "2026-12-01"):
        monkeypatch.setenv("PRIVACY_EFFECTIVE_DATE", day)
        monkeypatch.setenv("PRIVACY_CONTACT", "privacy@sensra.example")
        settings.current.cache_clear()
        told = (await stage.exports.get("/api/account/privacy")).json()
        assert (told["effective_date"], told["contact"]) == (day, "privacy@sensra.example")
    page = (ROOT / "public/privacy.html").read_text(encoding="utf-8")
    assert 'data-fill="effective_date"' in page
    assert 'data-fill="contact"' in page
    assert "the date above changes with it" in page
