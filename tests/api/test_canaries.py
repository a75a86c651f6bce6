"""Canaries in every field of events, in both protocols: nothing of them is found anywhere afterwards, in tables, in decompressed
payloads, in the log, in Redis or in the answers of requests that were refused.
"""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest

from lib import payloads
from tests.api.conftest import Stage, Tenant
from tests.lib.redaction.lookalikes import random_text

numbers = itertools.count()


def canary() -> str:
    """A secret of a known form (so that it is recognised wherever it stands), different each time, made at run time."""
    return "gh" + "p_" + random_text(36, seed=next(numbers))


def planted(found: list[str]) -> dict[str, Any]:
    """A Sentry event with a canary in every text that a client fills freely."""

    def one(text: str = "{}") -> str:
        found.append(canary())
        return text.format(found[-1])

    frame = {
        "filename": one("app/{}.py"),
        "abs_path": one("/srv/{}.py"),
        "function": one("f {}"),
        "module": one("shop {}"),
        "lineno": 3,
        "context_line": one("key = '{}'"),
        "pre_context": [one("# {}")],
        "post_context": [one()],
        "vars": {"a": one(), one("k {}"): [one()]},
        "in_app": True,
    }
    return {
        "level": "error",
        "platform": "python",
        "logger": one(),
        "transaction": one("/pay/{}"),
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
                    "mechanism": {"type": one(), "data": {"x": one()}},
                },
            ]
        },
        "threads": {"values": [{"name": one(), "stacktrace": {"frames": [frame]}}]},
        "tags": {"plan": one(), one("t {}"): "v", "service": one()},
        "user": {"id": one(), "username": one(), "email": one(), "data": {"z": one()}},
        "request": {
            "url": one("https://shop.example/?q={}"),
            "query_string": one("q={}"),
            "headers": {"X-Thing": one(), "Cookie": one("a={}")},
            "cookies": {"c": one()},
            "data": {"body": one()},
            "env": {"E": one()},
        },
        "breadcrumbs": {"values": [{"message": one(), "category": one(), "data": {"url": one("/{}")}}]},
        "contexts": {"runtime": {"name": one()}, one("c {}"): {"x": one()}},
        "extra": {"deep": {"er": [{"still": one()}]}, one("x {}"): 1},
        "modules": {"flask": one()},
        "sdk": {"name": one(), "version": one()},
    }


def plain(found: list[str]) -> dict[str, Any]:
    """A plain JSON event likewise."""

    def one(text: str = "{}") -> str:
        found.append(canary())
        return text.format(found[-1])

    return {
        "error": {"type": one("E {}"), "message": one("declined {}")},
        "level": "error",
        "route": one("/pay/{}"),
        "service": one(),
        "stack": f'Traceback (most recent call last):\n  File "/app/a.py", line 2, in total\n    pay("{one()}")\nE: {one()}\n',
        "environment": one(),
        "release": one(),
        "tags": {"t": one()},
        "user": {"id": one()},
        "metadata": {one("m {}"): one()},
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


async def test_nothing_of_a_canary_is_found_anywhere(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    tenant = await stage.tenant()
    found: list[str] = []
    answers = []
    base = f"/api/projects/{tenant.project_id}"
    for kind in ("store", "envelope"):
        event = planted(found)
        body: bytes = orjson.dumps(event)
        if kind == "envelope":
            body = b'{"trace":{"release":"' + found[0].encode() + b'"}}\n{"type":"event"}\n' + body + b"\n"
        answers.append(await stage.ingest.post(f"/api/{tenant.project_id}/{kind}/", content=body, headers=tenant.sentry_auth))
    answers.append(await stage.ingest.post("/api/ingest", json=plain(found), headers=tenant.bearer))
    assert [answer.status_code for answer in answers] == [200] * 3
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
    answers += [
        await stage.incidents.get(f"{base}/incidents?sort={sort}", headers=stage.bob()) for sort in ("last_seen", "event_count")
    ]
    held: Any = stage.redis.upstash._redis
    memory = " ".join(f"{name!r} {held.execute_command('HGETALL', name)!r}" for name in held.execute_command("KEYS", "*"))
    assert memory, "the limits of the key are there"
    everything = {
        "tables": "\n".join(await stored(stage, tenant)),
        "answers": "\n".join(answer.text + str(answer.headers) for answer in [*answers, *refused]),
        "log": "".join(capfd.readouterr()),
        "redis": memory,
    }
    assert '"event":"request"' in everything["log"]
    left = [(place, number) for place, text in everything.items() for number, one in enumerate(found) if one in text]
    assert not left
    # The keys that opened the door are nowhere either.
    assert [place for place, text in everything.items() if tenant.key in text] == []
