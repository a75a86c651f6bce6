"""What is left of an event that is too much to look at, or that JSON cannot say."""

from __future__ import annotations

from typing import Any

from lib.redaction.text import ANY, placeholder
from lib.redaction.values import bytes_of

IDENTITY = ("event_id", "timestamp", "level", "platform", "release", "environment", "dist", "service")
IDENTITY_CHARS_MAX = 200


def blunt(payload: dict[str, Any]) -> dict[str, Any]:
    """Only what identifies the event; every other text, list and map is emptied."""
    return {key: _blunt(key, value) for key, value in payload.items() if ANY.search(bytes_of(key)) is None}


def _blunt(key: str, value: Any) -> Any:
    if isinstance(value, str):
        plain = key in IDENTITY and len(value) <= IDENTITY_CHARS_MAX and ANY.search(bytes_of(value)) is None
        return value if plain else placeholder("overflow")
    return type(value)() if isinstance(value, (dict, list)) else value


def storable(value: Any) -> Any:
    """The same in what JSON can say: text without lone surrogates, keys that are text, numbers of 64 bits."""
    if isinstance(value, dict):
        return {storable(str(key)): storable(child) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(child) for child in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return format(value, "#x")
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
