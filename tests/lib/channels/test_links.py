"""Links of messages: to this deployment, or none."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lib import channels, settings
from lib.alerts import telling
from lib.channels import Kind
from tests.lib.channels.notices import ITEM, notice

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", channels.KINDS)
@pytest.mark.parametrize("number", [0, 1, 3])
def test_where_the_deployments_address_is_not_known_a_message_has_no_link_and_no_word_of_one(kind: Kind, number: int) -> None:
    told = notice()._replace(items=(ITEM,) * number, omitted=2 if number != 1 else 0, unsubscribe_url=None)
    linked, bare = (
        json.dumps(channels.render(kind, told._replace(base_url=base_url), delivery_id="d", created_at=NOW))
        for base_url in ("https://sensra.test", None)
    )
    assert "https://sensra.test/projects/1" in linked or (kind, number) == ("webhook", 0)
    for trace in ("://", "/projects/", "None", "href=", "Resolve", "Alert settings"):
        assert trace not in bare, trace


def test_where_it_is_not_known_no_mail_names_an_address_to_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    settings.current.cache_clear()
    assert telling.unsubscribe_url("token") is None
    settings.current.cache_clear()
