"""/api/projects/{project_id}/incidents and …/events: list, read, explain, resolve, ignore, merge, split, suggest."""

from __future__ import annotations

from typing import Any

from lib import grouping, incidents, suggestions
from lib.models import PageQuery
from lib.models import incidents as models
from lib.operations import Call, Operations

PROJECT = "/api/projects/{project_id:id}"
INCIDENT = PROJECT + "/incidents/{incident_id:id}"
operations = Operations()


@operations.get(PROJECT + "/incidents", "incidents:read", answers=models.IncidentPage)
async def list_incidents(call: Call, query: models.IncidentQuery) -> dict[str, Any]:
    """A page of the project's incidents."""
    narrowed = incidents.Filters(**query.model_dump(include=set(incidents.Filters._fields)))
    return await incidents.list_page(call.conn, call.project_id, narrowed, query.sort, query.limit, query.cursor)


@operations.get(INCIDENT, "incidents:read", answers=models.Incident)
async def read_incident(call: Call) -> dict[str, Any]:
    """One incident."""
    return await incidents.read(call.conn, call.project_id, call.id("incident_id"))


@operations.patch(INCIDENT, "incidents:write", answers=models.Incident)
async def patch_incident(call: Call, body: models.IncidentPatch) -> dict[str, Any]:
    """Open, resolve or ignore an incident."""
    change = incidents.StatusChange(**body.model_dump())
    return await incidents.change_status(call.conn, call.actor, call.project_id, call.id("incident_id"), change)


@operations.get(INCIDENT + "/grouping", "incidents:read", answers=models.Grouping)
async def explain_grouping(call: Call, query: PageQuery) -> dict[str, Any]:
    """Why an incident's events are together."""
    return await grouping.explain(call.conn, call.project_id, call.id("incident_id"), query.limit, query.cursor)


@operations.post(INCIDENT + "/merge", "incidents:write", answers=models.Incident)
async def merge_incidents(call: Call, body: models.Merge) -> dict[str, Any]:
    """Let other incidents' fingerprints lead to this one."""
    return await grouping.merge(call.conn, call.actor, call.project_id, call.id("incident_id"), body.incident_ids)


@operations.post(INCIDENT + "/split", "incidents:write", answers=models.SplitAnswer)
async def split_incident(call: Call, body: models.Split) -> dict[str, Any]:
    """Take fingerprints out of this incident again."""
    return await grouping.split(call.conn, call.actor, call.project_id, call.id("incident_id"), body.fingerprints)


@operations.get(INCIDENT + "/suggestions", "incidents:read", answers=models.Suggestions)
async def list_suggestions(call: Call) -> dict[str, Any]:
    """Incidents that are likely the same bug as this one, and what speaks for it. Nothing merges by itself."""
    return await suggestions.list_for(call.conn, call.project_id, call.id("incident_id"))


@operations.post(INCIDENT + "/suggestions/dismiss", "incidents:write", answers=models.Dismissed)
async def dismiss_suggestions(call: Call, body: models.Dismissal) -> dict[str, Any]:
    """Never suggest these for this incident again."""
    return await suggestions.dismiss(call.conn, call.actor, call.project_id, call.id("incident_id"), body.incident_ids)


@operations.get(INCIDENT + "/events", "incidents:read", answers=models.EventPage)
async def list_events(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of an incident's events, the newest received first."""
    return await incidents.list_events(call.conn, call.project_id, call.id("incident_id"), query.limit, query.cursor)


@operations.get(INCIDENT + "/events/{event_id}", "incidents:read", answers=models.Event)
async def read_event_of_incident(call: Call) -> dict[str, Any]:
    """One event of an incident whole, as redacted."""
    return await incidents.read_event(call.conn, call.project_id, call.text("event_id"), call.id("incident_id"))


@operations.get(PROJECT + "/events/{event_id}", "incidents:read", answers=models.Event)
async def read_event(call: Call) -> dict[str, Any]:
    """One event whole, as redacted, whichever incident it belongs to."""
    return await incidents.read_event(call.conn, call.project_id, call.text("event_id"))


app = operations.app()
