"""/privacy and /api/account/privacy: anybody may read what becomes of data here, and it holds nothing secret."""

from __future__ import annotations

import re

import pytest

from lib import settings
from local.folders import ROOT
from local.routing import Router
from tests.api.conftest import Stage


async def test_anybody_reads_who_handles_data_and_for_how_long(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_CONTACT", "privacy@example.com")
    monkeypatch.setenv("PRIVACY_EFFECTIVE_DATE", "2026-04-07")
    settings.current.cache_clear()
    answer = await stage.exports.get("/api/account/privacy")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["contact"], told["effective_date"]) == ("privacy@example.com", "2026-04-07")
    assert {one["purpose"] for one in told["processors"]} == {"hosting", "database", "sign-in", "limits"}
    assert stage.redis.token not in answer.text


async def test_without_settings_it_says_that_they_are_missing(stage: Stage) -> None:
    told = (await stage.exports.get("/api/account/privacy")).json()
    assert (told["contact"], told["effective_date"]) == (None, None)


async def test_a_mistaken_setting_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIVACY_EFFECTIVE_DATE", "soon")
    settings.current.cache_clear()
    answer = await stage.exports.get("/api/account/privacy")
    assert (answer.status_code, answer.json()["title"]) == (503, "Not configured")


async def test_the_page_has_a_place_for_everything_that_is_told(stage: Stage) -> None:
    page = (ROOT / "public/privacy.html").read_text()
    told = (await stage.exports.get("/api/account/privacy")).json()
    places = set(re.findall(r'data-fill="(\w+)"', page))
    assert places == {"effective_date", "contact", *told["retention"]}
    assert 'id="processors"' in page
    found = Router(ROOT).find("/privacy", "")
    assert found is not None
    assert found.file == ROOT / "public/privacy.html"
