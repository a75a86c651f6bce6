"""Alert rules, channels and deliveries."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from lib.alerts.rules import DAYS
from lib.models import Answer, Body, Id, Moment, Page, PageQuery, Query, Text
from lib.models.incidents import Level

PATTERNS_MAX = 20
TAGS_MAX = 10
CHANNELS_OF_RULE_MAX = 20
MINUTES_MAX = 1_440
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Kind = Literal["email", "webhook", "slack", "discord"]
State = Literal["pending", "sent", "dead", "cancelled"]
Transition = Literal["new", "regressed", "escalated"]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_MAX)]


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # an unknown one, and what could not even be a file's name
        raise ValueError("a time zone has a name such as Europe/Berlin") from error
    return text


def _clock(text: str) -> str:
    time.fromisoformat(text)
    return text


Glob = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Globs = Annotated[list[Glob], Field(max_length=PATTERNS_MAX)]
AlertName = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_zone)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), AfterValidator(_clock)]


class Frequency(Body):
    """More than so many events of an incident within so many minutes."""

    more_than: int = Field(ge=1, le=100_000)
    minutes: Minutes


class Unusual(Body):
    """So many times the events that an incident usually has in as many minutes."""

    times: int = Field(ge=2, le=1_000)
    minutes: Minutes


class People(Body):
    """More than so many people met an incident."""

    more_than: int = Field(ge=0, le=1_000_000)


class Conditions(Body):
    """What a rule finds; any of these."""

    transitions: list[Transition] = Field(default_factory=list, max_length=3)
    frequency: Frequency | None = None
    unusual: Unusual | None = None
    people: People | None = None
    milestones: bool = False
    """10, 100, 1,000 … events."""

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not (self.transitions or self.frequency or self.unusual or self.people or self.milestones):
            raise ValueError("a rule needs a condition: transitions, frequency, unusual, people or milestones")
        return self


class Filters(Body):
    """What it is narrowed to; all must fit, and of a list any pattern is enough."""

    environments: Globs = Field(default_factory=list)
    levels: list[Level] = Field(default_factory=list, max_length=5)
    releases: Globs = Field(default_factory=list)
    services: Globs = Field(default_factory=list)
    routes: Globs = Field(default_factory=list)
    tags: dict[Text, Glob] = Field(default_factory=dict, max_length=TAGS_MAX)


class QuietHours(Body):
    """Hours in which nothing is told; what was found in them is told at their end."""

    time_zone: Zone
    begins: ClockTime = Field(alias="from")
    ends: ClockTime = Field(alias="to")
    days: list[Day] = Field(default_factory=list, max_length=len(DAYS))
    """The days on which they begin; empty: all."""

    @model_validator(mode="after")
    def _end(self) -> Self:
        if self.begins == self.ends:
            raise ValueError("quiet hours that end when they begin never end: mute the rule instead")
        return self


def check_together(conditions: Conditions | None, filters: Filters | None) -> None:
    """Raises ValueError where a condition cannot know what a filter asks for."""
    if conditions is None or filters is None:
        return
    counted = conditions.frequency or conditions.unusual or conditions.people or conditions.milestones
    if filters.tags and counted:
        raise ValueError("tags are known of single events: this filter goes with transitions only")
    narrow = filters.services or filters.routes
    if narrow and (conditions.unusual or conditions.people or conditions.milestones):
        raise ValueError(
            "services and routes are not known of hourly counts, people and milestones: they go with the others only"
        )
    if filters.releases and (conditions.people or conditions.milestones):
        raise ValueError("people and milestones are counted over all releases: leave the filter out, or make two rules")


class RuleTry(Body):
    """Conditions and filters, to see what they would have found."""

    conditions: Conditions
    filters: Filters = Field(default_factory=Filters)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        check_together(self.conditions, self.filters)
        return self


class RuleCreate(RuleTry):
    """A new rule."""

    name: AlertName
    channel_ids: list[Id] = Field(max_length=CHANNELS_OF_RULE_MAX)
    quiet_hours: QuietHours | None = None
    enabled: bool = True
    muted_until: Moment | None = None


class RulePatch(Body):
    """Other settings of a rule; what is left out stays."""

    name: AlertName | None = None
    conditions: Conditions | None = None
    filters: Filters | None = None
    channel_ids: list[Id] | None = Field(None, max_length=CHANNELS_OF_RULE_MAX)
    quiet_hours: QuietHours | None = None
    enabled: bool | None = None
    muted_until: Moment | None = None


class Rule(Answer):
    """A rule."""

    id: int
    name: str
    conditions: dict[str, Any]
    filters: dict[str, Any]
    channel_ids: list[int]
    quiet_hours: dict[str, Any] | None
    enabled: bool
    muted_until: Moment | None
    created_at: Moment


class RuleList(Answer):
    """All rules of a project."""

    items: list[Rule]


class Found(Answer):
    """Something that a rule would have found."""

    incident_id: int
    title: str
    kind: str
    reason: str
    at: Moment


class Preview(Answer):
    """What a rule would have found in the week before, the latest first.

    approximate: frequencies and what is unusual are told by hourly counts, so perhaps too many, and none that lies across two
    hours. complete: false where there is more than is shown. not_covered: of what the past is not told, in words.
    """

    items: list[Found]
    approximate: bool
    complete: bool
    not_covered: list[str]


class Target(Body):
    """Where a channel leads: an address for email, a URL for the others. Left out for email: the workspace's owners."""

    address: str | None = Field(None, max_length=320)
    url: str | None = Field(None, max_length=2_000)


class ChannelCreate(Body):
    """A new channel."""

    kind: Kind
    name: AlertName
    target: Target | None = None
    digest_minutes: int = Field(10, ge=0, le=MINUTES_MAX)
    hourly_max: int = Field(20, ge=1, le=120)
    muted_until: Moment | None = None


class ChannelPatch(Body):
    """Other settings of a channel; what is left out stays."""

    name: AlertName | None = None
    target: Target | None = None
    digest_minutes: int | None = Field(None, ge=0, le=MINUTES_MAX)
    hourly_max: int | None = Field(None, ge=1, le=120)
    muted_until: Moment | None = None
    enabled: bool | None = None
    """True switches one on again that was switched off because it failed."""


class Channel(Answer):
    """A channel. Of a URL, which may be a secret itself, only host and end are shown."""

    id: int
    kind: Kind
    name: str
    target: str
    confirmed: bool
    """False: mail to this address waits until somebody there has agreed to it."""
    receiver_count: int | None
    """To how many addresses its mails go. 0: nobody receives them, for nobody has agreed, or all have ended them. null for what
    is no mail."""
    ended_by_you: bool
    """You would get its mails, and have ended them; only you can begin them again (resume_channel)."""
    digest_minutes: int
    hourly_max: int
    muted_until: Moment | None
    failing_since: Moment | None
    disabled_at: Moment | None
    disabled_reason: str | None
    created_at: Moment


class CreatedChannel(Channel):
    """A new channel. secret: what a webhook's messages are signed with, shown this once; null for other kinds."""

    secret: str | None


class ChannelList(Answer):
    """All channels of a project."""

    items: list[Channel]


class Waiting(Answer):
    """What waits for a channel to be told, and why.

    reason: quiet_hours of its rules; hourly_max: the channel's messages of this hour have left; digest: its last message was a
    moment ago; sweep: nothing but the next look. until: null for the last.
    """

    channel_id: int
    reason: Literal["quiet_hours", "hourly_max", "digest", "sweep"]
    count: int
    until: Moment | None


class Dropped(Answer):
    """What was not told, and why: the channel was off or muted; every rule that found it was off, muted, or told this channel no
    more (rule); the incident was ignored, or resolved since.
    """

    channel_id: int
    reason: Literal["channel_off", "channel_muted", "rule", "ignored", "resolved"]
    count: int
    last_at: Moment


class WaitingAlerts(Answer):
    """What waits to be told, and what was dropped within the day before, by channel."""

    waiting: list[Waiting]
    dropped: list[Dropped]


class DeliveryQuery(PageQuery):
    """A page of deliveries, of one state or channel."""

    state: State | None = None
    channel_id: Id | None = None


class ListedDelivery(Answer):
    """A message, and what became of it. next_try_at is null where it will not be tried any more."""

    id: str
    channel_id: int | None
    purpose: str
    kind: Kind
    recipient: str | None
    state: State
    created_at: Moment
    next_try_at: Moment | None
    sending: bool
    tries: int
    last_error: str | None
    provider_id: str | None
    finished_at: Moment | None
    incident_ids: list[int]


class DeliveryPage(Page):
    """A page of deliveries, the newest first."""

    items: list[ListedDelivery]


class Attempt(Answer):
    """One try. Without an end it was cut off, or is under way."""

    number: int
    started_at: Moment
    finished_at: Moment | None
    outcome: Literal["sent", "failed", "refused"] | None
    error: str | None


class Delivery(ListedDelivery):
    """One delivery with its tries."""

    attempts: list[Attempt]


class TokenQuery(Query):
    """The token of a link in a mail."""

    token: str = Field(min_length=1, max_length=100)
