"""What identifies a crash: the few application frames of the bug."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from lib.fingerprint.v1 import frames, names, source
from lib.fingerprint.v1.frames import Frame
from lib.fingerprint.v1.shape import text

FRAMES_NAMED_MAX = 2  # frames that name a function of the bug; anonymous ones and checks between them come along
FRAMES_HASHED_MAX = 5
WALK_MAX = 40  # application frames looked at from the crash outwards
RECURSION_MIN = 3  # the same function so often within WALK_MAX frames is a recursion

_OVERFLOW = re.compile(r"(?i)recursion|stack ?overflow|stack ?level|call stack|too deep")
# Errors a runtime raises where the faulty code stands, as opposed to those thrown at a caller who broke a rule.
_RAISED_BY_RUNTIME = re.compile(
    r"NullPointer|NullReference|NoneType|IndexOutOf|ClassCast|InvalidCast|Arithmetic|DivideByZero|ZeroDivision|NegativeArraySize"
    r"|ArrayStore|NoSuchMethod|NoSuchField|AbstractMethod|NoMethodError|NameError|AttributeError|ReferenceError"
)
# A function whose work is to raise says little: who called it is part of the bug.
_CHECK = re.compile(
    r"(?i)_*+(?:abort|assert|check|create\w*exception|die|ensure|error|expect|fail|guard|must|new\w*exception|notnull|panic|raise"
    r"|range_?check|require|throw|validate|verify)"
)
_CONSTRUCTORS = frozenset({"__init__", "<init>", "constructor", "initialize", "__construct"})


class Identity(NamedTuple):
    """The frames that identify a crash, from the crash outwards, and how they were chosen."""

    frames: list[Frame]
    minified: bool
    recursion: bool
    in_app: bool


class _Step(NamedTuple):
    """An application frame on the way out from the crash."""

    frame: Frame
    is_entry: bool  # a library called it: a test runner, a server, an event loop


def identify(stack: Sequence[Mapping[str, Any]], kind: str, message: str) -> Identity | None:
    """The identity of a stack, oldest frame first; None where no frame has a name. `kind` is the exception's type."""
    own = frames.in_app(stack)
    is_own = bool(own)
    own = own or list(stack)
    minified = frames.is_minified(own)
    steps = _walk(stack, own, minified=minified)
    if _OVERFLOW.search(kind) or _OVERFLOW.search(message):
        walked = list(steps)
        cycle = _cycle([frame for frame, _ in walked], minified=minified)
        if cycle:
            return Identity(cycle, minified, recursion=True, in_app=is_own)
        steps = iter(walked)
    called_library = bool(own) and own[-1] is not stack[-1]
    chosen = _nearest_named(steps) if minified else _connected(steps, kind, called_library=called_library)
    if all(frame.function == names.ANONYMOUS and not frame.module for frame in chosen):
        return None
    return Identity(chosen, minified, recursion=False, in_app=is_own)


def _walk(stack: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]], *, minified: bool) -> Iterator[_Step]:
    """Application frames from the crash outwards, cleaned, without the compiler's own; at most WALK_MAX."""
    own_ids = set(map(id, own))
    places = [at for at in range(len(stack) - 1, -1, -1) if id(stack[at]) in own_ids][: WALK_MAX + 1]
    for at, caller in zip(places[:WALK_MAX], [*places[1:], None], strict=False):
        if not frames.is_noise(stack[at], None if caller is None else stack[caller]):
            yield _Step(frames.clean(stack[at], minified=minified), at == 0 or id(stack[at - 1]) not in own_ids)


def _cycle(walked: Sequence[Frame], *, minified: bool) -> list[Frame]:
    """The functions that call each other again and again, in a stable order: an overflow strikes any of them.

    Minified, they are told apart by the minifier's names, which are then left out: how many there are remains.
    """
    keys = [text(frame.raw.get("function")) if minified else frame.identity for frame in walked]
    counts = Counter(keys)
    first = dict(zip(reversed(keys), reversed(walked), strict=True))
    return sorted((first[key] for key in counts if counts[key] >= RECURSION_MIN), key=lambda frame: frame.identity)


def _connected(steps: Iterator[_Step], kind: str, *, called_library: bool) -> list[Frame]:
    """The crash frame and its direct callers.

    A caller that reaches the function through a variable (a router, a job runner, an event loop) would call any other as well:
    it and everything around it is the way to the bug, not the bug. Where source lines are not known, an entry called by a
    library takes that part, and an error raised by the runtime or by a library belongs to the frame it struck.
    """
    chosen = [step.frame for step in islice(steps, 1)]
    named = sum(map(_weight, chosen))
    struck = called_library or _RAISED_BY_RUNTIME.search(kind) is not None
    for frame, is_entry in steps:
        callee = chosen[-1]
        if frame.identity == callee.identity:
            continue
        if named >= FRAMES_NAMED_MAX or len(chosen) >= FRAMES_HASHED_MAX:
            break
        if not _belongs(frame, callee, is_entry=is_entry, struck=struck and named > 0):
            break
        chosen.append(frame)
        named += _weight(frame)
    return chosen


def _weight(frame: Frame) -> int:
    """1 for a frame that names the bug's own function, 0 for an anonymous one or a check."""
    return 0 if names.is_generic(frame.function) or _CHECK.match(names.base_name(frame.function)) else 1


def _belongs(caller: Frame, callee: Frame, *, is_entry: bool, struck: bool) -> bool:
    """Whether a caller is part of the bug: an anonymous callee stands in it, or its source line names the callee."""
    if names.is_generic(callee.function):
        return not callee.module or caller.module == callee.module
    line = source.statement(caller.raw)
    if not line:
        return not is_entry and not (struck and not frames.is_script(callee.raw))
    base = names.base_name(callee.function)
    if base in _CONSTRUCTORS:
        return True
    if base.startswith("__") and base.endswith("__"):  # called by an operator: no name to find
        return caller.module == callee.module
    return base in source.words(line)


def _nearest_named(steps: Iterable[_Step]) -> list[Frame]:
    """At least two frames, one of them with a name that a minifier keeps."""
    chosen: list[Frame] = []
    named = 0
    for frame, _ in steps:
        if chosen and frame.identity == chosen[-1].identity and not names.is_generic(frame.function):
            continue
        chosen.append(frame)
        named += not names.is_generic(frame.function)
        if (named and len(chosen) >= FRAMES_NAMED_MAX) or len(chosen) >= FRAMES_HASHED_MAX:
            break
    return chosen
