"""Run retention from a terminal: `python -m local.retention --dry-run` tells what would go, without --dry-run it goes.

Over DATABASE_URL, else over the database of the running `make dev`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
from typing import Any

from lib import crons, db, pruning
from lib.errors import Problem
from local import dev_file


async def run(url: str, *, dry: bool) -> dict[str, Any]:
    """The plan, or the report of a run."""
    async with await db.connect(url) as conn:
        if dry:
            return await pruning.plan(conn)
        async with crons.run(conn, "retention") as report:
            report.update(await pruning.run(conn))
        return report


def main() -> int:
    """Print what would go, or what went, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    given = parser.parse_args()
    url = os.environ.get("DATABASE_URL") or dev_file.read().get("database_url")
    if not url:
        print("Set DATABASE_URL to the database, or start `make dev`.", file=sys.stderr)
        return 2
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the log: what is printed stays JSON alone
            told = asyncio.run(run(url, dry=given.dry_run))
        print(json.dumps(told, indent=2, default=str))
    except Problem as problem:
        print(problem.detail, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
