"""PHP: an uncaught exception's text, Exception::getTraceAsString (php.net/exception), and Monolog's form of both."""

from typing import Any

import re2

from lib.protocols.stacktraces.exceptions import Frame, Link, chain, flatten, frame, joined

_FRAME = re2.compile(r"^\s*#\d+ (?:(\[internal function\])|(.*?)\((\d+)\)): (.*)$")
_MAIN = re2.compile(r"^\s*#\d+ \{main\}")
_RAISED = re2.compile(
    r"^(?:.*?(?:PHP )?Fatal error: +)?(?:(?:Uncaught|Next) )?\\?([A-Za-z_\x7f-\xff][\w\\]*?)(?:: (.*))? in (\S.*?):(\d+)$"
)
_LOGGED = re2.compile(r"\[(?:object|previous exception)\] (?:\[object\] )?\(([\w\\]+)\(code: [^)]*\): (.*) at (\S.*?):(\d+)\)?$")
_OPENING = re2.compile(r"^(?:.*?Fatal error: +)?(?:(?:Uncaught|Next) )?\\?([A-Za-z_\x7f-\xff][\w\\]*): (.*)$")
_PLACE = re2.compile(r"^(.*) in (\S.*?):(\d+)$")
_CALL = re2.compile(r"^(.*?)\(")
_LIBRARY = re2.compile(r"/vendor/|^\[internal function\]|^phar:")


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions, oldest first. PHP prints the innermost first and "Next" what it led to; Monolog the other way round."""
    links: list[_Trace] = []
    header: list[str] = []
    logged = False
    for line in lines:
        numbered = line.lstrip().startswith("#")
        if numbered and (found := _FRAME.match(line)):
            if header or not links:
                links.append(_Trace(header))
                header = []
            links[-1].add(found)
        elif numbered and _MAIN.match(line):
            if links:
                links[-1].call("{main}")
        elif line.strip() and not line.startswith(("Stack trace:", "[stacktrace]", "  thrown in", '"}')):
            logged = logged or ("(code: " in line and bool(_LOGGED.search(line)))
            header.append(line)
    if logged:
        links.reverse()
    headline = chain([trace.link() for trace in links], "cause")
    return flatten(headline) if headline else []


class _Trace:
    """One exception. A line of the trace is a call and where it was made; what that place is inside of, the next line tells."""

    def __init__(self, header: list[str]) -> None:
        self.kind: str | None = None
        self.value: str | None = None
        self.places: list[tuple[str, str | None]] = [("", None)]
        self.calls: list[str] = []
        self._read_header(header)

    def _read_header(self, header: list[str]) -> None:
        for index, line in enumerate(header):
            if found := _RAISED.match(line) or _LOGGED.search(line):
                self.kind, self.value, self.places = found[1], found[2], [(found[3], found[4])]
                return
            if found := _OPENING.match(line):  # the message has several lines; the place stands at the end of the last
                more = header[index + 1 :]
                self.kind, self.value = found[1], joined([found[2], *more])
                if more and (place := _PLACE.match(more[-1])):
                    self.value, self.places = joined([found[2], *more[:-1], place[1]]), [(place[2], place[3])]
                return
        self.value = joined(header).strip() or None

    def add(self, found: Any) -> None:
        """A line `#1 /srv/cart.php(12): Shop\\Cart->total(Array)`."""
        self.call(found[4])
        self.places.append((found[1] or found[2], found[3]))

    def call(self, text: str) -> None:
        """What the place above was inside of."""
        called = _CALL.match(text)
        self.calls.append((called[1] if called else text).replace("->", "::"))

    def link(self) -> Link:
        """The exception, its frames oldest first. A trace alone tells the function of the crash, not its place."""
        calls = [*self.calls, *[""] * len(self.places)]
        pairs = [(place, call) for place, call in zip(self.places, calls, strict=False) if place[0] or call]
        return Link(self.kind, self.value, None, [_frame(place, call) for place, call in reversed(pairs)])


def _frame(place: tuple[str, str | None], function: str) -> Frame:
    path, line = place
    return frame(path, line, function=function or None, in_app=not _LIBRARY.search(path))
