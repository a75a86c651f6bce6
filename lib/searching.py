"""Searching incidents by whom they met and by tags of their events: both are known by keyed hashes alone (lib/tags.py).

What few incidents have is looked up once, and the list is narrowed to these; what many have is asked of each incident on the way
through the list. So both are quick: the rare one has few to sort, the common one is soon found often enough for a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from lib import db, tags
from lib.intake import hashed_person

PERSON_FIELDS = ("id", "email", "username", "ip_address")
TAGS_MAX = 5
RARE_INCIDENTS_MAX = 1_000


class Narrowed(NamedTuple):
    """What is left to be asked of each incident. None: nothing. tag_names: null for a tag of whatever name."""

    incident_ids: list[int] | None = None
    user_hashes: list[bytes] | None = None
    tag_values: list[int] | None = None
    tag_names: list[int | None] | None = None


EVERYTHING = Narrowed()


async def hashes_of(conn: db.Connection, workspace_id: int, user: str) -> list[bytes]:
    """How a person may stand in events of the workspace, whichever field of `user` it is that tells them."""
    return _hashes(await _hash_key(conn, workspace_id), user)


async def _hash_key(conn: db.Connection, workspace_id: int) -> bytes:
    row = await db.fetch_one(conn, "subject_find_key", workspace_id=workspace_id)
    return bytes(row["person_hash_key"]) if row else b""


async def narrow(conn: db.Connection, workspace_id: int, project_id: int, user: str | None, wanted: Sequence[str]) -> Narrowed:
    """Where `user` and each tag of `wanted` (`name=value`, or a value) leads."""
    if not user and not wanted:
        return EVERYTHING
    hash_key = await _hash_key(conn, workspace_id)
    found: set[int] | None = None
    common: dict[str, list[Any]] = {"user_hashes": [], "tag_values": [], "tag_names": []}
    for query, given in [*_person(hash_key, user), *(_tag(hash_key, one) for one in wanted)]:
        rows = await db.fetch_all(conn, query, project_id=project_id, limit=RARE_INCIDENTS_MAX + 1, **given)
        ids = {one["incident_id"] for one in rows}
        if len(rows) <= RARE_INCIDENTS_MAX and not any(one.get("is_cut") for one in rows):
            found = ids if found is None else found & ids
        elif "user_hashes" in given:
            common["user_hashes"] = given["user_hashes"]
        else:
            common["tag_values"].append(given["value_hash"])
            common["tag_names"].append(given["name_hash"])
    return Narrowed(None if found is None else sorted(found), **{name: values or None for name, values in common.items()})


def _person(hash_key: bytes, user: str | None) -> list[tuple[str, dict[str, Any]]]:
    """How to look for a person."""
    return [("incident_list_by_person", {"user_hashes": _hashes(hash_key, user)})] if user else []


def _hashes(hash_key: bytes, user: str) -> list[bytes]:
    told = {f"{field}:{text}" for field in PERSON_FIELDS for text in (user, user.lower())}
    return sorted(bytes.fromhex(hashed_person(hash_key, one)) for one in told)


def _tag(hash_key: bytes, wanted: str) -> tuple[str, dict[str, Any]]:
    name, mark, value = wanted.partition("=")
    given = {"value_hash": tags.hashed(hash_key, value if mark else name), "name_hash": None}
    return "incident_list_by_tag", given | ({"name_hash": tags.hashed(hash_key, name)} if mark and name else {})
