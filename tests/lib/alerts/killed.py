"""A sweep that is killed between sending and writing that down: `python -m tests.lib.alerts.killed TIME NUMBER`.

TIME: the sweep's clock, ISO 8601. NUMBER: which of the results that it would write is the one at which it dies (kill -9).
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any, NoReturn

from lib import db, deliveries
from lib.alerts import sweep
from local.folders import ROOT


def run(now: datetime, number: int, **environment: str) -> int:
    """Run it as a process of its own; answers how it ended: -9 where it was killed."""
    command = [sys.executable, "-m", "tests.lib.alerts.killed", now.isoformat(), str(number)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, timeout=50, check=False)
    return done.returncode


def main() -> None:
    """One sweep, or what comes of it."""
    now, left = datetime.fromisoformat(sys.argv[1]), int(sys.argv[2])
    finish = deliveries.finish

    async def finish_or_die(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            die()
        return await finish(*arguments)

    deliveries.finish = finish_or_die  # type: ignore[assignment]  # in this process only
    asyncio.run(swept(now))


def die() -> NoReturn:
    """As kill -9 does it: nothing is cleaned up, nothing is said."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


async def swept(now: datetime) -> None:
    """A sweep on a clock that stands still."""
    database = db.Database()
    await sweep.run(database, lambda: now)
    await database.close()


if __name__ == "__main__":
    main()
