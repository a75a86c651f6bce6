"""Canaries in every field of events, in both protocols: nothing of them is found anywhere afterwards, in tables, in decompressed
payloads, in the log, in Redis, in mails and messages, in the model's prompts or in any answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

import api.alerts
from lib import analysis, db, payloads, settings
from lib.alerts import sweep
from tests.api.conftest import Stage, Tenant
from tests.conftest import ModelStandIn, OutboxStandIn, SinkStandIn
from tests.lib.canaries import forms
from tests.lib.redaction.lookalikes import random_text

numbers = itertools.count()
Plant = Callable[..., str]


def canary() -> str:
    """A secret of a known form (so that it is recognised wherever it stands), different each time, made at run time."""
    return "gh" + "p_" + random_text(36, seed=next(numbers))


def weak() -> str:
    """A password that only its name gives away."""
    return f"vogel{next(numbers)}nest"


def address() -> str:
    """Somebody's e-mail address."""
    return f"vogel{next(numbers)}@nest" + ".example"


def planter(found: list[str], make: Callable[[], str] = canary) -> Plant:
    """Makes texts with a new canary in each, and notes it."""

    def one(text: str = "{}") -> str:
        found.append(make())
        return text.replace("{}", found[-1])

    return one


def planted(one: Plant) -> dict[str, Any]:
    """A Sentry event with a canary in every text that a client fills freely."""
    frame = {
        "filename": one("app/{}/pay.py"),
        "abs_path": one("/srv/{}/pay.py"),
        "function": one("f {}"),
        "raw_function": one("g {}"),
        "module": one("shop {}"),
        "package": one("lib {}"),
        "lineno": 3,
        "context_line": one("key = '{}'"),
        "pre_context": [one("# {}")],
        "post_context": [one()],
        "vars": {"a": one(), one("k {}"): [one()], "repr": one("<Order('{}')>")},
        "in_app": True,
    }
    return {
        "level": "error",
        "platform": "python",
        "logger": one(),
        "culprit": one("total {}"),
        "transaction": one("/pay/{}"),
        "transaction_info": {"source": one()},
        "release": one("shop {}"),
        "environment": one("prod {}"),
        "dist": one(),
        "server_name": one(),
        "service": one(),
        "fingerprint": [one(), "{{ default }}"],
        "logentry": {"message": one("failed %s {}"), "params": [one()], "formatted": one("failed {}")},
        "exception": {
            "values": [
                {
                    "type": one("E {}"),
                    "value": one("no plan for {}"),
                    "module": one(),
                    "stacktrace": {"frames": [frame]},
                    "mechanism": {"type": one(), "data": {"x": one()}, "meta": {"signal": {"name": one()}}},
                },
            ]
        },
        "threads": {"values": [{"id": one(), "name": one(), "stacktrace": {"frames": [frame]}}]},
        "tags": {"plan": one(), one("t {}"): "v", "service": one()},
        "user": {"id": one(), "username": one(), "email": one(), "geo": {"city": one()}, "data": {"z": one()}, one("u {}"): 1},
        "request": {
            "method": one(),
            "url": one("https://shop.example/{}?q=1#a"),
            "query_string": one("q={}"),
            "fragment": one(),
            "headers": {"X-Thing": one(), "Cookie": one("a={}"), one("X {}"): "1"},
            "cookies": {"c": one(), one("d {}"): "1"},
            "data": {"body": one(), one("b {}"): [one()], "json": one('{"a": {"b": "{}"}}')},
            "env": {"E": one(), one("F {}"): "1"},
        },
        "breadcrumbs": {
            "values": [
                {"type": one(), "message": one(), "category": one(), "data": {"url": one("/{}"), one("n {}"): 1}},
                {"message": one("GET https://shop.example/?a={}&b=1")},
            ]
        },
        "contexts": {"runtime": {"name": one(), one("r {}"): 1}, one("c {}"): {"x": one()}},
        "extra": {"deep": {"er": [{"still": one()}]}, one("x {}"): 1, "json": one('[{"a": "{}"}]'), "body": one("a=1&b={}")},
        "modules": {"flask": one(), one("m {}"): "1.0"},
        "sdk": {"name": one(), "version": one(), "integrations": [one()], "packages": [{"name": one(), "version": one()}]},
        "debug_meta": {"images": [{"code_file": one("/lib/{}.so"), "debug_id": one()}]},
        one("unknown {}"): {"field": one()},
    }


def named(one: Plant) -> dict[str, Any]:
    """A Sentry event with passwords that nothing but their names give away."""
    pairs = {"password": one(), "nested": {"apiKey": {"deeper": [one()]}}, "session_id": one()}
    beside = [{"name": "password", "value": one()}, ["--api-key", one()], ["password", one()]]
    return {
        "level": "error",
        "logentry": {"message": "login with password=%s failed", "params": [one()]},
        "exception": {"values": [{"type": "E", "value": one("password={} refused"), "stacktrace": {"frames": [
            {"function": "f", "context_line": one('password = "{}"'), "vars": {"password": one("'{}'"), "config": pairs}}]}}]},
        "tags": {"password": one(), "dsn": one("postgres://shop:{}@db.example/shop")},
        "user": {"id": "7", "password": one()},
        "request": {
            "url": one("https://shop:{}@shop.example/"), "query_string": [["token", one()], ["a", one("password={}")]],
            "headers": [["Authorization", one("Digest {}")], ["Cookie", one("sid={}")]], "cookies": [["sessionid", one()]],
            "data": one("user=bob&password={}&a=1"), "env": {"DB_PASSWORD": one()},
        },
        "breadcrumbs": {"values": [{"message": one("POST /login?password={}"), "data": {"body": one('{"password": "{}"}')}}]},
        "contexts": {"app": pairs, "shell": {"argv": ["app", "--password", one()]}},
        "extra": {"beside": beside, "curl": one("curl -u bob:{} https://a.example"), "shell": one("mysql -uroot -p{} shop")},
    }  # fmt: skip


def plain(one: Plant) -> dict[str, Any]:
    """A plain JSON event likewise."""
    return {
        "error": {"type": one("E {}"), "message": one("declined {}")},
        "level": "error",
        "route": one("/pay/{}"),
        "service": one(),
        "stack": f'Traceback (most recent call last):\n  File "/app/a.py", line 2, in total\n    pay("{one()}")\nE: {one()}\n',
        "environment": one(),
        "release": one(),
        "tags": {"t": one(), one("s {}"): "1"},
        "user": {"id": one(), "email": one()},
        "metadata": {one("m {}"): one(), "request": {"headers": {"X": one()}, "url": one("/?q={}")}},
        "fingerprint": [one()],
        "unknown": {"field": one()},
    }


async def stored(stage: Stage, tenant: Tenant) -> list[str]:
    """Every row of every table as text, payloads decompressed."""
    tables = await stage.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    )
    texts = []
    for table in tables:
        name = '"' + table["relname"].replace('"', '""') + '"'
        texts += [row["text"] for row in await stage.rows(f"SELECT t::text AS text FROM {name} t")]
    rows = await stage.rows("SELECT dictionary, payload FROM event_payloads WHERE project_id = %s", tenant.project_id)
    assert rows
    return [*texts, *(payloads.decompress(row["dictionary"], row["payload"]).decode() for row in rows)]


async def followed_up(stage: Stage, tenant: Tenant, sink: SinkStandIn) -> None:
    """Alerts to every kind of channel, a mail to the owner, and an analysis."""
    alerts = await stage.client(api.alerts.app)
    base = f"/api/projects/{tenant.project_id}"
    channels = [item["id"] for item in (await alerts.get(f"{base}/channels", headers=stage.alice())).json()["items"]]
    for kind in ("webhook", "slack", "discord"):
        body = {"kind": kind, "name": kind, "target": {"url": f"{sink.url}/local/sink/{kind}"}}
        channels.append((await alerts.post(f"{base}/channels", json=body, headers=stage.alice())).json()["id"])
    secret = (
        "UPDATE channels SET target = target || jsonb_build_object('secret', %s::text) WHERE project_id = %s AND kind = 'webhook'"
    )
    await stage.rows(secret, sink.secret, tenant.project_id)
    rule = {"name": "All new", "conditions": {"transitions": ["new"]}, "channel_ids": channels}
    answer = await alerts.post(f"{base}/alert-rules", json=rule, headers=stage.alice())
    assert answer.status_code == 201, answer.text


async def swept(stage: Stage) -> None:
    """What the crons do: alerts are written and sent, digests too, and the model is asked."""
    database = db.Database(stage.database_url)
    try:
        for later in (timedelta(seconds=1), timedelta(days=2)):
            await sweep.run(database, lambda later=later: datetime.now(UTC) + later)  # type: ignore[misc]
        await analysis.sweep(database, deadline=datetime.now(UTC) + timedelta(seconds=50), clock=lambda: datetime.now(UTC))
    finally:
        await database.close()


async def read(stage: Stage, tenant: Tenant) -> list[Any]:
    """Everything that people are shown of the incidents and their events."""
    base = f"/api/projects/{tenant.project_id}"
    answers = [
        await stage.incidents.get(f"{base}/incidents?sort={sort}", headers=stage.bob()) for sort in ("last_seen", "event_count")
    ]
    for incident in answers[0].json()["items"]:
        for rest in ("", "/events", "/grouping", "/analysis"):
            answers.append(await stage.incidents.get(f"{base}/incidents/{incident['id']}{rest}", headers=stage.bob()))
            assert answers[-1].status_code == 200, (rest, answers[-1].text)
    return answers


@pytest.fixture
async def tenant(
    stage: Stage, sink: SinkStandIn, outbox: OutboxStandIn, model_stand_in: ModelStandIn, monkeypatch: pytest.MonkeyPatch
) -> Tenant:
    """A tenant whose changes are told by mail, webhook, Slack and Discord and explained by a model; nothing of others waits."""
    for name, value in {
        "PUBLIC_URL": "https://sensra.test", "OPENAI_BASE_URL": model_stand_in.url, "OPENAI_API_KEY": model_stand_in.key,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    await stage.rows("DELETE FROM deliveries")
    await stage.rows("UPDATE transitions SET handled_at = now(), considered_at = now()")
    await stage.rows("TRUNCATE analyses, analysis_watch, analysis_months, analysis_spending")
    made = await stage.tenant()
    await followed_up(stage, made, sink)
    return made


async def test_nothing_of_a_canary_is_found_anywhere(
    stage: Stage, tenant: Tenant, sink: SinkStandIn, outbox: OutboxStandIn, model_stand_in: ModelStandIn,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    found: list[str] = []
    answers = []
    base = f"/api/projects/{tenant.project_id}"
    strong, by_name = planter(found), planter(found, weak)
    for kind in ("store", "envelope"):
        for event in (planted(strong), named(by_name), planted(planter(found, address))):
            body: bytes = orjson.dumps(event)
            if kind == "envelope":
                body = b'{"trace":{"release":"' + found[0].encode() + b'"}}\n{"type":"event"}\n' + body + b"\n"
            answers.append(await stage.ingest.post(f"/api/{tenant.project_id}/{kind}/", content=body, headers=tenant.sentry_auth))
    answers += [
        await stage.ingest.post("/api/ingest", json=plain(one), headers=tenant.bearer)
        for one in (strong, planter(found, address))
    ]
    assert [answer.status_code for answer in answers] == [200] * 8
    await swept(stage)
    # What is refused says nothing of it either.
    secret = found[0]
    refused = [
        await stage.ingest.post("/api/ingest", json={"level": secret, "tags": secret, secret: 1}, headers=tenant.bearer),
        await stage.ingest.post("/api/ingest", content=f'{{"message": "{secret}'.encode(), headers=tenant.bearer),
        await stage.ingest.post("/api/ingest", json={"message": "x"}, headers={"Authorization": f"Bearer {secret}"}),
        await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=secret.encode(), headers=tenant.sentry_auth),
        await stage.ingest.post(
            f"/api/{tenant.project_id}/envelope/", content=b"{}", headers={"X-Sentry-Auth": f"Sentry sentry_key={secret}"}
        ),
        await stage.incidents.get(f"{base}/events/{secret}", headers=stage.bob()),
        await stage.incidents.get(f"{base}/incidents", params={"cursor": secret, "status": secret}, headers=stage.bob()),
    ]
    assert all(400 <= answer.status_code < 500 for answer in refused)
    answers += await read(stage, tenant)
    held: Any = stage.redis.upstash._redis
    memory = " ".join(f"{name!r} {held.execute_command('HGETALL', name)!r}" for name in held.execute_command("KEYS", "*"))
    assert memory, "the limits of the key are there"
    everything = {
        "tables": "\n".join(await stored(stage, tenant)),
        "answers": "\n".join(answer.text + str(answer.headers) for answer in [*answers, *refused]),
        "log": "".join(capfd.readouterr()),
        "redis": memory,
        "mails": repr(outbox.mails),
        "messages": repr(list(sink.posts)),
        "prompts": "\n".join(model_stand_in.model.asked),
    }
    assert {post.kind for post in sink.posts} == {"webhook", "slack", "discord"}
    assert "[redacted:" in everything["messages"]
    assert "[redacted:" in everything["mails"]
    assert "[redacted:" in everything["prompts"]
    assert '"event":"request"' in everything["log"]
    left = [
        (place, one) for place, text in everything.items() for one in found if any(form.decode() in text for form in forms(one))
    ]
    assert not left
    # The keys that opened the door are nowhere either.
    assert [place for place, text in everything.items() if tenant.key in text] == []
