"""The trail: who changed what, from where. Written in the transaction of the change, so that neither is without the other."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import orjson

from lib import db, queries

ActorKind = Literal["person", "key", "cron", "link"]
OBJECT_CHARACTERS_MAX = 200


class Actor(NamedTuple):
    """Who acts, in whose workspace.

    project_id: None for what is about the workspace itself. kind: `link` for whoever holds a link of a mail. id: of the person or
    key; None for the others. address: where the request came from, as it was told.
    """

    workspace_id: int
    project_id: int | None
    kind: ActorKind
    id: int | None
    address: str | None = None

    @property
    def person_id(self) -> int | None:
        """The person, where it is one."""
        return self.id if self.kind == "person" else None


async def record(
    conn: db.Connection,
    actor: Actor,
    action: str,
    object_id: int | str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Write down one change; `conn` is in the transaction that makes it.

    action: `<noun>.<verb>`, as `incident.merge`; object_id: which of that noun. before, after: only what changed; redacted once
    more with the built-in rules, whatever a caller puts in.
    """
    await conn.execute(
        queries.get("audit_insert"),
        {
            "workspace_id": actor.workspace_id,
            "project_id": actor.project_id,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "action": action,
            "object_id": str(object_id),
            "before": _storable(before),
            "after": _storable(after),
            "address": _address(actor.address),
        },
    )


async def refused(conn: db.Connection, actor: Actor, action: str, object_id: int | str) -> None:
    """Count an attempt that was refused; `conn` is not in the transaction that was rolled back for it.

    One row for each actor, action and minute. An outsider whom Sensra does not know counts as person 0.
    """
    await db.run(
        conn, "audit_upsert_refusal", workspace_id=actor.workspace_id, project_id=actor.project_id, actor_kind=actor.kind,
        actor_id=actor.id or 0, action=action, object_id=str(object_id)[:OBJECT_CHARACTERS_MAX], address=_address(actor.address),
    )  # fmt: skip


def _storable(values: Mapping[str, Any] | None) -> str | None:
    if values is None:
        return None
    from lib import redaction  # 40 ms that a request which changes nothing need not wait for

    plain = orjson.loads(orjson.dumps(dict(values)))
    redacted = redaction.redact(_with_lists_numbered(plain)).payload
    return orjson.dumps(_with_lists_again(redacted, plain)).decode()


def _with_lists_numbered(value: Any) -> Any:
    """Each list as a mapping by number: in a list of two, redaction would take the first item for the second one's name."""
    if isinstance(value, list):
        return {str(number): _with_lists_numbered(item) for number, item in enumerate(value)}
    return {key: _with_lists_numbered(item) for key, item in value.items()} if isinstance(value, dict) else value


def _with_lists_again(redacted: Any, plain: Any) -> Any:
    """What `_with_lists_numbered` did, undone; `plain` says what was a list. Redaction keeps order, but renames keys."""
    if not isinstance(redacted, dict):
        return redacted
    if isinstance(plain, list):
        return [_with_lists_again(*pair) for pair in zip(redacted.values(), plain, strict=True)]
    return {key: _with_lists_again(item, before) for (key, item), before in zip(redacted.items(), plain.values(), strict=True)}


def _address(text: str | None) -> str | None:
    """An IP address in its one form; anything else was made up by a client."""
    try:
        return str(ipaddress.ip_address(text or ""))
    except ValueError:
        return None
