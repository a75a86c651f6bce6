"""Section 10: children."""

from __future__ import annotations

from local.folders import ROOT
from tests.api.conftest import Stage
from tests.policy.table import shows


@shows("10.1", by="The page says so; nobody's age is asked or kept")
async def test_the_page_says_whom_it_is_for_and_nobodys_age_is_kept(stage: Stage) -> None:
    page = (ROOT / "public/privacy.html").read_text(encoding="utf-8")
    assert "not for children under 13" in page
    columns = await stage.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'people'::regclass")
    assert not any(word in row["attname"] for row in columns for word in ("birth", "age"))
