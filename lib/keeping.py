"""For how long things are kept that no project decides about: settings of the deployment, in days, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lib.errors import NotConfigured

# An event may have happened 30 days before it comes (lib/events/limits.py): nothing that is still counted is removed.
DAYS_MIN = 31
DAYS_MAX = 36_500
# No settings. Messages with whom they went to and how, once they have ended; invitations, that somebody may be told why one
# cannot be accepted any more; then the addresses in them go.
MESSAGE_DAYS = 30
INVITATION_DAYS = 30


class Keep(NamedTuple):
    """Days; each is the environment's RETENTION_<NAME>_DAYS.

    events: light rows, and what tells a repeated event, after they came; longer where the payload is kept longer.
    counts: hourly counts. incidents: after they were last seen; never before their events are gone. audit: the trail.
    usage: the months' accounts. outcomes: what became of events, by the hour.
    archives: archived payloads, after they were archived.
    """

    events: int = 365
    counts: int = 730
    incidents: int = 730
    audit: int = 730
    usage: int = 1_100
    outcomes: int = 100
    archives: int = 365


NAMES = {
    "RETENTION_EVENT_DAYS": "events",
    "RETENTION_COUNT_DAYS": "counts",
    "RETENTION_INCIDENT_DAYS": "incidents",
    "RETENTION_AUDIT_DAYS": "audit",
    "RETENTION_USAGE_DAYS": "usage",
    "RETENTION_OUTCOME_DAYS": "outcomes",
    "RETENTION_ARCHIVE_DAYS": "archives",
}


def read(given: Mapping[str, str]) -> Keep:
    """What these variables say. Raises NotConfigured where one has an unknown name or no number of days that is taken."""
    for name, value in given.items():
        if name not in NAMES:
            raise NotConfigured(f"There is no setting {name}; there are {', '.join(NAMES)}.")
        if not (value.isdecimal() and DAYS_MIN <= int(value) <= DAYS_MAX):
            raise NotConfigured(f"{name} must be a number of days from {DAYS_MIN} to {DAYS_MAX}.")
    keep = Keep(**{NAMES[name]: int(value) for name, value in given.items()})
    # An event's row leads to its incident.
    return keep._replace(incidents=max(keep.incidents, keep.events))
