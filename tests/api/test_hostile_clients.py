"""Clients that lie about who they are, break off, or take their time, and envelopes that lie about what they hold."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import orjson
import psycopg
import pytest
from psycopg.rows import dict_row

from lib import keys
from tests.api import read_back
from tests.api.conftest import Stage, Tenant
from tests.api.served import Served, serve

EVENT_ID = "6ec0bd7f11114222833344445555666a"
EVENT = b'{"message":"cart is broken"}'


@pytest.fixture
def served(stage: Stage, tmp_path: Path) -> Iterator[Served]:
    with serve("api.ingest:app", tmp_path, PYTHONUNBUFFERED="1") as served:
        yield served


def is_problem(answer: httpx.Response) -> bool:
    return answer.headers["content-type"] == "application/problem+json" and answer.json()["status"] == answer.status_code


def is_sentrys_form(answer: httpx.Response) -> bool:
    return set(answer.json()) == {"detail"} and bool(answer.headers["x-sentry-error"])


# Envelopes: (what is wrong, or not, body, status, events stored)
ENVELOPES: list[tuple[str, bytes, int, int]] = [
    ("nothing at all", b"", 400, 0),
    ("blanks", b" \n \n", 400, 0),
    ("no header", EVENT, 200, 0),  # an event without its envelope is read as a header without items
    ("a header that is a list", b"[]\n", 400, 0),
    ("a header that is cut", b'{"event_id":"6ec', 400, 0),
    ("only a header", b"{}", 200, 0),
    ("a header with a deep id", b'{"event_id":' + b"[" * 300 + b"]" * 300 + b"}\n", 200, 0),
    ("a header with an id that is none", b'{"event_id":"x\\nSet-Cookie: a=b"}\n{"type":"session"}\n{}', 200, 0),
    ("an item without payload", b'{}\n{"type":"event"}', 400, 0),
    ("an item that is cut", b'{}\n{"type":"event"}\n{"message":"cart is bro', 400, 0),
    ("an item header that is cut", b'{}\n{"type":"eve', 400, 0),
    ("an item without type", b'{}\n{"length":2}\n{}', 400, 0),
    ("a length beyond the end", b'{}\n{"type":"event","length":99}\n' + EVENT, 400, 0),
    ("a length that is too short", b'{}\n{"type":"event","length":3}\n' + EVENT, 400, 0),
    ("a length below zero", b'{}\n{"type":"event","length":-1}\n' + EVENT, 400, 0),
    ("a length of 10**30", b'{}\n{"type":"event","length":%d}\n' % 10**30 + EVENT, 400, 0),
    ("a length that is text", b'{}\n{"type":"event","length":"28"}\n' + EVENT, 400, 0),
    ("a length that is true", b'{}\n{"type":"event","length":true}\n' + EVENT, 400, 0),
    ("a length over two items", b'{}\n{"type":"session","length":48}\n{}\n{"type":"event"}\n' + EVENT, 200, 0),
    ("an attachment that is cut", b'{}\n{"type":"event"}\n' + EVENT + b'\n{"type":"attachment","length":10}\nabc', 400, 0),
    ("two events", b'{}\n{"type":"event"}\n' + EVENT + b'\n{"type":"event"}\n' + EVENT, 400, 0),
    ("1,001 items", b"{}" + b'\n{"type":"session"}\n{}' * 1_001, 400, 0),
    ("unknown items", b'{}\n{"type":"frobnication"}\n{}\n{"type":"\xff\\u0000"}\n{}\n{"type":"EVENT"}\n{}', 200, 0),
    ("an event among unknown items", b'{}\n{"type":"new_thing"}\n\xff\xfe\n{"type":"event"}\n' + EVENT + b"\n", 200, 1),
    ("a client report that is broken", b'{}\n{"type":"client_report"}\n{"a\n{"type":"event"}\n' + EVENT, 200, 1),
    ("an event that is a list", b'{}\n{"type":"event"}\n[1]', 400, 0),
    ("an event that says nothing", b'{}\n{"type":"event"}\n{}', 200, 1),
    ("a dsn that is no URL", b'{"dsn":"http://[::1"}\n{"type":"event"}\n' + EVENT, 403, 0),
    ("a dsn that is a number", b'{"dsn":7}\n{"type":"event"}\n' + EVENT, 200, 1),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "events"), [row[1:] for row in ENVELOPES], ids=[row[0] for row in ENVELOPES])
async def test_a_lying_envelope_is_refused_with_words_and_an_unknown_one_let_go(
    stage: Stage, body: bytes, status: int, events: int
) -> None:
    tenant = await stage.tenant()
    answer = await stage.ingest.post(f"/api/{tenant.project_id}/envelope/", content=body, headers=tenant.sentry_auth)
    assert answer.status_code == status, answer.text
    assert is_sentrys_form(answer) if status >= 400 else set(answer.json()) <= {"id"}
    assert len(await read_back.stored(stage.database_url, tenant)) == events


async def test_an_answer_repeats_nothing_but_an_event_id(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = f"/api/{tenant.project_id}/envelope/"
    for said, answered in ((EVENT_ID, {"id": EVENT_ID}), ("x", {}), (["x"], {}), (7, {}), ({"a": 1}, {})):
        body = orjson.dumps({"event_id": said}) + b'\n{"type":"session"}\n{}'
        answer = await stage.ingest.post(path, content=body, headers=tenant.sentry_auth)
        assert (answer.status_code, answer.json()) == (200, answered)


# Keys

BAD_KEYS = ["", " ", "x", "sns_ingest_", "é" * 47, "\xff", "'; --", "sns_ingest_" + "0" * 36, "sns_" + "i" * 5_000]


async def test_a_wrong_key_in_any_place_is_refused_in_the_form_of_its_protocol(stage: Stage) -> None:
    tenant = await stage.tenant()
    path = f"/api/{tenant.project_id}/envelope/"
    body = b'{}\n{"type":"event"}\n' + EVENT
    for key in [*BAD_KEYS, keys.generate("ingest"), keys.generate("api"), tenant.key.lower(), tenant.key + "0"]:
        raw = key.encode("latin-1")
        bearer = await stage.ingest.post("/api/ingest", content=EVENT, headers={b"Authorization": b"Bearer " + raw})
        assert (bearer.status_code, is_problem(bearer)) == (401, True), key
        assert bearer.headers["www-authenticate"] == "Bearer"
        for name in (b"X-Sentry-Auth", b"Authorization"):
            answer = await stage.ingest.post(path, content=body, headers={name: b"Sentry sentry_key=" + raw})
            assert (answer.status_code, is_sentrys_form(answer)) == (403, True), key
        query = await stage.ingest.post(path, params={"sentry_key": key}, content=body)
        assert (query.status_code, is_sentrys_form(query)) == (403, True), key
        tunnel = orjson.dumps({"dsn": f"https://{key}@sensra.test/{tenant.project_id}"}) + body[2:]
        answer = await stage.ingest.post(path, content=tunnel)
        assert (answer.status_code, is_sentrys_form(answer)) == (403, True), key
    assert await read_back.stored(stage.database_url, tenant) == {}


async def test_a_key_opens_no_project_but_its_own(stage: Stage) -> None:
    other = await stage.tenant()
    tenant = await stage.tenant()
    for number in (other.project_id, 0, 2**63 - 1, 2**63, "9" * 19, "9" * 30):
        for name in ("envelope", "store"):
            answer = await stage.ingest.post(f"/api/{number}/{name}/", content=EVENT, headers=tenant.sentry_auth)
            assert (answer.status_code, is_sentrys_form(answer)) == (403, True), number
    for number in ("-1", "1.5", "x", "%00"):
        answer = await stage.ingest.post(f"/api/{number}/store/", content=EVENT, headers=tenant.sentry_auth)
        assert (answer.status_code, is_problem(answer)) == (404, True), number
    # The project is the key's, whatever the envelope says it is.
    dsn = f"https://{tenant.key}@sensra.test/{other.project_id}"
    body = orjson.dumps({"dsn": dsn}) + b'\n{"type":"event"}\n' + EVENT
    answer = await stage.ingest.post(f"/api/{other.project_id}/envelope/", content=body)
    assert answer.status_code == 403
    for one in (tenant, other):
        assert await read_back.stored(stage.database_url, one) == {}


async def test_contradictory_keys_are_refused_even_where_both_are_valid(stage: Stage) -> None:
    tenant = await stage.tenant()
    async with await psycopg.AsyncConnection.connect(stage.database_url, autocommit=True, row_factory=dict_row) as conn:
        second = (await keys.issue(conn, tenant.project_id, "second")).secret
    path = f"/api/{tenant.project_id}/envelope/"
    body = b'{}\n{"type":"event"}\n' + EVENT
    tunnel = orjson.dumps({"dsn": f"https://{second}@sensra.test/{tenant.project_id}"}) + body[2:]
    cases = [
        (f"{path}?sentry_key={second}", body, tenant.sentry_auth),
        (f"{path}?sentry_key={second}&sentry_key={tenant.key}", body, {}),
        (path, tunnel, tenant.sentry_auth),
        (f"{path}?sentry_key={tenant.key}", tunnel, {}),
        (path, body, {"X-Sentry-Auth": f"Sentry sentry_key={tenant.key}, sentry_key={second}"}),
    ]
    for address, content, headers in cases:
        answer = await stage.ingest.post(address, content=content, headers=headers)
        assert (answer.status_code, is_sentrys_form(answer)) == (403, True), address
    agreeing = await stage.ingest.post(f"{path}?sentry_key={tenant.key}", content=body, headers=tenant.sentry_auth)
    assert agreeing.status_code == 200
    assert len(await read_back.stored(stage.database_url, tenant)) == 1


async def test_a_revoked_or_expired_key_is_refused(stage: Stage) -> None:
    tenant = await stage.tenant()
    async with await psycopg.AsyncConnection.connect(stage.database_url, autocommit=True, row_factory=dict_row) as conn:
        await keys.revoke(conn, tenant.project_id, tenant.key_id)
        issued = await keys.issue(conn, tenant.project_id, "old")
        await conn.execute("UPDATE keys SET expires_at = now() - interval '1 s' WHERE id = %s", [issued.key_id])
    for key in (tenant.key, issued.secret):
        answer = await stage.ingest.post("/api/ingest", content=EVENT, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, is_problem(answer)) == (401, True)
    assert await read_back.stored(stage.database_url, tenant) == {}


# Connections


def request(tenant: Tenant, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"POST /api/ingest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tenant.key}\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + body


async def opened(served: Served) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", served.port)


async def send_and_hang_up(served: Served, sent: bytes, *, reset: bool) -> None:
    _, writer = await opened(served)
    writer.write(sent)
    await writer.drain()
    await asyncio.sleep(0.02)
    writer.transport.abort() if reset else writer.close()


async def test_a_client_that_hangs_up_in_its_body_costs_one_line_of_log(stage: Stage, served: Served) -> None:
    tenant = await stage.tenant()
    body = orjson.dumps({"message": "cart is broken", "extra": {"page": "x" * 200_000}})
    cuts = (0, 1, len(body) // 2, len(body) - 1)
    for cut in cuts:
        for reset in (False, True):
            await send_and_hang_up(served, request(tenant, body[:cut], len(body)), reset=reset)
    await send_and_hang_up(served, b"POST /api/ingest HTTP/1.1\r\nHost", reset=True)  # no request yet: no line
    chunked = request(tenant, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + b'5\r\n{"mes'
    await send_and_hang_up(served, chunked, reset=True)
    async with httpx.AsyncClient(base_url=served.url) as client:
        answer = await client.post("/api/ingest", content=EVENT, headers=tenant.bearer)
    assert answer.status_code == 200
    assert list(await read_back.stored(stage.database_url, tenant)) == [answer.json()["items"][0]["event_id"]]
    lines = served.wait_for_lines(2 * len(cuts) + 2)  # each is JSON: no traceback
    assert [line["event"] for line in lines] == ["request"] * (2 * len(cuts) + 2)
    assert sorted(line["status"] for line in lines) == [200] + [400] * (2 * len(cuts) + 1)


async def test_what_is_stored_for_clients_that_wait_for_no_answer_is_what_the_log_says(stage: Stage, served: Served) -> None:
    """Whether such an event is kept is a matter of luck; nothing may be kept by halves."""
    tenant = await stage.tenant()
    ids = [uuid.uuid4().hex for _ in range(20)]
    for event_id in ids:
        body = orjson.dumps({"message": "cart is broken", "event_id": event_id})
        await send_and_hang_up(served, request(tenant, body), reset=True)
    lines = served.wait_for_lines(len(ids))
    assert {(line["event"], line["status"]) for line in lines} <= {("request", 200), ("request", 400)}
    found = set(await read_back.stored(stage.database_url, tenant))
    assert found <= set(ids)
    assert len(found) == sum(line["status"] == 200 for line in lines)
    [counted] = await stage.rows(
        "SELECT coalesce(sum(event_count), 0)::int AS n FROM incidents WHERE project_id = %s", tenant.project_id
    )
    assert counted["n"] == len(found)


async def drip(served: Served, sent: bytes, pause_seconds: float) -> bytes:
    """Send in pieces with pauses between; answers the status line."""
    reader, writer = await opened(served)
    size = len(sent) // 20 + 1
    for start in range(0, len(sent), size):
        writer.write(sent[start : start + size])
        await writer.drain()
        await asyncio.sleep(pause_seconds)
    line = await reader.readline()
    writer.close()
    return line


async def test_200_slow_clients_hold_nobody_back(stage: Stage, served: Served) -> None:
    """No connection to the database and no other request waits for somebody's body."""
    tenant = await stage.tenant()
    slow = [
        asyncio.ensure_future(drip(served, request(tenant, orjson.dumps({"message": f"slow {number}"})), 0.1))
        for number in range(200)
    ]
    async with httpx.AsyncClient(base_url=served.url) as client:
        for _ in range(10):
            answer = await client.post("/api/ingest", content=EVENT, headers=tenant.bearer, timeout=1)
            assert answer.status_code == 200
    assert not any(task.done() for task in slow)
    assert {line.split()[1] for line in await asyncio.gather(*slow)} == {b"200"}
    assert len(await read_back.stored(stage.database_url, tenant)) == 210
