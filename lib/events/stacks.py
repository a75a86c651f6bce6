"""Stack traces, exceptions and threads in canonical form: oldest first, the crash last."""

from typing import Any

from lib.events import limits, values
from lib.events.bounds import clip

# Types of a frame's fields as SDKs send them; what has another type takes the slow way through CONVERSIONS.
TYPES: dict[str, type] = {
    "filename": str,
    "abs_path": str,
    "function": str,
    "module": str,
    "package": str,
    "lineno": int,
    "colno": int,
    "in_app": bool,
    "context_line": str,
    "pre_context": list,
    "post_context": list,
    "vars": dict,
}
_type_of, _join = TYPES.get, "".join  # bound once: this runs for every field of every frame


def stacktrace(raw: object) -> dict[str, Any] | None:
    """`{"frames": […]}` from that or from a bare list of frames; None where there is no frame."""
    found, omitted = (raw.get("frames"), raw.get("frames_omitted")) if isinstance(raw, dict) else (raw, None)
    if not isinstance(found, list):
        return None
    frames = [_frame(item) for item in found if isinstance(item, dict)]
    if not frames:
        return None
    if isinstance(omitted, list) and len(omitted) == 2 and all(type(index) is int for index in omitted):
        return {"frames": frames, "frames_omitted": omitted}
    return {"frames": frames}


def _frame(raw: dict[str, Any]) -> dict[str, Any]:
    if list(map(type, raw.values())) != list(map(_type_of, raw)):
        return values.fields(raw, CONVERSIONS)
    try:  # the cheapest proof that all lines are strings
        _join(raw.get("pre_context", ()))
        _join(raw.get("post_context", ()))
    except TypeError:
        return values.fields(raw, CONVERSIONS)
    return raw


def _lines(value: object) -> list[str] | None:
    return [line if isinstance(line, str) else "" for line in value] if isinstance(value, list) else None


CONVERSIONS: values.Fields = {
    **dict.fromkeys(TYPES, values.scalar),
    "lineno": values.integer,
    "colno": values.integer,
    "in_app": values.flag,
    "pre_context": _lines,
    "post_context": _lines,
    "vars": values.variables,
}


def _mechanism(raw: object) -> dict[str, Any] | None:
    if not isinstance(raw, dict):
        return None
    mechanism = values.fields(raw, MECHANISM)
    # SDKs number exceptions so that a parent comes before its children: any other link could close a circle.
    if "parent_id" in mechanism and mechanism["parent_id"] >= mechanism.get("exception_id", 0):
        del mechanism["parent_id"]
    return mechanism or None


def _thread_id(value: object) -> int | str | None:
    return value if type(value) is int else values.name(value)


def _raw_stacktrace(value: object) -> str | None:
    text = values.scalar(value) if isinstance(value, str) else None
    return clip(text, limits.RAW_STACKTRACE_CHARS_MAX) if text else None


MECHANISM: values.Fields = {
    "type": values.name,
    "handled": values.flag,
    "synthetic": values.flag,
    "exception_id": values.integer,
    "parent_id": values.integer,
    "is_exception_group": values.flag,
    "source": values.name,
}
EXCEPTION: values.Fields = {
    "type": values.name,
    "value": values.message,
    "module": values.name,
    "thread_id": _thread_id,
    "mechanism": _mechanism,
    "stacktrace": stacktrace,
    "raw_stacktrace": _raw_stacktrace,
}
THREAD: values.Fields = {
    "id": _thread_id,
    "name": values.name,
    "crashed": values.flag,
    "current": values.flag,
    "main": values.flag,
    "stacktrace": stacktrace,
}


def exceptions(raw: object) -> list[dict[str, Any]]:
    """The exceptions, oldest first, of any form SDKs send: `{"values": […]}`, a list, or one bare object."""
    shaped = [values.fields(item, EXCEPTION) for item in values.items(raw)]
    return [item for item in shaped if item]


def threads(raw: object) -> list[dict[str, Any]]:
    """The threads, in the client's order."""
    return [thread for thread in (values.fields(item, THREAD) for item in values.items(raw)) if thread]


def count_frames(stacks: list[dict[str, Any]]) -> int:
    """Frames of all these exceptions or threads."""
    return sum(len(stack["stacktrace"]["frames"]) for stack in stacks if "stacktrace" in stack)


def limit_frames(stacks: list[dict[str, Any]], frames_max: int) -> int:
    """Cut the stacks, in this order, to `frames_max` frames together, in place; answers how many were cut.

    A stack loses its middle: where it began and where it crashed tell most. `frames_omitted` says where [from, to) they stood.
    """
    cut = 0
    for stack in stacks:
        if "stacktrace" not in stack:
            continue
        frames = stack["stacktrace"]["frames"]
        keep = min(len(frames), frames_max)
        frames_max -= keep
        if keep < len(frames):
            start, end = keep // 2, len(frames) - (keep - keep // 2)
            stack["stacktrace"] = {"frames": frames[:start] + frames[end:], "frames_omitted": [start, end]}
            cut += end - start
    return cut
