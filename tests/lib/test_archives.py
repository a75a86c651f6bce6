"""Archives in an S3-compatible store: nothing is dropped that cannot be read back, and what is archived can be restored, erased
and ends.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import orjson
import pytest
import zstandard
from moto.server import ThreadedMotoServer

from lib import archives, audit, db, erasures, holds, incidents, objects, payloads, pruning, runs, settings, subjects
from lib.errors import Conflict, NotConfigured, NotFound
from lib.objects import Store, Written
from tests.lib.expiring import day, record, record_expired
from tests.lib.rows import ask, counts, fingerprint, make_project, row

BUCKET = "sensra-archive"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The store as anybody sees it, empty at the start, and archiving turned on."""
    for name, value in {
        "ARCHIVE_BUCKET": BUCKET, "ARCHIVE_ENDPOINT_URL": endpoint, "ARCHIVE_REGION": "us-east-1", "ARCHIVE_PREFIX": "eu/",
        "ARCHIVE_ACCESS_KEY_ID": "local", "ARCHIVE_SECRET_ACCESS_KEY": secrets.token_hex(8),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    settings.current.cache_clear()
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    for key in keys(client):
        client.delete_object(Bucket=BUCKET, Key=key)
    yield client
    settings.current.cache_clear()


def keys(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def body(client: Any, key: str) -> bytes:
    return bytes(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def lines(client: Any, key: str) -> list[dict[str, Any]]:
    text = zstandard.ZstdDecompressor().decompressobj().decompress(body(client, key))
    return [orjson.loads(line) for line in text.splitlines()]


def key_of(project_id: int, expired: Any) -> str:
    return f"eu/payloads/{project_id}/{expired}.ndjson.zst"


async def run(url: str) -> dict[str, Any]:
    async with await db.connect(url) as conn:
        return await pruning.run(conn, 60)


async def test_a_day_is_archived_whole_with_a_manifest_and_then_dropped(database_url: str, s3: Any) -> None:
    project_id, other = await make_project(database_url), await make_project(database_url)
    rows = await record_expired(database_url, project_id, count=5)
    await record_expired(database_url, other, count=2)
    report = await run(database_url)
    assert report["failed"] == []
    assert report["archived"]["rows"] >= 7
    assert (await counts(database_url, project_id))["event_payloads"] == 0
    key = key_of(project_id, day(-1))
    found = lines(s3, key)
    assert {one["event_id"].replace("-", "") for one in found} == {one.columns["event_id"] for one in rows}
    assert all(one["payload"]["event_id"] == one["event_id"].replace("-", "") for one in found)
    manifest = json.loads(body(s3, f"{key}.manifest.json"))
    assert manifest == {
        "format": "sensra-payloads/1", "project_id": project_id, "expires_on": str(day(-1)), "rows": 5,
        "bytes": len(body(s3, key)), "sha256": manifest["sha256"],
    }  # fmt: skip
    assert len(lines(s3, key_of(other, day(-1)))) == 2


async def test_without_a_bucket_nothing_is_archived(database_url: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHIVE_BUCKET")
    settings.current.cache_clear()
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    assert "archived" not in await run(database_url)
    assert (await counts(database_url, project_id))["event_payloads"] == 0
    assert keys(s3) == []


class Lying(Store):
    """A store that says it has written, and gives back something else."""

    async def read(self, key: str) -> AsyncIterator[bytes]:
        async for piece in super().read(key):
            yield piece[:-1] + bytes([piece[-1] ^ 1]) if key.endswith(".zst") else piece


async def test_what_reads_back_differently_is_not_dropped(database_url: str, s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    monkeypatch.setattr(runs, "Store", Lying)
    report = await run(database_url)
    assert report["failed"] == ["payloads"]
    assert (await counts(database_url, project_id))["event_payloads"] == 3
    assert await ask(database_url, "SELECT 1 FROM archives WHERE project_id = %s", project_id) == []
    monkeypatch.undo()


async def test_while_the_store_is_away_nothing_is_dropped_and_all_else_goes_on(
    database_url: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    monkeypatch.setenv("ARCHIVE_ENDPOINT_URL", "http://127.0.0.1:1")
    settings.current.cache_clear()
    report = await run(database_url)
    assert report["failed"] == ["payloads"]
    assert "counts" in report
    assert (await counts(database_url, project_id))["event_payloads"] == 3


async def test_a_row_that_came_after_the_archive_was_written_is_archived_too(database_url: str, s3: Any) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id, days_ago=2)
    async with await db.connect(database_url) as conn:
        assert await archives.write_day(conn, Store(), day(-2), 30) == 3
        assert await archives.write_day(conn, Store(), day(-2), 30) == 0
        await record_expired(database_url, project_id, days_ago=2, count=1)
        with pytest.raises(Exception, match="not archived"):
            await conn.execute("SELECT * FROM prune_archived_payloads(today() - 2)")
    assert (await run(database_url))["failed"] == []
    assert len(lines(s3, key_of(project_id, day(-2)))) == 4


async def test_a_day_is_put_back_for_reading_and_goes_again(database_url: str, s3: Any) -> None:
    project_id = await make_project(database_url)
    rows = await record_expired(database_url, project_id)
    await run(database_url)
    event_id = rows[0].columns["event_id"]
    async with await db.connect(database_url) as conn:
        assert (await incidents.read_event(conn, project_id, event_id))["payload"] is None
        assert await archives.restore(conn, Store(), project_id, day(-1)) == 3
        assert await archives.restore(conn, Store(), project_id, day(-1), 2) == 3  # again is no harm
        assert (await incidents.read_event(conn, project_id, event_id))["payload"] == {"event_id": event_id}
    await run(database_url)
    async with await db.connect(database_url) as conn:
        assert (await incidents.read_event(conn, project_id, event_id))["payload"]
        await ask(database_url, "UPDATE kept_payloads SET kept_until = today() - 1 WHERE project_id = %s", project_id)
        await run(database_url)
        assert (await incidents.read_event(conn, project_id, event_id))["payload"] is None
        with pytest.raises(NotFound):
            await archives.restore(conn, Store(), project_id, day(-9))


async def test_a_damaged_archive_is_not_restored(database_url: str, s3: Any) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    await run(database_url)
    key = key_of(project_id, day(-1))
    s3.put_object(Bucket=BUCKET, Key=key, Body=body(s3, key)[:-3])
    async with await db.connect(database_url) as conn:
        with pytest.raises(Conflict):
            await archives.restore(conn, Store(), project_id, day(-1))
    assert await ask(database_url, "SELECT 1 FROM kept_payloads WHERE project_id = %s", project_id) == []


async def test_an_archive_ends_at_its_own_time_unless_it_is_held(
    database_url: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_ARCHIVE_DAYS", "40")
    settings.current.cache_clear()
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    await run(database_url)
    [(ends,)] = await ask(database_url, "SELECT delete_on FROM archives WHERE project_id = %s", project_id)
    assert ends == day(40)
    await ask(database_url, "UPDATE archives SET delete_on = today() - 1 WHERE project_id = %s", project_id)
    [(workspace_id,)] = await ask(database_url, "SELECT workspace_id FROM projects WHERE id = %s", project_id)
    actor = audit.Actor(workspace_id, project_id, "person", None)
    async with await db.connect(database_url) as conn:
        hold = await holds.place(conn, actor, project_id, None, "case 7")
        await run(database_url)
        assert key_of(project_id, day(-1)) in keys(s3)
        await holds.end(conn, actor, project_id, hold["id"])
    await run(database_url)
    assert [key for key in keys(s3) if f"/{project_id}/" in key] == []
    assert await ask(database_url, "SELECT 1 FROM archives WHERE project_id = %s", project_id) == []


async def test_archives_of_a_deleted_project_go_with_it(database_url: str, s3: Any) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    await run(database_url)
    assert any(f"/{project_id}/" in key for key in keys(s3))
    await ask(database_url, "UPDATE projects SET deleted_at = now() - interval '8 days' WHERE id = %s", project_id)
    assert (await run(database_url))["failed"] == []
    assert [key for key in keys(s3) if f"/{project_id}/" in key] == []
    assert await ask(database_url, "SELECT 1 FROM projects WHERE id = %s", project_id) == []


async def test_without_its_store_a_project_with_archives_is_not_said_to_be_gone(
    database_url: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_id = await make_project(database_url)
    await record_expired(database_url, project_id)
    await run(database_url)
    await ask(database_url, "UPDATE projects SET deleted_at = now() - interval '8 days' WHERE id = %s", project_id)
    with monkeypatch.context() as patched:
        patched.delenv("ARCHIVE_BUCKET")
        settings.current.cache_clear()
        assert (await run(database_url))["failed"] == ["deleted"]
    settings.current.cache_clear()
    assert len(await ask(database_url, "SELECT 1 FROM projects WHERE id = %s", project_id)) == 1
    assert (await run(database_url))["failed"] == []


async def test_an_erased_person_leaves_the_archives_too(database_url: str, s3: Any) -> None:
    project_id, who = await make_project(database_url), f"zc{secrets.token_hex(8)}"
    sql = "SELECT w.id FROM projects p JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = %s"
    [(workspace_id,)] = await ask(database_url, sql, project_id)
    async with await db.connect(database_url) as conn:
        subject = await subjects.identify(conn, workspace_id, "id", who)
    await record_expired(database_url, project_id, count=2, user_hash=subject.user_hashes[0].hex())
    mention = row(project_id, retention_days=-1)
    dictionary, packed = payloads.compress(orjson.dumps({"payload": {"tags": {"customer": who}}, "removals": []}))
    await record(database_url, [mention._replace(payload=packed, columns={**mention.columns, "dictionary": dictionary})])
    others = await record_expired(database_url, project_id, count=4)
    await run(database_url)
    key = key_of(project_id, day(-1))
    assert who in str(lines(s3, key))
    async with await db.connect(database_url) as conn:
        receipt = await erasures.request(conn, audit.Actor(workspace_id, None, "person", None), subject)
        assert (await run(database_url))["failed"] == []
        receipt = await erasures.read(conn, workspace_id, receipt["id"])
    assert receipt["finished_at"]
    assert receipt["removed"]["archived"] == 3
    assert key not in keys(s3)
    [(key,)] = await ask(database_url, "SELECT object_key FROM archives WHERE project_id = %s", project_id)
    left = lines(s3, key)
    assert {one["event_id"].replace("-", "") for one in left} == {one.columns["event_id"] for one in others}
    manifest = json.loads(body(s3, f"{key}.manifest.json"))
    assert (manifest["rows"], manifest["bytes"]) == (4, len(body(s3, key)))
    async with await db.connect(database_url) as conn:
        assert await archives.restore(conn, Store(), project_id, day(-1)) == 4
    assert [key for key in keys(s3) if f"/{project_id}/" in key] == [key, f"{key}.manifest.json"]


async def test_archived_lines_that_are_held_stay_and_the_receipt_says_so(database_url: str, s3: Any) -> None:
    project_id, who = await make_project(database_url), f"zc{secrets.token_hex(8)}"
    sql = "SELECT w.id FROM projects p JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = %s"
    [(workspace_id,)] = await ask(database_url, sql, project_id)
    actor = audit.Actor(workspace_id, None, "person", None)
    async with await db.connect(database_url) as conn:
        subject = await subjects.identify(conn, workspace_id, "id", who)
        await record_expired(database_url, project_id, user_hash=subject.user_hashes[0].hex(), crash="held", count=2)
        await record_expired(database_url, project_id, user_hash=subject.user_hashes[0].hex(), crash="free", count=3)
        await run(database_url)
        incident = "SELECT incident_id FROM incident_fingerprints WHERE project_id = %s AND fingerprint = %s"
        [(incident_id,)] = await ask(database_url, incident, project_id, uuid.UUID(fingerprint("held")))
        async with conn.transaction():
            await holds.place(conn, actor, project_id, incident_id, "case 7")
        receipt = await erasures.request(conn, actor, subject)
        assert (await run(database_url))["failed"] == []
        receipt = await erasures.read(conn, workspace_id, receipt["id"])
    assert (receipt["removed"]["archived"], receipt["removed"]["held"]) == (3, 4)  # two lines, and their two light rows
    [(key,)] = await ask(database_url, "SELECT object_key FROM archives WHERE project_id = %s", project_id)
    assert len(lines(s3, key)) == 2


class Slow(Store):
    """A store at which a run waits before it writes, while another one does all it has to."""

    def __init__(self, ending: str) -> None:
        super().__init__()
        self.ending = ending
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()

    async def write(self, key: str, content: AsyncIterator[bytes]) -> Written:
        if key.endswith(self.ending) and not self.goes_on.is_set():
            self.reached.set()
            await self.goes_on.wait()
        return await super().write(key, content)


@pytest.mark.parametrize("ending", [".zst", ".manifest.json"])
async def test_two_runs_at_one_archive_bring_nobody_back_who_was_erased(database_url: str, s3: Any, ending: str) -> None:
    project_id = await make_project(database_url)
    sql = "SELECT w.id FROM projects p JOIN workspaces w ON w.id = p.workspace_id WHERE p.id = %s"
    [(workspace_id,)] = await ask(database_url, sql, project_id)
    actor = audit.Actor(workspace_id, None, "person", None)
    async with await db.connect(database_url) as conn, await db.connect(database_url) as other:
        people = [await subjects.identify(conn, workspace_id, "id", f"zc{secrets.token_hex(8)}") for _ in range(2)]
        for one in people:
            await record_expired(database_url, project_id, count=2, user_hash=one.user_hashes[0].hex())
        await record_expired(database_url, project_id, count=3)
        await run(database_url)
        receipts = [await erasures.request(conn, actor, one) for one in people]
        slow = runs.Run(other, 120)
        slow.store = store = Slow(ending)
        behind = asyncio.create_task(erasures.erase_requested(slow))
        await asyncio.wait_for(store.reached.wait(), 60)
        await erasures.erase_requested(runs.Run(conn, 120))
        store.goes_on.set()
        await asyncio.wait_for(behind, 60)
        for receipt in receipts:
            told = await erasures.read(conn, workspace_id, receipt["id"])
            assert told["finished_at"]
            assert told["removed"]["archived"] == 2
        assert await archives.restore(conn, Store(), project_id, day(-1)) == 3
    [(key,)] = await ask(database_url, "SELECT object_key FROM archives WHERE project_id = %s", project_id)
    assert [one["user_hash"] for one in lines(s3, key)] == [None] * 3
    assert [one for one in keys(s3) if f"/{project_id}/" in one] == [key, f"{key}.manifest.json"]


async def test_what_a_run_that_broke_off_has_written_goes_an_hour_later_or_with_the_archive(database_url: str, s3: Any) -> None:
    project_id, ended = await make_project(database_url), await make_project(database_url)
    for one in (project_id, ended):
        await record_expired(database_url, one)
    await run(database_url)
    left = "UPDATE archives SET leftovers = jsonb_build_object(%s::text, now() - make_interval(mins => %s)) WHERE project_id = %s"
    for one, minutes in ((project_id, 50), (ended, 1)):
        key = f"eu/payloads/{one}/left"
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"left")
        s3.put_object(Bucket=BUCKET, Key=f"{key}.manifest.json", Body=b"left")
        await ask(database_url, left, key, minutes, one)
    await ask(database_url, "UPDATE archives SET delete_on = today() - 1 WHERE project_id = %s", ended)
    await run(database_url)
    assert [key for key in keys(s3) if f"/{ended}/" in key] == []
    assert len([key for key in keys(s3) if f"/{project_id}/" in key]) == 4
    await ask(database_url, left, f"eu/payloads/{project_id}/left", 70, project_id)
    await run(database_url)
    key = key_of(project_id, day(-1))
    assert [one for one in keys(s3) if f"/{project_id}/" in one] == [key, f"{key}.manifest.json"]
    assert await ask(database_url, "SELECT leftovers FROM archives WHERE project_id = %s", project_id) == [({},)]


class Counting(Store):
    """Remembers how much was held at a time: what goes out in a call, and what comes in."""

    held_bytes = 0

    async def _put_part(self, key: str, upload: dict[str, Any], number: int, body: bytes) -> dict[str, Any]:
        self.held_bytes = max(self.held_bytes, len(body))
        return await super()._put_part(key, upload, number, body)

    async def read(self, key: str) -> AsyncIterator[bytes]:
        async for piece in super().read(key):
            self.held_bytes = max(self.held_bytes, len(piece))
            yield piece


async def test_a_large_object_goes_in_parts_with_bounded_memory(s3: Any) -> None:
    piece, taken = secrets.token_bytes(1024 * 1024), []

    async def content() -> AsyncIterator[bytes]:
        for number in range(40):
            taken.append(number)
            yield piece

    store = Counting()
    written = await store.write("large", content())
    assert written.bytes == 40 * len(piece)
    assert await store.digest("large") == written
    assert store.held_bytes == objects.PART_BYTES
    assert s3.head_object(Bucket=BUCKET, Key="large")["ETag"].endswith('-5"')
    assert len(taken) == 40


async def test_an_upload_that_is_cut_off_leaves_nothing(s3: Any) -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield secrets.token_bytes(1024 * 1024)
        raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        await Store().write("half", content())
    assert keys(s3) == []
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


async def test_an_archive_without_a_store_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHIVE_BUCKET", raising=False)
    settings.current.cache_clear()
    with pytest.raises(NotConfigured):
        await Store().delete("x")
    assert Written(1, "a") != Written(1, "b")


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content
