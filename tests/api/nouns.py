"""Nouns that examples of operations speak of: how one is made in a world, and one that never is there.

A new one is a line here: `"view_id": Noun(make_view)`, where `make_view(world)` answers the id of a new one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson

from tests.api.worlds import World

NO_NUMBER = 4_000_000_000_000
NO_HEX = "0" * 31 + "1"


class Noun(NamedTuple):
    """make: answers what names a new one of this world; missing: what names none anywhere."""

    make: Callable[[World], Awaitable[Any]]
    missing: Any = NO_NUMBER


async def given(world: World) -> Any:
    """What every world begins with."""
    raise AssertionError(f"{world.name} has it")


async def make_event(world: World) -> str:
    """An event of an incident of its own."""
    sent = await world.send("Payment failed")
    world.ids["incident_id"] = sent["incident_id"]
    return str(sent["event_id"])


async def make_incident(world: World) -> int:
    """The incident of the event."""
    await need(world, ["event_id"])
    return int(world.ids["incident_id"])


async def make_other_incident(world: World) -> int:
    """Another one, to be merged."""
    return int((await world.send("Mail bounced"))["incident_id"])


async def make_merged_fingerprint(world: World) -> str:
    """A fingerprint that was merged into the incident, so that it can be split off again."""
    await need(world, ["incident_id", "other_incident_id"])
    found = await world.one(
        "UPDATE incident_fingerprints SET incident_id = %s WHERE project_id = %s AND incident_id = %s RETURNING fingerprint",
        world.ids["incident_id"], world.tenant.project_id, world.ids["other_incident_id"],
    )  # fmt: skip
    return str(found.hex)


async def make_key(world: World) -> int:
    """A key that can be changed, rotated and revoked."""
    return int((await world.key("incidents:read")).id or 0)


async def find_person(world: World) -> int:
    """A member who is none of those who act in the matrix's changes."""
    person = await world.one(
        "INSERT INTO people (clerk_user_id, name) VALUES (%s, %s) RETURNING id", f"user_of_{world.mark}", world.mark
    )  # fmt: skip
    await world.rows("INSERT INTO members VALUES (%s, %s, 'member')", world.tenant.workspace_id, person)
    return int(person)


async def make_view(world: World) -> int:
    """A kept search."""
    insert = "INSERT INTO saved_views (project_id, name, query, sort) VALUES (%s, %s, '', 'last_seen') RETURNING id"
    return int(await world.one(insert, world.tenant.project_id, world.mark))


async def make_invitation(world: World) -> int:
    """An invitation of charlie, who is from elsewhere; its token is a noun, too."""
    token, email = f"invitation-{world.mark}-{'x' * 20}", f"charlie@{world.name}.example"
    world.ids["invitation_token"] = token
    insert = (
        "INSERT INTO invitations (workspace_id, email, role, token_hash, expires_at)"
        " VALUES (%s, %s, 'viewer', sha256(%s::text::bytea), now() + interval '1 day') RETURNING id"
    )
    return int(await world.one(insert, world.tenant.workspace_id, email, token))


async def make_invitation_token(world: World) -> str:
    """What stands in its link."""
    await need(world, ["invitation_id"])
    return str(world.ids["invitation_token"])


async def make_analysis(world: World) -> int:
    """One that is done, and says something."""
    await need(world, ["incident_id"])
    result = {"summary": world.mark, "likely_cause": world.mark, "suggested_fix": world.mark, "evidence": []}
    insert = (
        "INSERT INTO analyses (project_id, incident_id, state, cause, created_at, due_at, finished_at, result, confidence)"
        " VALUES (%s, %s, 'done', 'new', now(), now(), now(), %s::jsonb, 0.5) RETURNING id"
    )
    return int(await world.one(insert, world.tenant.project_id, world.ids["incident_id"], orjson.dumps(result).decode()))


async def make_channel(world: World) -> int:
    """Mail to somebody who has not agreed yet."""
    target = orjson.dumps({"address": f"{world.mark}@elsewhere.example"}).decode()
    insert = "INSERT INTO channels (project_id, kind, name, target) VALUES (%s, 'email', %s, %s::jsonb) RETURNING id"
    return int(await world.one(insert, world.tenant.project_id, world.mark, target))


async def make_owners_channel(world: World) -> int:
    """Mail to the workspace's owners, who need not agree."""
    insert = "INSERT INTO channels (project_id, kind, name) VALUES (%s, 'email', %s) RETURNING id"
    return int(await world.one(insert, world.tenant.project_id, world.mark))


async def make_ended_channel(world: World) -> int:
    """Mail to the owners, which everybody of the workspace has ended."""
    channel_id = await make_owners_channel(world)
    ended = (
        "INSERT INTO recipients (project_id, channel_id, address, token, unsubscribed_at)"
        " SELECT %s, %s, lower(email), gen_random_uuid()::text, now() FROM people WHERE id = ANY (%s) RETURNING address"
    )
    await world.rows(ended, world.tenant.project_id, channel_id, list(world.people.values()))
    return channel_id


async def make_rule(world: World) -> int:
    """An alert rule."""
    insert = "INSERT INTO alert_rules (project_id, name, conditions) VALUES (%s, %s, %s::jsonb) RETURNING id"
    return int(await world.one(insert, world.tenant.project_id, world.mark, '{"transitions": ["new"]}'))


async def make_delivery(world: World) -> str:
    """A message that nobody took; no mail, which goes again only to somebody who has agreed."""
    await need(world, ["channel_id"])
    insert = (
        "INSERT INTO deliveries (workspace_id, id, project_id, channel_id, purpose, kind, content, idempotency_key, state,"
        " next_try_at, finished_at) VALUES (%s, gen_random_uuid(), %s, %s, 'alert', 'webhook', %s::jsonb, %s, 'dead', NULL,"
        " now()) RETURNING id"
    )
    content = orjson.dumps({"subject": world.mark, "text": world.mark, "html": world.mark}).decode()
    place = (world.tenant.workspace_id, world.tenant.project_id, world.ids["channel_id"])
    return str(await world.one(insert, *place, content, world.mark))


async def make_hold(world: World) -> int:
    """A legal hold."""
    insert = "INSERT INTO legal_holds (project_id, reason, placed_by) VALUES (%s, %s, %s) RETURNING id"
    return int(await world.one(insert, world.tenant.project_id, world.mark, world.people["owner"]))


async def make_erasure(world: World) -> int:
    """A receipt."""
    insert = """INSERT INTO erasures (workspace_id, user_hashes, mark, word_mark, word_lengths, joiners, mentions)
                VALUES (%s, '{}', '', '', '{}', '', false) RETURNING id"""
    return int(await world.one(insert, world.tenant.workspace_id))


async def make_export(world: World) -> int:
    """One of one part, in which there is nothing but what it is."""
    insert = (
        "INSERT INTO exports (workspace_id, requested_by, expires_at, link_hash, parts)"
        " VALUES (%s, %s, now() + interval '1 day', sha256(%s::text::bytea), '[[]]') RETURNING id"
    )
    return int(await world.one(insert, world.tenant.workspace_id, world.people["owner"], world.mark))


async def first(_world: World) -> int:
    """The number of what comes first."""
    return 1


async def nowhere(_world: World) -> str:
    """A link that leads nowhere."""
    return "no-such-link"


async def find_slug(world: World) -> str:
    """The workspace's."""
    return str(await world.one("SELECT slug FROM workspaces WHERE id = %s", world.tenant.workspace_id))


async def find_project_slug(world: World) -> str:
    """The project's, made its own."""
    return str(await world.one("UPDATE projects SET slug = 'p' || id WHERE id = %s RETURNING slug", world.tenant.project_id))


NOUNS: dict[str, Noun] = {
    "workspace_id": Noun(given),
    "project_id": Noun(given),
    "event_id": Noun(make_event, NO_HEX),
    "incident_id": Noun(make_incident),
    "other_incident_id": Noun(make_other_incident),
    "merged_fingerprint": Noun(make_merged_fingerprint, NO_HEX),
    "key_id": Noun(make_key),
    "person_id": Noun(find_person),
    "view_id": Noun(make_view),
    "invitation_id": Noun(make_invitation),
    "invitation_token": Noun(make_invitation_token, "no-such-token-anywhere"),
    "analysis_id": Noun(make_analysis),
    "channel_id": Noun(make_channel),
    "owners_channel_id": Noun(make_owners_channel),
    "ended_channel_id": Noun(make_ended_channel),
    "rule_id": Noun(make_rule),
    "delivery_id": Noun(make_delivery, "00000000-0000-4000-8000-000000000000"),
    "hold_id": Noun(make_hold),
    "erasure_id": Noun(make_erasure),
    "export_id": Noun(make_export),
    "number": Noun(first),
    "link": Noun(nowhere, "no-such-link"),
    "slug": Noun(find_slug, "no-such-slug"),
    "project_slug": Noun(find_project_slug, "no-such-slug"),
}


async def need(world: World, names: list[str]) -> None:
    """Make those of these nouns that the world lacks."""
    for name in names:
        if name not in world.ids:
            world.ids[name] = await NOUNS[name].make(world)
