"""5,000 hostile bodies at Sentry's addresses: no 5xx, the protocol's answers, and all that was accepted is readable."""

from __future__ import annotations

import uuid
from random import Random

import hypothesis

from tests import hostile
from tests.api import generation, mutations
from tests.api.calls import Post
from tests.api.conftest import Stage, Tenant

ENVELOPES = 2_400
STORES = 2_400
DRAWN = 100  # of each Hypothesis strategy


def damaged(tenant: Tenant) -> dict[str, Post]:
    """By the seed that makes it again: `mutations.envelope(Random("envelope 7"))`."""
    posts = {}
    for kind, make, number in (("envelope", mutations.envelope, ENVELOPES), ("store", mutations.store, STORES)):
        for name in (f"{kind} {n}" for n in range(number)):
            body, headers = make(Random(name))
            posts[name] = Post(f"/api/{tenant.project_id}/{kind}/", body, {**tenant.sentry_auth, **headers})
    return posts


def drawn(tenant: Tenant) -> dict[str, Post]:
    """The strategies that the pure modules are tested with."""
    posts = {}

    @hypothesis.settings(max_examples=DRAWN, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(hostile.envelopes, hostile.stores)
    def draw(envelope: bytes, store: bytes) -> None:
        for kind, body in (("envelope", envelope), ("store", store)):
            posts[f"{kind} drawn {body!r}"] = Post(f"/api/{tenant.project_id}/{kind}/", body, tenant.sentry_auth)

    draw()
    return posts


async def test_no_hostile_body_breaks_sentrys_addresses(stage: Stage) -> None:
    tenant = await stage.tenant()
    answers = await generation.send({**damaged(tenant), **drawn(tenant)})
    broken = {name: answer for name, answer in answers.items() if not generation.is_form(answer, sentry=True)}
    assert not broken
    # An envelope without an event is acknowledged too, so what was accepted is what the database says; no id comes twice.
    ids = {uuid.UUID(answer.json()["id"]).hex for answer in answers.values() if answer.status == 200 and answer.json()}
    rows = await stage.rows("SELECT event_id FROM event_ids WHERE project_id = %s", tenant.project_id)
    stored = {row["event_id"].hex for row in rows}
    assert len(stored) > len(answers) / 3  # most damage is survived
    assert stored <= ids
    await generation.assert_all_is_readable(stage, tenant, stored)
