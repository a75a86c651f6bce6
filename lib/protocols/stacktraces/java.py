"""Java's Throwable.printStackTrace (docs.oracle.com, java.lang.Throwable), which Kotlin, Scala and log frameworks share."""

from typing import Any

import re2

from lib.protocols.stacktraces.exceptions import Frame, Link, flatten, frame, joined

FRAMES_MAX = 2_000  # restored ones included
LINKS_MAX = 200

_FRAME = re2.compile(r"^(\s*)at (?:[\w.@+-]*/)*([\w$.<>-]+)\.([\w$<>-]+)\(([^()]*)\)")
_MORE = re2.compile(r"^\s*\.\.\. (\d+) (?:more|common frames omitted)")
_INNER = re2.compile(r"^(\s*)(Caused by|Suppressed|Wrapped by): (.*)$")
_INNER_WORDS = ("Caused by: ", "Suppressed: ", "Wrapped by: ")
_RAISED = re2.compile(r'^(?:.*Exception in thread "[^"]*" )?([\w$]+(?:\.[\w$]+)*)(?:: (.*))?$')
_KIND = re2.compile(r"(?:Exception|Error|Throwable|Failure|Fault|Problem|Interrupt)\w*$")
_LIBRARY = re2.compile(
    r"^(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|clojure|android|androidx|dalvik|jakarta|junit|reactor|akka"
    r"|io\.(?:netty|reactivex|vertx|micronaut|quarkus|ktor)|_COROUTINE|com\.android|com\.google\.(?:common|inject|android)|com\.fasterxml|com\.zaxxer"
    r"|org\.(?:springframework|hibernate|apache|junit|eclipse|jboss|gradle|postgresql|slf4j|aspectj|codehaus|scalatest|testng|mockito))\."
)


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions, oldest first. What "… 23 more" leaves out is taken from the enclosing exception."""
    reader = _Reader()
    for line in lines:
        reader.read(line)
    reader.end_message()
    return flatten(reader.links[0]) if reader.links else []


class _Reader:
    """Reads line by line. `open` is the chain of exceptions around the current line, each with its indentation."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.open: list[tuple[int, Link]] = []
        self.header: list[str] = []
        self.message: list[str] | None = None
        self.frames_left = FRAMES_MAX

    def read(self, line: str) -> None:
        start = line.lstrip()
        if start.startswith("at ") and (found := _FRAME.match(line)):
            self._start()
            self._add([_frame(found[2], found[3], found[4])])
        elif start.startswith(_INNER_WORDS) and (found := _INNER.match(line)):
            self._start()
            self._open_inner(len(found[1].expandtabs(4)), found[2], found[3])
        elif self.open and start.startswith("... ") and (found := _MORE.match(line)):
            self.end_message()
            self._restore(int(found[1][:6]))
        elif not self.links:
            self.header.append(line)
        elif self.message is not None:
            self.message.append(line)

    def _start(self) -> None:
        """The first frame or cause: what stands above it is the headline."""
        if not self.links:
            named = [index for index, line in enumerate(self.header) if _is_raised(line)]
            start = named[0] if named else len(self.header)
            link = _link(self.header[start] if named else "", self.header[start + 1 :])
            if not named:
                link.value = joined(self.header).strip() or None
            self.links.append(link)
            self.open.append((-1, link))
        self.end_message()

    def end_message(self) -> None:
        """The lines after "Caused by: …" up to its first frame belong to its message."""
        if self.message is not None:
            self.open[-1][1].value = joined(self.message)
            self.message = None

    def _open_inner(self, indent: int, word: str, raised: str) -> None:
        # A cause stands at the indentation of what it caused; a suppressed exception deeper than what suppresses it.
        while len(self.open) > 1 and self.open[-1][0] > indent:
            self.open.pop()
        if word == "Suppressed":
            while len(self.open) > 1 and self.open[-1][0] >= indent:
                self.open.pop()
        link, outer = _link(raised, []), self.open[-1][1]
        if len(self.links) == LINKS_MAX:
            return
        self.links.append(link)
        source = f"suppressed[{len(outer.inner)}]" if word == "Suppressed" else "cause"
        outer.inner.append((source, link))
        self.open.append((indent, link))
        self.message = [link.value or ""]

    def _restore(self, count: int) -> None:
        if len(self.open) > 1:
            outer = self.open[-2][1].frames
            self._add(outer[:count])  # its oldest

    def _add(self, frames: list[Frame]) -> None:
        frames = frames[-self.frames_left :] if self.frames_left else []
        self.frames_left -= len(frames)
        link = self.open[-1][1]
        link.frames[:0] = frames


def _is_raised(line: str) -> bool:
    found = _RAISED.match(line.strip())
    return bool(found) and ("." in found[1] or bool(_KIND.search(found[1])))


def _link(raised: str, more: list[str]) -> Link:
    found = _RAISED.match(raised.strip())
    if not found:
        return Link(value=joined([raised, *more]) or None)
    module, _, kind = found[1].rpartition(".")
    return Link(kind, joined([found[2] or "", *more]), module)


def _frame(module: str, function: str, place: str) -> Frame:
    path, _, line = place.partition(":")
    known = path if "." in path else ""  # otherwise "Native Method" or "Unknown Source"
    return frame(
        known, line if line.isdigit() else None, module=module, function=function, in_app=not _LIBRARY.match(f"{module}.")
    )
