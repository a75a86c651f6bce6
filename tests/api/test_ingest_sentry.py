"""Sentry's addresses: every auth form, framing, compression, CORS and refusal. Real SDKs have tests of their own."""

from __future__ import annotations

import gzip
import time
import uuid
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import brotli
import orjson
import psycopg
import pytest
import zstandard
from psycopg.rows import dict_row

from lib import keys
from tests.api.conftest import Stage, Tenant

EVENT: dict[str, Any] = {
    "level": "error",
    "platform": "python",
    "exception": {"values": [{"type": "ValueError", "value": "no such plan"}]},
}


def envelope(header: dict[str, Any] | None = None, **event: Any) -> tuple[str, bytes]:
    """(event_id, body) of an envelope with one event."""
    event_id = uuid.uuid4().hex
    payload = orjson.dumps({**EVENT, **event})
    item = orjson.dumps({"type": "event", "length": len(payload)})
    head = orjson.dumps({"event_id": event_id, **(header or {})})
    return event_id, b"\n".join([head, item, payload]) + b"\n"


async def stored(stage: Stage, tenant: Tenant) -> int:
    """How many events the project has."""
    [row] = await stage.rows("SELECT count(*) AS n FROM events WHERE project_id = %s", tenant.project_id)
    return int(row["n"])


@pytest.mark.parametrize("slash", ["", "/"])
async def test_an_envelope_is_durable_when_it_is_answered(stage: Stage, slash: str) -> None:
    tenant = await stage.tenant()
    event_id, body = envelope()
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope{slash}", content=body, headers=tenant.sentry_auth)
    assert (answer.status_code, answer.json()) == (200, {"id": event_id})
    assert await stored(stage, tenant) == 1


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_store_body_is_taken(stage: Stage, slash: str) -> None:
    tenant = await stage.tenant()
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/store{slash}", json=EVENT, headers=tenant.sentry_auth)
    assert answer.status_code == 200
    assert len(answer.json()["id"]) == 32


async def test_the_key_may_stand_in_the_query_or_in_the_envelopes_dsn(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = f"/api/{tenant.project_id}/envelope/"
    assert (await stage.ingest.post(f"{path}?sentry_key={tenant.key}&sentry_version=7", content=envelope()[1])).status_code == 200
    dsn = f"https://{tenant.key}@sensra.test/{tenant.project_id}"
    assert (
        await stage.ingest.post(path, content=gzip.compress(envelope({"dsn": dsn})[1]), headers={"Content-Encoding": "gzip"})
    ).status_code == 200
    assert await stored(stage, tenant) == 2


def bad_checksum(key: str) -> str:
    return key[:-1] + ("A" if key[-1] != "A" else "B")


async def test_wrong_keys_are_refused_with_403_and_nothing_is_stored(stage: Stage) -> None:
    other = await stage.tenant()
    tenant = await stage.tenant()
    path = f"/api/{tenant.project_id}/envelope/"
    cases: dict[str, dict[str, str]] = {
        "missing": {},
        "unknown": {"X-Sentry-Auth": f"Sentry sentry_key={keys.generate('ingest')}"},
        "mistyped": {"X-Sentry-Auth": f"Sentry sentry_key={bad_checksum(tenant.key)}"},
        "of another project": other.sentry_auth,
        "garbage": {"X-Sentry-Auth": "Sentry sentry_key"},
    }
    for name, headers in cases.items():
        answer = await stage.ingest.post(path, content=envelope()[1], headers=headers)
        assert answer.status_code == 403, name
        assert set(answer.json()) == {"detail"}, name
        assert answer.headers["x-sentry-error"], name
        assert answer.headers["access-control-allow-origin"] == "*", name
    contradicting = await stage.ingest.post(f"{path}?sentry_key={other.key}", content=envelope()[1], headers=tenant.sentry_auth)
    assert contradicting.status_code == 403
    dsn = f"https://{other.key}@sensra.test/{other.project_id}"
    assert (await stage.ingest.post(path, content=envelope({"dsn": dsn})[1], headers=tenant.sentry_auth)).status_code == 403
    assert await stored(stage, tenant) == await stored(stage, other) == 0


async def test_a_management_key_in_a_dsn_is_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    async with await psycopg.AsyncConnection.connect(stage.database_url, autocommit=True, row_factory=dict_row) as conn:
        issued = await keys.issue(conn, tenant.project_id, "ci", kind="api")
    headers = {"X-Sentry-Auth": f"Sentry sentry_key={issued.secret}"}
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=envelope()[1], headers=headers)
    assert answer.status_code == 403
    assert "management key" in answer.json()["detail"]


async def test_a_revoked_key_is_refused_by_an_instance_that_did_not_know_it(stage: Stage) -> None:
    tenant = await stage.tenant()
    async with await psycopg.AsyncConnection.connect(stage.database_url, autocommit=True, row_factory=dict_row) as conn:
        assert await keys.revoke(conn, tenant.project_id, tenant.key_id)
        assert not await keys.revoke(conn, tenant.project_id, tenant.key_id)
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=envelope()[1], headers=tenant.sentry_auth)
    assert answer.status_code == 403


async def test_a_browser_key_is_bound_to_its_origins(stage: Stage) -> None:
    tenant = await stage.tenant()
    async with await psycopg.AsyncConnection.connect(stage.database_url, autocommit=True, row_factory=dict_row) as conn:
        issued = await keys.issue(conn, tenant.project_id, "web", allowed_origins=("https://shop.example",))
    path = f"/api/{tenant.project_id}/envelope/?sentry_key={issued.secret}"
    for origin, status in {"https://shop.example": 200, "https://evil.example": 403, "null": 403}.items():
        answer = await stage.ingest.post(path, content=envelope()[1], headers={"Origin": origin})
        assert answer.status_code == status, origin


async def test_a_preflight_allows_what_browser_sdks_send(stage: Stage) -> None:
    tenant = await stage.tenant()
    answer = await stage.ingest.options(f"/api/{tenant.project_id}/envelope/", headers={"Origin": "https://shop.example"})
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"x-sentry-auth", "content-type", "baggage"} <= set(
        answer.headers["access-control-allow-headers"].replace(" ", "").split(",")
    )


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


ENCODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", brotli.compress),
    ("zstd", zstandard.compress),
    ("identity", lambda body: body),
    ("", lambda body: body),
]


async def test_every_content_encoding_is_taken(stage: Stage) -> None:
    tenant = await stage.tenant()
    for name, compress in ENCODINGS:
        headers = {**tenant.sentry_auth, "Content-Encoding": name}
        answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=compress(envelope()[1]), headers=headers)
        assert answer.status_code == 200, name
    assert await stored(stage, tenant) == len(ENCODINGS)


@pytest.mark.parametrize(
    ("name", "compress"),
    # Brotli's best would take a quarter of a minute to make it, and saves nothing.
    [
        ("gzip", gzip.compress), ("deflate", zlib.compress), ("br", partial(brotli.compress, quality=5)),
        ("zstd", zstandard.compress),
    ],
)  # fmt: skip
async def test_a_bomb_is_answered_with_413(stage: Stage, name: str, compress: Callable[[bytes], bytes]) -> None:
    tenant = await stage.tenant()
    bomb = compress(b"0" * 200_000_000)
    assert len(bomb) < 1_000_000
    began = time.process_time()  # the processor's time: how busy the machine is with other things does not count
    answer = await stage.ingest.post(
        f"/api/{tenant.project_id}/envelope/", content=bomb, headers={**tenant.sentry_auth, "Content-Encoding": name}
    )
    assert answer.status_code == 413
    assert time.process_time() - began < 5  # a busy or slower machine takes three times as long; what is quadratic, minutes


async def test_a_session_alone_is_acknowledged_and_not_kept(stage: Stage) -> None:
    tenant = await stage.tenant()
    body = b'{"sent_at":"2026-11-24T10:00:00Z"}\n{"type":"session"}\n{"sid":"1","init":true,"status":"ok"}'
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=body, headers=tenant.sentry_auth)
    assert (answer.status_code, answer.json()) == (200, {})
    assert await stored(stage, tenant) == 0


async def test_broken_envelopes_are_refused_with_words(stage: Stage) -> None:
    tenant = await stage.tenant()
    bodies = [
        b"",
        b"not json\n",
        b"[]\n",
        b'{}\n{"type":"event","length":999}\n{"message":"short"}\n',
        b'{}\n{"type":"event","length":-1}\n{}\n',
        b'{}\n{"type":"event"}\n{"message": "cut',
        b'{}\n{"type":"event"}\n{}\n{"type":"event"}\n{}\n',
        b'{}\n{"type":"event"}\n"text"\n',
    ]
    for body in bodies:
        answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=body, headers=tenant.sentry_auth)
        assert answer.status_code == 400, body
        assert answer.json()["detail"], body
    assert await stored(stage, tenant) == 0


async def test_a_key_over_its_rate_is_told_how_long_to_hold_back(stage: Stage) -> None:
    tenant = await stage.tenant(rate_per_minute=3)
    path = f"/api/{tenant.project_id}/envelope/"
    answers = [await stage.ingest.post(path, content=envelope()[1], headers=tenant.sentry_auth) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    refused = answers[-1]
    seconds = int(refused.headers["retry-after"])
    assert 1 <= seconds <= 20
    assert refused.headers["x-sentry-rate-limits"] == f"{seconds}:error;default:key:key_rate"
    assert await stored(stage, tenant) == 3
