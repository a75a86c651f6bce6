"""Settings: each name, its stand-ins and its default. Empty counts as missing."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from lib import settings
from lib.settings import read

ROOT = Path(settings.__file__).parent.parent


def publishable(host: str) -> str:
    return "pk_" + "test_" + base64.b64encode(f"{host}$".encode()).decode().rstrip("=")


def test_nothing_is_needed_to_be_read() -> None:
    found = read({})
    assert (found.database_url, found.redis_url, found.clerk_issuer, found.cron_secret, found.on_vercel) == (
        None, None, None, None, False,
    )  # fmt: skip
    assert found.authorized_parties == frozenset()


def test_an_empty_variable_counts_as_missing() -> None:
    names = ("DATABASE_URL", "UPSTASH_REDIS_REST_URL", "CLERK_ISSUER", "CLERK_AUTHORIZED_PARTIES", "CRON_SECRET", "VERCEL")
    assert read(dict.fromkeys(names, "")) == read({})


def test_redis_goes_by_either_name_and_upstash_wins() -> None:
    kv = {"KV_REST_API_URL": "https://kv", "KV_REST_API_TOKEN": "kv"}
    assert (read(kv).redis_url, read(kv).redis_token) == ("https://kv", "kv")
    both = kv | {"UPSTASH_REDIS_REST_URL": "https://up", "UPSTASH_REDIS_REST_TOKEN": "up"}
    assert (read(both).redis_url, read(both).redis_token) == ("https://up", "up")


def test_the_issuer_stands_in_the_publishable_key() -> None:
    found = read({"NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": publishable("happy-cat-1.clerk.accounts.dev")})
    assert found.clerk_issuer == "https://happy-cat-1.clerk.accounts.dev"
    assert found.clerk_jwks_url == "https://happy-cat-1.clerk.accounts.dev/.well-known/jwks.json"


def test_what_is_said_wins_over_what_is_derived() -> None:
    env = {
        "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY": publishable("other.example"),
        "CLERK_ISSUER": "https://clerk.example",
        "CLERK_JWKS_URL": "https://keys.example",
    }
    assert (read(env).clerk_issuer, read(env).clerk_jwks_url) == ("https://clerk.example", "https://keys.example")


def test_a_publishable_key_that_is_none_names_no_issuer() -> None:
    for key in ("", "pk", "pk_live_", "pk_live_$", "pk_live_é", "pk_live_/w", "x" * 1_000):
        assert settings.issuer_of(key) is None, key


def test_origins_are_those_named_or_the_deployments_own() -> None:
    own = {"VERCEL_URL": "a.vercel.app", "VERCEL_PROJECT_PRODUCTION_URL": "sensra.example"}
    assert read(own).authorized_parties == {"https://a.vercel.app", "https://sensra.example"}
    named = own | {"CLERK_AUTHORIZED_PARTIES": " https://one.example/ ,, https://two.example"}
    assert read(named).authorized_parties == {"https://one.example", "https://two.example"}


def test_the_environment_is_read_in_one_place() -> None:
    """Only lib/settings.py, and the command that migrates, look at it."""
    found = [
        str(path.relative_to(ROOT))
        for folder in ("api", "lib", "db")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv|\bgetenv\(", path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == ["db/migrate.py", "lib/settings.py"]


VERCEL = {
    "VERCEL_URL": "x-git-1.vercel.app", "VERCEL_BRANCH_URL": "x-git.vercel.app", "VERCEL_PROJECT_PRODUCTION_URL": "x.example",
}  # fmt: skip


@pytest.mark.parametrize(
    ("env", "base_url"),
    [
        ({}, None),
        ({"PUBLIC_URL": "https://errors.example/"}, "https://errors.example"),
        (VERCEL | {"PUBLIC_URL": "https://errors.example"}, "https://errors.example"),
        (VERCEL | {"VERCEL_ENV": "production"}, "https://x.example"),
        # A preview has a database of its own: its links must not lead into production.
        (VERCEL | {"VERCEL_ENV": "preview"}, "https://x-git.vercel.app"),
        ({"VERCEL_ENV": "preview", "VERCEL_PROJECT_PRODUCTION_URL": "x.example"}, None),
        ({"VERCEL_URL": "x-git-1.vercel.app"}, "https://x-git-1.vercel.app"),
        ({"VERCEL_PROJECT_PRODUCTION_URL": "x.example"}, "https://x.example"),
        (VERCEL, "https://x.example"),
    ],
)
def test_links_lead_to_this_deployment(env: dict[str, str], base_url: str | None) -> None:
    assert read(env).base_url == base_url


@pytest.mark.parametrize(
    ("written", "microdollars"),
    [
        ("20", 20_000_000),
        ("0.5", 500_000),
        (" 1.25 ", 1_250_000),
        ("0", 0),
        ("-1", 0),
        ("1e3", 0),
        ("ten", 0),
        ("inf", 0),
        ("1,5", 0),
    ],
)
def test_a_budget_that_is_no_amount_is_no_money(written: str, microdollars: int) -> None:
    assert read({"ANALYSIS_BUDGET_USD": written}).analysis_budget_microdollars == microdollars
    assert read({"ANALYSIS_WORKSPACE_BUDGET_USD": written}).analysis_workspace_budget_microdollars == microdollars


def test_the_model_and_its_budgets_have_defaults() -> None:
    found = read({})
    assert (found.openai_api_key, found.openai_base_url, found.analysis_model) == (None, None, "gpt-6-luna")
    assert (found.analysis_budget_microdollars, found.analysis_workspace_budget_microdollars) == (20_000_000, 5_000_000)
