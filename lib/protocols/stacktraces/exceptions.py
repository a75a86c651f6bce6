"""What the parsers of all languages build their answers from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Frame = dict[str, Any]


@dataclass
class Link:
    """One exception of a text. `frames` stand oldest first; `inner` are its causes and members, and how each came to be."""

    kind: str | None = None
    value: str | None = None
    module: str | None = None
    frames: list[Frame] = field(default_factory=list)
    is_group: bool = False
    inner: list[tuple[str, "Link"]] = field(default_factory=list)

    def exception(self) -> dict[str, Any]:
        """As in exception.values, without a mechanism."""
        found = {"type": self.kind, "module": self.module, "value": self.value}
        exception: dict[str, Any] = {name: value for name, value in found.items() if value}
        if self.frames:
            exception["stacktrace"] = {"frames": self.frames}
        return exception


def frame(path: str, line: str | int | None, *, in_app: bool, **known: Any) -> Frame:
    """A frame with the fields that are known."""
    found: Frame = {"filename": path, "lineno": int(line) if line and len(str(line)) < 10 else None, **known}
    if path.startswith("/") or path[1:3] == ":\\":
        found["abs_path"] = path
    result = {name: value for name, value in found.items() if value not in (None, "")}
    result["in_app"] = in_app
    return result


def flatten(headline: Link) -> list[dict[str, Any]]:
    """The headline and all inside it, oldest first, the headline last.

    Where there are several, mechanisms number them as SDKs do: the headline is 0, an inner one names its parent.
    """
    numbered: list[dict[str, Any]] = []
    todo: list[tuple[int | None, str, Link]] = [(None, "", headline)]
    while todo:
        parent_id, source, link = todo.pop()
        exception, exception_id = link.exception(), len(numbered)
        if parent_id is not None or link.inner:
            exception["mechanism"] = _mechanism(exception_id, parent_id, source, is_group=link.is_group)
        numbered.append(exception)
        todo += [(exception_id, inner_source, inner) for inner_source, inner in reversed(link.inner)]
    return numbered[::-1]


def _mechanism(exception_id: int, parent_id: int | None, source: str, *, is_group: bool) -> dict[str, Any]:
    mechanism: dict[str, Any] = {"type": "chained" if parent_id is not None else "generic", "exception_id": exception_id}
    if parent_id is not None:
        mechanism |= {"parent_id": parent_id, "source": source}
    if source.startswith("suppressed"):
        mechanism["type"] = "suppressed"
    if is_group:
        mechanism["is_exception_group"] = True
    return mechanism


def chain(links: Sequence[Link], source: str) -> Link | None:
    """Links from the oldest to the newest, joined as causes of one another: the newest."""
    for older, newer in pairwise(links):
        newer.inner.insert(0, (source, older))
    return links[-1] if links else None


def joined(lines: Iterable[str]) -> str:
    """The lines of a message, without empty ones at its end."""
    return "\n".join(lines).rstrip()
