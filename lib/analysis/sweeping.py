"""What is due: decide about what changed, then analyse, until the time is up. Any number of sweeps may run at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from lib import db, log, settings
from lib.analysis import jobs, provider, run
from lib.analysis.model import TIMEOUT_SECONDS, Model

AT_ONCE = 4
# How long one analysis takes at most: its calls, and what the database needs around them.
ANALYSIS_MAX = timedelta(seconds=TIMEOUT_SECONDS + 5)


async def sweep(database: db.Database, *, deadline: datetime, clock: Callable[[], datetime]) -> Counter[str]:
    """Decide and analyse; begins no analysis that may not be over by `deadline` (of `clock`, UTC).

    Answers counts: transitions considered, incidents watched, and analyses by what became of them.
    """
    counts: Counter[str] = Counter()
    configured = settings.current().openai_api_key is not None
    await _decide(database, deadline, clock, counts, configured=configured)
    if configured:
        async with Model() as model:
            while clock() + ANALYSIS_MAX <= deadline and await _analyse(database, model, clock, counts):
                pass
    return counts


async def _decide(
    database: db.Database, deadline: datetime, clock: Callable[[], datetime], counts: Counter[str], *, configured: bool
) -> None:  # fmt: skip
    while clock() < deadline:
        async with database.transaction() as conn:
            considered = await jobs.consider(conn, clock(), configured=configured)
        counts["considered"] += considered
        if considered < jobs.TRANSITIONS_MAX:
            break
    if configured:
        async with database.transaction() as conn:
            places = await jobs.watched(conn, clock())
        async with database.transaction() as conn:
            await jobs.plan(conn, dict.fromkeys(places), clock())
        counts["watched"] += len(places)


async def _analyse(database: db.Database, model: Model, clock: Callable[[], datetime], counts: Counter[str]) -> bool:
    """Some analyses at once; False where there is nothing to do now."""
    async with database.transaction() as conn:
        taken = await jobs.take(conn, clock(), await provider.room(conn, clock(), AT_ONCE))
    counts.update(await asyncio.gather(*(_run(database, model, job, clock) for job in taken)))
    return bool(taken)


async def _run(database: db.Database, model: Model, job: jobs.Job, clock: Callable[[], datetime]) -> str:
    try:
        return await run.run(database, model, job, clock)
    except Exception as error:  # noqa: BLE001 - one that breaks must not stop the others; its lease ends, and its attempts count
        log.write("analysis_broken", project=job.held.project_id, analysis=job.held.id, **log.where(error))
        return "broken"
