"""Merge suggestions: what is suggested with which evidence, that nothing merges by itself, that what was dismissed stays so."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib import suggestions
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import listed, send
from tests.api.test_merging import path, post, send_error

NAMES = ("chargen", "daytime", "echo", "time")


async def suggested(stage: Stage, tenant: Tenant, incident: int) -> Any:
    answer = await stage.incidents.get(path(tenant, incident, "/suggestions"), headers=stage.vera())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def dismiss(stage: Stage, tenant: Tenant, incident: int, *others: int, expected: int = 200) -> Any:
    body = {"incident_ids": list(others)}
    answer = await stage.incidents.post(path(tenant, incident, "/suggestions/dismiss"), json=body, headers=stage.bob())
    assert answer.status_code == expected, answer.text
    return answer.json()


def ids(found: Any) -> list[int]:
    return [item["incident_id"] for item in found["items"]]


def crash(module: str, **fields: Any) -> dict[str, Any]:
    frame = {"function": "price", "module": module, "in_app": True, "context_line": "    total = rate(order)", **fields}
    return {"type": "ValueError", "value": "no rate for this order", "stacktrace": {"frames": [frame]}}


async def test_messages_that_differ_in_one_word_are_suggested_and_nothing_merges(stage: Stage) -> None:
    tenant = await stage.tenant()
    incidents = [await send(stage, tenant, f"removing {name}") for name in NAMES]
    other = await send(stage, tenant, "Disk is full")
    found = await suggested(stage, tenant, incidents[0])
    assert sorted(ids(found)) == incidents[1:]
    assert (found["compared"], found["complete"]) == (4, True)
    [evidence] = found["items"][0]["evidence"]
    assert evidence.startswith("4 messages of this project differ in one word only, so it is likely data: chargen, ")
    assert ids(await suggested(stage, tenant, other)) == []
    assert sorted(await listed(stage, tenant)) == sorted([*incidents, other])


async def test_code_that_moved_is_suggested_with_where_it_moved_and_between_which_releases(stage: Stage) -> None:
    tenant = await stage.tenant()
    earlier = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    old = await send_error(stage, tenant, crash("shop.prices"), release="1.0.0", timestamp=earlier)
    new = await send_error(stage, tenant, crash("shop.pricing"), release="1.1.0")
    [item] = (await suggested(stage, tenant, new))["items"]
    assert (item["incident_id"], item["score"]) == (old, 0.9)
    assert item["evidence"] == [
        "Same exception, message and functions; the code moved from shop.prices to shop.pricing",
        "The one was last seen in release 1.0.0, the other first in 1.1.0",
    ]
    assert ids(await suggested(stage, tenant, old)) == [new]


async def test_a_dismissed_suggestion_stays_dismissed_from_either_side_and_is_in_the_trail(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b, c, d, e = [await send(stage, tenant, f"removing {name}") for name in (*NAMES, "discard")]
    assert await dismiss(stage, tenant, b, c, a) == {"incident_id": b, "dismissed": [a, c]}
    assert await dismiss(stage, tenant, a, b, b) == {"incident_id": a, "dismissed": []}
    assert sorted(ids(await suggested(stage, tenant, a))) == [c, d, e]
    await send(stage, tenant, "removing chargen", release="2.0.0")
    assert b not in ids(await suggested(stage, tenant, a))
    [row] = await stage.rows("SELECT * FROM audit_log WHERE workspace_id = %s", tenant.workspace_id)
    assert (row["action"], row["object_id"], row["after"]) == ("suggestion.dismiss", str(b), {"incident_ids": [a, c]})


async def test_what_is_merged_already_is_not_suggested(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b, *others = [await send(stage, tenant, f"removing {name}") for name in (*NAMES, "discard")]
    await post(stage, tenant, a, "merge", incident_ids=[b])
    assert sorted(ids(await suggested(stage, tenant, a))) == others
    assert ids(await suggested(stage, tenant, b)) == []


async def test_what_the_application_or_a_rule_decided_is_not_doubted(stage: Stage) -> None:
    tenant = await stage.tenant()
    for name in NAMES:
        incident = await send(stage, tenant, f"removing {name}", fingerprint=[name])
    assert ids(await suggested(stage, tenant, incident)) == []


async def test_suggestions_know_nothing_of_other_projects(stage: Stage) -> None:
    theirs = await stage.tenant()
    foreign = [await send(stage, theirs, f"removing {name}") for name in NAMES]
    tenant = await stage.tenant()
    own = await send(stage, tenant, "removing discard")
    assert (await suggested(stage, tenant, own))["compared"] == 0
    await dismiss(stage, tenant, own, foreign[0], expected=404)
    await dismiss(stage, tenant, foreign[0], own, expected=404)
    answer = await stage.incidents.get(path(tenant, foreign[0], "/suggestions"), headers=stage.bob())
    assert answer.status_code == 404
    assert await stage.rows("SELECT * FROM dismissed_suggestions WHERE project_id = %s", tenant.project_id) == []


async def test_viewers_see_suggestions_and_members_dismiss_them(stage: Stage) -> None:
    tenant = await stage.tenant()
    a, b = [await send(stage, tenant, f"removing {name}") for name in NAMES[:2]]
    body = {"incident_ids": [b]}
    for headers, expected in ((stage.vera(), 403), (stage.charlie(), 404), ({}, 401)):
        answer = await stage.incidents.post(path(tenant, a, "/suggestions/dismiss"), json=body, headers=headers)
        assert answer.status_code == expected
    for headers, expected in ((stage.charlie(), 404), ({}, 401)):
        assert (await stage.incidents.get(path(tenant, a, "/suggestions"), headers=headers)).status_code == expected
    await dismiss(stage, tenant, a, a, expected=400)


async def test_the_incidents_last_seen_are_compared_where_there_are_too_many(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await stage.tenant()
    oldest, *others = [await send(stage, tenant, f"removing {name}") for name in (*NAMES, "discard")]
    monkeypatch.setattr(suggestions, "CANDIDATES_MAX", 3)
    found = await suggested(stage, tenant, others[-1])
    assert (sorted(ids(found)), found["compared"], found["complete"]) == (others[:-1], 3, False)
    assert oldest not in ids(found)


async def test_suggestions_of_a_large_project_take_less_than_a_second(stage: Stage) -> None:
    """About 0.2 s where this was measured: 1,000 incidents of three fingerprints each with long messages."""
    tenant = await stage.tenant()
    draw = random.Random(5)
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"]
    own = await send(stage, tenant, "removing chargen")
    made = await stage.rows(
        "INSERT INTO incidents (project_id, level, title, platform, first_seen, last_seen, event_count)"
        " SELECT i.project_id, i.level, i.title, i.platform, i.first_seen, i.last_seen, 3"
        " FROM incidents i, generate_series(1, 1200) WHERE i.project_id = %s RETURNING id",
        tenant.project_id,
    )
    for start in range(0, len(made), 100):
        chunk = [row["id"] for row in made[start : start + 100] for _ in range(3)]
        parts = ["message: " + " ".join(draw.choices(words, k=60)) for _ in chunk]
        await stage.rows(
            "INSERT INTO incident_fingerprints"
            " (project_id, fingerprint, incident_id, version, rule, reason, parts, first_seen, last_seen)"
            " SELECT %s, gen_random_uuid(), id, 1, 'message', 'x', jsonb_build_array(part), now(), now()"
            " FROM unnest(%s::bigint[], %s::text[]) AS t (id, part)",
            tenant.project_id, chunk, parts,
        )  # fmt: skip
    began = time.process_time()
    found = await suggested(stage, tenant, own)
    assert (found["compared"], found["complete"]) == (suggestions.CANDIDATES_MAX, False)
    assert time.process_time() - began < 5  # a busy or slower machine takes three times as long; what is quadratic, minutes
