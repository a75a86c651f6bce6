"""Section 1: what the policy is about."""

from __future__ import annotations

import re

from local import reference
from local.folders import ROOT
from tests.api.conftest import Stage
from tests.policy.table import shows


@shows("1.1", by="The page `/privacy`, open to everybody, has a part for each, and fills in this deployment's own facts")
async def test_everybody_can_read_what_is_collected_used_kept_and_shared(stage: Stage) -> None:
    page = (ROOT / "public/privacy.html").read_text(encoding="utf-8")
    titles = re.findall("<h2>(.+?)</h2>", page)
    assert {"What is collected", "What it is used for", "For how long", "Who else handles it", "What you can do"} <= set(titles)
    told = await stage.exports.get("/api/account/privacy")
    assert told.status_code == 200
    assert told.json()["processors"]


@shows("1.2", by="Every address is of an account, of a workspace or project, or takes or tells of events; there is no other kind")
def test_every_address_is_about_an_account_a_workspace_or_what_is_sent() -> None:
    kinds = r"/api/(account|workspaces|projects|invitations|exports|alerts|slugs)\b|/sign-in$"
    assert [one.path for _, one in reference.operations() if not re.match(kinds, one.path)] == []
    assert set(reference.APART) == {"ingest", "health"}
