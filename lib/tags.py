"""Tags of events, to search by: which kinds of errors were seen with which tag, as keyed hashes.

An instance tells the database of a tag when it meets it for the first time on a day, with the events themselves; what it has told
costs an event one look into a set. Tags are taken from the redacted event, so what was removed cannot be searched for.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

# Of one kind of error and tag: a tag that is another with every event (a request's id) fills no table.
VALUES_MAX = 100
# Of one kind of error in all, however its tags are called: ten times as many, as record_tags has it.
TAGS_OF_KIND_MAX = 10 * VALUES_MAX
# Of one batch of events; the others are told with a later one.
BATCH_TAGS_MAX = 500
# Tags that an instance remembers to have told: some megabytes.
TOLD_MAX = 50_000
HASH_BYTES = 8


class Tag(NamedTuple):
    """A tag as it is kept, and as this instance remembers it: by its value, by its name, and by its kind of error alone."""

    name_hash: int
    value_hash: int
    key: int
    name_key: int
    kind_key: int


def hashed(hash_key: bytes, word: str) -> int:
    """64 bits of an HMAC under the workspace's key, as PostgreSQL's bigint; upper and lower case are the same."""
    digest = hmac.digest(hash_key, b"tag\0" + word.lower().encode("utf-8", "replace"), "sha256")
    return int.from_bytes(digest[:HASH_BYTES], "big", signed=True)


class Told:
    """What one instance has told the database today."""

    def __init__(self) -> None:
        self._keys: set[int] = set()
        self._counts: Counter[int] = Counter()
        self._today: date | None = None

    def new(self, hash_key: bytes, project_id: int, fingerprint: str, tags: Mapping[str, Any], today: date) -> tuple[Tag, ...]:
        """The tags of an event that have not been told today, without those of which there are too many."""
        if today != self._today:
            self._today = today
            self._forget()
        kind = (project_id, fingerprint)
        kind_key = hash(kind)
        if self._counts[kind_key] >= TAGS_OF_KIND_MAX:
            return ()
        return tuple(
            Tag(hashed(hash_key, name), hashed(hash_key, str(value)), key, name_key, kind_key)
            for name, value in tags.items()
            if (key := hash((*kind, name, str(value)))) not in self._keys
            and self._counts[name_key := hash((*kind, name))] < VALUES_MAX
        )

    def remember(self, tags: Iterable[Tag]) -> None:
        """These are stored. Where there are too many to remember, all are told again in time."""
        if len(self._keys) > TOLD_MAX:
            self._forget()
        for tag in tags:
            if tag.key not in self._keys:
                self._keys.add(tag.key)
                self._counts[tag.name_key] += 1
                self._counts[tag.kind_key] += 1

    def _forget(self) -> None:
        self._keys.clear()
        self._counts.clear()
