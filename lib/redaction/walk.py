"""A payload on its way through redaction: its containers, the strings still to be looked at, and what was removed where.

Containers are visited in breadth, once, without copying (visit.py). Strings that were found clean before are skipped
(memo.py); the others are joined and searched at once, and only those in which a rule has a place to look at are cleaned
one by one (look.py). Only containers on the way to a change are copied, so the caller's payload stays as it was.
"""

from __future__ import annotations

from typing import Any

from lib.redaction.own import Budget
from lib.redaction.rules import Rules
from lib.redaction.text import placeholder

# Telling names in one event, and places looked at closely in its strings: each; beyond, what would need a look is removed.
WORK_MAX = 5_000
STEP_CHARS_MAX = 100  # of one key in a path

Key = str | int
# value, index of the parent, key in the parent, and the rule of a telling key above, under which no leaf stays.
Node = tuple[Any, int, Key, str | None]


class Walk:
    """One pass over one payload: what is still to be looked at, what was decided, and where what was removed."""

    def __init__(self, payload: dict[str, Any], rules: Rules) -> None:
        self.rules = rules
        self.nodes: list[Node] = [(payload, -1, "", None)]  # the first becomes one part of the payload after another
        self.pending: list[tuple[int, Key, str]] = []
        self.copies: dict[int, Any] = {0: payload.copy()}
        self.ways: dict[int, str] = {}
        self.renames: dict[int, dict[str, str]] = {}
        self.removed: list[tuple[int, Key, str]] = []
        self.holes: dict[int, dict[int, str]] = {}  # lists of parameters: by which rule the text beside them removes an item
        self.templates: dict[str, dict[int, str]] = {}
        self.dropped: dict[int, str] = {}  # whole containers, by rule: applied last, over whatever became of their parts
        self.names_work = self.texts_work = 0
        self.budget = Budget()

    def begin(self, part: dict[str, Any]) -> None:
        """The next part of the payload in the place of the whole."""
        self.nodes[0] = (part, -1, "", None)

    def finish(self) -> dict[str, Any]:
        """The payload without its secrets: what was decided about whole containers and about keys is done last."""
        for index in sorted(self.dropped, reverse=True):  # from the leaves up: a container goes after what is in it
            _, parent, key, _ = self.nodes[index]
            self.replace(parent, key, placeholder(self.dropped[index]), [self.dropped[index]])
        for index in sorted(self.renames, reverse=True):  # likewise: the way to a container is by its old keys
            rename(self.writable(index), self.renames[index])
        root: dict[str, Any] = self.copies[0]
        return root

    def writable(self, index: int) -> Any:
        """This walk's own copy of a container, and of those above it."""
        if index not in self.copies:
            value, parent, key, _ = self.nodes[index]
            self.copies[index] = value.copy()
            self.writable(parent)[key] = self.copies[index]
        return self.copies[index]

    def replace(self, index: int, key: Key, value: Any, rules: list[str]) -> None:
        """Puts `value` in the place of what `rules` removed, unless the place is one of the project's exceptions."""
        if self.rules.safe_fields and self._is_safe(index, key):
            return
        self.writable(index)[key] = value
        self.removed += [(index, key, rule) for rule in rules]

    def affords(self, index: int, work: int) -> bool:
        """Counts work on a container's names; where none is left, the container goes, unless it is the payload itself.

        Where that was too often, what holds it goes. The same for what is done now and what is remembered from before,
        so that the memo changes nothing.
        """
        self.names_work += work
        if self.names_work > WORK_MAX and index:
            self.dropped[index] = "overflow"
            if self.names_work > 2 * WORK_MAX and self.nodes[index][1]:
                self.dropped[self.nodes[index][1]] = "overflow"
        return index not in self.dropped

    def path(self, index: int, key: Key) -> str:
        """The way to a value: dotted, with the keys as they are after redaction, each cut to STEP_CHARS_MAX."""
        if index not in self.ways:
            _, parent, own, _ = self.nodes[index]
            self.ways[index] = self.path(parent, own) + "." if index else ""
        return self.ways[index] + str(self.key(index, key))[:STEP_CHARS_MAX]

    def key(self, index: int, key: Key) -> Key:
        """The key as it is after redaction: what was removed from it says nothing about its value."""
        return self.renames[index].get(str(key), key) if index in self.renames else key

    def _is_safe(self, index: int, key: Key) -> bool:
        path = self.path(index, key).split(".")
        return any(
            len(safe) <= len(path) and all(step in {"*", way} for step, way in zip(safe, path, strict=False))
            for safe in self.rules.safe_fields
        )

    def keeps_keys(self, index: int) -> bool:
        """Whether a container lies in one of the project's exceptions, so that its keys stay too."""
        if not (self.rules.safe_fields and index):
            return False
        _, parent, key, _ = self.nodes[index]
        return self._is_safe(parent, key)


def rename(container: dict[str, Any], renames: dict[str, str]) -> None:
    """Keys without their secrets, in the same order; equal ones are numbered so that no entry is lost."""
    items = list(container.items())
    taken = {key for key, _ in items if key not in renames}
    container.clear()
    for key, value in items:
        name, number = renames.get(key, key), 1
        while key in renames and name in taken:
            number += 1
            name = f"{renames[key]} {number}"
        taken.add(name)
        container[name] = value
