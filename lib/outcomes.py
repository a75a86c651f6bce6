"""What became of events. Of those that are stored record_events says it, exactly, in the same commit; of the others (refused,
and copies within a batch, which is stored without them) each instance counts, and writes its counts every FLUSH_SECONDS: a flood
of refusals costs the database a row or two, not one each.

An instance that dies loses the counts of its last FLUSH_SECONDS, and no more; it never counts any twice. A refused request
that was not opened counts as one event.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import orjson

from lib import db, log, queries, redaction
from lib.errors import Forbidden, InvalidRequest, NotConfigured, OverQuota, Problem, RateLimited, TooLarge, Unavailable
from lib.keys import Key

Outcome = Literal["duplicate", "rate_limited", "over_quota", "invalid", "filtered", "too_large", "sdk_dropped", "failed"]
FLUSH_SECONDS = 5.0
# Of different (project, key, hour, outcome, reason) an instance holds so many at most; what comes beyond is only logged.
COUNTS_MAX = 5_000
# Of one project: held between two writes, and kept.
SAMPLES_HELD_MAX = 10
SAMPLES_KEPT_MAX = 50
DETAIL_CHARACTERS_MAX = 300
# What a client says about itself is believed up to here.
SDK_DROPPED_MAX = 1_000_000
REASONS_SHOWN = 100
KINDS: tuple[tuple[type[Problem], Outcome, str], ...] = (
    (TooLarge, "too_large", ""),
    (InvalidRequest, "invalid", ""),
    (Forbidden, "filtered", "dsn"),
)


class Name(NamedTuple):
    """What is counted together."""

    project_id: int
    hour: datetime
    key_id: int
    outcome: str
    reason: str


@dataclass(slots=True)
class Refused:
    """How many events the request under way stands for."""

    events: int = 1


class Outcomes:
    """The counts of one instance."""

    def __init__(self, ask: Callable[[Callable[[db.Connection], Coroutine[Any, Any, None]]], Awaitable[None]]) -> None:
        self._ask = ask
        self._counts: Counter[Name] = Counter()
        self._samples: dict[int, deque[dict[str, Any]]] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()

    def count(self, key: Key, outcome: Outcome, reason: str = "", events: int = 1, detail: str | None = None) -> None:
        """Count events of a key. detail: our own words; cleaned and shortened all the same before anything is kept of it."""
        now = datetime.now(UTC)
        name = Name(key.project_id, now.replace(minute=0, second=0, microsecond=0), key.key_id, outcome, reason)
        if events <= 0 or (name not in self._counts and len(self._counts) >= COUNTS_MAX):
            return
        self._counts[name] += events
        if outcome != "duplicate":  # nobody looks for it, and a client that repeats itself would push out what is looked for
            held = self._samples.setdefault(key.project_id, deque(maxlen=SAMPLES_HELD_MAX))
            held.append({**name._asdict(), "at": now, "event_count": events, "detail": detail})
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_until_empty())

    @contextlib.contextmanager
    def refusals(self, key: Key) -> Iterator[Refused]:
        """Count what is refused in here; `events` of what is given says how many events that is."""
        refused = Refused()
        try:
            yield refused
        except Problem as problem:
            outcome, reason = of_problem(problem)
            self.count(key, outcome, reason, refused.events, _told(problem))
            raise
        except Exception:
            self.count(key, "failed", "unexpected", refused.events)
            raise

    async def _flush_until_empty(self) -> None:
        while self._counts and not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what was counted. Where the database is away it is held, and written later."""
        counts, samples = self._counts, self._samples
        if not counts:
            return
        self._counts, self._samples = Counter(), {}
        try:
            await self._ask(lambda conn: write(conn, counts, [one for held in samples.values() for one in held]))
        except (Unavailable, NotConfigured):
            self._counts.update(counts)
        except Exception as error:  # noqa: BLE001 - what cannot be written is lost, and the next can be
            log.write("outcomes_lost", events=counts.total(), **log.where(error))

    async def close(self) -> None:
        """Write what is left."""
        self._ending.set()
        if self._flushing:
            await self._flushing
        await self.flush()


def of_problem(problem: Problem) -> tuple[Outcome, str]:
    """(outcome, reason) of a refusal."""
    if isinstance(problem, RateLimited):
        return ("over_quota" if isinstance(problem, OverQuota) else "rate_limited"), problem.reason
    for kind, outcome, reason in KINDS:
        if isinstance(problem, kind):
            return outcome, reason
    return "failed", problem.slug.replace("-", "_")


def _told(problem: Problem) -> str:
    """What is wrong, with the first place that is."""
    errors = problem.extra.get("errors")
    return f"{errors[0]['pointer']}: {errors[0]['detail']}" if errors else problem.detail


async def write(conn: db.Connection, counts: Counter[Name], samples: list[dict[str, Any]]) -> None:
    """Add counts, and samples where they are among the newest of their project; one transaction."""
    rows = [{**name._asdict(), "event_count": number} for name, number in counts.items()]
    told = [{**one, "detail": _clean(one["detail"])} for one in samples]
    async with conn.transaction():
        await conn.execute(queries.get("outcome_upsert_counts"), {"counts": orjson.dumps(rows).decode()})
        kept = {"samples": orjson.dumps(told).decode(), "samples_max": SAMPLES_KEPT_MAX}
        await conn.execute(queries.get("outcome_insert_samples"), kept)


def _clean(detail: str | None) -> str | None:
    """Our own words may quote a name that a client has chosen."""
    if not detail:
        return None
    cleaned = str(redaction.redact({"message": detail}).payload["message"])
    return cleaned[:DETAIL_CHARACTERS_MAX]


async def report(conn: db.Connection, project_id: int, hours: int) -> dict[str, Any]:
    """Where events went in the last `hours` hours, this one included: by hour, by reason and key, and some that were not kept."""
    since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours - 1)
    by_hour: dict[datetime, dict[str, int]] = {}
    totals: Counter[str] = Counter()
    for row in await db.fetch_all(conn, "outcome_list_by_hour", project_id=project_id, since=since):
        by_hour.setdefault(row["hour"], {})[row["outcome"]] = row["event_count"]
        totals[row["outcome"]] += row["event_count"]
    return {
        "since": since,
        "totals": dict(totals),
        "hours": [{"hour": hour, "outcomes": found} for hour, found in by_hour.items()],
        "reasons": await db.fetch_all(conn, "outcome_list_by_reason", project_id=project_id, since=since, limit=REASONS_SHOWN),
        "recent": await db.fetch_all(conn, "outcome_list_samples", project_id=project_id, limit=SAMPLES_KEPT_MAX),
    }
