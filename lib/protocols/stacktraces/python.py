"""Python's traceback module (docs.python.org/3/library/traceback): chains, exception groups, SyntaxError."""

from typing import Any

import re2

from lib.protocols.stacktraces.exceptions import Frame, Link, flatten, frame, joined

DEPTH_MAX = 30  # of nested groups

_HEADER = "Traceback (most recent call last):"
_RELATIONS = {
    "The above exception was the direct cause of the following exception:": "__cause__",
    "During handling of the above exception, another exception occurred:": "__context__",
}
_GROUP_PREFIX = re2.compile(r"^( *)(?:\+-)?[|+] ?")
_SEPARATOR = re2.compile(r"^ *(?:\+-)?\+-{10,}")
_FILE = re2.compile(r'^\s+File "([^"]*)", line (\d+)(?:, in (.*))?$')
_RAISED = re2.compile(r"^([A-Za-z_][\w.]*(?:\.<locals>\.[\w.]+)*)(?:: ?(.*))?$")
_LIBRARY = re2.compile(
    r"(?:site|dist)-packages[/\\]|[/\\][Ll]ib(?:64)?[/\\]python\d|[/\\]Python\d+[/\\][Ll]ib[/\\]|^<frozen |^<__array_function__"
)


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions, oldest first. Text before the first traceback is skipped."""
    reader = _Reader()
    for line in lines:
        reader.read(line)
    reader.close()
    return flatten(reader.headline) if reader.headline else []


class _Reader:
    """Reads line by line. `open` holds, for each depth of groups, the newest exception there."""

    def __init__(self) -> None:
        self.headline: Link | None = None
        self.open: list[tuple[int, Link]] = []
        self.relation = ""
        self.depth = 1
        self.frames: list[Frame] = []
        self.message: list[str] = []
        self.kind: str | None = None
        self.started = False

    def read(self, line: str) -> None:
        if "+----" in line and _SEPARATOR.match(line):
            self.close()
            self.relation = ""
            return
        prefix = _GROUP_PREFIX.match(line) if line.lstrip(" ").startswith(("|", "+")) else None
        if prefix and (self.started or _HEADER in line):
            # A group at the top is indented by one level more than what it caused, its members by one more than itself.
            self._read(line[prefix.end() :], min(max(prefix.end(1) // 2, 1), DEPTH_MAX))
        else:
            self._read(line, 1)

    def _read(self, text: str, depth: int) -> None:
        stripped = text.strip()
        if stripped.endswith(_HEADER):
            self.close()
            self.depth, self.started = depth, True
        elif stripped in _RELATIONS:
            self.close()
            self.relation = _RELATIONS[stripped]
        elif stripped.startswith('File "') and (found := _FILE.match(text)):
            if self.kind is not None:  # a traceback whose header was cut off
                self.close()
            self.depth, self.started = depth, True
            self.frames.append(frame(found[1], found[2], function=found[3], in_app=not _LIBRARY.search(found[1])))
        elif self.started:
            self._read_inside(text, stripped, depth)

    def _read_inside(self, text: str, stripped: str, depth: int) -> None:
        if self.kind is not None:
            self.message.append(text)
        elif text.startswith("    "):
            if self.frames and "context_line" not in self.frames[-1] and not set(stripped) <= set("^~ "):
                self.frames[-1]["context_line"] = text[4:]
        elif found := _RAISED.match(text.rstrip()):
            self.depth = depth
            self.kind, self.message = found[1], [found[2] or ""]

    def close(self) -> None:
        """The exception read so far is complete."""
        if self.kind is None and not self.frames:
            return
        module, _, name = (self.kind or "").replace("<locals>.", "").rpartition(".")
        link = Link(name, joined(self.message), module, self.frames)
        self._place(link)
        self.frames, self.message, self.kind = [], [], None

    def _place(self, link: Link) -> None:
        """After a relation, the exception of the same depth is the inner one; otherwise this is a member of a group."""
        while self.open and self.open[-1][0] > self.depth:
            self.open.pop()
        before = self.open.pop()[1] if self.open and self.open[-1][0] == self.depth else None
        around = self.open[-1][1] if self.open else None
        if before and self.relation:
            link.inner.append((self.relation, before))
            if around:
                around.inner.pop()
        if around:
            around.is_group = True
            around.inner.append((f"exceptions[{len(around.inner)}]", link))
        else:
            self.headline = link
        self.open.append((self.depth, link))
        self.relation = ""
