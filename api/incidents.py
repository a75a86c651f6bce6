"""/api/projects/{project_id}/incidents and …/events: list, read, explain, resolve, ignore, merge, split, suggest."""

from __future__ import annotations

from typing import Any

from lib import (
    activity,
    event_facets,
    facets,
    grouping,
    incidents,
    searching,
    sifting,
    suggestions,
    tag_counts,
    trends,
    triage,
    views,
)
from lib.analysis import feedback, reading
from lib.models import PageQuery
from lib.models import analysis as analyses
from lib.models import incidents as models
from lib.operations import Call, Operations

PROJECT = "/api/projects/{project_id:id}"
INCIDENT = PROJECT + "/incidents/{incident_id:id}"
operations = Operations()


@operations.get(PROJECT + "/incidents", "incidents:read", answers=models.IncidentPage)
async def list_incidents(call: Call, query: models.IncidentListQuery) -> dict[str, Any]:
    """A page of the project's incidents."""
    narrowed = await _filters(call, query)
    page = await incidents.list_page(call.conn, call.project_id, narrowed, query.sort, query.limit, query.cursor)
    ids = [one["id"] for one in page["items"]]
    bars = (
        await trends.of_incidents(call.conn, call.project_id, ids, query.trend, query.environment, query.release)
        if query.trend
        else {}
    )
    said = await reading.summaries(call.conn, call.project_id, ids)
    return page | {"items": [one | {"trend": bars.get(one["id"]), "analysis": said.get(one["id"])} for one in page["items"]]}


async def _filters(call: Call, query: models.IncidentQuery) -> incidents.Filters:
    """What the query narrows to; `me` is the one who asks, and nobody for an api key."""
    named = {None: None, "me": _own_id(call), "nobody": 0}
    assignee_id = named[query.assignee] if query.assignee in named else int(query.assignee or 0)
    tags = [one.strip() for one in (query.tag or "").split("\n") if one.strip()]
    narrowed = await searching.narrow(call.conn, call.workspace_id, call.project_id, query.user, tags)
    given = query.model_dump(include=set(incidents.Filters._fields))
    return incidents.Filters(**given, assignee_id=assignee_id, narrowed=narrowed)


def _own_id(call: Call) -> int:
    return call.caller.id or 0 if call.caller.kind == "person" else 0


@operations.get(PROJECT + "/incidents/facets", "incidents:read", answers=models.Facets)
async def count_facets(call: Call, query: models.IncidentQuery) -> dict[str, Any]:
    """What the list can be narrowed to further, and how many incidents each step would leave."""
    return await facets.read(call.conn, call.project_id, await _filters(call, query), _own_id(call))


@operations.patch(PROJECT + "/incidents", "incidents:write", answers=models.ChangedIncidents)
async def patch_incidents(call: Call, body: models.BulkPatch) -> dict[str, Any]:
    """Open, resolve or ignore several incidents: all of them, or none."""
    change = incidents.StatusChange(**body.model_dump(exclude={"incident_ids"}))
    return await triage.change_all(call.conn, call.actor, call.project_id, body.incident_ids, change)


@operations.get(INCIDENT, "incidents:read", answers=models.Incident)
async def read_incident(call: Call) -> dict[str, Any]:
    """One incident."""
    return await incidents.read(call.conn, call.project_id, call.id("incident_id"))


@operations.patch(INCIDENT, "incidents:write", answers=models.ChangedIncident)
async def patch_incident(call: Call, body: models.IncidentPatch) -> dict[str, Any]:
    """Open, resolve or ignore an incident."""
    change = incidents.StatusChange(**body.model_dump())
    return await incidents.change_status(call.conn, call.actor, call.project_id, call.id("incident_id"), change)


@operations.put(INCIDENT + "/assignee", "incidents:write", answers=models.Incident)
async def assign_incident(call: Call, body: models.Assignment) -> dict[str, Any]:
    """Say who looks after an incident."""
    return await triage.assign(call.conn, call.actor, call.project_id, call.id("incident_id"), body.person_id)


@operations.put(PROJECT + "/incidents/assignee", "incidents:write", answers=models.Incidents)
async def assign_incidents(call: Call, body: models.BulkAssignment) -> dict[str, Any]:
    """Say who looks after several incidents: after all of them, or after none."""
    return await triage.assign_all(call.conn, call.actor, call.project_id, body.incident_ids, body.person_id)


@operations.get(INCIDENT + "/trend", "incidents:read", answers=models.Trend)
async def read_trend(call: Call, query: models.TrendQuery) -> dict[str, Any]:
    """How often an incident happened over time, and which releases came meanwhile."""
    return await trends.of_incident(call.conn, call.project_id, call.id("incident_id"), query.window)


@operations.get(INCIDENT + "/tags", "incidents:read", answers=models.TagSpreads)
async def read_tag_counts(call: Call) -> dict[str, Any]:
    """How the tags of an incident's newest events are spread."""
    return await tag_counts.read(call.conn, call.project_id, call.id("incident_id"))


@operations.get(INCIDENT + "/activity", "incidents:read", answers=models.Activity)
async def list_activity(call: Call) -> dict[str, Any]:
    """What an incident did, and what was done to it, the newest first."""
    return await activity.read(call.conn, call.workspace_id, call.project_id, call.id("incident_id"))


@operations.get(INCIDENT + "/grouping", "incidents:read", answers=models.Grouping)
async def explain_grouping(call: Call, query: PageQuery) -> dict[str, Any]:
    """Why an incident's events are together."""
    return await grouping.explain(call.conn, call.project_id, call.id("incident_id"), query.limit, query.cursor)


@operations.post(INCIDENT + "/merge", "incidents:write", answers=models.MergedIncident)
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


@operations.get(INCIDENT + "/analysis", "incidents:read", answers=analyses.NewestAnalysis)
async def read_analysis(call: Call) -> dict[str, Any]:
    """What a model made of an incident, how sure that is and where it comes from; or why there is nothing."""
    return await reading.read(call.conn, call.project_id, call.id("incident_id"))


@operations.get(INCIDENT + "/analyses", "incidents:read", answers=analyses.AnalysisPage)
async def list_analyses(call: Call, query: PageQuery) -> dict[str, Any]:
    """All analyses of an incident, the newest first, those that failed or were skipped too."""
    return await reading.list_page(call.conn, call.project_id, call.id("incident_id"), query.limit, query.cursor)


@operations.post(INCIDENT + "/analysis", "incidents:write", status=201, answers=analyses.Analysis)
async def request_analysis(call: Call) -> dict[str, Any]:
    """Have an incident analysed as soon as may be, within the month's budget."""
    return await feedback.request(call.conn, call.actor, call.project_id, call.id("incident_id"))


@operations.post(INCIDENT + "/analyses/{analysis_id:id}/rating", "incidents:write", answers=analyses.Analysis)
async def rate_analysis(call: Call, body: analyses.Rating) -> dict[str, Any]:
    """Say whether an analysis helped."""
    place = (call.project_id, call.id("incident_id"), call.id("analysis_id"))
    return await feedback.rate(call.conn, call.actor, *place, helpful=body.helpful)


@operations.put(INCIDENT + "/analyses/{analysis_id:id}/correction", "incidents:write", answers=analyses.Analysis)
async def correct_analysis(call: Call, body: analyses.Correction) -> dict[str, Any]:
    """Say what it really was; the next analysis is told."""
    place = (call.project_id, call.id("incident_id"), call.id("analysis_id"))
    return await feedback.correct(call.conn, call.actor, *place, body.text)


@operations.get(INCIDENT + "/events", "incidents:read", answers=models.EventPage)
async def list_events(call: Call, query: models.EventQuery) -> dict[str, Any]:
    """A page of an incident's events by when they were received, the newest first unless asked otherwise."""
    hashes = await searching.hashes_of(call.conn, call.workspace_id, query.user) if query.user else None
    filters = incidents.EventFilters(query.environment, query.release, query.order, sifting.Sieve(hashes, query.tag))
    place = (call.project_id, call.id("incident_id"))
    return await incidents.list_events(call.conn, *place, query.limit, query.cursor, filters, query.beyond)


@operations.get(INCIDENT + "/events/facets", "incidents:read", answers=models.EventFacets)
async def count_event_facets(call: Call, query: models.EventFacetsQuery) -> dict[str, Any]:
    """What an incident's events can be narrowed to, how many each step would leave, and how many came after one of them."""
    place = (call.project_id, call.id("incident_id"))
    return await event_facets.read(call.conn, *place, query.environment, query.release, query.event)


@operations.get(INCIDENT + "/events/{event_id}", "incidents:read", answers=models.Event)
async def read_event_of_incident(call: Call) -> dict[str, Any]:
    """One event of an incident whole, as redacted."""
    return await incidents.read_event(call.conn, call.project_id, call.text("event_id"), call.id("incident_id"))


@operations.get(PROJECT + "/events/{event_id}", "incidents:read", answers=models.Event)
async def read_event(call: Call) -> dict[str, Any]:
    """One event whole, as redacted, whichever incident it belongs to."""
    return await incidents.read_event(call.conn, call.project_id, call.text("event_id"))


@operations.get(PROJECT + "/views", "incidents:read", answers=models.Views)
async def list_views(call: Call) -> dict[str, Any]:
    """Searches that the project's members keep under a name."""
    return await views.list_all(call.conn, call.project_id)


@operations.post(PROJECT + "/views", "incidents:write", answers=models.View, status=201)
async def create_view(call: Call, body: models.ViewCreate) -> dict[str, Any]:
    """Keep a search under a name."""
    return await views.create(call.conn, call.actor, call.project_id, body.name, body.query, body.sort)


@operations.delete(PROJECT + "/views/{view_id:id}", "incidents:write")
async def delete_view(call: Call) -> None:
    """Forget a search."""
    await views.delete(call.conn, call.actor, call.project_id, call.id("view_id"))


app = operations.app()
