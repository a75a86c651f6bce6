"""A project's rules as they are kept: read, replaced whole, never overwritten unseen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from lib import audit, db, grouping_rules, redaction
from lib.errors import Conflict, InvalidRequest

Kind = Literal["grouping", "redaction"]
BYTES_MAX = 64 * 1024
# What a project without rules of its own has.
DEFAULTS: dict[Kind, dict[str, Any]] = {
    "grouping": {"rules": []},
    "redaction": {
        "extra_keys": [],
        "extra_patterns": [],
        "safe_fields": [],
        "email": "remove",
        "ip": "remove",
        "phone": "remove",
    },
}


async def read(conn: db.Connection, project_id: int, kind: Kind) -> dict[str, Any]:
    """`{"version", "updated_at", "updated_by", …the rules}`; version 0 where nothing was ever set."""
    row = await db.fetch_one(conn, "rules_find", project_id=project_id, kind=kind)
    return _shown(row or {"version": 0, "updated_at": None, "updated_by": None, "rules": DEFAULTS[kind]})


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": row["version"], "updated_at": row["updated_at"], "updated_by": row["updated_by"], **row["rules"]}


def _bare(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in {"version", "updated_at", "updated_by"}}


async def hash_key(conn: db.Connection, project_id: int) -> bytes:
    """The key of the project's workspace under which people are counted; never shown."""
    row = await db.fetch_one(conn, "rules_find_hash_key", project_id=project_id)
    assert row  # noqa: S101 - the caller is a member of the project
    return bytes(row["person_hash_key"])


async def replace(
    conn: db.Connection, actor: audit.Actor, project_id: int, kind: Kind, version: int, rules: Mapping[str, Any]
) -> dict[str, Any]:
    """Set the rules; ingest applies them within KEY_CACHE_SECONDS_MAX. Answers them as `read` does.

    version: that of the rules which these were made from. Raises Conflict where they have changed since, InvalidRequest naming
    each field that is wrong.
    """
    check(kind, rules)
    await db.fetch_one(conn, "rules_lock_project", project_id=project_id)
    before = await read(conn, project_id, kind)
    if before["version"] != version:
        raise Conflict(f"These rules are at version {before['version']} by now, yours were made from {version}. Read them again.")
    text = orjson.dumps(dict(rules)).decode()
    row = await db.fetch_one(conn, "rules_upsert", project_id=project_id, kind=kind, rules=text, person_id=actor.person_id)
    assert row  # noqa: S101 - INSERT … RETURNING answers a row or raises
    await audit.record(conn, actor, f"{kind}_rules.replace", project_id, _bare(before), rules)
    return _shown(row)


def check(kind: Kind, rules: Mapping[str, Any]) -> None:
    """Raises InvalidRequest naming each field that is wrong. The shape is the caller's to check."""
    if len(orjson.dumps(dict(rules))) > BYTES_MAX:
        raise InvalidRequest(f"All rules together may have {BYTES_MAX} bytes.")
    wrong = grouping_rules.check(rules["rules"]) if kind == "grouping" else _wrong_redaction(rules)
    if wrong:
        raise InvalidRequest("Some rules are not as they should be.", wrong[:20])


def _wrong_redaction(rules: Mapping[str, Any]) -> list[dict[str, str]]:
    wrong: list[dict[str, str]] = []
    for name in ("extra_keys", "extra_patterns", "safe_fields"):
        for number, item in enumerate(rules[name]):
            one: dict[str, Any] = {name: [item]}
            try:
                redaction.compile_rules(**one)
            except redaction.RuleError as error:
                wrong.append({"pointer": f"/{name}/{number}", "detail": str(error)})
    return wrong or _wrong_together(rules)


def _wrong_together(rules: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong with none of them alone: too many."""
    lists: dict[str, Any] = {name: rules[name] for name in ("extra_keys", "extra_patterns", "safe_fields")}
    try:
        redaction.compile_rules(**lists)
    except redaction.RuleError as error:
        return [{"pointer": "", "detail": str(error)}]
    return []
