"""Reads of untrusted JSON that never raise: the wrong type counts as absent. Lengths are bounded here, once."""

from collections.abc import Mapping
from typing import Any

TEXT_CHARS_MAX = 2_000  # of a message, for grouping: templates differ early, and time stays bounded
NAME_CHARS_MAX = 400  # of a function, module, path or type
LINE_CHARS_MAX = 400  # of a source line
CLIENT_PARTS_MAX = 20
EXCEPTIONS_MAX = 100  # of a chain; the newest are kept, as they lead to the headline
LEAVES_MAX = 10  # root causes of a group of exceptions
FRAMES_MAX = 500  # of a stack; the ones nearest to the crash are kept

EMPTY: Mapping[str, Any] = {}


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else EMPTY


def text(value: Any, chars_max: int = NAME_CHARS_MAX) -> str:
    """The value where it is a string, cut to its bound, else an empty one; lone surrogates, which cannot be hashed, replaced."""
    if not isinstance(value, str):
        return ""
    cut = value[:chars_max]
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode("utf-8")


def values(container: Any) -> list[Any]:
    """The list inside `{"values": [...]}`, a bare list, or a bare object as a list of one: the three forms SDKs send."""
    if isinstance(container, dict):
        inner = container.get("values")
        if inner is None:
            return [container] if container else []
        container = inner
    return container if isinstance(container, list) else []
