"""/api/projects/{project_id}/incidents and …/events: list, read, explain, resolve, ignore, merge, split. For members only."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, model_validator
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import auth, grouping, http, incidents, paging, requests

Text = Annotated[str, StringConstraints(max_length=200)]


class IncidentQuery(BaseModel):
    """Filters, order and page of the list. Unknown parameters are ignored: a rewrite may add some."""

    status: Literal["open", "resolved", "ignored"] | None = None
    level: Literal["fatal", "error", "warning", "info", "debug"] | None = None
    environment: Text | None = None
    release: Text | None = None
    text: Text | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    sort: Literal["last_seen", "first_seen", "event_count"] = "last_seen"
    limit: int = Field(paging.LIMIT_DEFAULT, ge=1, le=paging.LIMIT_MAX)
    cursor: str | None = None


class PageQuery(BaseModel):
    """A page of a list."""

    limit: int = Field(paging.LIMIT_DEFAULT, ge=1, le=paging.LIMIT_MAX)
    cursor: str | None = None


class IncidentPatch(BaseModel, extra="forbid"):
    """A change of status, and what it is bound to."""

    status: Literal["open", "resolved", "ignored"]
    in_next_release: bool = False
    """With resolved: only an event of a newer release than any so far reopens it."""
    ignored_until: AwareDatetime | None = None
    """With ignored: the time at which the next event reopens it."""
    ignored_events: int | None = Field(None, ge=1, le=10**12)
    """With ignored: how many more events it takes to reopen it."""

    @model_validator(mode="after")
    def _bound_to_its_status(self) -> Self:
        if self.in_next_release and self.status != "resolved":
            raise ValueError("in_next_release goes with status resolved")
        if (self.ignored_until or self.ignored_events) and self.status != "ignored":
            raise ValueError("ignored_until and ignored_events go with status ignored")
        return self


class Merge(BaseModel, extra="forbid"):
    """The incidents whose fingerprints are to lead to the one in the address."""

    incident_ids: list[Annotated[int, Field(ge=1, le=paging.BIGINT_MAX)]] = Field(min_length=1, max_length=100)


class Split(BaseModel, extra="forbid"):
    """The fingerprints that are to leave the incident in the address, as 32 hexadecimal characters."""

    fingerprints: list[uuid.UUID] = Field(min_length=1, max_length=100)


async def list_incidents(request: Request) -> Response:
    """A page of the project's incidents."""
    user = await request.state.verifier.user(request)
    query = requests.parse_query(request, IncidentQuery)
    narrowed = incidents.Filters(**query.model_dump(include=set(incidents.Filters._fields)))
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"])
        page = await incidents.list_page(conn, member.project_id, narrowed, query.sort, query.limit, query.cursor)
    return http.json(page)


async def read_incident(request: Request) -> Response:
    """One incident."""
    user = await request.state.verifier.user(request)
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"])
        incident = await incidents.read(conn, member.project_id, request.path_params["incident_id"])
    return http.json(incident)


async def patch_incident(request: Request) -> Response:
    """Open, resolve or ignore an incident."""
    user = await request.state.verifier.user(request)
    body = await requests.parse_body(request, IncidentPatch)
    async with request.state.database.transaction() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"], "member")
        change = incidents.StatusChange(**body.model_dump())
        incident = await incidents.change_status(
            conn, member.actor(http.client_address(request)), member.project_id, request.path_params["incident_id"], change
        )
    return http.json(incident)


async def explain_grouping(request: Request) -> Response:
    """Why an incident's events are together."""
    user = await request.state.verifier.user(request)
    query = requests.parse_query(request, PageQuery)
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"])
        page = await grouping.explain(conn, member.project_id, request.path_params["incident_id"], query.limit, query.cursor)
    return http.json(page)


async def merge_incidents(request: Request) -> Response:
    """Let other incidents' fingerprints lead to this one."""
    user = await request.state.verifier.user(request)
    body = await requests.parse_body(request, Merge)
    async with request.state.database.transaction() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"], "member")
        incident = await grouping.merge(
            conn,
            member.actor(http.client_address(request)),
            member.project_id,
            request.path_params["incident_id"],
            body.incident_ids,
        )
    return http.json(incident)


async def split_incident(request: Request) -> Response:
    """Take fingerprints out of this incident again."""
    user = await request.state.verifier.user(request)
    body = await requests.parse_body(request, Split)
    async with request.state.database.transaction() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"], "member")
        answer = await grouping.split(
            conn,
            member.actor(http.client_address(request)),
            member.project_id,
            request.path_params["incident_id"],
            body.fingerprints,
        )
    return http.json(answer)


async def list_events(request: Request) -> Response:
    """A page of an incident's events."""
    user = await request.state.verifier.user(request)
    query = requests.parse_query(request, PageQuery)
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"])
        page = await incidents.list_events(conn, member.project_id, request.path_params["incident_id"], query.limit, query.cursor)
    return http.json(page)


async def read_event(request: Request) -> Response:
    """One event whole, as redacted."""
    user = await request.state.verifier.user(request)
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"])
        event = await incidents.read_event(
            conn, member.project_id, request.path_params["event_id"], request.path_params.get("incident_id")
        )
    return http.json(event)


PROJECT = "/api/projects/{project_id:id}"
INCIDENT = PROJECT + "/incidents/{incident_id:id}"
app = http.create_app(
    [
        Route(PROJECT + "/incidents", list_incidents),
        Route(INCIDENT, read_incident),
        Route(INCIDENT, patch_incident, methods=["PATCH"]),
        Route(INCIDENT + "/grouping", explain_grouping),
        Route(INCIDENT + "/merge", merge_incidents, methods=["POST"]),
        Route(INCIDENT + "/split", split_incident, methods=["POST"]),
        Route(INCIDENT + "/events", list_events),
        Route(INCIDENT + "/events/{event_id}", read_event),
        Route(PROJECT + "/events/{event_id}", read_event),
    ],
    http.signed_in_lifespan,
)
