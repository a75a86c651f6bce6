"""JavaScript's Error.stack: V8 (v8.dev/docs/stack-trace-api), Firefox and Safari, and Node's inspection of causes."""

from typing import Any

import re2

from lib.protocols.stacktraces.exceptions import Frame, Link, chain, flatten, frame, joined

_V8 = re2.compile(r"^\s*at (?:(.*?) ?\()?([^()]*?):(\d+)(?::(\d+))?\)?(?: [{\[]?)?$")
_V8_BARE = re2.compile(r"^\s*at (.+?) \((<anonymous>|native|index \d+|unknown location)\)$")
_V8_EVAL = re2.compile(r"^\s*at (.*?) ?\(?eval at .*[(, ]([^(), ]+):(\d+):(\d+)\)")
_AT = re2.compile(r"^([^@\n]*)@(.*?)(?::(\d+))?(?::(\d+))?$")
_CAUSE = re2.compile(r"^\s*(?:\[cause\]|[Cc]aused [Bb]y):\s*(.*)$")
_CAUSE_WORDS = ("[cause]:", "Caused ", "caused ")
_RAISED = re2.compile(r"^(?:Uncaught )?(?:\(in promise\) )?([A-Za-z_$][\w$.]*)(?: \[[\w-]+\])?(?:: (.*))?$")
_LIBRARY = re2.compile(
    r"node_modules[/\\]|webpack/bootstrap|^node:|^internal/|^<anonymous>|^native|^\[native code\]"
    r"|^(?:chrome|moz|safari|safari-web)-extension:"
)
_NATIVE = "[native code]"


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions, oldest first: causes come after what they caused, so the last one read is the oldest."""
    links: list[Link] = []
    header: list[str] = []
    fresh = True
    for line in lines:
        if line.lstrip().startswith(_CAUSE_WORDS) and (cause := _CAUSE.match(line)):
            header, fresh = [cause[1]], True
        elif found := _frame(line):
            if fresh:
                links.append(_link(header))
                fresh = False
            links[-1].frames.append(found)
        elif fresh:
            header.append(line)
    for link in links:
        link.frames.reverse()
    headline = chain(links[::-1], "cause")
    return flatten(headline) if headline else []


def _link(header: list[str]) -> Link:
    """Type and message of the lines above the frames; Node prints the source line before them."""
    named = [index for index, line in enumerate(header) if _is_raised(line)]
    start = named[-1] if named and not _is_raised(header[0]) else 0
    found = _RAISED.match(header[start].rstrip(" {")) if named else None
    if found is None:
        return Link(value=joined(header).strip() or None)
    return Link(found[1], joined([found[2] or "", *header[start + 1 :]]))


def _is_raised(line: str) -> bool:
    """`TypeError: …`, or a lone name that says it is an error; other text with a colon is a message."""
    found = _RAISED.match(line.rstrip(" {"))
    return bool(found) and (found[2] is not None or found[1].endswith(("Error", "Exception")))


def _frame(line: str) -> Frame | None:
    """One frame, or None where the line is none."""
    if line.lstrip().startswith("at "):
        return _v8(line)
    if "@" in line:
        return _at(line)
    return None


def _v8(line: str) -> Frame | None:
    if "eval at " in line and (found := _V8_EVAL.match(line)):
        return frame(found[2], found[3], colno=int(found[4][:9]), function=_name(found[1]), in_app=not _LIBRARY.search(found[2]))
    if (found := _V8.match(line)) and not found[2].isdigit():  # "at 10:30:15" is a time
        path = found[2].removeprefix("address at ").removeprefix("async ").removeprefix("file://")
        column = int(found[4][:9]) if found[4] else None
        return frame(path, found[3], colno=column, function=_name(found[1]), in_app=bool(path) and not _LIBRARY.search(path))
    if line.endswith(")") and (found := _V8_BARE.match(line)):
        return frame("" if found[2].startswith("index ") else found[2], None, function=_name(found[1]), in_app=False)
    return None


def _name(function: str | None) -> str | None:
    """Without `async`, `new` and the `[as alias]` of a method."""
    if not function:
        return None
    return function.removeprefix("async ").removeprefix("new ").partition(" [as ")[0]


def _at(line: str) -> Frame | None:
    """`function@url:line:column` of Firefox and Safari."""
    found = _AT.match(line.strip())
    if not found or not (found[3] or found[2] == _NATIVE) or " " in found[2].strip("[]").replace(_NATIVE.strip("[]"), ""):
        return None
    function = found[1].removeprefix("async*").rstrip("/<") or None
    column = int(found[4][:9]) if found[4] else None
    return frame(found[2], found[3], colno=column, function=function, in_app=not _LIBRARY.search(found[2]))
