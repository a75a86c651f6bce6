"""What a deployment tells of itself: whom it has configured, where, and nothing that lets somebody in."""

from __future__ import annotations

from typing import Any

import pytest

from lib import privacy, settings
from lib.errors import NotConfigured

NEON = "postgresql://owner:hunter2@ep-cool-1-pooler.eu-central-1.aws.neon.tech/main?sslmode=require"


def processors(**env: str) -> dict[str, tuple[str, str | None, str | None]]:
    found = privacy.describe(settings.read(env))["processors"]
    return {one["purpose"]: (one["name"], one["host"], one["region"]) for one in found}


@pytest.mark.parametrize(
    ("env", "purpose", "told"),
    [
        ({"VERCEL": "1", "VERCEL_REGION": "fra1"}, "hosting", ("Vercel", None, "fra1")),
        ({}, "hosting", ("A server of the operator", None, None)),
        ({"DATABASE_URL": NEON}, "database", ("Neon (PostgreSQL)", None, "eu-central-1")),
        ({"DATABASE_URL": "postgresql://db.example/x"}, "database", ("PostgreSQL", None, None)),
        ({"CLERK_ISSUER": "https://id.example"}, "sign-in", ("Sign-in service", "id.example", None)),
        (
            {"CLERK_ISSUER": "https://clerk.shop.example", "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": "pk_x"},
            "sign-in",
            ("Clerk", "clerk.shop.example", None),
        ),
        ({"KV_REST_API_URL": "https://cool-1.upstash.io"}, "limits", ("Upstash Redis", None, None)),
        ({"RESEND_API_KEY": "re_x"}, "mail", ("Resend", None, None)),
        ({"RESEND_API_KEY": "x", "RESEND_API_URL": "https://m.example"}, "mail", ("Mail service", "m.example", None)),
        ({"OPENAI_API_KEY": "x"}, "analysis", ("OpenAI", "api.openai.com", None)),
        (
            {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": "https://llm.example/v1"},
            "analysis",
            ("Language model", "llm.example", None),
        ),
        ({"ARCHIVE_BUCKET": "b", "ARCHIVE_REGION": "eu-west-1"}, "archive", ("Object storage", None, "eu-west-1")),
        ({"RESEND_API_KEY": "x", "PRIVACY_REGIONS": "database=Bonn, mail=Ireland"}, "mail", ("Resend", None, "Ireland")),
    ],
)
def test_a_processor_is_told_where_it_is_configured(env: dict[str, str], purpose: str, told: Any) -> None:
    assert processors(**env)[purpose] == told


def test_what_is_not_configured_is_not_told() -> None:
    assert set(processors()) == {"hosting"}


@pytest.mark.parametrize("name", ["DATABASE_URL", "KV_REST_API_URL", "CLERK_ISSUER", "OPENAI_BASE_URL", "RESEND_API_URL"])
def test_no_password_in_an_address_is_told(name: str) -> None:
    env = {name: "https://owner:hunter2@h.example/secret?token=hunter2", "OPENAI_API_KEY": "hunter2", "RESEND_API_KEY": "hunter2"}
    assert "hunter2" not in str(privacy.describe(settings.read(env)))


@pytest.mark.parametrize("url", ["https://[", "postgresql://a b", "x", "https://u:p@:9/"])
def test_an_odd_address_is_no_failure(url: str) -> None:
    assert privacy.describe(settings.read({"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": url, "DATABASE_URL": url}))


def test_days_are_those_of_the_settings() -> None:
    told = privacy.describe(settings.read({"RETENTION_EVENT_DAYS": "40"}))["retention"]
    assert (told["events_days"], told["payload_days"], told["audit_days"]) == (40, 90, 730)


@pytest.mark.parametrize(
    "env",
    [
        {"PRIVACY_EFFECTIVE_DATE": "April 7"},
        {"PRIVACY_EFFECTIVE_DATE": "2026-13-01"},
        {"PRIVACY_CONTACT": "javascript:alert(1)"},
        {"PRIVACY_CONTACT": "nobody"},
        {"PRIVACY_REGIONS": "moon=dark side"},
        {"PRIVACY_REGIONS": "database"},
    ],
)
def test_a_setting_that_cannot_be_meant_so_is_named(env: dict[str, str]) -> None:
    with pytest.raises(NotConfigured, match=next(iter(env))):
        privacy.describe(settings.read(env))
