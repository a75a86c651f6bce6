"""What JSON, and PostgreSQL behind it, can say."""

from __future__ import annotations

from typing import Any


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
