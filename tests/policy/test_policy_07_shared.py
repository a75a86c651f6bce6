"""Section 7: who else gets what."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from lib import settings
from local.folders import ROOT
from tests.api.conftest import Stage
from tests.conftest import ModelStandIn, OutboxStandIn
from tests.policy.acts import incidents, send
from tests.policy.conftest import Crons
from tests.policy.table import shows

# Modules that speak to somebody else, and to whom.
OUTWARD = {
    "lib/auth.py": "Clerk's public keys",
    "lib/clerk.py": "Clerk: correction and deletion of an account",
    "lib/redis.py": "Upstash",
    "lib/channels/email.py": "Resend",
    "lib/mail.py": "Resend",
    "lib/outbound.py": "webhooks that an admin has set up",
    "lib/analysis/model.py": "the model",
    "lib/objects.py": "the archive",
    "lib/waking.py": "the deployment itself",
    "lib/recording.py": "PostgreSQL",
}
CLIENTS = {"httpx", "upstash_redis", "resend", "openai", "boto3", "botocore", "aiohttp", "requests", "urllib.request", "socket"}


def imported(path: Any) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@shows("7.1", by="Only the named modules can speak to somebody else; without its setting none of them does")
async def test_nobody_gets_anything_unless_they_are_configured(stage: Stage, crons: Crons, outbox: OutboxStandIn) -> None:
    speaking = {
        str(path.relative_to(ROOT))
        for folder in ("api", "lib")
        for path in (ROOT / folder).rglob("*.py")
        if {name.partition(".")[0] for name in imported(path)} & CLIENTS
    }
    assert speaking <= set(OUTWARD), "name the module and whom it speaks to"
    told = (await stage.exports.get("/api/account/privacy")).json()["processors"]
    purposes = {one["purpose"] for one in told}
    assert purposes == {"hosting", "database", "sign-in", "limits", "mail"}, "no model and no archive are set up"
    tenant = await stage.tenant()
    await send(stage, tenant)
    await crons.alerts()
    assert await stage.rows("SELECT 1 FROM analyses WHERE project_id = %s AND called_at IS NOT NULL", tenant.project_id) == []


@shows(
    "7.2",
    by="Session tokens are verified against Clerk's keys; no password is ever seen here",
    also=(
        "test_with_clerk_its_own_host_may_run_there_and_no_other_clerk",
        "test_what_clerk_did_not_sign_is_refused",
    ),
)
async def test_a_session_is_the_sign_in_services_and_no_other_is_believed(stage: Stage) -> None:
    assert (await stage.account.get("/api/account", headers=stage.session("x@y.example"))).status_code == 200
    token = stage.session("x@y.example")["Authorization"]
    forged = token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8)
    assert (await stage.account.get("/api/account", headers={"Authorization": forged})).status_code == 401
    columns = await stage.rows("SELECT attname FROM pg_attribute WHERE attrelid = 'people'::regclass")
    assert not any("password" in row["attname"] for row in columns)


@shows("7.3", by="What is answered comes from PostgreSQL alone; DATABASE_URL may be any of version 15 or newer, as Neon's")
async def test_what_is_kept_is_in_postgresql(stage: Stage) -> None:
    tenant = await stage.tenant()
    sent = await send(stage, tenant)
    rows = await stage.rows("SELECT id, title FROM incidents WHERE project_id = %s", tenant.project_id)
    assert rows == [{"id": sent["incident_id"], "title": (await incidents(stage, tenant))[0]["title"]}]


@shows("7.4", by="Redis holds counters by number that expire by themselves, and nothing that an event said")
async def test_redis_holds_counters_and_nothing_of_events(stage: Stage) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, message="zq-canary", user={"id": "zq-person"})
    client: Any = stage.redis.upstash._redis
    names = client.execute_command("KEYS", "*")
    assert names
    for name in names:
        assert client.execute_command("TTL", name) > 0
        assert b"zq-" not in name + client.execute_command("DUMP", name)


@shows("7.5", by="Mails go to Resend with what a person needs to know of an incident, after redaction")
async def test_alerts_go_out_by_mail_and_hold_nothing_that_was_removed(stage: Stage, crons: Crons, outbox: OutboxStandIn) -> None:
    tenant = await stage.tenant()
    await send(stage, tenant, message="no plan for jane@shop.example", environment="production", level="error")
    await crons.alerts()
    [mail] = [one for one in outbox.mails if stage.name in one.to[0]]
    assert "no plan for" in mail.subject
    assert "jane@shop.example" not in mail.subject + mail.text + mail.html


@shows(
    "7.6", by="Only with OPENAI_API_KEY; a project can turn it off; OPENAI_BASE_URL names any other server that speaks the API"
)
async def test_the_model_is_one_that_is_named_to_everybody(
    stage: Stage, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, told in [(None, ("OpenAI", "api.openai.com")), (model_stand_in.url, ("Language model", "127.0.0.1"))]:
        monkeypatch.setenv("OPENAI_API_KEY", model_stand_in.key)
        if url:
            monkeypatch.setenv("OPENAI_BASE_URL", url)
        settings.current.cache_clear()
        found = (await stage.exports.get("/api/account/privacy")).json()["processors"]
        [model] = [one for one in found if one["purpose"] == "analysis"]
        assert (model["name"], model["host"]) == told
    tenant = await stage.tenant()
    options = f"/api/projects/{tenant.project_id}/analysis-settings"
    read = await stage.projects.get(options, headers=stage.vera())
    assert read.status_code == 200
    assert read.json()["enabled"] is True


@shows("7.7", by="vercel.json: functions, static files and crons; nothing else is started")
def test_vercel_hosts_runs_and_schedules() -> None:
    config = json.loads((ROOT / "vercel.json").read_text(encoding="utf-8"))
    assert config["framework"] is None
    assert {cron["path"] for cron in config["crons"]} == {"/api/cron/alerts", "/api/cron/retention"}
    assert all((ROOT / f"{cron['path'][1:]}.py").is_file() for cron in config["crons"])
