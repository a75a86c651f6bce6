"""What the environment says. Every name that Sensra reads stands here, with its default and what it means."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# System variables in which Vercel tells a deployment its own host names.
OWN_ADDRESSES = ("VERCEL_URL", "VERCEL_BRANCH_URL", "VERCEL_PROJECT_PRODUCTION_URL")
RESEND_API_URL = "https://api.resend.com"

AMOUNT = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment's settings, as read from its environment."""

    database_url: str | None
    """PostgreSQL for requests; on Neon the pooled address. DATABASE_URL."""
    redis_url: str | None
    """Upstash REST address: UPSTASH_REDIS_REST_URL, or KV_REST_API_URL as the Vercel marketplace names it."""
    redis_token: str | None
    """UPSTASH_REDIS_REST_TOKEN or KV_REST_API_TOKEN."""
    clerk_publishable_key: str | None
    """NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: what Clerk's script on the sign-in page needs. It is no secret."""
    clerk_issuer: str | None
    """CLERK_ISSUER, or what NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY encodes."""
    clerk_jwks_url: str | None
    """CLERK_JWKS_URL, by default the issuer's /.well-known/jwks.json."""
    clerk_secret_key: str | None
    """CLERK_SECRET_KEY: with it people correct and delete their account here, and Clerk follows."""
    clerk_api_url: str
    """CLERK_API_URL: Clerk's Backend API."""
    clerk_webhook_secret: str | None
    """CLERK_WEBHOOK_SIGNING_SECRET (`whsec_…`): what Clerk's webhooks are signed with."""
    clerk_jwt_key: str | None
    """CLERK_JWT_KEY: the public key as PEM; with it no token needs the network."""
    authorized_parties: frozenset[str]
    """CLERK_AUTHORIZED_PARTIES: origins, by commas, that a token's `azp` may name; by default the deployment's own addresses."""
    events_per_month_max: int | None
    """EVENTS_PER_MONTH_MAX: the quota of a workspace that has none of its own; without it there is no limit."""
    cron_secret: str | None
    """CRON_SECRET: what Vercel Cron sends as Bearer token."""
    resend_api_key: str | None
    """RESEND_API_KEY: without it no mail is sent, and each says so."""
    resend_api_url: str
    """RESEND_API_URL, by default Resend's own."""
    mail_from: str | None
    """MAIL_FROM: `Sensra <alerts@example.com>`, of a domain that Resend has verified."""
    outbound_private_allowed: bool
    """OUTBOUND_PRIVATE_ALLOWED is set, and VERCEL is not: webhooks may use http and lead into private networks."""
    archive_bucket: str | None
    """ARCHIVE_BUCKET: payloads are archived there before they are dropped; unset, they are only dropped."""
    archive_endpoint_url: str | None
    """ARCHIVE_ENDPOINT_URL, of an S3-compatible store that is not AWS's."""
    archive_region: str | None
    """ARCHIVE_REGION."""
    archive_access_key_id: str | None
    """ARCHIVE_ACCESS_KEY_ID: Vercel keeps AWS's own names to itself. Unset, boto3 looks where it always does."""
    archive_secret_access_key: str | None
    """ARCHIVE_SECRET_ACCESS_KEY."""
    archive_prefix: str
    """ARCHIVE_PREFIX, before the names of all objects."""
    keep_days: Mapping[str, str]
    """RETENTION_EVENT_DAYS and its like, as they are written: lib/keeping.py reads them, and names their defaults."""
    base_url: str | None
    """PUBLIC_URL: the origin in links, and where the follow-up is woken; on Vercel by default the deployment's own address."""
    openai_api_key: str | None
    """OPENAI_API_KEY: without it nothing is analysed, and everything else works."""
    openai_base_url: str | None
    """OPENAI_BASE_URL: any server that speaks OpenAI's responses API; by default OpenAI's own."""
    analysis_model: str
    """ANALYSIS_MODEL."""
    analysis_budget_microdollars: int
    """ANALYSIS_BUDGET_USD: what the deployment spends on analyses in a month at most; what is no amount counts as nothing."""
    analysis_workspace_budget_microdollars: int
    """ANALYSIS_WORKSPACE_BUDGET_USD: likewise each workspace."""
    privacy_contact: str | None
    """PRIVACY_CONTACT: whom the page on privacy names, an e-mail address or a page."""
    privacy_effective_date: str | None
    """PRIVACY_EFFECTIVE_DATE: since when that page is in force, `2026-04-07`."""
    privacy_regions: str | None
    """PRIVACY_REGIONS: where processors work, `database=Frankfurt, mail=Ireland`; by default as far as addresses tell."""
    region: str | None
    """VERCEL_REGION: where functions run."""
    commit: str
    """VERCEL_GIT_COMMIT_SHA, shown by health."""
    on_vercel: bool
    """VERCEL is set."""
    trust_proxy: bool
    """On Vercel, or TRUST_PROXY is set: x-real-ip comes from a proxy that never lets a client's own through."""


def issuer_of(publishable_key: str) -> str | None:
    """The issuer inside a Clerk publishable key (`pk_live_` + base64 of host + `$`), or None where it is not one."""
    try:
        host = base64.b64decode(publishable_key.split("_", 2)[2] + "===").decode("ascii").rstrip("$")
    except (IndexError, ValueError):
        return None
    return f"https://{host}" if host else None


def whole_number(env: Mapping[str, str], name: str) -> int | None:
    """The number that a variable says, None where it is missing or empty. Raises ValueError, naming it, for anything else."""
    text = env.get(name, "").strip()
    if text and not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{name} must be a whole number, or not be set for no limit")
    return int(text) if text else None


def _base_url(env: Mapping[str, str]) -> str | None:
    """A preview is no production: its links and wakes lead to itself, and to nowhere where its address is not known."""
    if env.get("PUBLIC_URL"):
        return env["PUBLIC_URL"].rstrip("/")
    is_preview = env.get("VERCEL_ENV") in {"preview", "development"}
    names = OWN_ADDRESSES[1::-1] if is_preview else OWN_ADDRESSES[::-1]
    return next((f"https://{env[name]}" for name in names if env.get(name)), None)


def microdollars(dollars: str) -> int:
    """An amount of dollars as millionths of one; 0 where it is none: a mistyped limit must not be no limit."""
    return round(float(dollars) * 1_000_000) if AMOUNT.fullmatch(dollars.strip()) else 0


def read(env: Mapping[str, str]) -> Settings:
    """Settings from these variables; empty ones count as missing."""

    def first(*names: str) -> str | None:
        return next((env[name] for name in names if env.get(name)), None)

    issuer = first("CLERK_ISSUER") or issuer_of(env.get("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", ""))
    own = [f"https://{env[name]}" for name in OWN_ADDRESSES if env.get(name)]
    parties = env["CLERK_AUTHORIZED_PARTIES"].split(",") if env.get("CLERK_AUTHORIZED_PARTIES") else own
    return Settings(
        database_url=first("DATABASE_URL"),
        redis_url=first("UPSTASH_REDIS_REST_URL", "KV_REST_API_URL"),
        redis_token=first("UPSTASH_REDIS_REST_TOKEN", "KV_REST_API_TOKEN"),
        clerk_publishable_key=first("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"),
        clerk_issuer=issuer,
        clerk_jwks_url=first("CLERK_JWKS_URL") or (f"{issuer}/.well-known/jwks.json" if issuer else None),
        clerk_secret_key=first("CLERK_SECRET_KEY"),
        clerk_api_url=(first("CLERK_API_URL") or "https://api.clerk.com").rstrip("/"),
        clerk_webhook_secret=first("CLERK_WEBHOOK_SIGNING_SECRET"),
        clerk_jwt_key=first("CLERK_JWT_KEY"),
        authorized_parties=frozenset(party.strip().rstrip("/") for party in parties if party.strip()),
        events_per_month_max=whole_number(env, "EVENTS_PER_MONTH_MAX"),
        cron_secret=first("CRON_SECRET"),
        resend_api_key=first("RESEND_API_KEY"),
        resend_api_url=(first("RESEND_API_URL") or RESEND_API_URL).rstrip("/"),
        mail_from=first("MAIL_FROM"),
        outbound_private_allowed=bool(env.get("OUTBOUND_PRIVATE_ALLOWED") and not env.get("VERCEL")),
        archive_bucket=first("ARCHIVE_BUCKET"),
        archive_endpoint_url=first("ARCHIVE_ENDPOINT_URL"),
        archive_region=first("ARCHIVE_REGION"),
        archive_access_key_id=first("ARCHIVE_ACCESS_KEY_ID"),
        archive_secret_access_key=first("ARCHIVE_SECRET_ACCESS_KEY"),
        archive_prefix=env.get("ARCHIVE_PREFIX", ""),
        keep_days={name: value for name, value in env.items() if name.startswith("RETENTION_") and value},
        base_url=_base_url(env),
        openai_api_key=first("OPENAI_API_KEY"),
        openai_base_url=first("OPENAI_BASE_URL"),
        analysis_model=first("ANALYSIS_MODEL") or "gpt-6-luna",
        analysis_budget_microdollars=microdollars(first("ANALYSIS_BUDGET_USD") or "20"),
        analysis_workspace_budget_microdollars=microdollars(first("ANALYSIS_WORKSPACE_BUDGET_USD") or "5"),
        privacy_contact=first("PRIVACY_CONTACT"),
        privacy_effective_date=first("PRIVACY_EFFECTIVE_DATE"),
        privacy_regions=first("PRIVACY_REGIONS"),
        region=first("VERCEL_REGION"),
        commit=env.get("VERCEL_GIT_COMMIT_SHA", ""),
        on_vercel=bool(env.get("VERCEL")),
        trust_proxy=bool(env.get("VERCEL") or env.get("TRUST_PROXY")),
    )


@cache
def current() -> Settings:
    """This process's settings, read once."""
    return read(os.environ)
