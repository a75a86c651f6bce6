"""Cursors: what encode was given comes back; anything else is refused with words."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import paging
from lib.errors import InvalidRequest

bigints = st.integers(-paging.BIGINT_MAX, paging.BIGINT_MAX)


@given(st.datetimes(), bigints)
def test_a_cursor_gives_back_the_position_it_was_made_of(moment: datetime, number: int) -> None:
    assert paging.decode(paging.encode([moment, number]), (str, int)) == [moment.isoformat(), number]
    assert paging.decode(paging.encode([number, number]), (int, int)) == [number, number]


@given(st.text(max_size=500))
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    try:
        position = paging.decode(text, (str, int))
    except InvalidRequest:
        return
    assert [type(value) for value in position] == [str, int]


@given(st.none() | st.booleans() | st.floats() | bigints | st.text(max_size=5) | st.lists(st.none(), max_size=2))
def test_json_of_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest):
        paging.decode(base64.urlsafe_b64encode(orjson.dumps(["x", value, 1])).decode().rstrip("="), (str, int))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "A",
        "é",
        paging.encode([]),
        paging.encode([1, 1]),
        paging.encode(["x", 2**63]),  # beyond a bigint
        paging.encode(["x", -(2**63)]),
        paging.encode(["x", True]),  # a bool is an int to isinstance
        paging.encode(["x", 1.0]),
        paging.encode(["x" * 400, 1]),  # longer than any cursor given out
        paging.encode(["x", 1]) + "!",
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        paging.decode(cursor, (str, int))
