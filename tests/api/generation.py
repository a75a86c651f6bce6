"""Send thousands of hostile bodies and look at every answer and every stored row."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import api.incidents
import api.ingest
from tests.api import calls, read_back
from tests.api.calls import Answer, Post
from tests.api.conftest import Stage, Tenant

READ_WHOLE = 60


async def send(posts: dict[str, Post]) -> dict[str, Answer]:
    """All of them to one instance; answers by name."""
    async with calls.instance(api.ingest.app) as ingest:
        answers = await ingest.post_all(posts.values())
    return dict(zip(posts, answers, strict=True))


def is_form(answer: Answer, *, sentry: bool) -> bool:
    """Whether it is an answer this protocol may give."""
    if answer.status >= 500:
        return False
    body = answer.json()
    if answer.status == 200:
        return set(body) <= {"id"} if sentry else all(item["outcome"] for item in body["items"])
    if sentry:
        return set(body) == {"detail"} and answer.headers["x-sentry-error"].isprintable()
    return answer.headers["content-type"] == "application/problem+json" and body["status"] == answer.status


async def assert_all_is_readable(stage: Stage, tenant: Tenant, accepted: Iterable[str]) -> None:
    """Every accepted event has a row that decompresses and parses, all lists page through, a sample is read whole."""
    ids = set(accepted)
    assert set(await read_back.stored(stage.database_url, tenant)) == ids
    [light] = await stage.rows("SELECT count(*)::int AS n FROM events WHERE project_id = %s", tenant.project_id)
    assert light["n"] == len(ids)
    path = f"/api/projects/{tenant.project_id}"
    random = Random(1)
    async with calls.instance(api.incidents.app) as reading:
        found = await read_back.pages(reading, f"{path}/incidents", stage.bob())
        assert sum(incident["event_count"] for incident in found) == len(ids)
        some = random.sample(sorted(incident["id"] for incident in found), min(READ_WHOLE, len(found)))
        paths = [f"{path}/incidents/{number}{part}" for number in some for part in ("", "/events")]
        assert {answer.status for answer in await reading.get_all(paths, stage.bob())} == {200}
        await read_back.event_bodies(reading, stage, tenant, random.sample(sorted(ids), min(READ_WHOLE, len(ids))))
