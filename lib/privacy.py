"""What this deployment says of itself to whoever asks what becomes of their data: read from its settings, nothing secret."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from lib import keeping
from lib.errors import NotConfigured
from lib.settings import RESEND_API_URL, Settings

PROJECT_DAYS = 90
DELETED_DAYS = 7
OPENAI_HOST = "api.openai.com"
# A cloud's region within a host name: `ep-x-1-pooler.eu-central-1.aws.neon.tech`.
REGION = re.compile(r"(?:^|\.)([a-z]{2,12}-[a-z]+-?\d)\.")
CONTACT = re.compile(r"[^\s@<>]+@[^\s@<>]+|https://\S+")
PURPOSES = ("hosting", "database", "sign-in", "limits", "mail", "analysis", "archive")


def describe(settings: Settings) -> dict[str, Any]:
    """`{"effective_date", "contact", "processors": [{"purpose", "name", "host", "region"}], "retention": {…days}}`.

    Raises NotConfigured where a setting cannot be meant so.
    """
    return {
        "effective_date": _effective_date(settings.privacy_effective_date),
        "contact": _contact(settings.privacy_contact),
        "processors": list(_processors(settings)),
        "retention": {
            "payload_days": PROJECT_DAYS,
            "deleted_days": DELETED_DAYS,
            "messages_days": keeping.MESSAGE_DAYS,
            "invitations_days": keeping.INVITATION_DAYS,
            **{f"{name}_days": days for name, days in keeping.read(settings.keep_days)._asdict().items()},
        },
    }


def _effective_date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise NotConfigured("PRIVACY_EFFECTIVE_DATE must be a day, as 2026-04-07.") from None


def _contact(text: str | None) -> str | None:
    if text and not CONTACT.fullmatch(text):
        raise NotConfigured("PRIVACY_CONTACT must be an e-mail address, or a page that starts with https://.")
    return text


def _processors(settings: Settings) -> list[dict[str, Any]]:
    """Only those that are used here. host: where it is public anyway, or says who it is."""
    regions = _regions(settings.privacy_regions)
    return [
        {"purpose": purpose, "name": name, "host": host, "region": regions.get(purpose) or region}
        for purpose, (name, host, region) in _configured(settings).items()
    ]


def _configured(settings: Settings) -> dict[str, tuple[str, str | None, str | None]]:
    """purpose → name, host and region, as far as settings tell them."""
    found: dict[str, tuple[str, str | None, str | None]] = {}
    found["hosting"] = ("Vercel" if settings.on_vercel else "A server of the operator", None, settings.region)
    if settings.database_url:
        host = _host(settings.database_url)  # none of a socket
        name = "Neon (PostgreSQL)" if (host or "").endswith(".neon.tech") else "PostgreSQL"
        found["database"] = (name, None, _region(host))
    if settings.clerk_publishable_key:
        found["sign-in"] = ("Clerk", _host(settings.clerk_issuer), None)
    elif host := _host(settings.clerk_issuer):
        found["sign-in"] = ("Sign-in service", host, None)
    if host := _host(settings.redis_url):
        found["limits"] = ("Upstash Redis" if host.endswith(".upstash.io") else "Redis", None, _region(host))
    if settings.resend_api_key:
        host = _host(settings.resend_api_url)
        found["mail"] = ("Resend", None, None) if settings.resend_api_url == RESEND_API_URL else ("Mail service", host, None)
    if settings.openai_api_key:
        host = _host(settings.openai_base_url) or OPENAI_HOST
        found["analysis"] = ("OpenAI" if host == OPENAI_HOST else "Language model", host, None)
    if settings.archive_bucket:
        found["archive"] = ("Object storage", None, settings.archive_region)
    return found


def _host(url: str | None) -> str | None:
    """Nothing else of an address: it may hold a password."""
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None


def _region(host: str | None) -> str | None:
    found = REGION.search(host or "")
    return found[1] if found else None


def _regions(text: str | None) -> dict[str, str]:
    """`database=Frankfurt, mail=Ireland`."""
    regions = {}
    for one in (text or "").split(","):
        purpose, _, region = (part.strip() for part in one.partition("="))
        if one.strip() and (purpose not in PURPOSES or not region):
            raise NotConfigured(f"PRIVACY_REGIONS names regions as `database=Frankfurt, …`, of {', '.join(PURPOSES)}.")
        regions[purpose] = region
    return regions
