"""Archived payloads: `python -m local.archive list PROJECT`; `… restore PROJECT DAY` puts a day back for reading.

DAY is the day on which the payloads expired, as `list` shows it. Over DATABASE_URL and the ARCHIVE_… settings.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from datetime import date

from lib import archives, db
from lib.errors import Problem
from lib.objects import Store
from local import dev_file


async def run(url: str, given: argparse.Namespace) -> str:
    """What to print."""
    async with await db.connect(url) as conn:
        if given.command == "list":
            return json.dumps(await archives.list_all(conn, given.project), indent=2, default=str)
        rows = await archives.restore(conn, Store(), given.project, given.day, given.days)
        return f"{rows} payloads can be read again for {given.days} days."


def main() -> int:
    """List, or restore."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="a project's archives")
    listing.add_argument("project", type=int)
    restoring = commands.add_parser("restore", help="put a day's payloads back for reading")
    restoring.add_argument("project", type=int)
    restoring.add_argument("day", type=date.fromisoformat)
    restoring.add_argument("--days", type=int, default=archives.RESTORED_DAYS, help="for how long")
    given = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or dev_file.read().get("database_url")
    if not url:
        print("Set DATABASE_URL to the database, or start `make dev`.", file=sys.stderr)
        return 2
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the log: what is printed stays the answer alone
            told = asyncio.run(run(url, given))
        print(told)
    except Problem as problem:
        print(problem.detail, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
