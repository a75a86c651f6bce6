"""5,000 hostile bodies of plain JSON: no 5xx, problem+json for what is refused, and all that was accepted is readable."""

from __future__ import annotations

from random import Random

import hypothesis

from tests import hostile
from tests.api import generation, mutations
from tests.api.calls import Post
from tests.api.conftest import Stage, Tenant

BODIES = 4_900
DRAWN = 200


def damaged(tenant: Tenant) -> dict[str, Post]:
    """By the seed that makes it again: `mutations.plain(Random("plain 7"))`."""
    posts = {}
    for name in (f"plain {n}" for n in range(BODIES)):
        body, headers = mutations.plain(Random(name))
        posts[name] = Post("/api/ingest", body, {**tenant.bearer, **headers})
    return posts


def drawn(tenant: Tenant) -> dict[str, Post]:
    """The strategy that the pure modules are tested with."""
    posts = {}

    @hypothesis.settings(max_examples=DRAWN, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(hostile.native_bodies)
    def draw(body: bytes) -> None:
        posts[f"drawn {body!r}"] = Post("/api/ingest", body, tenant.bearer)

    draw()
    return posts


async def test_no_hostile_body_breaks_plain_json(stage: Stage) -> None:
    tenant = await stage.tenant()
    answers = await generation.send({**damaged(tenant), **drawn(tenant)})
    broken = {name: answer for name, answer in answers.items() if not generation.is_form(answer, sentry=False)}
    assert not broken
    items = [item for answer in answers.values() if answer.status == 200 for item in answer.json()["items"]]
    assert {item["outcome"] for item in items} <= {"accepted", "duplicate", "invalid"}
    accepted = {item["event_id"] for item in items if item["outcome"] == "accepted"}
    assert len(accepted) > len(answers) / 4
    await generation.assert_all_is_readable(stage, tenant, accepted)
