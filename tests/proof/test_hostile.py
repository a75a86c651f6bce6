"""Odd values in every place of an event, through both protocols: kept and readable, or refused with words; nothing crashes."""

from __future__ import annotations

import uuid

import api.incidents
import api.ingest
from tests.api import calls, odd, read_back
from tests.api.calls import Answer, Post
from tests.api.conftest import Stage, Tenant

# Read whole through the API; of the others the row is read.
READ_WHOLE = 200


def envelopes(tenant: Tenant) -> tuple[list[str], list[Post]]:
    """(names, requests): by turns an envelope, whose header gives the id, and a store body."""
    names, posts = [], []
    for number, (name, body) in enumerate(odd.bodies(odd.SENTRY, odd.SENTRY_PLACES)):
        path = f"/api/{tenant.project_id}/{'store' if number % 2 else 'envelope'}/"
        head = b'{"event_id":"%b"}\n{"type":"event","length":%d}\n' % (uuid.uuid4().hex.encode(), len(body))
        names.append(name)
        posts.append(Post(path, body if number % 2 else head + body, tenant.sentry_auth))
    return names, posts


async def test_no_odd_value_in_a_sentry_event_costs_the_event(stage: Stage) -> None:
    tenant = await stage.tenant(payloads_per_day=100_000)
    names, posts = envelopes(tenant)
    async with calls.instance(api.ingest.app) as ingest, calls.instance(api.incidents.app) as reading:
        answers = await ingest.post_all(posts)
        refused = [(name, answer) for name, answer in zip(names, answers, strict=True) if answer.status != 200]
        assert not refused
        answered = {answer.json()["id"] for answer in answers}
        assert await read_back.event_ids(reading, stage, tenant) == answered
        assert set(await read_back.stored(stage.database_url, tenant)) == answered
        await read_back.event_bodies(reading, stage, tenant, sorted(answered)[:READ_WHOLE])


def is_refusal_with_words(answer: Answer) -> bool:
    problem = answer.json()
    fields = [error["pointer"] for error in problem.get("errors", [])]
    form = answer.headers["content-type"] == "application/problem+json"
    return form and answer.status == problem["status"] == 400 and bool(problem["detail"]) and all(fields)


async def test_an_odd_value_in_a_plain_event_is_kept_or_named_in_the_refusal(stage: Stage) -> None:
    tenant = await stage.tenant()
    found = list(odd.bodies(odd.PLAIN, odd.PLAIN_PLACES))
    posts = [Post("/api/ingest", body, tenant.bearer) for _, body in found]
    async with calls.instance(api.ingest.app) as ingest, calls.instance(api.incidents.app) as reading:
        answers = await ingest.post_all(posts)
        odd_answers = [
            (name, answer)
            for (name, _), answer in zip(found, answers, strict=True)
            if answer.status != 200 and not is_refusal_with_words(answer)
        ]
        assert not odd_answers
        items = [item for answer in answers if answer.status == 200 for item in answer.json()["items"]]
        kept = {item["event_id"] for item in items if item["outcome"] != "invalid"}
        assert len(kept) > len(found) / 4  # the table is not refused as a whole
        assert await read_back.event_ids(reading, stage, tenant) == kept
        assert set(await read_back.stored(stage.database_url, tenant)) == kept
        await read_back.event_bodies(reading, stage, tenant, sorted(kept)[:READ_WHOLE])
