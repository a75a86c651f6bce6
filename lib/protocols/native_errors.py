"""The message, error and stack of a plain JSON event, as a Sentry-shaped logentry and exceptions."""

import re
from typing import Any

from lib.events import limits
from lib.protocols import stacktraces

ALIASES = {"file": "filename", "path": "abs_path", "line": "lineno", "column": "colno", "col": "colno", "method": "function"}
LINK_KEYS = {
    "type": "type",
    "name": "type",
    "class": "type",
    "value": "value",
    "message": "value",
    "module": "module",
    "stack": "stack",
    "stacktrace": "stack",
}
_TYPED = re.compile(r"([A-Za-z_$][\w.$:]{0,190}(?:Error|Exception|Warning|Fault|Failure|Panic|Interrupt|Timeout)): ")


def payload(message: Any, error: Any, stack: Any, platform: Any, *, reads_stacks: bool) -> dict[str, Any]:
    """Some of logentry, exception and platform. Exceptions stand oldest first; an error's causes are older than it.

    A stack as text is read into frames where `reads_stacks`; otherwise, and where it is not understood, it is kept as it is.
    """
    result: dict[str, Any] = {"logentry": {"message": message}} if message else {}
    chain = _chain(error)
    if stack is not None:
        chain = [*chain[:-1], {**(chain[-1] if chain else {}), "stack": stack}]
    exceptions: list[dict[str, Any]] = []
    language = None
    for link in chain:
        found, spoken = _exceptions(link, platform, reads_stacks=reads_stacks)
        exceptions += found
        language = spoken or language
    if exceptions:
        result["exception"] = {"values": exceptions}
    if language and not platform:
        result["platform"] = language
    return result


def _chain(error: Any) -> list[dict[str, Any]]:
    """The error's causes, then itself, each {type, value, module, stack} with what is known."""
    chain: list[dict[str, Any]] = []
    while error and isinstance(error, str | dict) and len(chain) < limits.EXCEPTIONS_MAX:
        chain.append(_split(error) if isinstance(error, str) else _link(error))
        error = error.get("cause") if isinstance(error, dict) else None
    return chain[::-1]


def _split(text: str) -> dict[str, Any]:
    """`ValueError: no such row` names its type; other text is only a value."""
    typed = _TYPED.match(text)
    return {"type": typed[1], "value": text[typed.end() :]} if typed else {"value": text}


def _link(error: dict[str, Any]) -> dict[str, Any]:
    link: dict[str, Any] = {}
    for key, name in LINK_KEYS.items():
        if error.get(key) is not None:
            link.setdefault(name, error[key])
    return link


def _exceptions(link: dict[str, Any], platform: Any, *, reads_stacks: bool) -> tuple[list[dict[str, Any]], str | None]:
    """(this error, after the causes that its stack text tells of; the language of that text)."""
    stack = link.pop("stack", None)
    if isinstance(stack, str):
        parsed = stacktraces.parse(stack, platform if isinstance(platform, str) else None) if reads_stacks else None
        if parsed is None:
            return [{**link, "raw_stacktrace": stack}], None
        return [*parsed.exceptions[:-1], {**parsed.exceptions[-1], **link}], parsed.language
    frames = stack.get("frames") if isinstance(stack, dict) else stack
    if isinstance(frames, list):
        link["stacktrace"] = {"frames": [_frame(frame) for frame in frames if isinstance(frame, dict)]}
    return ([link] if link else []), None


def _frame(raw: dict[str, Any]) -> dict[str, Any]:
    return {ALIASES.get(name, name): value for name, value in raw.items()}
