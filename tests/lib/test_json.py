from __future__ import annotations

import json as plain_json
import math
import time
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import json
from tests import hostile


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (b'"\xff\xfe ok"', "\ufffd\ufffd ok"),
        (b'"\\ud800 \\ud83d\\ude00 \\udfff"', "\ufffd \U0001f600 \ufffd"),
        (b'"\\\\ud800 \\ud800"', "\\ud800 \ufffd"),  # an escaped backslash is no escape of a surrogate
        (b'{"\\udc00": 1}', {"\ufffd": 1}),
        (b"[NaN, Infinity, -Infinity, 1e400, -1e400, 1]", [None, None, None, None, None, 1]),
        (b"1" * 5_000, None),
        (b"[18446744073709551615, 18446744073709551616, -9223372036854775809]", [2**64 - 1, 2.0**64, -(2.0**63)]),
        (b"[NaN, 18446744073709551615, 18446744073709551616, -9223372036854775809]", [None, 2**64 - 1, 2.0**64, -(2.0**63)]),
        (b'"a\nb\x00c\td"', "a\nb\0c\td"),
        (b"\xef\xbb\xbf{}", {}),
        (b"[" * 300 + b"NaN" + b"]" * 300, plain_json.loads("[" * 300 + "null" + "]" * 300)),
    ],
)
def test_what_clients_really_send_is_read(body: bytes, value: object) -> None:
    assert json.loads(body) == value


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b"", 0),
        (b"{", 1),
        (b"[1, 2,]", 6),
        (b'{"a": nope}', 6),
        (b"{} {}", 3),
        (b"[" * 100_000, 0),  # nested too deeply for any reader
        (b'{"a":' * 100_000, 0),
        (b"\xff", 0),
        (b"'a'", 0),
    ],
)
def test_what_is_no_json_is_refused_with_its_position(body: bytes, position: int) -> None:
    with pytest.raises(json.BadJson) as refusal:
        json.loads(body)
    assert abs(refusal.value.position - position) <= 1  # Python versions differ by one about trailing commas
    assert str(refusal.value.position) in str(refusal.value)


@pytest.mark.parametrize(
    "body",
    [
        *(b"[" + b"1" * 9_000_000 + b"]", b"[0." + b"0" * 9_000_000 + b"1, NaN]", b'["' + b"\\ud800" * 1_500_000 + b'"]'),
        *(
            b'["' + b"\xff" * 9_000_000 + b'"]',
            b"[" + b"NaN," * 900_000 + b"1]",
            b"[" + b"{}," * 3_000_000 + b"1]",
            b"[" * 9_000_000,
        ),
        *(
            b"[" * 900 + b"NaN," * 900_000,
            b'{"a":' * 1_800_000,
            b'"' + b"\\" * 9_000_000,
            b"-" * 9_000_000,
            b"[" + b'"\\ud800",' * 900_000 + b"1]",
        ),
    ],
    ids=lambda body: f"{body[:8]!r}… {len(body)}",
)
def test_nine_hostile_megabytes_are_read_or_refused_within_a_second(body: bytes) -> None:
    started = time.process_time()
    with suppress(json.BadJson):
        json.loads(body)
    assert time.process_time() - started < 5.0  # a busy or slower machine takes three times as long; what is quadratic, minutes


@given(hostile.odd_json)
def test_whatever_is_read_can_be_written_again(value: Any) -> None:
    orjson.dumps(json.loads(hostile.json_text(value)))


@given(hostile.broken(hostile.odd_json.map(hostile.json_text)))
def test_a_damaged_text_is_read_or_refused_never_more(body: bytes) -> None:
    try:
        value = json.loads(body)
    except json.BadJson:
        return
    orjson.dumps(value)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        st.lists,
    )
)
def test_both_readers_agree_on_proper_json(value: Any) -> None:
    text = plain_json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        expected = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    tolerant = json.loads(b"[NaN, " + text + b"]")
    assert isinstance(tolerant, list)
    assert tolerant[1] == expected or (isinstance(expected, float) and math.isclose(tolerant[1], expected, rel_tol=0))
