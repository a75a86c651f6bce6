"""Keys: how they are made, checked and found. A key is shown once; only its SHA-256 is kept.

Form: `sns_<kind>_` + 30 random base62 characters (178 bits) + their CRC-32 in 6 base62 characters. The checksum (GitHub's
form) lets a mistyped or invented key be refused, and a leaked one be recognised by scanners, without asking the database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from datetime import datetime
from typing import Literal, NamedTuple

from lib import db, project_rules, settings

Kind = Literal["ingest", "api"]
MARK = "sns_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_CHARACTERS = 30
CHECKSUM_CHARACTERS = 6
PREFIX_CHARACTERS = 4
RATE_PER_MINUTE = 30_000
# Of a project, where a key is made without asking the database.
EVENTS_PER_MINUTE_MAX = 60_000
# Only \w: JavaScript SDKs refuse a DSN whose key holds anything else.
FORM = re.compile(rf"sns_(ingest|api)_([0-9A-Za-z]{{{RANDOM_CHARACTERS}}})([0-9A-Za-z]{{{CHECKSUM_CHARACTERS}}})", re.ASCII)


class Key(NamedTuple):
    """What a valid key stands for."""

    project_id: int
    key_id: int
    kind: Kind
    workspace_id: int
    rate_per_minute: int
    allowed_origins: tuple[str, ...]
    """Origins that a browser may send from; empty: all."""
    retention_days: int
    person_hash_key: bytes
    """HMAC key under which people of this workspace are counted."""
    expires_at: datetime | None
    rules: project_rules.ProjectRules = project_rules.NONE
    events_per_minute_max: int = EVENTS_PER_MINUTE_MAX
    """Of all keys of the project together."""
    events_per_month_max: int | None = None
    """Of the workspace; None: without limit."""


class Issued(NamedTuple):
    """A new key, in clear for this one time."""

    key_id: int
    secret: str
    created_at: datetime


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), CHECKSUM_CHARACTERS)


def generate(kind: Kind) -> str:
    """A new random key of this kind."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    body = f"sns_{kind}_{random}"
    return body + _checksum(body)


def well_formed(secret: str) -> bool:
    """Whether this has the form of a key and its checksum holds; no secret is involved in that."""
    found = FORM.fullmatch(secret)
    return bool(found) and _checksum(secret[:-CHECKSUM_CHARACTERS]) == secret[-CHECKSUM_CHARACTERS:]


def hashed(secret: str) -> bytes:
    """SHA-256, 32 bytes: enough for a secret of 178 random bits, and cheap enough for every event."""
    return hashlib.sha256(secret.encode()).digest()


def prefix_of(secret: str) -> str:
    """What may be shown of a key for ever after, such as `sns_ingest_x7Bq`."""
    return secret[: secret.index("_", 4) + 1 + PREFIX_CHARACTERS]


async def issue(
    conn: db.Connection,
    project_id: int,
    name: str,
    *,
    kind: Kind = "ingest",
    rate_per_minute: int = RATE_PER_MINUTE,
    allowed_origins: tuple[str, ...] = (),
    scopes: tuple[str, ...] = (),
    created_by: int | None = None,
    expires_at: datetime | None = None,
    rotated_from: int | None = None,
) -> Issued:
    """Make a key of the project and keep its hash; the caller shows the secret once and forgets it."""
    secret = generate(kind)
    row = await db.fetch_one(
        conn, "key_insert", project_id=project_id, kind=kind, name=name, prefix=prefix_of(secret), key_hash=hashed(secret),
        rate_per_minute=rate_per_minute, allowed_origins=list(allowed_origins), scopes=list(scopes), created_by=created_by,
        expires_at=expires_at, rotated_from=rotated_from,
    )  # fmt: skip
    assert row  # noqa: S101 - INSERT … RETURNING answers a row or raises
    return Issued(row["id"], secret, row["created_at"])


async def revoke(conn: db.Connection, project_id: int, key_id: int) -> bool:
    """End a key; instances that know it let it go within KEY_CACHE_SECONDS_MAX. False where it was not there, or had ended."""
    return await db.fetch_one(conn, "key_update_revoked", project_id=project_id, key_id=key_id) is not None


class ApiKeyFound(NamedTuple):
    """What a valid api key stands for."""

    workspace_id: int
    project_id: int
    key_id: int
    scopes: list[str]


async def find_api(conn: db.Connection, secret: str) -> ApiKeyFound | None:
    """The api key, where it is known, not revoked and not expired by the database's clock. Asked anew for every request."""
    row = await db.fetch_one(conn, "key_find_api_by_hash", key_hash=hashed(secret))
    return ApiKeyFound(**row) if row else None


async def find(conn: db.Connection, secret: str) -> Key | None:
    """The key, where it is known, not revoked and not expired by the database's clock."""
    row = await db.fetch_one(conn, "key_find_by_hash", key_hash=hashed(secret))
    if row is None:
        return None
    row["allowed_origins"] = tuple(row["allowed_origins"])
    row["person_hash_key"] = bytes(row["person_hash_key"])
    if row["events_per_month_max"] is None:
        row["events_per_month_max"] = settings.current().events_per_month_max
    rules = project_rules.compiled(row.pop("grouping_rules"), row.pop("redaction_rules"), row["person_hash_key"])
    return Key(**row, rules=rules)
