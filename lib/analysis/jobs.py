"""Which analyses are to be made: found from transitions and by looking at incidents again, taken under a lease, finished once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from lib import db
from lib.analysis import options, policy
from lib.analysis.policy import Change, Decision, Known, Situation
from lib.analysis.spending import Held

TRANSITIONS_MAX = 200  # considered in one transaction
WATCHED_MAX = 500
# An incident is looked at again at most so often.
WATCH_EVERY = timedelta(minutes=1)
# Longer than a function lives (120 s, vercel.json): a taker whose lease ended is really gone.
LEASE = timedelta(seconds=150)

Place = tuple[int, int]  # project, incident


class Due(NamedTuple):
    """An incident that is to be analysed."""

    place: Place
    decision: Decision
    event_id: Any


class Job(NamedTuple):
    """An analysis that this taker holds. attempts: this one included. reserved: what a taker who died left set aside."""

    held: Held
    workspace_id: int
    incident_id: int
    cause: policy.Cause
    event_id: Any
    created_at: datetime
    attempts: int
    reserved: int


class Finish(NamedTuple):
    """What became of an analysis, as it is stored."""

    state: str
    reason: str | None = None
    result: Mapping[str, Any] | None = None
    confidence: float | None = None
    model: str | None = None
    prompt_version: int | None = None
    context_hash: bytes | None = None
    latency_ms: int | None = None
    event_count: int | None = None
    release: str | None = None


async def consider(conn: db.Connection, now: datetime, *, configured: bool) -> int:
    """Decide about the oldest transitions not considered yet; answers how many there were. `conn` is in a transaction.

    configured: False where there is no key: then they are only ticked off, so that setting one later starts with what is new.
    """
    rows = await db.fetch_all(conn, "analysis_claim_transitions", limit=TRANSITIONS_MAX)
    if not rows:
        return 0
    if configured:
        # Of one incident the last counts; that it appeared in an environment says less than whatever else happened to it.
        telling = sorted(rows, key=lambda row: row["kind"] != "appeared")
        changes = {(row["project_id"], row["incident_id"]): row for row in telling}
        await plan(conn, changes, now)
        await db.run(conn, "analysis_insert_watched", now=now, **_columns(changes))
    await db.run(
        conn, "analysis_update_considered", now=now, project_ids=[row["project_id"] for row in rows],
        ids=[row["id"] for row in rows],
    )  # fmt: skip
    return len(rows)


async def watched(conn: db.Connection, now: datetime) -> list[Place]:
    """Incidents looked at longest ago: they may have grown since. Commit before `plan`, which waits for those who finish."""
    rows = await db.fetch_all(conn, "analysis_claim_watched", now=now, before=now - WATCH_EVERY, limit=WATCHED_MAX)
    return [(row["project_id"], row["incident_id"]) for row in rows]


async def plan(conn: db.Connection, changes: Mapping[Place, Mapping[str, Any] | None], now: datetime) -> None:
    """Decide about each of these incidents. `conn` is in a transaction.

    changes: the row of the transition; None: only looked at again. Rows are locked as everywhere here: of analyses, then of what
    is watched.
    """
    due: list[Due] = []
    quiet: list[Place] = []
    for row in await db.fetch_all(conn, "analysis_list_situations", **_columns(changes)):
        place = (row["project_id"], row["incident_id"])
        change = changes[place]
        decision = policy.decide(
            _situation(row), Change(change["kind"], change["created_at"]) if change else None, options.of_row(row), now
        )
        if decision.cause:
            due.append(Due(place, decision, change["event_id"] if change else None))
        elif now - row["last_seen"] > policy.WATCH_MAX:
            quiet.append(place)
    if due:
        await db.run(
            conn, "analysis_insert_due", now=now, **_columns(one.place for one in due),
            causes=[one.decision.cause for one in due], due_ats=[one.decision.due_at for one in due],
            event_ids=[one.event_id for one in due],
        )  # fmt: skip
    if quiet:
        await db.run(conn, "analysis_delete_watched", **_columns(quiet))


def _columns(places: Iterable[Place]) -> dict[str, list[int]]:
    pairs = list(places)
    return {"project_ids": [project for project, _ in pairs], "incident_ids": [incident for _, incident in pairs]}


def _situation(row: Mapping[str, Any]) -> Situation:
    known = None
    if row["explained_at"]:
        known = Known(row["explained_at"], row["known_event_count"], row["known_stacks"], row["known_release"])
    return Situation(
        row["status"], row["merged_into"] is not None, row["event_count"], row["stacks"], row["last_release"],
        tuple(row["environments"]), known, row["last_seen"],
    )  # fmt: skip


async def take(conn: db.Connection, now: datetime, most: int) -> list[Job]:
    """At most so many analyses that are due, held for LEASE; nobody else takes them meanwhile."""
    rows = await db.fetch_all(conn, "analysis_claim_due", now=now, lease_until=now + LEASE, limit=most)
    return [_job(row) for row in rows]


def _job(row: Mapping[str, Any]) -> Job:
    held = Held(row["project_id"], row["id"], row["fence"])
    told = [
        row[name]
        for name in ("workspace_id", "incident_id", "cause", "event_id", "created_at", "attempts", "reserved_microdollars")
    ]
    return Job(held, *told)


async def finish(conn: db.Connection, held: Held, found: Finish, now: datetime) -> bool:
    """Store what became of it. False, and nothing stored, where somebody else has taken it over."""
    result = orjson.dumps(dict(found.result)).decode() if found.result is not None else None
    values = {**found._asdict(), "result": result}
    return await db.fetch_one(conn, "analysis_update_finished", **held._asdict(), **values, now=now) is not None


async def postpone(conn: db.Connection, held: Held, due_at: datetime, reason: str, *, is_attempt: bool) -> bool:
    """Let it wait until then. is_attempt: whether this one counts against it. False: somebody else has taken it over."""
    row = await db.fetch_one(
        conn, "analysis_update_postponed", **held._asdict(), due_at=due_at, reason=reason, is_attempt=is_attempt
    )
    return row is not None


async def pace(conn: db.Connection, project_id: int, due_at: datetime) -> None:
    """Let everything wait until then that the policy wants of this project."""
    await db.run(conn, "analysis_update_paced", project_id=project_id, due_at=due_at)


async def skip_rest(conn: db.Connection, project_id: int, reason: str, now: datetime) -> int:
    """Skip everything that the policy wants of this project now: there is no money for it. Answers how many there were."""
    return len(await db.fetch_all(conn, "analysis_update_skipped", project_id=project_id, reason=reason, now=now))
