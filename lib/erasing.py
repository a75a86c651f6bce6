"""One erasure at work: where to look, in order, and what is removed there. Each step ends with its place written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from lib import archives, db, log, subjects
from lib.mentions import Mentions, Sought
from lib.objects import Store

TEXT_ROWS = 500


class Texts(NamedTuple):
    """Texts that are kept apart from events: a relation's, of one project."""

    project_id: int
    relation: str
    fields: list[str]
    incidents: str | None


class Search:
    """What one run remembers of an erasure: where to look, in order. Its place in that order is in the row."""

    def __init__(
        self, subject: subjects.Subject, places: list[subjects.Place], texts: list[Texts], kept: list[dict[str, Any]]
    ) -> None:
        self._subject = subject
        self._mentions = Mentions(subject.sought)
        self._places = places
        self._texts = texts
        self._archives = kept

    @classmethod
    async def begin(cls, conn: db.Connection, row: Mapping[str, Any]) -> Search:
        """From the row of an erasure."""
        sought = Sought(bytes(row["person_hash_key"]), row["mark"], row["word_mark"], row["word_lengths"], row["joiners"])
        hashes = [bytes(one) for one in row["user_hashes"]]
        subject = subjects.Subject(row["workspace_id"], hashes, sought, row["mentions"])
        places = await subjects.list_places(conn, subject)
        relations = await db.fetch_all(conn, "erasure_list_relations") if subject.mentions else []
        projects = await db.fetch_all(conn, "erasure_list_projects", workspace_id=subject.workspace_id)
        texts = [Texts(project["id"], **relation) for project in projects for relation in relations]
        kept = await db.fetch_all(conn, "archive_list_by_workspace", workspace_id=subject.workspace_id)
        return cls(subject, places, texts, list(kept))

    def reaches_archives(self, row: Mapping[str, Any]) -> bool:
        """Whether the database has been searched, and an archive is next."""
        position = row["position"]
        return bool(position and "archive" in position and self._next_archive(position))

    def _next_archive(self, position: Mapping[str, Any]) -> dict[str, Any] | None:
        return next((one for one in self._archives if _archive_key(one) > position["archive"]), None)

    async def erase_archive(self, conn: db.Connection, store: Store, row: Mapping[str, Any]) -> Counter[str]:
        """The next archive; answers how many lines were removed. `conn`: in autocommit.

        Where another run has written it anew meanwhile, that is not seen as done: the next turn reads what that run has left.
        """
        archive = self._next_archive(row["position"])
        assert archive  # noqa: S101 - reaches_archives has looked
        held = await db.fetch_one(conn, "erasure_list_held", project_id=archive["project_id"])
        assert held  # noqa: S101 - a function's one row
        prints = {str(one) for one in held["fingerprints"]}
        kept: set[str] = set()

        def goes(line: bytes) -> bool:
            event = orjson.loads(line)
            if not self._is_person(event, row["requested_at"]):
                return False
            if held["whole"] or event["fingerprint"] in prints:
                kept.add(event["event_id"])
                return False
            return True

        gone = await archives.erase(conn, store, archive["project_id"], archive["expires_on"], goes)
        if gone is None:
            return Counter()
        removed = Counter({"archived": gone, "held": len(kept)})
        await self._write(conn, row, {"archive": _archive_key(archive)}, removed)
        return removed

    def _is_person(self, event: dict[str, Any], before: datetime) -> bool:
        if datetime.fromisoformat(event["received_at"]) >= before:
            return False
        counted = event["user_hash"] in {one.hex() for one in self._subject.user_hashes}
        return counted or (self._subject.mentions and self._mentions.are_in(event))

    async def step(self, conn: db.Connection, row: Mapping[str, Any]) -> Counter[str]:
        """One page; answers what was removed. `conn` is in the transaction that claimed the row."""
        position = row["position"] or {"text": None, "place": self._places[0].key if self._places else None, "after": None}
        removed: Counter[str] = Counter()
        if "archive" in position:
            position = None
            removed["people"] += await db.run(
                conn, "erasure_delete_people", workspace_id=row["workspace_id"], user_hashes=self._subject.user_hashes
            )
            await self._forget_in_statistics(conn)
        elif place := self._place(position):
            position = await self._erase_events(conn, row, place, position, removed)
        elif (nth := position["text"] or 0) < len(self._texts):
            position = await self._erase_texts(conn, row, nth, position, removed)
        else:
            position = {"archive": []}
        await self._write(conn, row, position, removed)
        return removed

    async def _write(
        self, conn: db.Connection, row: Mapping[str, Any], position: dict[str, Any] | None, removed: Counter[str]
    ) -> None:
        told = await db.fetch_one(
            conn, "erasure_update_position", workspace_id=row["workspace_id"], erasure_id=row["id"],
            was=orjson.dumps(row["position"]).decode() if row["position"] else None,
            position=orjson.dumps(position).decode(), removed=orjson.dumps(removed).decode(), finished=position is None,
        )  # fmt: skip
        if position is None and told:
            # In the log too, by hashes: a database that is lost takes its own list of erasures along.
            log.write(
                "erasure", requested_at=row["requested_at"].isoformat(), removed=told["removed"],
                user_hashes=[bytes(one).hex() for one in row["user_hashes"]],
                **{name: row[name] for name in ("workspace_id", "mark", "word_mark", "word_lengths", "joiners", "mentions")},
            )  # fmt: skip

    def _place(self, position: dict[str, Any]) -> subjects.Place | None:
        """The first place that is not before the position: days may have gone, and come, since it was written."""
        return next((one for one in self._places if position["place"] and one.key >= position["place"]), None)

    async def _erase_events(
        self, conn: db.Connection, row: Mapping[str, Any], place: subjects.Place, position: dict[str, Any], removed: Counter[str]
    ) -> dict[str, Any]:
        after = position["after"] if place.key == position["place"] else None
        page = await subjects.look(conn, self._subject, self._mentions, place, row["requested_at"], after)
        if page.found:
            await db.fetch_one(conn, "erasure_lock_events")
            event_ids = [one.event_id for one in page.found]
            removed["tags"] += await db.run(
                conn, "erasure_delete_event_tags", project_id=place.project_id, event_ids=event_ids
            )  # fmt: skip
            gone = await db.fetch_one(
                conn, "erasure_delete_events", project_id=place.project_id, received=[one.received_at for one in page.found],
                event_ids=event_ids,
            )  # fmt: skip
            removed.update(gone or {})
        if page.after:
            return {"text": None, "place": place.key, "after": page.after}
        following = next((one for one in self._places if one.key > place.key), None)
        return {"text": None, "place": following.key if following else None, "after": None}

    async def _forget_in_statistics(self, conn: db.Connection) -> None:
        """PostgreSQL keeps samples of what columns hold."""
        quoted = await db.fetch_all(conn, "erasure_list_statistics") if self._subject.mentions else []
        for relation in sorted({one["relation"] for one in quoted if self._mentions.are_in(one["quoted"])}):
            await db.fetch_one(conn, "erasure_update_statistics", relation=relation)

    async def _erase_texts(
        self, conn: db.Connection, row: Mapping[str, Any], nth: int, position: dict[str, Any], removed: Counter[str]
    ) -> dict[str, Any]:
        one, after = self._texts[nth], position["after"]
        rows = await db.fetch_all(conn, "erasure_list_texts", **one._asdict(), after=after, max_rows=TEXT_ROWS)
        for found in rows:
            wanted = self._mentions.erased(found["texts"])
            changed = [name for name in one.fields if wanted[name] != found["texts"][name]]
            if changed and found["held"]:
                removed["held_texts"] += 1
            elif changed:
                was, now = ({name: texts[name] for name in changed} for texts in (found["texts"], wanted))
                if "content" in now:
                    now["erased_at"] = row["requested_at"].isoformat()
                if not await _replace(conn, one, found["key"], was, now):
                    return {"text": nth, "place": None, "after": after}  # it has just changed: once more
                removed["texts"] += len(changed)
                after = found["key"]
        is_last = len(rows) < TEXT_ROWS
        return {"text": nth + 1 if is_last else nth, "place": None, "after": None if is_last else rows[-1]["key"]}


async def _replace(conn: db.Connection, one: Texts, key: list[str], was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Write a row's texts anew; False where they are others by now. Names by which events are counted take the counts along."""
    if one.relation == "releases":
        await db.fetch_one(
            conn, "erasure_update_release", project_id=one.project_id, was=was["release"], wanted=now["release"]
        )  # fmt: skip
        return True
    for name, other in zip(was.get("environments", ()), now.get("environments", ()), strict=True):
        if one.relation == "incident_fingerprints" and name != other:
            await db.fetch_one(
                conn, "erasure_update_counts", project_id=one.project_id, fingerprint=key[0], was=name, wanted=other
            )  # fmt: skip
    row = await db.fetch_one(
        conn, "erasure_update_text", project_id=one.project_id, relation=one.relation, key=key,
        was=orjson.dumps(was).decode(), wanted=orjson.dumps(now).decode(),
    )  # fmt: skip
    return bool(row and row["replaced"])


def _archive_key(archive: Mapping[str, Any]) -> list[Any]:
    return [archive["project_id"], archive["expires_on"].isoformat()]
