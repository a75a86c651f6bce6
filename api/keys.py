"""/api/projects/{project_id}/keys: issue, list, change, rotate and revoke. A key is shown once; only its hash is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from lib import http, key_management
from lib.models import PageQuery
from lib.models import keys as models
from lib.operations import Call, Operations

KEYS = "/api/projects/{project_id:id}/keys"
KEY = KEYS + "/{key_id:id}"
SHOWN_ONCE = ("key", "dsn")
operations = Operations()


@operations.get(KEYS, "keys:read", answers=models.KeyPage)
async def list_keys(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of the project's keys, the newest first, with those that have ended."""
    return await key_management.list_page(call.conn, call.project_id, query.limit, query.cursor)


@operations.post(KEYS, "keys:write", answers=models.IssuedKey, status=201, shown_once=SHOWN_ONCE)
async def issue_key(call: Call, body: models.KeyCreate) -> dict[str, Any]:
    """Make a key. Keep what is answered: it is not shown again."""
    given = body.model_dump()
    settings = key_management.KeySettings(
        given["name"], given["kind"], given["rate_per_minute"], tuple(given["allowed_origins"]), tuple(given["scopes"]),
        given["expires_at"],
    )  # fmt: skip
    return _with_dsn(call, await key_management.issue(call.conn, call.actor, call.project_id, settings))


@operations.get(KEY, "keys:read", answers=models.Key)
async def read_key(call: Call) -> dict[str, Any]:
    """One key, live or ended."""
    return await key_management.read(call.conn, call.project_id, call.id("key_id"))


@operations.patch(KEY, "keys:write", answers=models.Key)
async def change_key(call: Call, body: models.KeyPatch) -> dict[str, Any]:
    """Change a live key's name, limits, origins, scopes or expiry. It ends nothing: revoke it for that."""
    given = body.model_dump(exclude_unset=True)
    settings = {name: value for name, value in given.items() if value is not None or name == "expires_at"}
    return await key_management.change(call.conn, call.actor, call.project_id, call.id("key_id"), settings)


@operations.post(KEY + "/rotate", "keys:write", answers=models.IssuedKey, status=201, shown_once=SHOWN_ONCE)
async def rotate_key(call: Call, body: models.KeyRotate) -> dict[str, Any]:
    """Make a new key with the settings of this one, which goes on for a while. Keep what is answered: it is not shown again."""
    grace = timedelta(hours=body.grace_hours)
    made = await key_management.rotate(call.conn, call.actor, call.project_id, call.id("key_id"), grace)
    return _with_dsn(call, made)


@operations.delete(KEY, "keys:write")
async def revoke_key(call: Call) -> None:
    """End a key: within a minute on every instance."""
    await key_management.revoke(call.conn, call.actor, call.project_id, call.id("key_id"))


def _with_dsn(call: Call, made: dict[str, Any]) -> dict[str, Any]:
    """The DSN of an ingest key: the address that this very request came to, with the key in it."""
    scheme, _, host = http.own_origin(call.request).partition("://")
    dsn = f"{scheme}://{made['key']}@{host}/{call.project_id}" if made["kind"] == "ingest" else None
    return {**made, "dsn": dsn}


app = operations.app()
