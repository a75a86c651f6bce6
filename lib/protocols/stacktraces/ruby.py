"""Ruby: Exception#full_message and backtraces, before and after 3.4 (docs.ruby-lang.org)."""

from typing import Any

import re2

from lib.protocols.stacktraces.exceptions import Frame, Link, chain, flatten, frame, joined

_PLACE = r"^\s*(?:\d+: )?(?:from )?((?:[A-Za-z]:)?[^\s:][^:]*):(\d+):in [`'](.*?)'"
_FRAME = re2.compile(_PLACE + r"$")
_RAISED = re2.compile(_PLACE + r": (.*)$")
_KIND = re2.compile(r"^(.*?) ?\(([A-Z]\w*(?:::\w+)*)\):?$")
_HEADED = re2.compile(r"^([A-Z]\w*(?:::[A-Z]\w*)*)(?: \((.*)\):?|: (.*))$")
_REVERSED = "(most recent call last)"
_LIBRARY = re2.compile(r"/gems/|/rubygems/|/lib/ruby/|/vendor/bundle/|^<internal:|^\(eval|/bin/(?:bundle|rake|rails|puma|ruby)$")


def parse(lines: list[str]) -> list[dict[str, Any]]:
    """The exceptions, oldest first; Ruby prints causes after what they caused."""
    links: list[Link] = []
    header: list[str] = []
    for line in lines:
        has_place = ":in " in line
        if has_place and (found := _FRAME.match(line)):
            if not links:
                links.append(_headed(header))
            links[-1].frames.append(_frame(found))
        elif has_place and (found := _RAISED.match(line)):
            links.append(_raised(found[4]))
            links[-1].frames.append(_frame(found))
        elif not links:
            header.append(line)
        elif links[-1].kind is None and len(links[-1].frames) == 1 and line.strip():
            _continue(links[-1], line)
    _order(links, header)
    headline = chain(links[::-1], "cause")
    return flatten(headline) if headline else []


def _order(links: list[Link], header: list[str]) -> None:
    """Oldest first. Ruby 2.5 to 2.7 on a terminal print so already, and say so."""
    if not any(_REVERSED in line for line in header):
        for link in links:
            link.frames.reverse()
    elif len(links) > 1 and not links[0].kind:
        links[1].frames = links[0].frames + links[1].frames
        del links[0]


def _headed(lines: list[str]) -> Link:
    """`NoMethodError (undefined method …):` as Rails logs it, or `NoMethodError: …` above a bare backtrace."""
    lines = [line for line in lines if _REVERSED not in line]
    for index, line in enumerate(lines):
        if found := _HEADED.match(line.strip()):
            return Link(found[1], joined([found[2] or found[3] or "", *lines[index + 1 :]]))
    return Link(value=joined(lines).strip() or None)


def _raised(text: str) -> Link:
    """`undefined method 'x' for nil (NoMethodError)`; a message of several lines has its type at the end of the first."""
    found = _KIND.match(text)
    return Link(found[2], found[1]) if found else Link(value=text)


def _continue(link: Link, line: str) -> None:
    found = _KIND.match(line)
    link.value = joined([link.value or "", found[1] if found else line])
    link.kind = found[2] if found else None


def _frame(found: Any) -> Frame:
    """Since 3.4 a method is named with its class: 'Shop::Cart#total', 'block in Shop::Cart.load'."""
    place, name = found[1], found[3]
    start, _, last = name.rpartition(" ")  # "block in ", "rescue in "
    owner, hash_or_dot, method = last.rpartition("#" if "#" in last else ".")
    known = bool(owner) and owner[0].isupper() and hash_or_dot
    function = f"{start} {method}".strip() if known else name
    return frame(place, found[2], function=function, module=owner if known else None, in_app=not _LIBRARY.search(place))
