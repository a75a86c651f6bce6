"""Chains of exceptions: from the headline down to the root cause.

Wrapping an error in another one must not make a new incident, and an error raised while another was being handled must not
vanish in the first one's incident. Explicit causes (`raise … from`, JavaScript `cause`, Java "Caused by") are followed always;
Python's and Ruby's implicit context only where the headline was raised by the handler itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lib.fingerprint.v1 import frames
from lib.fingerprint.v1.shape import EXCEPTIONS_MAX, LEAVES_MAX, mapping, text, values

_IMPLICIT_PLATFORMS = frozenset({"python", "ruby"})
_RAISES = ("raise", "throw")


class Cause(NamedTuple):
    """A root cause: its exception, and its stack completed by those of the exceptions that wrap it."""

    exception: Mapping[str, Any]
    stack: list[Mapping[str, Any]]
    depth: int  # how many exceptions wrap it


def exceptions(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The exceptions of an event, oldest first, headline last; at most EXCEPTIONS_MAX."""
    found = [one for one in values(payload.get("exception"))[-EXCEPTIONS_MAX:] if isinstance(one, dict)]
    return [one for one in found if one.get("type") or one.get("value") or one.get("stacktrace")]


def roots(payload: Mapping[str, Any]) -> list[Cause]:
    """The root causes of an event: one; several for a group (ExceptionGroup, AggregateError); none without exceptions."""
    found = exceptions(payload)
    if not found:
        return []
    children = _children(found)
    if children is None:
        path = _linear_path(found, text(payload.get("platform")))
        return [_cause(path)]
    return _leaves(found, children, text(payload.get("platform")))


def _linear_path(found: Sequence[Mapping[str, Any]], platform: str) -> list[Mapping[str, Any]]:
    """From the headline inwards, as far as each exception is the cause of the one before."""
    path = [found[-1]]
    for inner in reversed(found[:-1]):
        if not _is_cause(inner, path[-1], platform):
            break
        path.append(inner)
    return path


def _children(found: Sequence[Mapping[str, Any]]) -> dict[int, list[int]] | None:
    """Positions of the exceptions directly under each position, from exception_id and parent_id; None without these."""
    positions: dict[int, int] = {}
    for position, one in enumerate(found):
        identifier = mapping(one.get("mechanism")).get("exception_id")
        if isinstance(identifier, int):
            positions.setdefault(identifier, position)
    if len(positions) < len(found) or len(found) == 1:
        return None
    children: dict[int, list[int]] = {}
    for position, one in enumerate(found):
        parent = mapping(one.get("mechanism")).get("parent_id")
        if isinstance(parent, int) and positions.get(parent, position) != position:
            children.setdefault(positions[parent], []).append(position)
    return children


def _leaves(found: Sequence[Mapping[str, Any]], children: Mapping[int, list[int]], platform: str) -> list[Cause]:
    """Walks down from the headline: a group branches, all else follows its cause. Positions are visited once, so cycles end."""
    leaves: list[Cause] = []
    seen: set[int] = set()
    paths = [[len(found) - 1]]
    while paths and len(leaves) < LEAVES_MAX:
        path = paths.pop()
        seen.add(path[-1])
        outer = found[path[-1]]
        is_group = mapping(outer.get("mechanism")).get("is_exception_group") is True
        inner = [
            at for at in children.get(path[-1], []) if at not in seen and (is_group or _is_cause(found[at], outer, platform))
        ]
        members = [at for at in inner if is_group and not _is_chained(found[at])]
        following = members or inner[:1]
        seen.update(following)
        paths.extend([*path, at] for at in following)
        if not following:
            leaves.append(_cause([found[at] for at in path]))
    return leaves


def _is_chained(one: Mapping[str, Any]) -> bool:
    """Whether an exception under a group is the group's own cause or context, not a member."""
    return text(mapping(one.get("mechanism")).get("source")) in ("__cause__", "__context__", "cause")


def _is_cause(inner: Mapping[str, Any], outer: Mapping[str, Any], platform: str) -> bool:
    """Whether `inner` is what made `outer` happen, not merely what was being handled when `outer` happened."""
    mechanism = mapping(inner.get("mechanism"))
    source = text(mechanism.get("source"))
    if source.startswith("suppressed") or mechanism.get("type") == "suppressed":
        return False
    if source == "__cause__" or (source != "__context__" and platform not in _IMPLICIT_PLATFORMS):
        return True
    inner_stack, outer_stack = frames.of_stack(inner.get("stacktrace")), frames.of_stack(outer.get("stacktrace"))
    if not inner_stack or not outer_stack:
        return source != "__context__"
    return _raised_by_handler(inner_stack, outer_stack[-1])


def _raised_by_handler(inner_stack: Sequence[Mapping[str, Any]], raising: Mapping[str, Any]) -> bool:
    """Whether `raising` is a `raise … from`, or a raise in a function that `inner` passed through: its except block."""
    line = frames.source_line(raising)
    if line and not line.startswith(_RAISES):
        return False
    if " from " in line or any(" from " in rest for rest in _following(raising)):
        return True
    here = _place(raising)
    return any(_place(frame) == here for frame in inner_stack)


def _following(raising: Mapping[str, Any]) -> list[str]:
    """The lines after a raise, as long as they belong to it: up to one that closes its bracket."""
    lines = raising.get("post_context")
    belonging: list[str] = []
    if not isinstance(lines, list) or not frames.source_line(raising).endswith(("(", ",")):
        return belonging
    for line in lines[:8]:
        belonging.append(text(line))
        if belonging[-1].strip().startswith(")"):
            break
    return belonging


def _place(frame: Mapping[str, Any]) -> tuple[str, str]:
    return text(frame.get("module")) or text(frame.get("filename")), text(frame.get("function"))


def _cause(path: Sequence[Mapping[str, Any]]) -> Cause:
    """The last of a path with its whole stack.

    Python's traceback starts at the handler: what called it stands in the wrapping exception's stack and is put in front.
    Where the root has no application frame (a driver's socket error), the next exception outwards lends its stack.
    """
    stack = frames.of_stack(path[0].get("stacktrace"))
    for outer in path[1:]:
        own = frames.of_stack(outer.get("stacktrace"))
        if stack and own and _place(own[0]) in (_place(frame) for frame in stack[-2:]):
            at = max(i for i, frame in enumerate(stack) if _place(frame) == _place(own[0]))
            stack = [*stack[:at], *own]
        elif not stack or frames.in_app(own):
            stack = own
    return Cause(path[-1], stack, len(path) - 1)
