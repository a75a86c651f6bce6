"""Slugs: the names of workspaces and projects in addresses. Unique, and never handed on to somebody else."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator

CHARACTERS_MAX = 63
PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
TRIES_MAX = 6
SUFFIX_BYTES = 3


def from_name(name: str) -> str:
    """What a name becomes in an address: `Zoë’s Café` → `zoes-cafe`; a word of its own where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", re.sub("['’]", "", name)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "workspace"


def candidates(name: str) -> Iterator[str]:
    """Slugs to try for a name, in this order: the plain one, then some that are surely free."""
    base = from_name(name)
    yield base
    for _ in range(TRIES_MAX - 1):
        yield f"{base}-{secrets.token_hex(SUFFIX_BYTES)}"
