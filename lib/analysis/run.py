"""One analysis from beginning to end: gather, set money aside, ask, settle, store. No connection is held during a call."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from lib import db, log, usage
from lib.analysis import context, jobs, options, prices, prompt, provider, spending
from lib.analysis.answer import InvalidAnswerError, Judged, judge
from lib.analysis.jobs import Finish, Job
from lib.analysis.material import Context
from lib.analysis.model import OUTPUT_TOKENS_MAX, REQUEST_BYTES, TIMEOUT_SECONDS, Model, ProviderError, Reply
from lib.analysis.policy import CHANGE_AGE_MAX, Options
from lib.analysis.prices import Usage
from lib.analysis.prompt import Prompt

# An answer that cannot be used is asked for once more where this much of the time is left.
TRIES = 2
TRY_SECONDS_MIN = 5.0
# What the provider says of what it was sent, and would say again: no failure of its own, and nothing to wait for.
PERMANENT = frozenset({"status_400", "status_413", "status_422"})
# Takings: a worker that died, a provider that did not answer.
ATTEMPTS_MAX = 5
BACKOFF_FIRST = timedelta(minutes=1)
PACE = timedelta(minutes=10)
BUSY = timedelta(minutes=1)
Clock = Callable[[], datetime]


class Work(NamedTuple):
    """What one analysis is made of."""

    job: Job
    context: Context
    prompt: Prompt
    options: Options


async def run(database: db.Database, model: Model, job: Job, clock: Clock) -> str:
    """Make one analysis that this taker holds; answers what became of it: done, failed, skipped, postponed or stale."""
    try:
        work = await _prepare(database, model, job, clock)
        return work if isinstance(work, str) else await _ask(database, model, work, clock)
    except ProviderError as error:
        return await _put_off(database, job, error, clock)


async def _prepare(database: db.Database, model: Model, job: Job, clock: Clock) -> Work | str:
    now = clock()
    if job.reserved:  # its taker died, perhaps while the model was at work: that money is gone
        async with database.transaction() as conn:
            await spending.settle(conn, job.held, job.reserved, Usage())
    async with database.transaction() as conn:
        reason = "attempts" if job.attempts > ATTEMPTS_MAX else "too_old" if now - job.created_at > CHANGE_AGE_MAX else None
        if reason:
            state = "failed" if reason == "attempts" else "skipped"
            return await _finish(conn, job, Finish(state, reason), now)
        found = await context.gather(conn, job.held.project_id, job.incident_id, job.event_id, job.cause, now)
        if found is None:
            return await _finish(conn, job, Finish("skipped", "gone"), now)
        row = await db.fetch_one(conn, "analysis_find_options", project_id=job.held.project_id)
    # Away from the event loop: a large event takes some milliseconds.
    asked = await asyncio.to_thread(prompt.build, found, model.name, secrets.token_hex(16))
    return Work(job, found, asked, options.of_row(row) if row else options.DEFAULTS)


async def _ask(database: db.Database, model: Model, work: Work, clock: Clock) -> str:
    async with database.transaction() as conn:
        same = await db.fetch_one(
            conn, "analysis_find_same", project_id=work.job.held.project_id, incident_id=work.job.incident_id,
            context_hash=work.prompt.context_hash,
        )  # fmt: skip
        if same and work.job.cause != "person":  # who asks has read that one
            return await _finish(conn, work.job, _finish_of(work, model, Finish("skipped", "same_context")), clock())
    until = time.monotonic() + TIMEOUT_SECONDS
    for _ in range(TRIES):
        refusal = await _reserve(database, model, work, clock)
        if refusal:
            return await _do_without(database, work, refusal, clock)
        reply = await _call(database, model, work, until - time.monotonic())
        judged, reason = _judged(work, reply)
        if judged:
            found = Finish("done", result=judged.result, confidence=judged.confidence, latency_ms=reply.latency_ms)
            return await _store(database, model, work, found, clock)
        if until - time.monotonic() < TRY_SECONDS_MIN:
            break
    return await _store(database, model, work, Finish("failed", reason, latency_ms=reply.latency_ms), clock)


def _judged(work: Work, reply: Reply) -> tuple[Judged | None, str]:
    try:
        return (judge(reply.answer, work.prompt.frames), "") if reply.answer else (None, reply.reason or "invalid")
    except InvalidAnswerError:
        return None, "invalid"


def _amount(model: Model, work: Work) -> int:
    return prices.most(model.name, work.prompt.size_bytes + REQUEST_BYTES, OUTPUT_TOKENS_MAX)


async def _reserve(database: db.Database, model: Model, work: Work, clock: Clock) -> str | None:
    async with database.transaction() as conn:
        return await spending.reserve(conn, work.job.held, _amount(model, work), work.options, clock())


async def _call(database: db.Database, model: Model, work: Work, seconds: float) -> Reply:
    """Ask, and settle whatever became of it."""
    amount = _amount(model, work)
    cost, usage = amount, Usage()
    try:
        reply = await model.ask(work.prompt, seconds)
        if reply.usage:
            cost, usage = prices.cost(model.name, reply.usage), reply.usage
    except ProviderError as error:
        cost = amount if error.is_charged else 0
        raise
    finally:
        # Not in the way of a cancellation: what is not settled here, the next taker counts as spent.
        async with database.transaction() as conn:
            await spending.settle(conn, work.job.held, cost, usage)
    return reply


async def _store(database: db.Database, model: Model, work: Work, found: Finish, clock: Clock) -> str:
    async with database.transaction() as conn:
        await provider.answered(conn)
        if found.state == "done":
            await usage.add(conn, work.job.workspace_id, work.job.held.project_id, analyses=1)
        return await _finish(conn, work.job, _finish_of(work, model, found), clock())


def _finish_of(work: Work, model: Model, found: Finish) -> Finish:
    return found._replace(
        model=model.name, prompt_version=prompt.VERSION, context_hash=work.prompt.context_hash,
        event_count=work.context.incident["events"], release=work.context.incident["last_release"],
    )  # fmt: skip


async def _finish(conn: db.Connection, job: Job, found: Finish, now: datetime) -> str:
    stored = await jobs.finish(conn, job.held, found, now)
    outcome = found.state if stored else "stale"
    log.write("analysis", project=job.held.project_id, analysis=job.held.id, outcome=outcome, reason=found.reason)
    return outcome


async def _do_without(database: db.Database, work: Work, refusal: str, clock: Clock) -> str:
    """No call now: later where the hour or calls under way stand against it, not at all where a month's limit is reached."""
    held, now = work.job.held, clock()
    async with database.transaction() as conn:
        if refusal == "stale":
            return "stale"
        if refusal in {"pace", "busy"}:
            due_at = now + (PACE if refusal == "pace" else BUSY)
            await jobs.postpone(conn, held, due_at, refusal, is_attempt=False)
            if refusal == "pace":
                await jobs.pace(conn, held.project_id, due_at)
            return "postponed"
        reason = f"budget_{refusal}"
        await jobs.skip_rest(conn, held.project_id, reason, now)
        return await _finish(conn, work.job, Finish("skipped", reason), now)


async def _put_off(database: db.Database, job: Job, error: ProviderError, clock: Clock) -> str:
    """The provider did not answer: later again, each time after twice as long, and at last not at all."""
    now = clock()
    async with database.transaction() as conn:
        if error.reason in PERMANENT:
            return await _finish(conn, job, Finish("failed", error.reason), now)
        await provider.failed(conn, error.reason, now)
        if job.attempts >= ATTEMPTS_MAX:
            return await _finish(conn, job, Finish("failed", error.reason), now)
        due_at = now + BACKOFF_FIRST * 2 ** (job.attempts - 1) * (1 + secrets.randbelow(1000) / 2000)
        await jobs.postpone(conn, job.held, due_at, error.reason, is_attempt=True)
    log.write("analysis", project=job.held.project_id, analysis=job.held.id, outcome="postponed", reason=error.reason)
    return "postponed"
