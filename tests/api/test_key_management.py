"""Keys as people manage them: shown once, listed without themselves, rotated without a gap, ended within a minute."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from lib import key_management, keys
from lib.key_cache import KEY_CACHE_SECONDS_MAX
from tests.api.conftest import ORIGIN, Stage, Tenant


def path(tenant: Tenant, rest: str = "") -> str:
    return f"/api/projects/{tenant.project_id}/keys{rest}"


async def issue(stage: Stage, tenant: Tenant, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    answer = await stage.keys.post(path(tenant), json={"name": "shop", **body}, headers=headers or stage.alice())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def send(stage: Stage, tenant: Tenant, secret: str, **headers: str) -> httpx.Response:
    return await stage.ingest.post("/api/ingest", json={"message": "x"}, headers={"Authorization": f"Bearer {secret}", **headers})


async def test_a_new_key_works_at_once_and_is_shown_in_that_answer_alone(
    stage: Stage, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    tenant = await stage.tenant()
    answer = await stage.keys.post(path(tenant), json={"name": "shop"}, headers={**stage.anna(), "Idempotency-Key": "k"})
    made = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert made["dsn"] == f"https://{made['key']}@{ORIGIN.partition('://')[2]}/{tenant.project_id}"
    assert (await send(stage, tenant, made["key"])).status_code == 200
    listed = (await stage.keys.get(path(tenant), headers=stage.bob())).json()["items"]
    read = (await stage.keys.get(path(tenant, f"/{made['id']}"), headers=stage.bob())).json()
    again = (await stage.keys.post(path(tenant), json={"name": "shop"}, headers={**stage.anna(), "Idempotency-Key": "k"})).json()
    assert (again["id"], again["key"], again["dsn"]) == (made["id"], None, None)
    assert listed[0] == read
    assert read["created_by"]["id"] > 0
    everything = await dump(stage) + orjson.dumps([listed, read, again]) + capfdbinary.readouterr().out
    assert made["key"].encode() not in everything
    assert made["key"][14:].encode() not in everything  # nor without its beginning, which is shown
    assert made["prefix"].encode() in everything


async def dump(stage: Stage) -> bytes:
    """All tables as text, and what Redis holds."""
    tables = await stage.rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
    found = [await stage.rows(f'SELECT row_to_json(t)::text AS row FROM "{table["relname"]}" t') for table in tables]
    held = stage.redis.upstash._redis
    names = held.execute_command("KEYS", "*")
    return orjson.dumps([[row["row"] for row in rows] for rows in found]) + b"".join(map(bytes, names))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 81}, "/name"),
        ({"name": "x", "kind": "root"}, "/kind"),
        ({"name": "x", "rate_per_minute": 0}, "/rate_per_minute"),
        ({"name": "x", "allowed_origins": ["example.com"]}, "/allowed_origins/0"),
        ({"name": "x", "allowed_origins": ["https://example.com/path"]}, "/allowed_origins/0"),
        ({"name": "x", "allowed_origins": ["javascript:alert(1)"]}, "/allowed_origins/0"),
        ({"name": "x", "allowed_origins": ["https://me@example.com"]}, "/allowed_origins/0"),
        ({"name": "x", "kind": "api"}, ""),  # what may it do?
        ({"name": "x", "kind": "api", "scopes": ["keys:write"]}, "/scopes/0"),  # no key makes keys
        ({"name": "x", "scopes": ["incidents:read"]}, ""),
        ({"name": "x", "kind": "api", "scopes": ["incidents:read"], "allowed_origins": ["https://a.example"]}, ""),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "x", "expires_at": "2030-01-01T00:00:00"}, "/expires_at"),  # of which zone?
        ({"name": "x", "secret": "mine"}, "/secret"),
    ],
)
async def test_what_is_no_key_is_refused_by_field(stage: Stage, body: dict[str, Any], pointer: str) -> None:
    tenant = await stage.tenant()
    answer = await stage.keys.post(path(tenant), json=body, headers=stage.alice())
    assert answer.status_code == 400
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


async def test_origins_are_kept_as_browsers_send_them(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await issue(stage, tenant, allowed_origins=["HTTPS://Shop.Example:443/", "http://localhost:3000", "http://[::1]:80"])
    assert made["allowed_origins"] == ["https://shop.example", "http://localhost:3000", "http://[::1]"]
    assert (await send(stage, tenant, made["key"], Origin="https://shop.example")).status_code == 200
    assert (await send(stage, tenant, made["key"], Origin="https://evil.example")).status_code == 403


async def test_an_api_key_ends_after_a_year_by_itself(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await issue(stage, tenant, kind="api", scopes=["incidents:read"])
    life = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert abs(life - key_management.API_KEY_LIFETIME) < timedelta(minutes=1)
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await stage.incidents.get(f"/api/projects/{tenant.project_id}/incidents", headers=headers)).status_code == 200
    assert made["dsn"] is None


async def test_rotation_leaves_no_gap_and_no_second_life(stage: Stage) -> None:
    tenant = await stage.tenant()
    old = await issue(stage, tenant, allowed_origins=["https://shop.example"], rate_per_minute=77)
    answer = await stage.keys.post(path(tenant, f"/{old['id']}/rotate"), headers=stage.alice())
    new = answer.json()
    assert answer.status_code == 201
    kept = ("name", "kind", "allowed_origins", "rate_per_minute", "expires_at")
    assert {name: new[name] for name in kept} == {name: old[name] for name in kept}
    assert new["rotated_from"] == old["id"]
    assert [(await send(stage, tenant, one["key"])).status_code for one in (old, new)] == [200, 200]
    ending = (await stage.keys.get(path(tenant, f"/{old['id']}"), headers=stage.alice())).json()
    left = datetime.fromisoformat(ending["expires_at"]) - datetime.now(UTC)
    assert abs(left - timedelta(hours=24)) < timedelta(minutes=1)
    # Rotated once more, the old one would hand on the end of its grace for an expiry, which was never chosen.
    again = await stage.keys.post(path(tenant, f"/{old['id']}/rotate"), headers=stage.alice())
    assert (again.status_code, str(new["id"]) in again.json()["detail"]) == (409, True)
    assert (await stage.keys.get(path(tenant, f"/{old['id']}"), headers=stage.alice())).json() == ending
    next_one = await stage.keys.post(path(tenant, f"/{new['id']}/rotate"), json={"grace_hours": 0}, headers=stage.alice())
    assert (next_one.status_code, next_one.json()["expires_at"]) == (201, None)
    assert (await stage.keys.post(path(tenant, f"/{new['id']}/rotate"), headers=stage.alice())).status_code == 409


async def test_a_rotated_api_key_lives_as_long_again(stage: Stage) -> None:
    tenant = await stage.tenant()
    soon = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    old = await issue(stage, tenant, kind="api", scopes=["incidents:read"], expires_at=soon)
    await stage.rows("UPDATE keys SET created_at = created_at - interval '20 days' WHERE id = %s", old["id"])
    new = (await stage.keys.post(path(tenant, f"/{old['id']}/rotate"), headers=stage.alice())).json()
    life = datetime.fromisoformat(new["expires_at"]) - datetime.now(UTC)
    assert abs(life - timedelta(days=50)) < timedelta(minutes=1)


async def test_a_revoked_key_is_refused_within_a_minute(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await issue(stage, tenant)
    assert (await stage.keys.delete(path(tenant, f"/{made['id']}"), headers=stage.alice())).status_code == 204
    assert (await stage.keys.delete(path(tenant, f"/{made['id']}"), headers=stage.alice())).status_code == 204
    assert (await send(stage, tenant, made["key"])).status_code == 401
    assert KEY_CACHE_SECONDS_MAX < 60
    [row] = await stage.rows("SELECT count(*) FROM audit_log WHERE action = 'key.revoke' AND object_id = %s", str(made["id"]))
    assert row["count"] == 1


async def test_what_is_changed_of_a_key_is_changed_and_the_rest_stays(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await issue(stage, tenant, rate_per_minute=10)
    url = path(tenant, f"/{made['id']}")
    changed = (await stage.keys.patch(url, json={"name": "web"}, headers=stage.alice())).json()
    assert (changed["name"], changed["rate_per_minute"]) == ("web", 10)
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await stage.keys.patch(url, json={"expires_at": soon}, headers=stage.alice())).json()["expires_at"]
    assert (await stage.keys.patch(url, json={"expires_at": None}, headers=stage.alice())).json()["expires_at"] is None
    assert (await stage.keys.patch(url, json={"scopes": ["incidents:read"]}, headers=stage.alice())).status_code == 400
    await stage.keys.delete(url, headers=stage.alice())
    assert (await stage.keys.patch(url, json={"name": "x"}, headers=stage.alice())).status_code == 409


async def test_the_trail_tells_of_keys_and_holds_none(stage: Stage) -> None:
    tenant = await stage.tenant()
    made = await issue(stage, tenant)
    await stage.keys.patch(path(tenant, f"/{made['id']}"), json={"name": "web"}, headers=stage.alice())
    await stage.keys.post(path(tenant, f"/{made['id']}/rotate"), headers=stage.alice())
    rows = await stage.rows("SELECT action, before, after FROM audit_log WHERE project_id = %s ORDER BY id", tenant.project_id)
    assert [row["action"] for row in rows] == ["key.issue", "key.change", "key.rotate"]
    assert (rows[1]["before"]["name"], rows[1]["after"]["name"]) == ("shop", "web")


async def test_a_key_of_another_project_is_not_there(stage: Stage) -> None:
    other = await stage.tenant()
    foreign = await issue(stage, other)
    tenant = await stage.tenant()
    url = path(tenant, f"/{foreign['id']}")
    for method, rest in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rotate")):
        answer = await stage.keys.request(
            method, url + rest, json=None if method in {"GET", "DELETE"} else {}, headers=stage.alice()
        )
        assert answer.status_code == 404
    assert (await send(stage, other, foreign["key"])).status_code == 200


async def test_a_project_has_so_many_live_keys_and_no_more(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = await stage.tenant()
    monkeypatch.setattr(key_management, "KEYS_MAX", 3)
    headers = stage.alice()
    posts = (stage.keys.post(path(tenant), json={"name": "x"}, headers=headers) for _ in range(6))
    answers = [answer.status_code for answer in await asyncio.gather(*posts)]
    assert sorted(answers) == [201, 201, 409, 409, 409, 409]  # one was there before
    [row] = await stage.rows("SELECT count(*) FROM keys WHERE project_id = %s", tenant.project_id)
    assert row["count"] == 3


async def test_ingest_writes_down_that_a_key_is_used(stage: Stage) -> None:
    tenant = await stage.tenant()
    assert (await send(stage, tenant, tenant.key)).status_code == 200
    [row] = await stage.rows("SELECT last_used_at FROM keys WHERE id = %s", tenant.key_id)
    assert datetime.now(UTC) - row["last_used_at"] < timedelta(minutes=1)


async def test_trying_an_expired_key_is_no_use_of_it(stage: Stage) -> None:
    tenant = await stage.tenant()
    await stage.rows("UPDATE keys SET expires_at = now() - interval '1 second' WHERE id = %s", tenant.key_id)
    assert (await send(stage, tenant, tenant.key)).status_code == 401
    assert await stage.rows("SELECT last_used_at FROM keys WHERE id = %s", tenant.key_id) == [{"last_used_at": None}]


async def test_pages_of_keys_follow_one_another(stage: Stage) -> None:
    tenant = await stage.tenant()
    ids = [(await issue(stage, tenant))["id"] for _ in range(4)]
    found: list[int] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await stage.keys.get(path(tenant), params=params, headers=stage.bob())).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [*reversed(ids), tenant.key_id]
    assert keys.well_formed(tenant.key)
