"""What a model is told of an incident, as plain data: chosen field by field, so that nothing else is ever sent.

Never sent: the user, cookies, bodies, query strings, variables, `extra`, environment variables, modules, ids of events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lib import fingerprint
from lib.analysis.plain import visible

EXCEPTIONS_MAX = 8  # the headline and its nearest causes; the root cause always
FRAMES_MAX = 60  # of one exception
CRASH_FRAMES = 5  # the application's own frames nearest to a crash: never trimmed
SOURCE_LINES = 3  # before and after a frame's own line
LINE_BYTES_MAX = 160
NAME_BYTES_MAX = 160
VALUE_BYTES_MAX = 2_000
RAW_BYTES_MAX = 6_000
CRUMBS_MAX = 30
CRUMB_BYTES_MAX = 300
TAGS_MAX = 30
# Of a request's headers, what tells of a program rather than of a person.
HEADERS = frozenset({"accept", "content-type", "content-length", "user-agent"})
RUNTIMES = ("runtime", "os", "browser", "device")
ELLIPSIS = "..."

Data = dict[str, Any]


class Context(NamedTuple):
    """What is known of an incident, redacted. payload: of the event that stands for it; empty where none is kept.

    changes: what happened since the last analysis. feedback: what a person said of that one.
    """

    incident: Data
    frequency: Data
    payload: Mapping[str, Any]
    changes: Data
    feedback: Data


def gather(context: Context) -> Data:
    """The document that is sent, whole. Frames are numbered F1, F2 … and the crash comes first."""
    payload = context.payload
    found = {
        "incident": context.incident,
        "message": _message(payload),
        "exceptions": _exceptions(payload),
        "breadcrumbs": [one for one in map(_crumb, _values(payload.get("breadcrumbs"))[-CRUMBS_MAX:]) if one],
        "tags": _texts(payload.get("tags"), TAGS_MAX),
        "request": _request(_mapping(payload.get("request"))),
        "runtime": _runtime(_mapping(payload.get("contexts"))),
        "frequency": context.frequency,
        "since_the_last_analysis": context.changes,
        "what_a_person_said_of_the_last_analysis": context.feedback,
    }
    data = {name: value for name, value in found.items() if value}
    for number, frame in enumerate(frames_of(data), 1):
        frame["id"] = f"F{number}"
    return data


def frames_of(data: Data) -> list[Data]:
    """All frames in the document, as they stand in it."""
    return [frame for exception in data.get("exceptions", ()) for frame in exception.get("frames", ())]


def clip(value: object, bytes_max: int) -> str:
    """Visible text of at most so many bytes; empty where it is none."""
    if not isinstance(value, str):
        return ""
    text = visible(value[:bytes_max])
    data = text.encode("utf-8", "replace")
    if len(data) <= bytes_max and len(value) <= bytes_max:
        return text
    return data[: bytes_max - len(ELLIPSIS)].decode("utf-8", "ignore") + ELLIPSIS


def _exceptions(payload: Mapping[str, Any]) -> list[Data]:
    """The headline first, then what caused it; a message's stack counts as one."""
    chain = [one for one in reversed(_values(payload.get("exception"))) if isinstance(one, dict)]
    chain = chain or [{"stacktrace": one["stacktrace"]} for one in _threads(payload)][:1]
    if len(chain) > EXCEPTIONS_MAX:
        chain = chain[: EXCEPTIONS_MAX - 1] + chain[-1:]
    return [_exception(one) for one in chain]


def _threads(payload: Mapping[str, Any]) -> list[Data]:
    """Those with a stack, the crashed and the current one first."""
    found = [one for one in _values(payload.get("threads")) if isinstance(one, dict) and _mapping(one.get("stacktrace"))]
    return sorted(found, key=lambda one: not (one.get("crashed") or one.get("current")))


def _exception(raw: Mapping[str, Any]) -> Data:
    stack = [frame for frame in _values(_mapping(raw.get("stacktrace")).get("frames")) if isinstance(frame, dict)]
    own = set(map(id, fingerprint.in_app(stack)))
    near = _nearest(stack, own)
    kept = [frame for number, frame in enumerate(reversed(stack)) if number < FRAMES_MAX or id(frame) in near]
    found = {
        "type": clip(raw.get("type"), NAME_BYTES_MAX),
        "value": clip(raw.get("value"), VALUE_BYTES_MAX),
        "handled": _mapping(raw.get("mechanism")).get("handled"),
        "frames": [_frame(frame, own=id(frame) in own, near=id(frame) in near) for frame in kept],
        "stack_as_text": clip(raw.get("raw_stacktrace"), RAW_BYTES_MAX),
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _nearest(stack: Sequence[Mapping[str, Any]], own: set[int]) -> set[int]:
    """The application's own frames nearest to the crash, and the frame that crashed itself."""
    found = [id(frame) for frame in reversed(stack) if id(frame) in own] or [id(frame) for frame in reversed(stack)]
    return {*found[:CRASH_FRAMES], *[id(frame) for frame in stack[-1:]]}


def _frame(raw: Mapping[str, Any], *, own: bool, near: bool) -> Data:
    found = {
        "function": clip(raw.get("function"), NAME_BYTES_MAX),
        "module": clip(raw.get("module"), NAME_BYTES_MAX),
        "file": clip(raw.get("filename") or raw.get("abs_path"), NAME_BYTES_MAX),
        "line": raw.get("lineno") if isinstance(raw.get("lineno"), int) else None,
        "near_the_crash": near or None,
        "of_the_application": own or None,
        "source": _source(raw),
    }
    return {"id": ""} | {name: value for name, value in found.items() if value not in ("", None, [])}


def _source(raw: Mapping[str, Any]) -> list[str]:
    """The frame's own line is marked by `> `."""
    line = raw.get("context_line")
    if not isinstance(line, str):
        return []
    before, after = _values(raw.get("pre_context"))[-SOURCE_LINES:], _values(raw.get("post_context"))[:SOURCE_LINES]
    lines = [("  ", one) for one in before] + [("> ", line)] + [("  ", one) for one in after]
    return [mark + clip(one, LINE_BYTES_MAX) for mark, one in lines]


def _message(payload: Mapping[str, Any]) -> str:
    entry = _mapping(payload.get("logentry"))
    return clip(entry.get("formatted") or entry.get("message"), VALUE_BYTES_MAX)


def _crumb(raw: object) -> Data:
    crumb = _mapping(raw)
    found = {name: clip(crumb.get(name), CRUMB_BYTES_MAX) for name in ("category", "level", "type", "message")}
    return {name: value for name, value in found.items() if value}


def _request(raw: Mapping[str, Any]) -> Data:
    headers = {name: value for name, value in _mapping(raw.get("headers")).items() if name.lower() in HEADERS}
    url = raw.get("url")
    found = {
        "method": clip(raw.get("method"), NAME_BYTES_MAX),
        "url": clip(url.partition("?")[0].partition("#")[0], NAME_BYTES_MAX) if isinstance(url, str) else "",
        "headers": _texts(headers, len(HEADERS)),
    }
    return {name: value for name, value in found.items() if value}


def _runtime(contexts: Mapping[str, Any]) -> Data:
    parts = {name: _mapping(contexts.get(name)) for name in RUNTIMES}
    found = {name: _texts({key: part.get(key) for key in ("name", "version")}, 2) for name, part in parts.items()}
    return {name: value for name, value in found.items() if value}


def _texts(raw: object, most: int) -> Data:
    members = list(_mapping(raw).items())[:most]
    found = {clip(key, NAME_BYTES_MAX): clip(value, NAME_BYTES_MAX) for key, value in members}
    return {key: value for key, value in found.items() if value}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _values(value: object) -> list[Any]:
    """Redaction may leave text where an object stood."""
    if isinstance(value, dict):
        value = value.get("values")
    return value if isinstance(value, list) else []
