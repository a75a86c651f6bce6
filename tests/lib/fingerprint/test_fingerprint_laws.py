"""Laws: never raises, always the same, blind to addresses, ids, lines and the order of keys; bounded time."""

import json
import string
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.fingerprint import Fingerprint, compute, crash_frame
from tests.lib.fingerprint.build import error, event, frame, message

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
ANY = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
# Known keys at every level with any value behind them: the shapes a careless or hostile client sends.
KEYS = """
    exception values type value module mechanism synthetic exception_id parent_id is_exception_group source stacktrace frames
    function filename abs_path lineno colno in_app context_line post_context package logentry message formatted params fingerprint
    threads crashed current transaction logger platform
"""
KNOWN = st.recursive(
    SCALARS | st.sampled_from(["python", "{{ default }}", "__context__", "RecursionError", "x.js", "raise X("]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=6),
    max_leaves=30,
)
WORDS = st.text(string.ascii_lowercase, min_size=3, max_size=8).filter(lambda word: not set(word) <= set("abcdef"))


@given(
    ANY
    | KNOWN
    | st.fixed_dictionaries({"exception": KNOWN, "logentry": KNOWN, "fingerprint": KNOWN, "threads": KNOWN, "message": KNOWN})
)
@settings(max_examples=300, deadline=None)
def test_any_shape_has_a_fingerprint(payload: Any) -> None:
    found = compute(payload)
    assert isinstance(found, Fingerprint)
    assert len(found.value) == 32
    assert found.parts
    assert all(isinstance(part, str) and part.encode() for part in found.parts)
    assert found == compute(payload)
    assert crash_frame(payload) is None or isinstance(crash_frame(payload), dict)


def crash(kind: str, value: str, functions: list[str], shift: int, address: int, **more: Any) -> dict[str, Any]:
    frames = [
        frame(
            name,
            "shop.orders",
            f"{after}(order)",
            lineno=shift + at,
            instruction_addr=hex(address + at),
            vars={"self": f"<Cart at {address:#x}>"},
        )
        for at, (name, after) in enumerate(zip(functions, [*functions[1:], "fail"], strict=True))
    ]
    return event(error(kind, value, *frames)) | more


@given(
    st.lists(WORDS, min_size=1, max_size=5, unique=True),
    *[st.integers(0, 2**40)] * 4,
    st.uuids(),
    st.uuids(),
)
def test_a_crash_ignores_addresses_ids_and_line_shifts(
    functions: list[str], shift: int, other: int, address: int, moved: int, one: Any, two: Any
) -> None:
    first = crash("ValueError", f"order {one} at {address:#x} failed", functions, shift, address, event_id=one.hex)
    second = crash("ValueError", f"order {two} at {moved:#x} failed", functions, other, moved, event_id=two.hex)
    assert compute(first).value == compute(second).value


@given(
    st.lists(WORDS, min_size=1, max_size=6),
    st.integers(),
    st.integers(),
    st.uuids(),
    st.uuids(),
    st.ip_addresses(v=4),
    st.ip_addresses(v=4),
)
def test_a_message_ignores_numbers_ids_and_addresses(
    said: list[str], one: int, other: int, uuid: Any, uuid2: Any, ip: Any, ip2: Any
) -> None:
    text = " ".join(said)
    first, second = message(f"{text} {one} of {uuid} at {ip}"), message(f"{text} {other} of {uuid2} at {ip2}")
    assert compute(first).value == compute(second).value


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value


@given(KNOWN.filter(lambda value: isinstance(value, dict)))
@settings(deadline=None)
def test_the_order_of_keys_does_not_count(payload: dict[str, Any]) -> None:
    assert compute(reordered(payload)).value == compute(payload).value


def test_the_payload_is_left_as_it_was() -> None:
    payload = crash("ValueError", "x 1", ["a_function", "b_function"], 1, 2, fingerprint=["{{ default }}", "x"])
    before = json.dumps(payload)
    compute(payload)
    assert json.dumps(payload) == before


def test_a_number_too_long_to_write_is_no_part() -> None:
    """Python refuses to write integers of more than 4,300 digits."""
    assert compute({"fingerprint": [10**5_000, "a"]}).parts == ["client: ", "client: a"]


LONG = 1_000_000
BIG_FRAME = {
    "function": "f" * 10_000,
    "module": "m." * 5_000,
    "filename": "a/" * 5_000,
    "in_app": True,
    "context_line": "(" * 10_000,
    "post_context": ["(" * 10_000] * 9,
}
ADVERSARIAL: dict[str, Any] = {
    "1,000 frames": event(error("E", "v", *[BIG_FRAME | {"function": f"f{at}"} for at in range(1_000)])),
    "100 chained": event(*[error("E", "v" * 100_000, *[BIG_FRAME] * 100)] * 100),
    "100 cyclic": event(
        *[
            error(f"E{at}", "v", *[BIG_FRAME] * 50, exception_id=at, parent_id=(at + 1) % 100, is_exception_group=True)
            for at in range(100)
        ]
    ),
    "a group of 99": event(
        *[error(f"E{at}", "v", BIG_FRAME, exception_id=at, parent_id=0, is_exception_group=True) for at in range(99, -1, -1)]
    ),
    "10,000 client parts": {"fingerprint": ["{{ default }}"] + ["x" * 1_000] * 10_000},
} | {
    f"1 MB of {unit!r}": {"message": unit * (LONG // len(unit))}
    for unit in [
        "a",
        "1",
        "1,",
        "<",
        "[",
        "=",
        "='",
        '="',
        "%(",
        "{",
        "@",
        "a@",
        "a.",
        "/",
        "\\",
        ":",
        "a:",
        "a://",
        " a",
        "Jan ",
        "for user ",
        "[redacted",
        "é",
        "\ud800",
        "a1",
        "a1.",
    ]
}


@pytest.mark.parametrize("payload", ADVERSARIAL.values(), ids=ADVERSARIAL.keys())
def test_hostile_input_takes_bounded_time(payload: Any) -> None:
    """A generous bound: the usual event takes 0.05 ms, none of these more than 50 ms on a quiet machine."""
    started = time.process_time()
    compute(payload)
    assert time.process_time() - started < 2
