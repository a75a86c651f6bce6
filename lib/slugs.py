"""Slugs: the names of workspaces and projects in addresses. Unique, and never handed on to somebody else."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg

from lib import db
from lib.errors import Conflict

PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
TRIES_MAX = 6
# Of one workspace or project, over its life: each stays its own, so that nobody takes all the good ones by renaming.
SLUGS_MAX = 20
SUFFIX_BYTES = 3
RENAMED = ("name", "slug")


def from_name(name: str) -> str:
    """What a name becomes in an address: `Zoë’s Café` → `zoes-cafe`; a word of its own where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", re.sub("['’]", "", name)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "unnamed"


def candidates(name: str) -> Iterator[str]:
    """Slugs to try for a name, in this order: the plain one, then some that are surely free."""
    base = from_name(name)
    yield base
    for _ in range(TRIES_MAX - 1):
        yield f"{base}-{secrets.token_hex(SUFFIX_BYTES)}"


async def take_first(conn: db.Connection, query: str, tried: Iterable[str], **params: Any) -> dict[str, Any]:
    """What the named query answers with the first of these slugs that is free. Raises Conflict where none is."""
    for slug in tried:
        try:
            async with conn.transaction():
                row = await db.fetch_one(conn, query, slug=slug, **params)
        except psycopg.errors.UniqueViolation:
            continue
        assert row  # noqa: S101 - … RETURNING answers a row or raises; the caller holds the one that is changed
        return row
    raise Conflict("This slug is taken, or once was another's. Choose another one.")


async def require_room(conn: db.Connection, query: str, slug: str, **params: Any) -> None:
    """Raises Conflict where this is one slug too many, as the named query counts them; one that it had before is none."""
    row = await db.fetch_one(conn, query, slug=slug, **params)
    if row and row["slugs"] >= SLUGS_MAX and not row["is_own"]:
        raise Conflict(f"{SLUGS_MAX} slugs have been used here, which is all there are. Go back to one of them.")


def renamed(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str] = RENAMED
) -> tuple[dict[str, Any], dict[str, Any]]:
    """For the trail: what changed of name and slug, or of these names."""
    changed = [name for name in names if before[name] != after[name]]
    return {name: before[name] for name in changed}, {name: after[name] for name in changed}
