"""Erasures and backups: `python -m local.erasures export > FILE` beside each backup; after one was restored, `… replay FILE`.

What is written holds hashes only, of accounts that were deleted, too, which a replay deletes again at once. Lines of the log with
`"event": "erasure"` are taken, too, if a database is lost whole. The next run of retention (`python -m local.retention`) erases
again what a replay asked for. Over DATABASE_URL, else over the database of the running `make dev`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from lib import accounts, db, erasures
from lib.errors import Problem
from local import dev_file

ACCOUNT = {"person_id", "clerk_hash", "deleted_at"}
FIELDS = {"workspace_id", "requested_at", "user_hashes", "mark", "word_mark", "word_lengths", "joiners", "mentions"}


def read(text: str) -> list[dict[str, Any]]:
    """Erasures and deleted accounts in a file: what `export` wrote, or a log. Raises ValueError for a line that is no JSON."""
    lines = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [{name: line[name] for name in kind} for line in lines for kind in (FIELDS, ACCOUNT) if line.keys() >= kind]


async def export(url: str) -> str:
    """Every erasure and deleted account that the database knows, a line each."""
    async with await db.connect(url) as conn:
        rows = [*await erasures.list_everywhere(conn), *await accounts.list_deleted(conn)]
    return "".join(json.dumps(row, default=str) + "\n" for row in rows)


async def replay(url: str, lines: list[dict[str, Any]]) -> int:
    """Ask for all of them again; answers how many were taken."""
    async with await db.connect(url) as conn:
        return sum([await _again(conn, line) for line in lines])


async def _again(conn: db.Connection, line: dict[str, Any]) -> bool:
    if "person_id" not in line:
        return await erasures.replay(conn, line)
    async with conn.transaction():
        return await accounts.delete_again(conn, line["person_id"], line["clerk_hash"])


def main() -> int:
    """Print the erasures, or take them from a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("export", help="print every erasure")
    commands.add_parser("replay", help="ask for them again").add_argument("file", type=Path)
    given = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or dev_file.read().get("database_url")
    if not url:
        print("Set DATABASE_URL to the database, or start `make dev`.", file=sys.stderr)
        return 2
    try:
        if given.command == "export":
            print(asyncio.run(export(url)), end="")
        else:
            taken = asyncio.run(replay(url, read(given.file.read_text(encoding="utf-8"))))
            print(f"{taken} erasures and deletions were asked for again; run `python -m local.retention` to do them now.")
    except (Problem, ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
