"""Analyses as people and messages see them: what was said, how sure it is in words, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib import confidence, db, incidents, paging, settings
from lib.analysis import options
from lib.channels.notice import Explained

PROVENANCE = "Written by a model from redacted event data. It may be wrong; nothing in it was checked by running anything."
SAID = ("summary", "likely_cause", "suggested_fix", "severity", "evidence")
CONSULTED = ("model", "prompt_version", "event_count", "release", "input_tokens", "cached_tokens", "output_tokens", "latency_ms")
REASONS = {
    "refused": "The model refused to answer, twice.",
    "truncated": "The model's answer was cut off, twice.",
    "invalid": "The model's answer was not of the form that was asked for, twice.",
    "attempts": "It was begun several times and never ended.",
    "timeout": "The model did not answer in time.",
    "unreachable": "The model's server could not be reached.",
    "garbage": "The model's server answered something that is no answer.",
    "status_400": "The model's server refused this incident: it is asked again when something has changed.",
    "status_413": "The model's server found this incident too large: it is asked again when something has changed.",
    "status_422": "The model's server refused this incident: it is asked again when something has changed.",
    "status_401": "The model's server refused the key: see OPENAI_API_KEY.",
    "status_404": "The model's server does not know the model: see ANALYSIS_MODEL.",
    "status_429": "The model's server has a limit that is reached.",
    "too_old": "The change was more than three days old when its turn came.",
    "gone": "The incident was merged into another one, or its project has been deleted.",
    "same_context": "Nothing that matters has changed since the last analysis; ask for another one if you want it.",
    "pace": "The project's analyses of this hour are used up; it comes later.",
    "busy": "Analyses under way may use up the month's budget; it comes a little later.",
    "budget_project": "The project's budget of this month is used up.",
    "budget_workspace": "The workspace's budget of this month is used up.",
    "budget_deployment": "The deployment's budget of this month is used up.",
}


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """An analysis as the API answers it. What was not said is null."""
    result = row["result"] or {}
    return {
        **{name: row[name] for name in ("id", "incident_id", "state", "cause", "reason", "created_at", "finished_at")},
        "reason_in_words": _in_words(row["reason"]),
        **{name: result.get(name) for name in SAID},
        "confidence": row["confidence"],
        "confidence_in_words": None if row["confidence"] is None else confidence.in_words(row["confidence"]),
        "provenance": {
            "text": PROVENANCE,
            **{name: row[name] for name in CONSULTED},
            "cost_dollars": row["cost_microdollars"] / options.MICRODOLLARS,
            "context_hash": row["context_hash"].hex() if row["context_hash"] else None,
        },
        "rating": _said(row, "helpful", "rated"),
        "correction": _said(row, "correction", "corrected"),
    }


def _said(row: Mapping[str, Any], what: str, verb: str) -> dict[str, Any] | None:
    """What a person said of it, who (null: an api key, or somebody who is gone) and when."""
    if row[f"{verb}_at"] is None or row[what] is None:
        return None
    name = "text" if what == "correction" else what
    return {name: row[what], "by": row[f"{verb}_by"], "at": row[f"{verb}_at"]}


def _in_words(reason: str | None) -> str | None:
    if reason is None:
        return None
    return REASONS.get(reason, "The model's server answered with an error.")


async def summaries(conn: db.Connection, project_id: int, incident_ids: Sequence[int]) -> dict[int, str]:
    """What the newest analysis that says something says of each incident, in a sentence."""
    rows = await db.fetch_all(conn, "analysis_list_summaries", project_id=project_id, incident_ids=list(incident_ids))
    return {row["incident_id"]: row["summary"] for row in rows}


async def read(conn: db.Connection, project_id: int, incident_id: int) -> dict[str, Any]:
    """`{"configured", "detail", "analysis", "latest"}`: the newest that says something, and the newest whatever became of it.

    detail: why there is nothing, or nothing newer, in words. Raises NotFound.
    """
    await incidents.find(conn, project_id, incident_id)
    place = {"project_id": project_id, "incident_id": incident_id}
    said = await db.fetch_one(conn, "analysis_find_last", **place)
    latest = await db.fetch_one(conn, "analysis_find_latest", **place)
    chosen = await options.read(conn, project_id)
    configured = settings.current().openai_api_key is not None
    return {
        "configured": configured,
        "detail": _detail(latest, configured=configured, enabled=chosen["enabled"]),
        "analysis": shown(said) if said else None,
        "latest": shown(latest) if latest else None,
    }


def _detail(latest: Mapping[str, Any] | None, *, configured: bool, enabled: bool) -> str:
    if not configured:
        return "Analysis is off: this deployment has no OPENAI_API_KEY."
    if latest is None:
        return "There is none yet." if enabled else "Analysis is switched off in this project's settings."
    states = {"done": "It is up to date.", "waiting": "One is waiting for its turn.", "running": "One is being made."}
    return _in_words(latest["reason"]) or states[latest["state"]]


async def list_page(
    conn: db.Connection, project_id: int, incident_id: int, limit: int = paging.LIMIT_DEFAULT, cursor: str | None = None
) -> dict[str, Any]:
    """`{"items", "next_cursor"}` of an incident's analyses, the newest first. Raises NotFound, InvalidRequest."""
    await incidents.find(conn, project_id, incident_id)
    [after_id] = paging.decode(cursor, (int,)) if cursor else [None]
    rows = await db.fetch_all(
        conn, "analysis_list_by_incident", project_id=project_id, incident_id=incident_id, after_id=after_id, limit=limit + 1
    )
    return paging.page(rows, limit, ("id",), shown)


async def newest(conn: db.Connection, project_id: int, incident_ids: Sequence[int]) -> dict[int, Explained]:
    """Of each incident what its newest analysis says; those without one are left out."""
    rows = await db.fetch_all(conn, "analysis_list_newest", project_id=project_id, incident_ids=list(incident_ids))
    return {row["incident_id"]: _explained(row["result"], row["confidence"]) for row in rows}


def _explained(result: Mapping[str, Any], sure: float) -> Explained:
    return Explained(result["summary"], result["likely_cause"], result["suggested_fix"] or None, sure)
