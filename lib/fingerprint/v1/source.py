"""The source lines SDKs send with frames: who calls whom, what stands at the crash, which words of a message are code."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from lib.fingerprint.v1.frames import Frame, is_script, source_line
from lib.fingerprint.v1.messages import normalise
from lib.fingerprint.v1.shape import LINE_CHARS_MAX, text

STATEMENT_LINES_MAX = 7
WORDS_MAX = 12
MESSAGE_CHARS_MAX = 600
NAMES_MAX = 24
CACHE_LINES_MAX = 4_096
NAME_TAIL_CHARS = 40

_WORD = re.compile(r"[^\W\d][\w$]*+")
# A string with its prefix, or a name; what is skipped between them is operators, numbers and white space.
_TOKEN = re.compile(
    r"[A-Za-z]{0,2}(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|`(?:[^`\\]|\\.)*+`)|(?P<name>[^\W\d][\w$]*+)|(?P<hash>#.*+)|(?P<slashes>//.*+)|(?P<open>\()|(?P<close>\))"
)
_LAST_NAME = re.compile(r"[\w$]++$")
_KEYWORDS = frozenset(
    {"and", "assert", "await", "del", "elif", "else", "if", "in", "is", "not", "or", "raise", "return", "throw", "while", "yield"}
)
_HASH_COMMENTS = (".py", ".rb", ".php", ".sh", ".pl", ".ex", ".exs", ".r")
# Values and types of languages, which a message names for what the data was at that moment.
_VALUES = frozenset(
    {"None", "null", "undefined", "nil", "true", "false", "True", "False", "NaN", "str", "int", "string", "number"}
)


def statement(frame: Mapping[str, Any]) -> str:
    """The source line of a frame and, while its brackets are open, the lines after it."""
    line = source_line(frame)
    following = frame.get("post_context")
    if not line or not isinstance(following, list):
        return line
    depth = _depth(line)
    for more in following[: STATEMENT_LINES_MAX - 1]:
        if depth <= 0:
            break
        piece = text(more, LINE_CHARS_MAX).strip()
        line += " " + piece
        depth += _depth(piece)
    return line


def _depth(line: str) -> int:
    opened = line.count("(") + line.count("[") + line.count("{")
    return opened - line.count(")") - line.count("]") - line.count("}")


@lru_cache(maxsize=CACHE_LINES_MAX)
def words(line: str) -> frozenset[str]:
    """All names and words of a source line, those in strings too."""
    return frozenset(_WORD.findall(line))


def crash_names(frame: Frame) -> str:
    """The names in the statement that crashed, in order, without the arguments of calls.

    They tell two crash sites of one function apart without a line number; formatting, quotes, comments and arguments may change.
    """
    filename = text(frame.raw.get("filename")) or text(frame.raw.get("abs_path"))
    comment = "hash" if filename.endswith(_HASH_COMMENTS) else "slashes"
    return _names(statement(frame.raw), comment, numbered=is_script(frame.raw))


@lru_cache(maxsize=CACHE_LINES_MAX)
def _names(line: str, comment: str, *, numbered: bool) -> str:
    found: list[str] = []
    open_calls: list[bool] = []
    for match in _TOKEN.finditer(line):
        kind = match.lastgroup
        if kind == comment:
            break
        if kind == "open":
            open_calls.append(_is_call(line[max(0, match.start() - NAME_TAIL_CHARS) : match.start()].rstrip()))
        elif kind == "close" and open_calls:
            open_calls.pop()
        elif kind == "name" and not any(open_calls):
            # Bundlers number names that clash: ctx, ctx2.
            found.append(match["name"].rstrip("0123456789") if numbered else match["name"])
            if len(found) == NAMES_MAX:
                break
    return " ".join(found)


def _is_call(before: str) -> bool:
    """Whether a bracket behind this text opens the arguments of a call, not a group: `load(`, but `return (`."""
    last = _LAST_NAME.search(before)
    return before.endswith((")", "]")) if last is None else last[0] not in _KEYWORDS


def message_words(chosen: Iterable[Frame], message: str) -> str:
    """Words of a message that also stand in the source lines of the frames: they are the program's, the others are data.

    They tell two errors of one line or function apart (`KeyError: 'sku'` at `row["sku"]`), whatever the data is.
    """
    code: set[str] = set()
    for frame in chosen:
        code.update(words(statement(frame.raw)))
    if not code:
        return ""
    code -= _VALUES
    found = dict.fromkeys(word for word in _WORD.findall(normalise(message[:MESSAGE_CHARS_MAX])) if word in code)
    return " ".join(list(found)[:WORDS_MAX])
