"""A project's own rules: who may set them, what ingest makes of them, what a dry run says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lib import fingerprint, key_cache, stored_events
from tests.api.conftest import Stage, Tenant
from tests.api.test_incidents import send
from tests.api.test_merging import switch

GROUPING = {"rules": [{"name": "Engines", "match": {"message": "The * engine stopped"}, "fingerprint": ["engine"]}]}
REDACTION = {
    "extra_keys": ["customer code"], "extra_patterns": [r"CUST-\d+"], "safe_fields": ["extra.order"],
    "email": "hash", "ip": "keep", "phone": "remove",
}  # fmt: skip
CANARY = "CUST-" + "4711"


@pytest.fixture(autouse=True)
def _rules_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered of keys, and their rules with them, for seconds: here for none."""
    monkeypatch.setattr(key_cache, "KEY_CACHE_SECONDS_MAX", 0.0)


def path(tenant: Tenant, kind: str, rest: str = "") -> str:
    return f"/api/projects/{tenant.project_id}/{kind}-rules{rest}"


async def put(stage: Stage, tenant: Tenant, kind: str, rules: dict[str, Any], version: int = 0, expected: int = 200) -> Any:
    """Set rules as alice."""
    answer = await stage.projects.put(path(tenant, kind), json={**rules, "version": version}, headers=stage.alice())
    assert answer.status_code == expected, answer.text
    return answer.json()


async def dry_run(stage: Stage, tenant: Tenant, kind: str, rules: dict[str, Any]) -> Any:
    answer = await stage.projects.post(path(tenant, kind, "/dry-run"), json=rules, headers=stage.bob())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def stored(stage: Stage, tenant: Tenant) -> list[dict[str, Any]]:
    """Every event as it is read back, oldest first."""
    rows = await stage.rows("SELECT event_id FROM events WHERE project_id = %s ORDER BY received_at", tenant.project_id)
    urls = [f"/api/projects/{tenant.project_id}/events/{row['event_id'].hex}" for row in rows]
    return [(await stage.incidents.get(url, headers=stage.vera())).json() for url in urls]


@pytest.mark.parametrize(("kind", "rules"), [("grouping", GROUPING), ("redaction", REDACTION)])
async def test_viewers_read_members_try_admins_change(stage: Stage, kind: str, rules: dict[str, Any]) -> None:
    tenant = await stage.tenant()
    anna = stage.anna()
    calls = [("GET", "", None), ("POST", "/dry-run", rules), ("PUT", "", {**rules, "version": 0})]
    everybody: list[tuple[dict[str, str], list[int]]] = [
        ({}, [401, 401, 401]),
        (tenant.bearer, [401, 401, 401]),
        (stage.charlie(), [404, 404, 404]),
        (stage.vera(), [200, 403, 403]),
        (stage.bob(), [200, 200, 403]),
        (anna, [200, 200, 200]),
    ]
    for headers, expected in everybody:
        got = [
            (await stage.projects.request(method, path(tenant, kind, rest), json=body, headers=headers)).status_code
            for method, rest, body in calls
        ]
        assert got == expected, headers
    other = await stage.tenant()
    for method, rest, body in calls:  # alice of the other workspace
        answer = await stage.projects.request(method, path(tenant, kind, rest), json=body, headers=stage.alice())
        assert answer.status_code == 404
    assert (await stage.projects.get(path(other, kind), headers=stage.vera())).json()["version"] == 0


@pytest.mark.parametrize(("kind", "rules"), [("grouping", GROUPING), ("redaction", REDACTION)])
async def test_nobody_overwrites_what_they_have_not_seen(stage: Stage, kind: str, rules: dict[str, Any]) -> None:
    tenant = await stage.tenant()
    first = await put(stage, tenant, kind, rules)
    assert (first["version"], first["updated_by"] > 0) == (1, True)
    assert {name: first[name] for name in rules} == rules
    await put(stage, tenant, kind, rules, version=0, expected=409)
    await put(stage, tenant, kind, rules, version=2, expected=409)
    body, headers = {**rules, "version": 1}, stage.alice()
    answers = await asyncio.gather(*(stage.projects.put(path(tenant, kind), json=body, headers=headers) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await stage.projects.get(path(tenant, kind), headers=stage.vera())).json()["version"] == 2
    rows = await stage.rows("SELECT * FROM audit_log WHERE workspace_id = %s ORDER BY id", tenant.workspace_id)
    assert [row["action"] for row in rows] == [f"{kind}_rules.replace"] * 2
    assert rows[1]["after"] == rules


GOOD = {"match": {"type": "x"}, "fingerprint": ["a"]}


@pytest.mark.parametrize(
    ("kind", "body", "pointer"),
    [
        ("grouping", {}, "/rules"),
        ("grouping", {"rules": [GOOD] * 101}, "/rules"),
        ("grouping", {"rules": [{**GOOD, "surprise": 1}]}, "/rules/0/surprise"),
        ("grouping", {"rules": [GOOD, {"match": {"type": "x" * 201}, "fingerprint": ["a"]}]}, "/rules/1/match/type"),
        ("grouping", {"rules": [GOOD, {"match": {"type": ""}, "fingerprint": ["a"]}]}, "/rules/1/match/type"),
        ("grouping", {"rules": [{"match": {"kind": "x"}, "fingerprint": ["a"]}]}, "/rules/0/match/kind"),
        ("grouping", {"rules": [{**GOOD, "fingerprint": ["{{ what }}"]}]}, "/rules/0/fingerprint/0"),
        ("grouping", {"rules": [{**GOOD, "fingerprint": ["a"] * 21}]}, "/rules/0/fingerprint"),
        ("redaction", {"extra_patterns": ["fine", "(unclosed"]}, "/extra_patterns/1"),
        ("redaction", {"extra_patterns": ["a*"]}, "/extra_patterns/0"),
        ("redaction", {"extra_patterns": ["(?=look)"]}, "/extra_patterns/0"),  # RE2 has none, which keeps time linear
        ("redaction", {"extra_keys": ["___"]}, "/extra_keys/0"),
        ("redaction", {"safe_fields": ["extra.fine", "*"]}, "/safe_fields/1"),
        ("redaction", {"email": "publish"}, "/email"),
        ("redaction", {"extra_keys": ["a"] * 101}, "/extra_keys"),
    ],
)
async def test_what_is_wrong_is_named(stage: Stage, kind: str, body: dict[str, Any], pointer: str) -> None:
    tenant = await stage.tenant()
    for answer in (
        await stage.projects.put(path(tenant, kind), json={**body, "version": 0}, headers=stage.alice()),
        await stage.projects.post(path(tenant, kind, "/dry-run"), json=body, headers=stage.alice()),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_rules_that_are_too_large_together_are_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    large = {"match": {f"tag.{n}": "x" * 200 for n in range(10)}, "fingerprint": ["a"]}
    await put(stage, tenant, "grouping", {"rules": [large] * 50}, expected=400)


async def test_grouping_rules_apply_to_what_comes_after_them(stage: Stage) -> None:
    tenant = await stage.tenant()
    alpha = await send(stage, tenant, "The alpha engine stopped")
    await put(stage, tenant, "grouping", GROUPING)
    joined = await send(stage, tenant, "The bravo engine stopped")
    assert joined != alpha
    assert await send(stage, tenant, "The alpha engine stopped") == joined
    assert await send(stage, tenant, "Disk is full") not in {alpha, joined}
    url = f"/api/projects/{tenant.project_id}/incidents/{joined}/grouping"
    [one] = (await stage.incidents.get(url, headers=stage.vera())).json()["items"]
    assert (one["rule"], one["parts"]) == ("project", ["rule: engine"])
    assert one["reason"] == "Rule 1 of the project (Engines) set this fingerprint"
    await put(stage, tenant, "grouping", {"rules": []}, version=1)
    assert await send(stage, tenant, "The alpha engine stopped") == alpha


async def test_rules_of_one_project_are_nothing_to_another(stage: Stage) -> None:
    theirs = await stage.tenant()
    await put(stage, theirs, "grouping", GROUPING)
    await put(stage, theirs, "redaction", REDACTION)
    mine = await stage.tenant()
    ids = {await send(stage, mine, f"The {word} engine stopped", extra={"customer_code": "x1"}) for word in ("alpha", "bravo")}
    assert len(ids) == 2
    assert [event["payload"]["extra"] for event in await stored(stage, mine)] == [{"customer_code": "x1"}] * 2


async def test_redaction_rules_remove_leave_and_hash_and_split_no_incident(stage: Stage) -> None:
    tenant = await stage.tenant()
    fields: dict[str, Any] = {
        "extra": {"customerCode": "abc", "order": {"password": "not so secret"}},
        "user": {"email": "anna@example.org", "ip_address": "203.0.113.9"},
    }
    before = await send(stage, tenant, f"Order of {CANARY} failed", **fields)
    await put(stage, tenant, "redaction", REDACTION)
    assert await send(stage, tenant, f"Order of {CANARY} failed", **fields) == before
    built_in, own = [event["payload"] for event in await stored(stage, tenant)]
    assert built_in["extra"] == {"customerCode": "abc", "order": {"password": "[redacted:password]"}}
    assert own["extra"] == {"customerCode": "[redacted:custom]", "order": {"password": "not so secret"}}
    assert own["user"]["ip_address"] == "203.0.113.9"
    assert own["user"]["email"].startswith("hmac:")
    assert CANARY not in str(own)


async def test_what_a_project_removes_is_nowhere_in_what_explains_its_incidents(stage: Stage) -> None:
    tenant = await stage.tenant()
    word = "Kanarienvogel"
    await put(stage, tenant, "redaction", {"extra_patterns": [word]})
    await put(stage, tenant, "grouping", {"rules": [{"match": {"message": "*gone"}, "fingerprint": ["{{ message }}"]}]})
    await send(stage, tenant, f"{word} is here")
    await send(stage, tenant, f"{word} is gone")
    await send(stage, tenant, "Something", fingerprint=[word])
    for table in ("incidents", "incident_fingerprints", "events", "event_counts", "transitions"):
        rows = await stage.rows(f"SELECT * FROM {table} WHERE project_id = %s", tenant.project_id)
        assert rows
        assert word not in str(rows), table
    assert word not in str(await stored(stage, tenant))


async def test_rules_follow_a_new_version_of_the_algorithm(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    await put(stage, tenant, "grouping", GROUPING)
    engine = await send(stage, tenant, "The alpha engine stopped")
    switch(monkeypatch)
    assert fingerprint.compute({}).version == 2
    assert await send(stage, tenant, "The bravo engine stopped", environment="staging") == engine


async def test_a_dry_run_says_which_incidents_would_join(stage: Stage) -> None:
    tenant = await stage.tenant()
    alpha, bravo = [await send(stage, tenant, f"The {word} engine stopped") for word in ("alpha", "bravo")]
    await send(stage, tenant, "The alpha engine stopped")
    await send(stage, tenant, "Disk is full")
    found = await dry_run(stage, tenant, "grouping", GROUPING)
    assert (found["events"], found["changed"], found["complete"]) == (4, 3, True)
    assert [(move["from_incident_id"], move["to_incident_id"], move["event_count"]) for move in found["moves"]] == [
        (alpha, None, 2),
        (bravo, None, 1),
    ]
    assert [len(move["example_event_ids"]) for move in found["moves"]] == [2, 1]
    [join] = found["joins"]
    assert (join["incident_ids"], join["event_count"], join["to_incident_id"]) == ([alpha, bravo], 3, None)
    assert found["parts"] == []
    # Nothing was changed by it, and what is in force already changes nothing.
    assert await send(stage, tenant, "The alpha engine stopped") == alpha
    await put(stage, tenant, "grouping", GROUPING)
    assert (await dry_run(stage, tenant, "grouping", GROUPING))["changed"] == 0


async def test_a_dry_run_says_which_incidents_would_part(stage: Stage) -> None:
    tenant = await stage.tenant()
    for region in ("eu", "us", "us", None):
        incident = await send(stage, tenant, "Card declined", tags={"region": region} if region else {})
    rule = {"match": {"tag.region": "*"}, "fingerprint": ["{{ default }}", "{{ tag.region }}"]}
    found = await dry_run(stage, tenant, "grouping", {"rules": [rule]})
    [part] = found["parts"]
    assert part["incident_id"] == incident
    assert [(into["event_count"], into["to_incident_id"]) for into in part["into"]] in (
        [(2, None), (1, None), (1, incident)],
        [(2, None), (1, incident), (1, None)],
    )
    assert found["joins"] == []


async def test_a_dry_run_names_the_incident_that_others_would_join(stage: Stage) -> None:
    tenant = await stage.tenant()
    own = await send(stage, tenant, "Something else", fingerprint=["engine"])
    alpha = await send(stage, tenant, "The alpha engine stopped")
    found = await dry_run(stage, tenant, "grouping", GROUPING)
    assert [(move["from_incident_id"], move["to_incident_id"]) for move in found["moves"]] == [(alpha, own)]
    assert [(join["incident_ids"], join["event_count"]) for join in found["joins"]] == [([own, alpha], 2)]


async def test_a_dry_run_tells_which_incidents_it_cannot_be_sure_of(stage: Stage) -> None:
    """Where the project's own rules took away what ingest grouped by, and nowhere else."""
    tenant = await stage.tenant()
    assert (await dry_run(stage, tenant, "grouping", GROUPING))["uncertain"] == {"events": 0, "incident_ids": [], "reason": None}
    rules = {"extra_keys": ["region"], "extra_patterns": [r"CUST-\w+"], "email": "hash"}
    await put(stage, tenant, "redaction", rules)
    lost = await send(stage, tenant, "The CUST-alpha engine stopped")
    hashed = await send(stage, tenant, "No engine for bob@example.org here")
    tagged = await send(stage, tenant, "Disk is full", tags={"region": "eu"})
    await send(stage, tenant, "The bravo engine stopped", extra={"note": "CUST-alpha", "mail": "bob@example.org"})
    found = (await dry_run(stage, tenant, "grouping", GROUPING))["uncertain"]
    assert (found["events"], found["incident_ids"]) == (2, [lost, hashed])
    assert "redaction" in found["reason"]
    by_tag = {"rules": [{"match": {"tag.region": "eu"}, "fingerprint": ["eu"]}]}
    assert (await dry_run(stage, tenant, "grouping", by_tag))["uncertain"]["incident_ids"] == [lost, hashed, tagged]


async def test_a_dry_run_goes_by_what_the_built_in_rules_remove_also_where_the_project_keeps_it(stage: Stage) -> None:
    tenant = await stage.tenant()
    await put(stage, tenant, "redaction", {"email": "keep"})
    [incident] = {await send(stage, tenant, f"No reply from {name}@example.org") for name in ("anna", "bob")}
    rule = {"match": {"message": "*@example.org"}, "fingerprint": ["example"]}
    found = await dry_run(stage, tenant, "grouping", {"rules": [rule]})
    assert (found["events"], found["changed"], found["uncertain"]["events"]) == (2, 0, 0)
    await put(stage, tenant, "grouping", {"rules": [rule]})
    assert await send(stage, tenant, "No reply from charlie@example.org") == incident


async def test_a_dry_run_of_redaction_names_paths_and_counts_and_no_values(stage: Stage) -> None:
    tenant = await stage.tenant()
    fields: dict[str, Any] = {
        "extra": {"customerCode": "abc", "order": {"password": "hunter2222", "items": [{"note": CANARY}, {"note": CANARY}]}},
        "user": {"email": "anna@example.org"},
    }
    for _ in range(3):
        await send(stage, tenant, "Order failed", **fields)
    rules = {
        "extra_keys": ["customer code"],
        "extra_patterns": [r"CUST-\d+"],
        "safe_fields": ["extra.order.password"],
        "email": "keep",
    }
    found = await dry_run(stage, tenant, "redaction", rules)
    assert found["removed_by_rule"] == {"custom": 9}
    assert [(one["path"], one["rule"], one["count"], one["events"]) for one in found["removed"]] == [
        ("extra.order.items.*.note", "custom", 6, 3),
        ("extra.customerCode", "custom", 3, 3),
    ]
    assert sorted((one["exception"], one["rule"], one["count"]) for one in found["kept"]) == [
        ("email: keep", "email", 3),
        ("extra.order.password", "password", 3),
    ]
    assert CANARY not in str(found)
    assert "hunter2222" not in str(found)


async def test_a_dry_run_looks_at_the_newest_events_of_its_own_project_within_its_bounds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await stage.tenant()
    await send(stage, theirs, "The delta engine stopped")
    tenant = await stage.tenant()
    for number in range(12):
        await send(stage, tenant, "The alpha engine stopped" if number > 5 else "Disk is full")
    monkeypatch.setattr(stored_events, "PAGE_EVENTS", 2)
    monkeypatch.setattr(stored_events, "EVENTS_MAX", 6)
    found = await dry_run(stage, tenant, "grouping", GROUPING)
    assert (found["events"], found["changed"], found["complete"]) == (6, 6, True)
    monkeypatch.setattr(stored_events, "SECONDS_MAX", 0.0)
    found = await dry_run(stage, tenant, "grouping", GROUPING)
    assert (found["events"], found["complete"]) == (0, False)
