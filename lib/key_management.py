"""A project's keys as people manage them: make, list, change, rotate, revoke. Apart from lib/keys.py, which ingest imports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from lib import audit, db, keys, paging
from lib.errors import Conflict, InvalidRequest, NotFound

# Live ones, of one project.
KEYS_MAX = 100
# An api key that nobody thinks of any more ends by itself.
API_KEY_LIFETIME = timedelta(days=365)
SHOWN = (
    "id", "kind", "name", "prefix", "rate_per_minute", "allowed_origins", "scopes", "created_at", "last_used_at", "expires_at",
    "revoked_at", "rotated_from",
)  # fmt: skip
# Of these the trail keeps what was before and what is after.
AUDITED = ("name", "kind", "prefix", "rate_per_minute", "allowed_origins", "scopes", "expires_at")


class KeySettings(NamedTuple):
    """What is chosen of a key. expires_at: None ends it never (ingest), or after API_KEY_LIFETIME (api)."""

    name: str
    kind: keys.Kind
    rate_per_minute: int
    allowed_origins: tuple[str, ...]
    scopes: tuple[str, ...]
    expires_at: datetime | None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    by = {"id": row["created_by"], "name": row["created_by_name"]} if row["created_by"] else None
    return {**{name: row[name] for name in SHOWN}, "created_by": by}


async def list_page(conn: db.Connection, project_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """`{"items": […], "next_cursor": …}`, the newest first; ended ones too. Raises InvalidRequest for a foreign cursor."""
    after_id = paging.decode(cursor, (int,))[0] if cursor else None
    rows = await db.fetch_all(conn, "key_list_by_project", project_id=project_id, after_id=after_id, limit=limit + 1)
    return paging.page(rows, limit, ("id",), _shown)


async def read(conn: db.Connection, project_id: int, key_id: int) -> dict[str, Any]:
    """One key, live or ended. Raises NotFound."""
    row = await db.fetch_one(conn, "key_find", project_id=project_id, key_id=key_id)
    if row is None:
        raise NotFound("There is no such key in this project.")
    return _shown(row)


async def issue(
    conn: db.Connection, actor: audit.Actor, project_id: int, settings: KeySettings, rotated_from: int | None = None
) -> dict[str, Any]:
    """A new key, in the one answer that holds it: `{…the key as it is listed, "key": …}`. Raises Conflict, InvalidRequest."""
    await db.fetch_one(conn, "key_lock_project", project_id=project_id)
    counted = await db.fetch_one(conn, "key_count_live", project_id=project_id)
    if counted and counted["live"] >= KEYS_MAX:
        raise Conflict(f"A project has {KEYS_MAX} live keys at most. Revoke those that are not used.")
    expires_at = settings.expires_at or (datetime.now(UTC) + API_KEY_LIFETIME if settings.kind == "api" else None)
    _require_future(expires_at)
    chosen = settings._replace(expires_at=expires_at)
    issued = await keys.issue(
        conn, project_id, **chosen._asdict(), created_by=actor.person_id, rotated_from=rotated_from
    )  # fmt: skip
    made = await read(conn, project_id, issued.key_id)
    action = "key.rotate" if rotated_from else "key.issue"
    before = {"rotated_from": rotated_from} if rotated_from else None
    await audit.record(conn, actor, action, issued.key_id, before, _audited(made))
    return {**made, "key": issued.secret}


async def change(
    conn: db.Connection, actor: audit.Actor, project_id: int, key_id: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """Change a live key's settings; instances follow within KEY_CACHE_SECONDS_MAX. Raises NotFound, Conflict, InvalidRequest."""
    await db.fetch_one(conn, "key_lock_project", project_id=project_id)
    before = await read(conn, project_id, key_id)
    _require_fitting(before["kind"], settings)
    changed = {name: settings.get(name, before[name]) for name in AUDITED if name not in {"kind", "prefix"}}
    if changed["expires_at"] != before["expires_at"]:
        _require_future(changed["expires_at"])
    if await db.fetch_one(conn, "key_update", project_id=project_id, key_id=key_id, **changed) is None:
        raise Conflict("This key has ended. Make a new one.")
    after = await read(conn, project_id, key_id)
    await audit.record(conn, actor, "key.change", key_id, _audited(before), _audited(after))
    return after


async def rotate(conn: db.Connection, actor: audit.Actor, project_id: int, key_id: int, grace: timedelta) -> dict[str, Any]:
    """A new key with the settings of this one, which ends after `grace`; answers as `issue` does. Raises NotFound, Conflict."""
    await db.fetch_one(conn, "key_lock_project", project_id=project_id)
    old = await read(conn, project_id, key_id)
    if successor := await db.fetch_one(conn, "key_find_successor", project_id=project_id, key_id=key_id):
        # Its expiry is the end of its grace by now, and no life to give to another one.
        raise Conflict(f"Key {successor['id']} follows this one already. Rotate that one, or make a new key.")
    if await db.fetch_one(conn, "key_update_expiry", project_id=project_id, key_id=key_id, grace=grace) is None:
        raise Conflict("This key has ended, so there is nothing to rotate. Make a new one.")
    # A new life of the same length: an expiry that was chosen for the old one does not end the new one tomorrow.
    life = old["expires_at"] - old["created_at"] if old["expires_at"] else None
    settings = KeySettings(
        old["name"], old["kind"], old["rate_per_minute"], tuple(old["allowed_origins"]), tuple(old["scopes"]),
        datetime.now(UTC) + life if life else None,
    )  # fmt: skip
    return await issue(conn, actor, project_id, settings, rotated_from=key_id)


async def revoke(conn: db.Connection, actor: audit.Actor, project_id: int, key_id: int) -> None:
    """End a key within a minute on every instance. One that was revoked before stays so. Raises NotFound."""
    before = await read(conn, project_id, key_id)
    if await keys.revoke(conn, project_id, key_id):
        await audit.record(conn, actor, "key.revoke", key_id, _audited(before), None)


def _audited(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: shown[name] for name in AUDITED}


def _require_future(expires_at: datetime | None) -> None:
    if expires_at and expires_at <= datetime.now(UTC):
        raise InvalidRequest(
            "The expiry lies in the past.", [{"pointer": "/expires_at", "detail": "name a time to come, or revoke the key"}]
        )


def _require_fitting(kind: str, settings: dict[str, Any]) -> None:
    unfit = {"api": ("allowed_origins", "rate_per_minute"), "ingest": ("scopes",)}[kind]
    wrong = [{"pointer": f"/{name}", "detail": f"a key of kind {kind} has none"} for name in unfit if settings.get(name)]
    if wrong:
        raise InvalidRequest("Some fields are not for this kind of key.", wrong)
