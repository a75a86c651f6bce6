"""A project's keys."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from lib import keys
from lib.models import Answer, Body, Moment, Page, PersonName
from lib.permissions import SCOPES

ORIGINS_MAX = 50
RATE_PER_MINUTE_MAX = 10_000_000
GRACE_HOURS = 24
GRACE_HOURS_MAX = 24 * 30
Kind = Literal["ingest", "api"]
KeyName = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
PORTS = {"http": 80, "https": 443}


def _origin(text: str) -> str:
    """An origin as browsers send it (RFC 6454, section 6.2)."""
    parts = urlsplit(text.strip().lower())
    if (
        parts.scheme not in PORTS
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError("an origin is a scheme and a host, such as https://www.example.com")
    port = f":{parts.port}" if parts.port and parts.port != PORTS[parts.scheme] else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def _scope(text: str) -> str:
    if text not in SCOPES:
        raise ValueError(f"there is no scope of this name; there are {', '.join(SCOPES)}")
    return text


Origin = Annotated[str, StringConstraints(max_length=300), AfterValidator(_origin)]
Scope = Annotated[str, AfterValidator(_scope), Field(json_schema_extra={"enum": list(SCOPES)})]
Rate = Annotated[int, Field(ge=1, le=RATE_PER_MINUTE_MAX)]


class KeyCreate(Body):
    """A new key. ingest: may stand in a browser's DSN and only sends events; api: calls the management API for its project."""

    name: KeyName
    kind: Kind = "ingest"
    rate_per_minute: Rate = keys.RATE_PER_MINUTE
    """Of an ingest key: events a minute."""
    allowed_origins: list[Origin] = Field(default_factory=list, max_length=ORIGINS_MAX)
    """Of an ingest key: where browsers may send from; empty: from anywhere."""
    scopes: list[Scope] = Field(default_factory=list, max_length=len(SCOPES))
    """Of an api key: what it may do."""
    expires_at: Moment | None = None
    """When it ends; without one an ingest key ends never, an api key after a year."""

    @model_validator(mode="after")
    def _of_its_kind(self) -> Self:
        if self.kind == "api" and not self.scopes:
            raise ValueError("an api key needs scopes: what it may do")
        if self.kind == "api" and self.allowed_origins:
            raise ValueError("allowed_origins goes with kind ingest: an api key never belongs into a browser")
        if self.kind == "ingest" and self.scopes:
            raise ValueError("scopes goes with kind api: an ingest key only sends events")
        return self


class KeyPatch(Body):
    """What is to be changed of a key; what is not named stays. expires_at null: it ends never."""

    name: KeyName | None = None
    rate_per_minute: Rate | None = None
    allowed_origins: list[Origin] | None = Field(None, max_length=ORIGINS_MAX)
    scopes: list[Scope] | None = Field(None, min_length=1, max_length=len(SCOPES))
    expires_at: Moment | None = None


class KeyRotate(Body):
    """How long the old key goes on."""

    grace_hours: float = Field(GRACE_HOURS, ge=0, le=GRACE_HOURS_MAX)


class Key(Answer):
    """A key as it is listed: never the key itself."""

    id: int
    kind: Kind
    name: str
    prefix: str
    rate_per_minute: int
    allowed_origins: list[str]
    scopes: list[str]
    created_at: Moment
    created_by: PersonName | None
    last_used_at: Moment | None
    """Within five minutes' accuracy."""
    expires_at: Moment | None
    revoked_at: Moment | None
    rotated_from: int | None


class IssuedKey(Key):
    """A new key. key and dsn are in this one answer only; a repeated request has null instead."""

    key: str | None
    dsn: str | None


class KeyPage(Page):
    """A page of keys."""

    items: list[Key]
