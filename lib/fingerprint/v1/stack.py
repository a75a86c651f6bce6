"""What identifies a crash: the few application frames of the bug, and the words of its message that stand in its source."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lib.fingerprint.v1 import frames, names
from lib.fingerprint.v1.frames import Frame
from lib.fingerprint.v1.shape import LINE_CHARS_MAX, text

FRAMES_HASHED_MAX = 2  # that name a function; anonymous ones between them come along
WALK_MAX = 40  # application frames looked at from the crash outwards
RECURSION_MIN = 3  # the same function so often within WALK_MAX frames is a recursion
WORDS_MAX = 12

_OVERFLOW = re.compile(r"(?i)recursion|stack ?overflow|stack ?level|call stack|too deep")
_WORD = re.compile(r"[^\W\d][\w$]*+")
_RAISES = ("raise", "throw")
_CONSTRUCTORS = frozenset({"__init__", "<init>", "constructor", "initialize", "__construct"})


class Identity(NamedTuple):
    """The frames that identify a crash, from the crash outwards, and how they were chosen."""

    frames: list[Frame]
    minified: bool
    recursion: bool
    in_app: bool


def identify(stack: Sequence[Mapping[str, Any]], error: str) -> Identity | None:
    """The identity of a stack; None where it has no frame with a name. `error` is the type and message, to tell an overflow."""
    own = frames.in_app(stack)
    is_own = bool(own)
    own = own or list(stack)
    minified = frames.is_minified(own)
    walked = _walk(own, minified)
    if not walked:
        return None
    if _OVERFLOW.search(error):
        cycle = _cycle(walked)
        if cycle:
            return Identity(cycle, minified, recursion=True, in_app=is_own)
    chosen = _nearest_named(walked) if minified else _connected(walked)
    if all(frame.function == names.ANONYMOUS and not frame.module for frame in chosen):
        return None
    return Identity(chosen, minified, recursion=False, in_app=is_own)


def _walk(own: Sequence[Mapping[str, Any]], minified: bool) -> list[Frame]:
    """Cleaned frames from the crash outwards, without the compiler's own."""
    cleaned = [frames.clean(frame, minified=minified) for frame in own[: -WALK_MAX - 1 : -1]]
    return [
        frame for frame, caller in zip(cleaned, [*cleaned[1:], None], strict=True) if not frames.is_noise(frame, caller)
    ] or cleaned[:1]


def _cycle(walked: Sequence[Frame]) -> list[Frame]:
    """The functions that call each other again and again, in a stable order: an overflow strikes any of them."""
    counts = Counter(frame.identity for frame in walked)
    first = {frame.identity: frame for frame in reversed(walked)}
    return [first[identity] for identity in sorted(counts) if counts[identity] >= RECURSION_MIN]


def _connected(walked: Sequence[Frame]) -> list[Frame]:
    """The crash frame and its direct callers.

    A caller that reaches the function through a variable (a router, a job runner, an event loop) would call any other as well:
    it and everything around it is the way to the bug, not the bug.
    """
    chosen = [walked[0]]
    named = 0 if names.is_generic(walked[0].function) else 1
    for frame in walked[1:]:
        if frame.identity == chosen[-1].identity:
            continue
        if named >= FRAMES_HASHED_MAX or (named and not _calls(frame, chosen[-1])):
            break
        chosen.append(frame)
        named += not names.is_generic(frame.function)
    return chosen


def _calls(caller: Frame, callee: Frame) -> bool:
    """Whether the caller's source line names the callee. Without the line, a caller in the same module counts."""
    if names.is_generic(callee.function):
        return True
    base = names.base_name(callee.function)
    line = frames.source_line(caller.raw)
    same_module = bool(caller.module) and caller.module == callee.module
    if not line or base in _CONSTRUCTORS or (base.startswith("__") and base.endswith("__")):
        return same_module or not line or base in _CONSTRUCTORS
    return base in _WORD.findall(statement(caller.raw))


def _nearest_named(walked: Sequence[Frame]) -> list[Frame]:
    """At least two frames, one of them with a name that a minifier keeps."""
    chosen: list[Frame] = []
    named = 0
    for frame in walked:
        if chosen and frame.identity == chosen[-1].identity:
            continue
        chosen.append(frame)
        named += not names.is_generic(frame.function)
        if named and len(chosen) >= FRAMES_HASHED_MAX:
            break
    return chosen


def statement(frame: Mapping[str, Any]) -> str:
    """The source line of a frame and, while its brackets are open, the lines after it."""
    line = frames.source_line(frame)
    following = frame.get("post_context")
    if not isinstance(following, list):
        return line
    for more in following[:6]:
        if sum(line.count(c) for c in "([{") <= sum(line.count(c) for c in ")]}"):
            break
        line += " " + text(more, LINE_CHARS_MAX).strip()
    return line


def message_words(chosen: Sequence[Frame], message: str) -> list[str]:
    """Words of a message that also stand in the source lines of the identity: they are the program's, the others are data.

    They tell two errors of one function apart (`KeyError: 'sku'` at `row["sku"]`), whatever the data and the line numbers are.
    """
    code: set[str] = set()
    for frame in chosen:
        code.update(_WORD.findall(statement(frame.raw)))
    if not code:
        return []
    words = dict.fromkeys(word for word in _WORD.findall(message) if word in code)
    return list(words)[:WORDS_MAX]
