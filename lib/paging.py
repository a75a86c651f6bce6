"""Cursor paging: a page says where the next one begins, so that what arrives meanwhile shifts nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson

from lib.errors import InvalidRequest

LIMIT_DEFAULT = 50
LIMIT_MAX = 100
CURSOR_CHARACTERS_MAX = 400
BIGINT_MAX = 2**63 - 1


def encode(position: list[Any]) -> str:
    """An opaque cursor for the row that the page ended with. UUIDs are told by their 32 digits, times as ISO 8601."""
    plain = [value.hex if isinstance(value, UUID) else value for value in position]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def page(
    rows: list[dict[str, Any]], limit: int, position: Sequence[str], shown: Callable[[dict[str, Any]], Any] = dict
) -> dict[str, Any]:
    """`{"items": […], "next_cursor": …}` of rows that were asked for with one more than `limit`.

    position: the columns by which the list is ordered; what they hold in the page's last row leads on. shown: a row's item.
    """
    kept = rows[:limit]
    last = kept[-1] if len(rows) > limit else None
    return {"items": [shown(row) for row in kept], "next_cursor": encode([last[name] for name in position]) if last else None}


def decode(cursor: str, kinds: tuple[type, ...]) -> list[Any]:
    """What encode was given. Raises InvalidRequest where it is not a cursor of this list."""
    try:
        if len(cursor) > CURSOR_CHARACTERS_MAX:
            raise ValueError
        position = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if [type(value) for value in position] != list(kinds):
            raise ValueError
        if any(isinstance(value, int) and abs(value) > BIGINT_MAX for value in position):
            raise ValueError
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidRequest(
            "The cursor is not one that this list gave out.", [{"pointer": "?cursor", "detail": "start without a cursor"}]
        ) from error
    return list(position)
