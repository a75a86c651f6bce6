"""Routes that are no operations: each stands here with what lets somebody in, and is tried with everything that must not.

A route that is added to a function beside its operations needs a line in ROUTES; better, declare an operation.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import pytest
from starlette.routing import Route

from lib import db, keys, settings
from local.folders import ROOT
from tests.api.calls import Answer, Instance, Post, instance
from tests.api.conftest import ORIGIN, Stage, Tenant

# ingest key: of the project in the address, where one is. cron: CRON_SECRET. anybody: it tells nothing of a tenant.
Guard = Literal["ingest key", "cron", "anybody"]
CRON_SECRET = "cron-" + "secret"
SENTRY = [f"/api/{{project_id:id}}/{end}" for end in ("envelope", "envelope/", "store", "store/")]
ROUTES: dict[tuple[str, str, str], Guard] = {
    **{("ingest", "POST", path): "ingest key" for path in SENTRY},
    **{("ingest", "OPTIONS", path): "anybody" for path in SENTRY},
    ("ingest", "POST", "/api/ingest"): "ingest key",
    ("ingest", "OPTIONS", "/api/ingest"): "anybody",
    ("health", "GET", "/api/health"): "anybody",
    ("health", "GET", "/api/health/live"): "anybody",
    ("health", "GET", "/api/health/ready"): "anybody",
    **{("cron/" + job, method, f"/api/cron/{job}"): "cron" for job in ("alerts", "retention") for method in ("GET", "POST")},
}  # fmt: skip


def modules() -> Iterator[tuple[str, Any]]:
    """(name, module) of every function file."""
    for path in sorted((ROOT / "api").rglob("*.py")):
        name = path.relative_to(ROOT / "api").with_suffix("").as_posix()
        yield name, importlib.import_module("api." + name.replace("/", "."))


def test_every_route_is_an_operation_or_stands_here() -> None:
    found = set()
    for name, module in modules():
        declared = {(one.method, one.path) for one in getattr(module.app.state, "operations", ())}
        for route in module.app.routes:
            assert isinstance(route, Route), f"{name} mounts something that no test looks into"
            methods = (route.methods or set()) - {"HEAD"}  # Starlette adds it to GET, and the same function answers
            found |= {(name, method, route.path) for method in methods if (method, route.path) not in declared}
    assert found - set(ROUTES) == set(), "declare an operation, or say here what lets somebody in"
    assert set(ROUTES) - found == set(), "these routes are gone"


class House(NamedTuple):
    """The functions, and two tenants."""

    instances: dict[str, Instance]
    ours: Tenant
    theirs: Tenant
    stage: Stage

    async def call(self, route: tuple[str, str, str], project_id: int, headers: dict[str, str]) -> Answer:
        """The answer to an event, or to nothing where the route takes none."""
        name, method, path = route
        end = path.rstrip("/").rpartition("/")[2]
        body = BODIES.get(end, b"") if method == "POST" else b""
        found = path.replace("{project_id:id}", str(project_id))
        return await self.instances[name].call(method, Post(found, body, {"content-type": "application/json", **headers}))

    async def events(self) -> int:
        """How many events there are."""
        [row] = await self.stage.rows("SELECT count(*) AS events FROM event_ids")
        return int(row["events"])


BODIES = {
    "envelope": b'{"event_id":"%032x"}\n{"type":"event"}\n{"message":"x"}' % 7,
    "store": b'{"event_id":"%032x","message":"x"}' % 8,
    "ingest": b'{"message":"x"}',
}


@pytest.fixture(scope="module")
async def house(shared_stage: Stage) -> AsyncIterator[House]:
    """Everything that is not an operation."""
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("CRON_SECRET", CRON_SECRET)
        settings.current.cache_clear()
        names = {name for name, _, _ in ROUTES}
        apps = {name: module.app for name, module in modules() if name in names}
        instances = {name: await stack.enter_async_context(instance(app)) for name, app in apps.items()}
        yield House(instances, await shared_stage.tenant(), await shared_stage.tenant(), shared_stage)


def of(guard: Guard) -> list[Any]:
    """The routes that this guards."""
    return [pytest.param(route, id=" ".join(route)) for route, found in ROUTES.items() if found == guard]


def carried(secret: str, route: tuple[str, str, str]) -> list[dict[str, str]]:
    """Every place in which a secret could be sent to this route."""
    bearer = {"authorization": f"Bearer {secret}"}
    sentry = {"x-sentry-auth": f"Sentry sentry_key={secret}, sentry_version=7"}
    return [bearer] if route[0] != "ingest" or route[2] == "/api/ingest" else [bearer, sentry]


@pytest.mark.parametrize("route", of("ingest key"))
async def test_events_are_taken_from_a_live_ingest_key_of_that_project_alone(house: House, route: tuple[str, str, str]) -> None:
    ours, theirs, stage = house.ours, house.theirs, house.stage
    gone = datetime.now(UTC) - timedelta(seconds=1)
    async with await db.connect(stage.database_url) as conn:
        expired = await keys.issue(conn, ours.project_id, "expired", expires_at=gone)
        revoked = await keys.issue(conn, ours.project_id, "revoked")
        await keys.revoke(conn, ours.project_id, revoked.key_id)
        scoped = await keys.issue(conn, ours.project_id, "api", kind="api", scopes=("incidents:read", "incidents:write"))
    alice = stage.session(f"alice@{stage.name}.example")["Authorization"].partition(" ")[2]
    wrong = ["", keys.generate("ingest"), expired.secret, revoked.secret, scoped.secret, ours.key[:-1] + "!", alice, CRON_SECRET]
    before = await house.events()
    for secret in wrong:
        for headers in carried(secret, route):
            answer = await house.call(route, ours.project_id, headers)
            assert answer.status in {401, 403}, (headers, answer.body)
    for headers in ({}, {"cookie": f"__session={alice}"}):
        assert (await house.call(route, ours.project_id, headers)).status in {401, 403}
    if "{project_id" in route[2]:
        # The address says whose it is; a key of another project neither writes there nor learns whether it exists.
        answers = [await house.call(route, one, house_headers(theirs, route)) for one in (ours.project_id, 4_000_000_000)]
        assert {answer.status for answer in answers} <= {401, 403, 404}
        assert answers[0].body == answers[1].body
    assert await house.events() == before
    assert (await house.call(route, ours.project_id, house_headers(ours, route))).status == 200


def house_headers(tenant: Tenant, route: tuple[str, str, str]) -> dict[str, str]:
    """The tenant's ingest key, as this route takes it."""
    return carried(tenant.key, route)[-1]


@pytest.mark.parametrize("route", of("cron"))
async def test_jobs_are_started_with_their_secret_alone(house: House, route: tuple[str, str, str]) -> None:
    stage = house.stage
    wrong = [
        {}, {"authorization": CRON_SECRET}, {"authorization": f"Basic {CRON_SECRET}"}, {"authorization": "Bearer"},
        {"authorization": f"Bearer {CRON_SECRET}x"}, {"authorization": f"Bearer {CRON_SECRET[:-1]}"},
        {"authorization": f"Bearer {house.ours.key}"}, stage.session(f"alice@{stage.name}.example"),
        {"cookie": f"__session={CRON_SECRET}"}, {"x-vercel-cron": "1"}, {"user-agent": "vercel-cron/1.0"},
    ]  # fmt: skip
    await stage.rows("DELETE FROM cron_runs")
    for headers in wrong:
        answer = await house.call(route, 0, headers)
        assert answer.status == 401, headers
        assert answer.headers["content-type"] == "application/problem+json"
    assert await stage.rows("SELECT job FROM cron_runs") == []
    assert (await house.call(route, 0, {"authorization": f"Bearer {CRON_SECRET}"})).status == 200


@pytest.mark.parametrize("route", of("cron"))
async def test_without_a_secret_no_job_can_be_started(house: House, route: tuple[str, str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for value in (None, ""):
            patch.delenv("CRON_SECRET") if value is None else patch.setenv("CRON_SECRET", value)
            settings.current.cache_clear()
            for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer None"}):
                assert (await house.call(route, 0, headers)).status == 503
    settings.current.cache_clear()


@pytest.mark.parametrize("route", of("anybody"))
async def test_what_anybody_may_ask_tells_nothing_of_a_tenant(house: House, route: tuple[str, str, str]) -> None:
    mark = "numbat"
    await house.stage.rows("UPDATE workspaces SET name = %s, slug = %s || id", mark, mark)
    await house.stage.rows("UPDATE projects SET name = %s", mark)
    answers = [await house.call(route, one, {"origin": ORIGIN}) for one in (house.ours.project_id, 4_000_000_000)]
    assert [answer.status for answer in answers] in ([200, 200], [204, 204])
    assert mark.encode() not in answers[0].body
    if route[1] == "OPTIONS":
        assert (answers[0].body, answers[0].status) == (answers[1].body, answers[1].status)
