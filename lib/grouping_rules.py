"""A project's grouping rules: an ordered list, each `{"name"?, "match": {…}, "fingerprint": […]}` or
`{"name"?, "match": {…}, "ignore_frames": {…}}`. docs/grouping.md tells what they mean.

Pure: compiled once, then plain data in, plain data out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lib import fingerprint
from lib.fingerprint import Fingerprint
from lib.globs import Globs, Table

RULES_MAX = 100
PATTERN_CHARS_MAX = 200
PATTERNS_CHARS_MAX = 10_000  # of all patterns of a project; with globs.CHARS_MAX this bounds the time an event takes
PARTS_MAX = 20
NAME_CHARS_MAX = 80
TEXT_CHARS_MAX = 2_000  # of a message that is looked at
VALUE_CHARS_MAX = 200  # of what stands for a variable

EXCEPTION_FIELDS = ("type", "message")
FRAME_FIELDS = ("module", "path", "function")
EVENT_FIELDS = ("logger", "level")
TAG = "tag."
DEFAULT = "default"
VARIABLES = (DEFAULT, "type", "message", "module", "function", "transaction", "logger", "level", "environment", "release")
_VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

Compute = Callable[[Mapping[str, Any]], Fingerprint]
Rule = Mapping[str, Any]


class _Compiled(NamedTuple):
    """One rule: what must fit, and what it does."""

    label: str
    exceptions: Globs | None
    frames: Globs | None
    fields: tuple[tuple[str, Globs], ...]
    parts: tuple[str, ...]
    ignored: Globs | None


class _Seen:
    """An event as rules look at it; each view is made when the first rule asks for it."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self.payload = payload
        self.stacks = list(_stacks(payload))
        self._exceptions: Table | None = None
        self._frames: Table | None = None
        self._fields: dict[str, Table | None] = {}

    @property
    def exceptions(self) -> Table:
        """Type and message of each exception, and of the message where the event has one."""
        if self._exceptions is None:
            self._exceptions = Table([*map(_said, _exceptions(self.payload)), ("", _message(self.payload))])
        return self._exceptions

    @property
    def frames(self) -> Table:
        """Two lines a frame: with its file name and with its whole path."""
        if self._frames is None:
            self._frames = Table(line for stack in self.stacks for frame in stack for line in _places(frame))
        return self._frames

    def field(self, name: str) -> str | None:
        """Logger, level or tag."""
        if name.startswith(TAG):
            return _text(_mapping(self.payload.get("tags")).get(name.removeprefix(TAG))) or None
        return _text(self.payload.get(name)) or None

    def field_table(self, name: str) -> Table | None:
        """Likewise, to be matched."""
        if name not in self._fields:
            value = self.field(name)
            self._fields[name] = None if value is None else Table([[value]])
        return self._fields[name]


class GroupingRules:
    """Compiled and immutable; made from what `check` found nothing wrong with."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [_compiled(number, rule) for number, rule in enumerate(rules, 1)]

    def compute(self, payload: Mapping[str, Any], compute: Compute | None = None) -> Fingerprint:
        """The fingerprint of a canonical, redacted payload under these rules. Raises nothing, whatever the shape.

        Rules are read from the top: every rule that fits and ignores frames applies, the first that fits and sets a
        fingerprint decides and ends the reading. `compute`: the algorithm, by default the current one.
        """
        compute = compute or fingerprint.compute
        seen = _Seen(payload)
        ignored = 0
        for rule in self._rules:
            if _fits(rule, seen):
                if rule.ignored is None:
                    return _set(rule, seen, _without(seen, ignored), compute)
                ignored |= rule.ignored.fitting(seen.frames)
        return compute(_without(seen, ignored))


def _compiled(number: int, rule: Rule) -> _Compiled:
    match, name = rule.get("match", {}), rule.get("name")
    return _Compiled(
        f"Rule {number} of the project" + (f" ({name})" if name else ""),
        _globs(match, EXCEPTION_FIELDS),
        _globs(match, FRAME_FIELDS),
        tuple((key, Globs([match[key]])) for key in match if key in EVENT_FIELDS or key.startswith(TAG)),
        tuple(rule.get("fingerprint", ())),
        _globs(rule["ignore_frames"], FRAME_FIELDS) if "ignore_frames" in rule else None,
    )


def _globs(match: Mapping[str, str], fields: Sequence[str]) -> Globs | None:
    patterns = [match.get(field) for field in fields]
    return Globs(patterns) if any(patterns) else None


def _fits(rule: _Compiled, seen: _Seen) -> bool:
    for name, globs in rule.fields:
        table = seen.field_table(name)
        if table is None or not globs.fits(table):
            return False
    if rule.exceptions and not rule.exceptions.fits(seen.exceptions):
        return False
    return not rule.frames or rule.frames.fits(seen.frames)


def _set(rule: _Compiled, seen: _Seen, payload: Mapping[str, Any], compute: Compute) -> Fingerprint:
    """What the rule sets. `{{ default }}` is what the event would get without the rule, its own fingerprint left aside."""
    parts = [_filled(part, seen) for part in rule.parts]
    found = compute({**payload, "fingerprint": parts})
    shown = [f"rule: {part.removeprefix('client: ')}" if part.startswith("client: ") else part for part in found.parts]
    return found._replace(rule="project", reason=f"{rule.label} set this fingerprint", parts=shown)


def _filled(part: str, seen: _Seen) -> str:
    if _is_default(part):
        return part
    filled = _VARIABLE.sub(lambda found: _value(found[1], seen), part)
    # What a client put in must not read as a variable.
    return f"'{filled}'" if filled.replace(" ", "") == "{{default}}" else filled


def _is_default(part: str) -> bool:
    found = _VARIABLE.fullmatch(part.strip())
    return found is not None and found[1] == DEFAULT


def _value(variable: str, seen: _Seen) -> str:
    headline = _exceptions(seen.payload)[-1:]
    frames = [frame for stack in seen.stacks for frame in stack][-1:]
    found: str | None
    if variable in EXCEPTION_FIELDS:
        kind, message = _said(headline[0]) if headline else ("", "")
        found = kind if variable == "type" else message or _message(seen.payload)
    elif variable in FRAME_FIELDS:
        found = _text(frames[0].get(variable)) if frames else None
    else:
        found = seen.field(variable)
    return (found or f"<no {variable}>")[:VALUE_CHARS_MAX]


def _without(seen: _Seen, fitting: int) -> Mapping[str, Any]:
    """The payload with the frames of these lines marked as no part of the application."""
    if not fitting:
        return seen.payload
    ignored = {line // 2 for line in seen.frames.numbers(fitting)}
    marks: dict[int, dict[str, Any]] = {}
    number = 0
    for stack in seen.stacks:
        here = {number + at for at in range(len(stack))} & ignored
        if here:
            own = set(map(id, fingerprint.in_app(stack)))
            for at, frame in enumerate(stack):
                # Every frame is marked: one without a mark would be judged by its path, as if nothing had been said.
                marks[id(frame)] = {**frame, "in_app": id(frame) in own and number + at not in here}
        number += len(stack)
    return _marked(seen.payload, marks)


def _marked(payload: Mapping[str, Any], marks: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    found = dict(payload)
    for name in ("exception", "threads"):
        values = _mapping(payload.get(name)).get("values")
        if isinstance(values, list):
            found[name] = {**_mapping(payload[name]), "values": [_marked_one(one, marks) for one in values]}
    return found


def _marked_one(one: Any, marks: Mapping[int, dict[str, Any]]) -> Any:
    frames = _frames(one)
    if not any(id(frame) in marks for frame in frames):
        return one
    return {**one, "stacktrace": {**one["stacktrace"], "frames": [marks.get(id(frame), frame) for frame in frames]}}


# Reading a payload


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _exceptions(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    values = _mapping(payload.get("exception")).get("values")
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _said(exception: Mapping[str, Any]) -> tuple[str, str]:
    return _text(exception.get("type")), _text(exception.get("value"))[:TEXT_CHARS_MAX]


def _message(payload: Mapping[str, Any]) -> str:
    entry = _mapping(payload.get("logentry"))
    return (_text(entry.get("formatted")) or _text(entry.get("message")))[:TEXT_CHARS_MAX]


def _frames(one: Any) -> list[Any]:
    frames = _mapping(_mapping(one).get("stacktrace")).get("frames")
    return frames if isinstance(frames, list) else []


def _stacks(payload: Mapping[str, Any]) -> Iterator[list[Mapping[str, Any]]]:
    """The stacks of all exceptions, of all threads where there is no exception; the one nearest to the headline last."""
    threads = _mapping(payload.get("threads")).get("values")
    sources = _exceptions(payload) or (threads if isinstance(threads, list) else [])
    for one in sources:
        yield [frame for frame in _frames(one) if isinstance(frame, dict)]


def _places(frame: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    module, function = _text(frame.get("module")), _text(frame.get("function"))
    for name in ("filename", "abs_path"):
        yield module, _text(frame.get(name)), function


# Checking what a person wrote


def check(rules: Sequence[Rule]) -> list[dict[str, str]]:
    """What is wrong, as `{"pointer", "detail"}`; empty where the rules can be used. The shape is the caller's to check."""
    chars = sum(len(pattern) for rule in rules for pattern in _patterns(rule))
    wrong = [
        {"pointer": f"/rules/{number}{place}", "detail": detail}
        for number, rule in enumerate(rules)
        for place, detail in _wrong(rule)
    ]
    if chars > PATTERNS_CHARS_MAX:
        detail = f"all patterns together have at most {PATTERNS_CHARS_MAX} characters, these have {chars}: shorten some"
        wrong.append({"pointer": "/rules", "detail": detail})
    return wrong


def _patterns(rule: Rule) -> Iterator[str]:
    yield from (rule.get("match") or {}).values()
    yield from (rule.get("ignore_frames") or {}).values()


def _wrong(rule: Rule) -> Iterator[tuple[str, str]]:
    match = rule.get("match") or {}
    if ("fingerprint" in rule) == ("ignore_frames" in rule):
        yield "", "a rule does one thing: it sets `fingerprint`, or it has `ignore_frames`"
    if "fingerprint" in rule and not match:
        yield "/match", "without a condition the rule would set the fingerprint of every event"
    for key in match:
        if key not in (*EXCEPTION_FIELDS, *FRAME_FIELDS, *EVENT_FIELDS) and not _is_tag(key):
            allowed = ", ".join((*EXCEPTION_FIELDS, *FRAME_FIELDS, *EVENT_FIELDS))
            yield f"/match/{_escaped(key)}", f"conditions are {allowed} and tag.<name>"
        elif key in (*EXCEPTION_FIELDS, *FRAME_FIELDS) and not match[key].strip("*"):
            yield f"/match/{key}", "the pattern fits every event; leave it out"
    if "ignore_frames" in rule:
        yield from _wrong_frames(rule["ignore_frames"])
    yield from _wrong_parts(rule.get("fingerprint", ()))


def _wrong_frames(frames: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not frames:
        yield "/ignore_frames", f"name at least one of {', '.join(FRAME_FIELDS)}"
    for key, pattern in frames.items():
        if key not in FRAME_FIELDS:
            yield f"/ignore_frames/{_escaped(key)}", f"frames are named by {', '.join(FRAME_FIELDS)}"
        elif not pattern.strip("*?"):
            yield f"/ignore_frames/{key}", "the pattern fits every frame; leave it out, or name some"


def _wrong_parts(parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    if parts and all(map(_is_default, parts)):
        yield "/fingerprint", "{{ default }} alone changes nothing"
    for number, part in enumerate(parts):
        unknown = [name for name in _VARIABLE.findall(part) if name not in VARIABLES and not _is_tag(name)]
        if not part.strip():
            yield f"/fingerprint/{number}", "a part is not empty"
        elif unknown:
            yield f"/fingerprint/{number}", f"there is no {unknown[0]!r}: variables are {', '.join(VARIABLES)} and tag.<name>"
        elif DEFAULT in _VARIABLE.findall(part) and not _is_default(part):
            yield f"/fingerprint/{number}", "{{ default }} stands alone in its part"


def _is_tag(name: str) -> bool:
    return name.startswith(TAG) and name != TAG


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
