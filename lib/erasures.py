"""Erasing a person from a workspace's events: asked for at once, done in bounded steps, told by a receipt that names nobody.

Each step removes what it found and says where the next one begins in one transaction, so that it may end anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lib import audit, db, paging, subjects
from lib.erasing import Search
from lib.errors import NotFound
from lib.runs import Run


async def request(conn: db.Connection, actor: audit.Actor, subject: subjects.Subject) -> dict[str, Any]:
    """Write down that a person is to be erased; answers the receipt, which fills as it goes on. `conn` is in a transaction.

    Events that come later are another matter: they are new.
    """
    row = await db.fetch_one(
        conn, "erasure_insert", workspace_id=subject.workspace_id, person_id=actor.id, user_hashes=subject.user_hashes,
        mark=subject.sought.mark, word_mark=subject.sought.word_mark, word_lengths=subject.sought.lengths,
        joiners=subject.sought.joiners, mentions=subject.mentions,
    )  # fmt: skip
    assert row  # noqa: S101 - inserted
    if subject.mentions:  # now, while the identifier is known: what is kept of it does not tell these hashes
        await db.run(conn, "erasure_delete_tags", workspace_id=subject.workspace_id, tag_hashes=subject.tag_hashes)
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
    return paging.page(rows, limit, ("id",))


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
        user_hashes=[bytes.fromhex(one) for one in line["user_hashes"]],
        **{name: line[name] for name in ("mark", "word_mark", "word_lengths", "joiners", "mentions")},
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
            # No transaction waits for a store. Of two runs that meet here one's copy is taken; the other begins anew.
            one.add("erased", **await searching.erase_archive(one.conn, one.store, claimed))
