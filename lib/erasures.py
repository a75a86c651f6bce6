"""Erasing a person from a workspace's events: asked for at once, done in bounded steps, told by a receipt that names nobody.

Each step removes what it found and says where the next one begins in one transaction, so that it may end anywhere.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from lib import archives, audit, db, log, paging, subjects
from lib.errors import NotFound
from lib.objects import Store
from lib.runs import Run

TEXT_ROWS = 500
PAD_BYTES = 64


async def request(conn: db.Connection, actor: audit.Actor, subject: subjects.Subject) -> dict[str, Any]:
    """Write down that a person is to be erased; answers the receipt, which fills as it goes on. `conn` is in a transaction.

    Events that come later are another matter: they are new.
    """
    row = await db.fetch_one(
        conn, "erasure_insert", workspace_id=subject.workspace_id, person_id=actor.id, user_hashes=subject.user_hashes,
        mark=subject.mark, mentions=subject.mentions,
    )  # fmt: skip
    assert row  # noqa: S101 - inserted
    await audit.record(conn, actor, "subject.erase", row["id"], None, None)
    return await read(conn, subject.workspace_id, row["id"])


async def read(conn: db.Connection, workspace_id: int, erasure_id: int) -> dict[str, Any]:
    """The receipt: when it was asked for and done, and how much was removed of what. Raises NotFound."""
    row = await db.fetch_one(conn, "erasure_find", workspace_id=workspace_id, erasure_id=erasure_id)
    if row is None:
        raise NotFound("There is no such erasure in this workspace.")
    return dict(row)


async def list_page(conn: db.Connection, workspace_id: int, limit: int, cursor: str | None) -> dict[str, Any]:
    """A workspace's receipts, the newest first: `{"items", "next_cursor"}`. Raises InvalidRequest for a foreign cursor."""
    after_id = paging.decode(cursor, (int,))[0] if cursor else None
    rows = await db.fetch_all(conn, "erasure_list", workspace_id=workspace_id, after_id=after_id, limit=limit + 1)
    page = rows[:limit]
    return {"items": page, "next_cursor": paging.encode([page[-1]["id"]]) if len(rows) > limit else None}


async def list_everywhere(conn: db.Connection) -> list[dict[str, Any]]:
    """Every erasure of the deployment by its hashes, the oldest first: what `replay` takes."""
    return list(await db.fetch_all(conn, "erasure_list_all"))


async def replay(conn: db.Connection, line: Mapping[str, Any]) -> bool:
    """Ask again for an erasure that a restored backup does not know of, or knows as done; answers whether it was taken.

    line: as erasure_list_all tells it. What came after the erasure was asked for is not touched.
    """
    row = await db.fetch_one(
        conn, "erasure_insert_again", workspace_id=line["workspace_id"],
        requested_at=datetime.fromisoformat(str(line["requested_at"])),
        user_hashes=[bytes.fromhex(one) for one in line["user_hashes"]], mark=line["mark"], mentions=line["mentions"],
    )  # fmt: skip
    return row is not None


async def erase_requested(one: Run) -> None:
    """The cron's step: all that were asked for, in turn."""
    for row in await db.fetch_all(one.conn, "erasure_list_unfinished"):
        searching: Search | None = None
        while not one.over:
            async with one.conn.transaction():
                claimed = await db.fetch_one(
                    one.conn, "erasure_claim", workspace_id=row["workspace_id"], erasure_id=row["id"]
                )  # fmt: skip
                if claimed is None:
                    break
                searching = searching or await Search.begin(one.conn, claimed)
                if not searching.reaches_archives(claimed):
                    one.add("erased", **await searching.step(one.conn, claimed))
                    continue
            # No transaction waits for a store. Two runs that meet here do the same twice, which changes nothing.
            one.add("erased", **await searching.erase_archive(one.conn, one.store, claimed))


class Search:
    """What one run remembers of an erasure: where to look, in order. Its place in that order is in the row."""

    def __init__(
        self, subject: subjects.Subject, places: list[subjects.Place], texts: list[tuple[int, str, str]],
        kept: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        self._subject = subject
        self._words = subjects.Words(subject)
        self._places = places
        self._texts = texts
        self._archives = kept

    @classmethod
    async def begin(cls, conn: db.Connection, row: Mapping[str, Any]) -> Search:
        """From the row of an erasure."""
        subject = subjects.Subject(
            row["workspace_id"], bytes(row["person_hash_key"]), [bytes(one) for one in row["user_hashes"]], row["mark"],
            row["mentions"],
        )  # fmt: skip
        places = await subjects.list_places(conn, subject)
        fields = await db.fetch_all(conn, "erasure_list_texts") if subject.mentions else []
        projects = sorted({place.project_id for place in places})
        texts = [(project_id, field["relation"], field["field"]) for project_id in projects for field in fields]
        kept = await db.fetch_all(conn, "archive_list_by_workspace", workspace_id=subject.workspace_id)
        return cls(subject, places, texts, list(kept))

    def reaches_archives(self, row: Mapping[str, Any]) -> bool:
        """Whether the database has been searched, and an archive is next."""
        position = row["position"]
        return bool(position and "archive" in position and self._next_archive(position))

    def _next_archive(self, position: Mapping[str, Any]) -> dict[str, Any] | None:
        return next((one for one in self._archives if _archive_key(one) > position["archive"]), None)

    async def erase_archive(self, conn: db.Connection, store: Store, row: Mapping[str, Any]) -> Counter[str]:
        """The next archive; answers how many lines were removed. `conn`: in autocommit."""
        archive = self._next_archive(row["position"])
        assert archive  # noqa: S101 - reaches_archives has looked
        gone = await archives.erase(conn, store, archive, lambda line: self._is_person(line, row["requested_at"]))
        removed = Counter({"archived": gone})
        await self._write(conn, row, {"archive": _archive_key(archive)}, removed)
        return removed

    def _is_person(self, line: bytes, before: datetime) -> bool:
        event = orjson.loads(line)
        if datetime.fromisoformat(event["received_at"]) >= before:
            return False
        counted = event["user_hash"] in {one.hex() for one in self._subject.user_hashes}
        return counted or (self._subject.mentions and self._words.mention(line.decode()))

    async def step(self, conn: db.Connection, row: Mapping[str, Any]) -> Counter[str]:
        """One page; answers what was removed. `conn` is in the transaction that claimed the row."""
        position = row["position"] or {"text": None, "place": _key(self._places[0]) if self._places else None, "after": None}
        removed: Counter[str] = Counter()
        if "archive" in position:
            position = None
            removed["people"] += await db.run(
                conn, "erasure_delete_people", workspace_id=row["workspace_id"], user_hashes=self._subject.user_hashes
            )
        elif place := self._place(position):
            position = await self._erase_events(conn, row, place, position, removed)
        elif (nth := position["text"] or 0) < len(self._texts):
            position = await self._erase_texts(conn, nth, position, removed)
        else:
            position = {"archive": []}
        await self._write(conn, row, position, removed)
        return removed

    async def _write(
        self, conn: db.Connection, row: Mapping[str, Any], position: dict[str, Any] | None, removed: Counter[str]
    ) -> None:
        told = await db.fetch_one(
            conn, "erasure_update_position", workspace_id=row["workspace_id"], erasure_id=row["id"],
            position=orjson.dumps(position).decode(), removed=orjson.dumps(removed).decode(), finished=position is None,
        )  # fmt: skip
        if position is None and told:
            # In the log too, by hashes: a database that is lost takes its own list of erasures along.
            log.write(
                "erasure", workspace_id=row["workspace_id"], requested_at=row["requested_at"].isoformat(), mark=row["mark"],
                user_hashes=[bytes(one).hex() for one in row["user_hashes"]], mentions=row["mentions"], removed=told["removed"],
            )  # fmt: skip

    def _place(self, position: dict[str, Any]) -> subjects.Place | None:
        """The first place that is not before the position: days may have gone, and come, since it was written."""
        return next((one for one in self._places if position["place"] and _key(one) >= position["place"]), None)

    async def _erase_events(
        self, conn: db.Connection, row: Mapping[str, Any], place: subjects.Place, position: dict[str, Any], removed: Counter[str]
    ) -> dict[str, Any]:
        after = position["after"] if _key(place) == position["place"] else None
        start = (datetime.fromisoformat(after[0]), uuid.UUID(after[1])) if after else None
        page = await subjects.look(conn, self._subject, self._words, place, row["requested_at"], start)
        if page.found:
            gone = await db.fetch_one(
                conn, "erasure_delete_events", project_id=place.project_id, received=[one.received_at for one in page.found],
                event_ids=[one.event_id for one in page.found],
            )  # fmt: skip
            removed.update(gone or {})
        if page.after:
            return {"text": None, "place": _key(place), "after": [page.after[0].isoformat(), str(page.after[1])]}
        following = next((one for one in self._places if _key(one) > _key(place)), None)
        return {"text": None, "place": _key(following) if following else None, "after": None}

    async def _erase_texts(
        self, conn: db.Connection, nth: int, position: dict[str, Any], removed: Counter[str]
    ) -> dict[str, Any]:
        project_id, relation, field = self._texts[nth]
        row = await db.fetch_one(
            conn, "erasure_update_texts", project_id=project_id, relation=relation, field=field,
            after=position["after"] or "(0,0)", max_rows=TEXT_ROWS, mark=self._subject.mark,
            inner_pad=_padded(self._subject.hash_key, 0x36), outer_pad=_padded(self._subject.hash_key, 0x5C),
        )  # fmt: skip
        assert row  # noqa: S101 - a function's one row
        removed["texts"] += row["changed"]
        return {"text": nth if row["next"] else nth + 1, "place": None, "after": row["next"]}


def _key(place: subjects.Place) -> list[Any]:
    """Sorts as places are listed, and survives JSON."""
    return [place.project_id, ["received", "expiring", "kept"].index(place.kind), place.day.isoformat() if place.day else ""]


def _archive_key(archive: Mapping[str, Any]) -> list[Any]:
    return [archive["project_id"], archive["expires_on"].isoformat()]


def _padded(key: bytes, value: int) -> bytes:
    return bytes(one ^ value for one in key.ljust(PAD_BYTES, b"\0"))
