"""Stack traces as text, as languages print them, to exceptions with frames.

Bounded: the text is cut to TEXT_CHARS_MAX characters and LINES_MAX lines, a line to LINE_CHARS_MAX; every pattern runs in RE2.
A call into RE2 costs 2 µs, so plain string tests stand before the patterns.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import re2

from lib.events import bounds
from lib.protocols.stacktraces import go, java, javascript, php, python, ruby

TEXT_CHARS_MAX = 262_144
LINES_MAX = 6_000
LINE_CHARS_MAX = 2_000

_ANSI_COLOUR = re2.compile(r"\x1b\[[0-9;]*m")


class Language(NamedTuple):
    """A parser takes lines and answers exceptions, oldest first; `hint` stands in every text it understands."""

    platform: str
    hint: str
    parse: Callable[[list[str]], list[dict[str, Any]]]


class Parsed(NamedTuple):
    """`exceptions` as in exception.values: oldest first, at least one, the last is the headline. `language` is a platform."""

    exceptions: list[dict[str, Any]]
    language: str


LANGUAGES = (
    Language("python", 'File "', python.parse),
    Language("java", "at ", java.parse),
    Language("javascript", ":", javascript.parse),
    Language("go", "\t", go.parse),
    Language("ruby", ":in ", ruby.parse),
    Language("php", "#0 ", php.parse),
)
FAMILIES = {"node": "javascript", "kotlin": "java", "scala": "java", "android": "java"}


def parse(text: str, platform: str | None = None) -> Parsed | None:
    """The exceptions of a stack trace printed by one of LANGUAGES; None where not one frame is understood.

    The language is `platform`'s where that finds a frame, else the one that finds most.
    """
    lines = _lines(text)
    wanted = FAMILIES.get(platform or "", platform)
    best, frames_max = None, 0
    for language in sorted(LANGUAGES, key=lambda language: language.platform != wanted):
        if language.hint not in text:
            continue
        exceptions = language.parse(lines)
        frames = sum(len(item["stacktrace"]["frames"]) for item in exceptions if "stacktrace" in item)
        if frames > frames_max:
            best, frames_max = Parsed(exceptions, language.platform), frames
            if language.platform == wanted:
                break
    return best


def _lines(text: str) -> list[str]:
    """Lines without line ends and colours. Of a long text the middle goes: what was raised, and where, stand at its ends."""
    text = bounds.text(
        text[: TEXT_CHARS_MAX // 2] + "\n" + text[-TEXT_CHARS_MAX // 2 :] if len(text) > TEXT_CHARS_MAX else text, len(text) + 1
    )
    if "\x1b" in text:
        text = _ANSI_COLOUR.sub("", text)
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > LINES_MAX:
        lines = lines[: LINES_MAX // 2] + lines[-LINES_MAX // 2 :]
    return [line[:LINE_CHARS_MAX] for line in lines]
