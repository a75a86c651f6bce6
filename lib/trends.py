"""How often something happened over time, from the hourly counts: bars of equal width up to now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from lib import db, incidents

Window = Literal["24h", "14d", "90d"]
RELEASES_MAX = 20


class Span(NamedTuple):
    """So many bars of so many hours each; the last one holds this moment."""

    bars: int
    hours: int

    def since(self, now: datetime) -> datetime:
        """Where the first bar begins: on a whole hour in UTC, as counts do."""
        hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return hour - timedelta(hours=self.bars * self.hours - 1)


SPANS: dict[Window, Span] = {"24h": Span(24, 1), "14d": Span(28, 12), "90d": Span(90, 24)}


async def of_incidents(
    conn: db.Connection, project_id: int, incident_ids: Sequence[int], window: Window, environment: str | None = None,
    release: str | None = None,
) -> dict[int, list[int]]:  # fmt: skip
    """Bars of each incident, the oldest first, from one query; of one environment or release where these are given."""
    span = SPANS[window]
    rows = await db.fetch_all(
        conn, "count_list_by_incidents", project_id=project_id, incident_ids=list(incident_ids),
        since=span.since(datetime.now(UTC)), bar_seconds=span.hours * 3600, environment=environment, release=release,
    )  # fmt: skip
    bars = {incident_id: [0] * span.bars for incident_id in incident_ids}
    for row in rows:
        # An event's own clock may be some minutes ahead of ours.
        bars[row["incident_id"]][min(row["bar"], span.bars - 1)] += row["event_count"]
    return bars


async def of_incident(conn: db.Connection, project_id: int, incident_id: int, window: Window) -> dict[str, Any]:
    """`{since, bar_seconds, counts, releases: [{release, at}]}`; releases: those that the project began to see meanwhile.

    Raises NotFound.
    """
    await incidents.find(conn, project_id, incident_id)
    span, now = SPANS[window], datetime.now(UTC)
    counts = await of_incidents(conn, project_id, [incident_id], window)
    releases = await db.fetch_all(
        conn, "count_list_releases", project_id=project_id, since=span.since(now), limit=RELEASES_MAX
    )  # fmt: skip
    return {
        "since": span.since(now),
        "bar_seconds": span.hours * 3600,
        "counts": counts[incident_id],
        "releases": [{"release": row["release"], "at": row["first_seen"]} for row in releases],
    }
