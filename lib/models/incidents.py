"""Incidents and their events."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from lib import searching
from lib.models import Answer, Body, Id, Json, Moment, Page, PageQuery, PersonName, Query, Text

Status = Literal["open", "resolved", "ignored"]
Sort = Literal["last_seen", "first_seen", "event_count"]
Window = Literal["24h", "14d", "90d"]
TAGS_CHARACTERS_MAX = 2_000
Level = Literal["fatal", "error", "warning", "info", "debug"]


class IncidentQuery(PageQuery):
    """Filters, order and page of the list."""

    status: Status | None = None
    level: Level | None = None
    environment: Text | None = None
    release: Text | None = None
    text: Text | None = None
    since: Moment | None = None
    until: Moment | None = None
    assignee: Annotated[str, StringConstraints(pattern=r"^(me|nobody|[0-9]{1,18})$")] | None = None
    """A person's id, me (the one who asks) or nobody."""
    user: Text | None = None
    """Whom it met, as events name their user: by id, e-mail, user name or IP address, whichever comes first in them. Looks
    through everybody whom incidents that are still there ever met, but who was erased.
    """
    tag: Annotated[str, StringConstraints(max_length=TAGS_CHARACTERS_MAX)] | None = None
    """`name=value`, or a value of whatever tag; several, one a line, all have to be there. Looks through tags of events whose
    payload has not expired, as redacted; of a tag that has more than 100 values within one kind of error, through the first ones.
    """
    sort: Sort = "last_seen"

    @field_validator("tag")
    @classmethod
    def _few(cls, text: str | None) -> str | None:
        if text and len(text.split("\n")) > searching.TAGS_MAX:
            raise ValueError(f"name {searching.TAGS_MAX} tags at most")
        return text


class IncidentListQuery(IncidentQuery):
    """Filters, order and page of the list, and the bars that each incident is to come with."""

    trend: Window | None = None


class EventQuery(PageQuery):
    """Which of an incident's events, from which end. A narrowed page may hold fewer than `limit` and lead on all the same."""

    order: Literal["newest", "oldest"] = "newest"
    environment: Text | None = None
    release: Text | None = None
    beyond: Annotated[str, StringConstraints(max_length=36)] | None = None
    """An event's id: the page begins behind it."""
    user: Text | None = None
    """Whom the event met, as events name their user. Looks at 2,000 events a page."""
    tag: Text | None = None
    """`name=value`, or a value of whatever tag. Looks at 100 events a page, and none whose payload has expired."""


class EventFacetsQuery(Query):
    """What is counted, and before which event."""

    environment: Text | None = None
    release: Text | None = None
    event: Annotated[str, StringConstraints(max_length=36)] | None = None
    """An event's id: those received after it are counted, too."""


class IncidentPatch(Body):
    """A change of status, and what it is bound to."""

    status: Status
    in_next_release: bool = False
    """With resolved: only an event of a newer release than any so far reopens it."""
    ignored_until: Moment | None = None
    """With ignored: the time at which the next event reopens it."""
    ignored_events: int | None = Field(None, ge=1, le=10**12)
    """With ignored: how many more events it takes to reopen it."""
    resolved_release: Text | None = None
    """With resolved: the release that it is measured against, to put it back as it was; otherwise it is as of now."""
    ignored_until_count: int | None = Field(None, ge=1, le=10**18)
    """With ignored: the count of events at which it reopens, to put it back as it was."""

    @model_validator(mode="after")
    def _bound_to_its_status(self) -> Self:
        if self.in_next_release and self.status != "resolved":
            raise ValueError("in_next_release goes with status resolved")
        if self.resolved_release and self.status != "resolved":
            raise ValueError("resolved_release goes with status resolved")
        if (self.ignored_until or self.ignored_events or self.ignored_until_count) and self.status != "ignored":
            raise ValueError("ignored_until, ignored_events and ignored_until_count go with status ignored")
        if self.ignored_events and self.ignored_until_count:
            raise ValueError("name ignored_events or ignored_until_count, not both")
        return self


class BulkPatch(IncidentPatch):
    """The same change of status for several incidents: for all of them, or for none."""

    incident_ids: list[Id] = Field(min_length=1, max_length=100)


class Assignment(Body):
    """Who is to look after an incident; null: nobody."""

    person_id: Id | None


class BulkAssignment(Assignment):
    """Who is to look after several incidents."""

    incident_ids: list[Id] = Field(min_length=1, max_length=100)


class TrendQuery(Query):
    """How far back: 24 hours by the hour, 14 days by half days, 90 days by the day."""

    window: Window = "14d"


class ViewCreate(Body):
    """A search to be kept."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
    query: Annotated[str, StringConstraints(max_length=1000)]
    sort: Sort = "last_seen"


class Merge(Body):
    """The incidents whose fingerprints are to lead to the one in the address."""

    incident_ids: list[Id] = Field(min_length=1, max_length=100)


class Split(Body):
    """The fingerprints that are to leave the incident in the address, as 32 hexadecimal characters."""

    fingerprints: list[uuid.UUID] = Field(min_length=1, max_length=500)


class ListedIncident(Answer):
    """An incident as the list shows it."""

    id: int
    title: str
    culprit: str | None
    kind: str | None
    level: str
    platform: str
    status: Status
    event_count: int
    people_count: int
    """The people it met, each counted once."""
    first_seen: Moment
    last_seen: Moment
    first_release: str | None
    last_release: str | None
    environments: list[str]
    regressed_at: Moment | None
    escalated_at: Moment | None
    assignee: PersonName | None


class TrendedIncident(ListedIncident):
    """An incident of a list with its bars, the oldest first (null where none were asked for), and what an analysis says of it."""

    trend: list[int] | None
    analysis: str | None
    """The summary of the newest analysis that says something."""


class IncidentPage(Page):
    """A page of incidents."""

    items: list[TrendedIncident]


class FacetValue(Answer):
    """A value, and how many incidents it would leave."""

    value: str
    incident_count: int


class ReleaseValue(Answer):
    """A release, and how many incidents it would leave; null where too many fit to count."""

    value: str
    incident_count: int | None


class Facets(Answer):
    """What the list can be narrowed to further. Counts follow every filter but the facet's own; releases are the newest."""

    status: list[FacetValue]
    level: list[FacetValue]
    environment: list[FacetValue]
    assignee: list[FacetValue]
    release: list[ReleaseValue]
    complete: bool
    """False: there are more than 20,000 incidents, and the counts are of those last seen."""


class EventFacetValue(Answer):
    """A value, and how many events have it."""

    value: str
    event_count: int


class EventFacets(Answer):
    """What an incident's events can be narrowed to; each counts by the other, and the one seen last comes first."""

    environment: list[EventFacetValue]
    release: list[EventFacetValue]
    event_count: int
    """Of those that fit."""
    newer_count: int | None
    """Of those that fit, received after the event that was named; null where none was, and where more than 10,000 were."""


class Act(Answer):
    """kind: new, regressed, escalated or appeared (met in one more environment since it was new or regressed), of the incident
    itself; or what the trail calls a change, with who made it.
    """

    at: Moment
    kind: str
    release: str | None
    environment: str | None
    event_id: str | None
    actor_kind: Literal["person", "key", "cron", "link"] | None
    actor_name: str | None
    assignee_name: str | None
    """Of incident.assign: who has it since; null where nobody does, or they are not known any more."""
    before: Json
    after: Json


class Activity(Answer):
    """The newest 50 things that an incident did, or that were done to it."""

    items: list[Act]


class ReleaseMark(Answer):
    """A release, and when its first event came."""

    release: str
    at: Moment


class Trend(Answer):
    """Events of an incident in bars of equal width, the oldest first; the last bar holds this moment."""

    since: Moment
    bar_seconds: int
    counts: list[int]
    releases: list[ReleaseMark]


class TagValue(Answer):
    """A value of a tag, and how many of the events have it."""

    value: str
    event_count: int


class TagSpread(Answer):
    """How a tag is spread over the newest events of an incident."""

    tag: str
    event_count: int
    value_count: int
    values: list[TagValue]


class TagSpreads(Answer):
    """The tags of the newest events of an incident; event_count: of how many."""

    event_count: int
    items: list[TagSpread]


class View(Answer):
    """A search that is kept under a name."""

    id: int
    name: str
    query: str
    sort: Sort
    created_at: Moment
    created_by: PersonName | None


class Views(Answer):
    """All of a project's kept searches."""

    items: list[View]


class FingerprintSummary(Answer):
    """A fingerprint that leads to an incident."""

    fingerprint: str
    version: int
    rule: str
    reason: str
    parts: Json
    event_count: int
    first_seen: Moment
    last_seen: Moment


class Incident(ListedIncident):
    """One incident whole. A merged one says where its events are."""

    status_changed_at: Moment | None
    resolved_release: str | None
    resolved_in_next_release: bool
    ignored_until: Moment | None
    ignored_until_count: int | None
    merged_into: int | None
    events_removed_on: date | None
    """The day on which retention removed what its last event held; null while something of it is there."""
    fingerprints: list[FingerprintSummary]


class Incidents(Answer):
    """Some incidents whole."""

    items: list[Incident]


class Resolution(Answer):
    """A status, and what it is bound to."""

    status: Status
    resolved_release: str | None
    resolved_in_next_release: bool
    ignored_until: Moment | None
    ignored_until_count: int | None


class ChangedIncident(Incident):
    """An incident whose status was changed. A patch with what `was` puts it back exactly."""

    was: Resolution


class ChangedIncidents(Answer):
    """Some incidents whose status was changed."""

    items: list[ChangedIncident]


class MovedFingerprint(Answer):
    """Where a fingerprint leads after a split, or led before a merge."""

    fingerprint: str
    incident_id: int


class MergedIncident(Incident):
    """The incident that others were merged into, and where what leads to it now led before."""

    moved: list[MovedFingerprint]


class Origin(Answer):
    """How a fingerprint came to its incident."""

    kind: Literal["began", "merged", "split", "version"]
    text: str
    home_incident_id: int
    from_incident_id: int | None
    at: Moment | None
    by: PersonName | None
    previous_fingerprint: str | None


class ExplainedFingerprint(FingerprintSummary):
    """Why events of one fingerprint are together."""

    environments: list[str]
    first_release: str | None
    last_release: str | None
    origin: Origin


class Grouping(Page):
    """Why an incident's events are together."""

    incident_id: int
    merged_into: int | None
    items: list[ExplainedFingerprint]


class SplitAnswer(Answer):
    """The incident that was split, and where what left it leads."""

    incident: Incident
    split: list[MovedFingerprint]


class Suggestion(Answer):
    """An incident that is likely the same bug: how likely, from 0.6 to 0.95, and what speaks for it, the strongest first."""

    incident_id: int
    score: float
    evidence: list[str]
    title: str
    culprit: str | None
    status: Status
    level: str
    event_count: int
    first_seen: Moment
    last_seen: Moment
    first_release: str | None
    last_release: str | None
    environments: list[str]


class Suggestions(Answer):
    """What an incident could be merged with, the best first. complete: false where only the incidents last seen were compared."""

    incident_id: int
    items: list[Suggestion]
    compared: int
    complete: bool


class Dismissal(Body):
    """The incidents that are not the same bug as the one in the address."""

    incident_ids: list[Id] = Field(min_length=1, max_length=100)


class Dismissed(Answer):
    """Those that were not dismissed before."""

    incident_id: int
    dismissed: list[int]


class ListedEvent(Answer):
    """An event without its payload."""

    event_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    received_at: Moment
    occurred_at: Moment
    expires_on: date
    level: str
    release: str | None
    environment: str | None
    service: str | None
    route: str | None
    removed_count: int
    sampled: bool
    """Of a flood: counted like any other, but its payload was not kept."""


class EventPage(Page):
    """A page of an incident's events."""

    items: list[ListedEvent]


class Removal(Answer):
    """What was removed from an event: where, by which rule and how often."""

    path: str
    rule: str
    count: int


class Event(ListedEvent):
    """One event whole, as redacted. payload is null once it has expired, and where the event is sampled."""

    incident_id: int
    fingerprint: str
    payload: Json
    removals: list[Removal]
