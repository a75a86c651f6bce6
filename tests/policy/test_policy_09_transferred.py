"""Section 9: international transfers."""

from __future__ import annotations

import pytest

from lib import settings
from lib.settings import RESEND_API_URL
from local.folders import ROOT
from tests.api.conftest import Stage
from tests.policy.table import shows


@shows("9.1", by="`/privacy` names for each processor the region that settings tell")
async def test_everybody_reads_where_data_is_processed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERCEL", "1")
    monkeypatch.setenv("VERCEL_REGION", "fra1")
    monkeypatch.setenv("PRIVACY_REGIONS", "database=Frankfurt, limits=Ireland")
    settings.current.cache_clear()
    told = (await stage.exports.get("/api/account/privacy")).json()["processors"]
    regions = {one["purpose"]: one["region"] for one in told}
    assert (regions["hosting"], regions["database"], regions["limits"]) == ("fra1", "Frankfurt", "Ireland")
    assert "Data may be handled in the countries where they work" in (ROOT / "public/privacy.html").read_text(encoding="utf-8")


@shows(
    "9.2",
    by="On Vercel webhooks are https only, and so are the defaults of all other services",
    also=("test_the_certificate_must_be_of_the_name_though_the_connection_goes_to_an_address",),
)
def test_what_leaves_is_encrypted_on_the_way() -> None:
    read = settings.read({"VERCEL": "1", "OUTBOUND_PRIVATE_ALLOWED": "1", "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": "pk_live_eC55JA"})
    assert not read.outbound_private_allowed
    assert read.resend_api_url == RESEND_API_URL
    assert RESEND_API_URL.startswith("https://")
    assert str(read.clerk_jwks_url).startswith("https://")
