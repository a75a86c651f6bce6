"""Read what was stored, all of it: through the read API page by page, and the rows themselves."""

from __future__ import annotations

from typing import Any

import orjson
import psycopg

from lib import payloads
from tests.api.calls import Instance
from tests.api.conftest import Stage, Tenant

PAYLOADS = b"SELECT event_id, dictionary, payload FROM event_payloads WHERE project_id = %s"


async def pages(reading: Instance, path: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    """The items of all pages of a list."""
    items: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        [answer] = await reading.get_all([f"{path}?limit=100&cursor={cursor}"], headers)
        assert answer.status == 200, answer.body
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
    return items


async def incidents(reading: Instance, stage: Stage, tenant: Tenant) -> list[dict[str, Any]]:
    """Every incident of the project, in all three orders the same; each is read by itself too."""
    path = f"/api/projects/{tenant.project_id}/incidents"
    found = await pages(reading, path, stage.bob())
    ids = sorted(incident["id"] for incident in found)
    for sort in ("first_seen", "event_count"):
        [answer] = await reading.get_all([f"{path}?limit=100&sort={sort}"], stage.bob())
        assert answer.status == 200, answer.body
    for answer in await reading.get_all([f"{path}/{number}" for number in ids], stage.bob()):
        assert answer.status == 200, answer.body
        assert answer.json()["fingerprints"]
    return found


async def event_ids(reading: Instance, stage: Stage, tenant: Tenant) -> set[str]:
    """Every event that the lists of its incident show."""
    found: set[str] = set()
    for incident in await incidents(reading, stage, tenant):
        path = f"/api/projects/{tenant.project_id}/incidents/{incident['id']}/events"
        items = await pages(reading, path, stage.bob())
        assert len(items) == incident["event_count"]
        found |= {item["event_id"] for item in items}
    return found


async def event_bodies(reading: Instance, stage: Stage, tenant: Tenant, ids: list[str]) -> list[dict[str, Any]]:
    """These events, each read whole through the API."""
    paths = [f"/api/projects/{tenant.project_id}/events/{event_id}" for event_id in ids]
    answers = await reading.get_all(paths, stage.bob())
    assert {answer.status for answer in answers} <= {200}
    return [answer.json() for answer in answers]


async def stored(database_url: str, tenant: Tenant) -> dict[str, dict[str, Any]]:
    """Every stored payload by event id, decompressed and parsed; raises where one cannot be."""
    found: dict[str, dict[str, Any]] = {}
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as conn:
        async for event_id, dictionary, payload in await conn.execute(PAYLOADS, [tenant.project_id]):
            text = payloads.decompress(dictionary, payload)
            assert b"\\u0000" not in text.replace(rb"\\", b"")  # PostgreSQL could not show it as jsonb
            found[event_id.hex] = orjson.loads(text)["payload"]  # strict: no lone surrogate, no NaN
    return found
