"""What a list of incidents can be narrowed to further, and how much each step would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from lib import db, incidents

ENVIRONMENTS_MAX = 20
RELEASES_MAX = 8
FACETS = ("status", "level", "environment")
# Incidents that are counted, those last seen: 20 ms.
COUNTED_MAX = 20_000
# A release is counted by looking at each incident that is left: 8,000 lookups, some 30 ms.
RELEASES_COUNTED_MAX = 1_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


async def read(conn: db.Connection, project_id: int, filters: incidents.Filters, own_id: int = 0) -> dict[str, Any]:
    """`{status, level, environment, assignee, release: [{value, incident_count}], complete}`; counts follow all other filters.

    complete: false where COUNTED_MAX incidents fit what is no facet; then the counts are of those last seen.
    assignee: me (own_id) and nobody. release: the newest; the counts of those that the list is not narrowed to are null where
    more than RELEASES_COUNTED_MAX incidents fit everything else.
    """
    given = incidents.parameters(filters)
    wanted = {facet: given[facet] for facet in FACETS}
    kinds = await _kinds(conn, project_id, own_id, given)
    found: dict[str, Any] = {facet: _ranked(_counted(kinds, facet, wanted)) for facet in FACETS}
    found["environment"] = found["environment"][:ENVIRONMENTS_MAX]
    left = list(_fitting(kinds, wanted))
    own, free = (sum(kind[name] for kind in left) for name in ("own_count", "free_count"))
    found["assignee"] = [{"value": "me", "incident_count": own}, {"value": "nobody", "incident_count": free}]
    of_any = await _kinds(conn, project_id, own_id, given | {"release": None}) if filters.release else kinds
    candidates = [one for kind in _fitting(of_any, wanted) for one in kind["incident_ids"] or ()]
    found["release"] = await _releases(conn, project_id, candidates)
    for one in found["release"]:
        if one["value"] == filters.release:
            one["incident_count"] = sum(kind["incident_count"] for kind in left)
    found["complete"] = sum(kind["all_count"] for kind in kinds) < COUNTED_MAX
    return found


async def _kinds(conn: db.Connection, project_id: int, own_id: int, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Incidents that fit what is no facet, counted by what is one."""
    return await db.fetch_all(
        conn, "facet_list", project_id=project_id, own_id=own_id, max=COUNTED_MAX,
        **_without(given, *FACETS) | _common_tag(given),
    )  # fmt: skip


def _without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in names}


def _common_tag(given: Mapping[str, Any]) -> dict[str, Any]:
    """The first tag of those that many incidents have apart from the others."""
    (value, *values), (name, *names) = given["tag_values"] or [None], given["tag_names"] or [None]
    return {"tag_value": value, "tag_name": name, "tag_values": values or None, "tag_names": names or None}


def _values(kind: Mapping[str, Any], facet: str) -> list[str]:
    return kind["environments"] if facet == "environment" else [kind[facet]]


def _fitting(kinds: list[dict[str, Any]], wanted: Mapping[str, str | None], but: str = "") -> Iterator[dict[str, Any]]:
    """Those that fit what is wanted of every facet but one."""
    asked = [(facet, value) for facet, value in wanted.items() if value is not None and facet != but]
    return (kind for kind in kinds if all(value in _values(kind, facet) for facet, value in asked))


def _counted(kinds: list[dict[str, Any]], facet: str, wanted: Mapping[str, str | None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for kind in _fitting(kinds, wanted, facet):
        for value in _values(kind, facet):
            counts[value] += kind["incident_count"]
    return counts


def _ranked(counts: Counter[str]) -> list[dict[str, Any]]:
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"value": value, "incident_count": number} for value, number in ranked if number]


async def _releases(conn: db.Connection, project_id: int, candidates: list[int]) -> list[dict[str, Any]]:
    """candidates: the incidents that fit all filters but that of the release."""
    newest = await db.fetch_all(conn, "count_list_releases", project_id=project_id, since=BEGINNING, limit=RELEASES_MAX)
    names = [row["release"] for row in newest]
    if len(candidates) > RELEASES_COUNTED_MAX:
        return [{"value": name, "incident_count": None} for name in names]
    rows = await db.fetch_all(conn, "facet_list_releases", project_id=project_id, releases=names, incident_ids=candidates)
    return [{"value": row["release"], "incident_count": row["incident_count"]} for row in rows]
