from __future__ import annotations

import json as plain_json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from lib import events
from lib.protocols import native
from tests import hostile
from tests.cases import each

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
STACK = 'Traceback (most recent call last):\n  File "/srv/cart.py", line 3, in total\n    return sum(cart)\nTypeError: bad cart'


def item(value: object) -> dict[str, Any] | native.ItemError:
    [parsed] = native.parse(plain_json.dumps(value).encode())
    return parsed


def payload(value: object) -> dict[str, Any]:
    parsed = item(value)
    assert isinstance(parsed, dict), parsed
    return events.normalise(parsed, NOW)


def refusal(value: object) -> native.ItemError:
    parsed = item(value)
    assert isinstance(parsed, native.ItemError), parsed
    return parsed


def values(value: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = payload(value)["exception"]["values"]
    return found


@each(
    ("value", "title"),
    [
        ({"message": "cart is broken"}, "cart is broken"),
        ({"message": "cart is broken\nvery"}, "cart is broken"),
        ({"error": "cart is broken"}, "cart is broken"),
        ({"error": "TypeError: bad cart"}, "TypeError: bad cart"),
        ({"error": "no such host: example.com"}, "no such host: example.com"),
        ({"error": {"type": "TypeError", "message": "bad cart"}}, "TypeError: bad cart"),
        ({"error": {"name": "TypeError", "value": "bad cart"}}, "TypeError: bad cart"),
        ({"error": {"type": "TypeError"}}, "TypeError"),
        ({"message": "while paying", "error": {"message": "bad cart"}}, "bad cart"),
        ({"message": "while paying", "stack": STACK}, "TypeError: bad cart"),
        ({"error": {"type": "CartError", "message": "mine", "stack": STACK}}, "CartError: mine"),
        ({"exception": {"values": [{"type": "TypeError", "value": "bad cart"}]}}, "TypeError: bad cart"),  # Sentry's own form
    ],
)
def test_a_message_or_an_error_is_enough(value: object, title: str) -> None:
    assert events.describe(payload(value)).title == title


def test_every_field_has_its_place() -> None:
    found = payload(
        {
            "message": "cart is broken",
            "level": "WARN",
            "route": "/cart/{id}",
            "service": "shop",
            "environment": "production",
            "release": "shop@1.2.3",
            "occurred_at": "2026-11-24T09:59:00+00:00",
            "tags": {"region": "eu", "retry": 2},
            "user": {"id": 7},
            "metadata": {"attempt": 1},
            "fingerprint": ["cart"],
            "event_id": "6EC0BD7F-1111-4222-8333-44445555666A",
            "platform": "go",
            "cart_size": 3,
            "nothing": None,
        }
    )
    assert found == {
        "logentry": {"message": "cart is broken"},
        "level": "warning",
        "transaction": "/cart/{id}",
        "service": "shop",
        "environment": "production",
        "release": "shop@1.2.3",
        "timestamp": "2026-11-24T09:59:00.000000Z",
        "tags": {"region": "eu", "retry": "2"},
        "user": {"id": 7},
        "extra": {"attempt": 1, "cart_size": 3},  # a field we do not know is kept under its name
        "fingerprint": ["cart"],
        "event_id": "6ec0bd7f11114222833344445555666a",
        "platform": "go",
    }


def test_a_raw_stack_becomes_frames_and_tells_the_platform() -> None:
    found = payload({"message": "while paying", "stack": STACK})
    assert found["platform"] == "python"
    [exception] = found["exception"]["values"]
    assert (exception["type"], exception["stacktrace"]["frames"][-1]["function"]) == ("TypeError", "total")


def test_a_stack_nobody_understands_is_kept_as_it_is() -> None:
    assert values({"message": "x", "stack": "in procedure cart\nat line 7"}) == [
        {"raw_stacktrace": "in procedure cart\nat line 7"}
    ]


def test_structured_frames_take_plain_names() -> None:
    frames = [
        {"function": "main", "file": "a.lua", "line": 1},
        {"method": "total", "filename": "b.lua", "lineno": "2", "column": 3},
    ]
    expected = [
        {"function": "main", "filename": "a.lua", "lineno": 1},
        {"function": "total", "filename": "b.lua", "lineno": 2, "colno": 3},
    ]
    for stack in (frames, {"frames": frames}):
        assert values({"error": "x", "stack": stack}) == [{"value": "x", "stacktrace": {"frames": expected}}]


def test_causes_are_older_than_what_they_caused() -> None:
    error = {"type": "A", "message": "a", "cause": {"type": "B", "message": "b", "cause": "C: c"}}
    assert [one.get("value") for one in values({"error": error})] == ["C: c", "b", "a"]


@each(
    ("value", "pointer", "words"),
    [
        (7, "", "JSON object"),
        ({}, "", "message"),
        ({"level": "error"}, "", "message"),
        ({"message": ""}, "", "message"),
        ({"message": 7}, "/message", "text"),
        ({"message": "  "}, "/message", "not empty"),
        ({"error": ["x"]}, "/error", "type and message"),
        ({"error": {"code": 7}}, "/error", "type and message"),
        ({"exception": {"values": []}}, "/exception", "type, value"),
        ({"exception": "x"}, "/exception", "values"),
        ({"logentry": {"params": [1]}}, "/logentry", "message"),
        ({"message": "x", "level": "loud"}, "/level", "fatal, error, warning, info or debug"),
        ({"message": "x", "level": 40}, "/level", "fatal"),
        ({"message": "x", "event_id": "7"}, "/event_id", "UUID"),
        ({"message": "x", "occurred_at": "yesterday"}, "/occurred_at", "2026-"),
        ({"message": "x", "occurred_at": [1]}, "/occurred_at", "1970"),
        ({"message": "x", "stack": 7}, "/stack", "text"),
        ({"message": "x", "tags": "a=b"}, "/tags", "object"),
        ({"message": "x", "tags": ["a"]}, "/tags", "object"),
        ({"message": "x", "user": [1]}, "/user", "id"),
        ({"message": "x", "metadata": "x"}, "/metadata", "object"),
        ({"message": "x", "fingerprint": [{}]}, "/fingerprint", "list of texts"),
        ({"message": "x", "release": {"version": 1}}, "/release", "text"),
        ({"message": "x", "environment": ""}, "/environment", "not empty"),
    ],
)
def test_a_wrong_field_is_named_with_what_to_do(value: object, pointer: str, words: str) -> None:
    found = refusal(value)
    assert found.pointer == pointer
    assert words in found.detail


def test_the_good_items_of_a_batch_are_taken_and_the_bad_ones_named() -> None:
    good, bad, good_too = native.parse(b'[{"message": "a"}, {"message": "b", "level": "x"}, {"error": "c"}]')
    assert isinstance(good, dict)
    assert isinstance(good_too, dict)
    assert isinstance(bad, native.ItemError)
    assert bad.pointer == "/1/level"


@each("content_type", ["", "application/json", "application/x-ndjson", "application/jsonl; charset=utf-8"])
def test_lines_are_events_whatever_the_content_type_says(content_type: str) -> None:
    body = b'{"message": "a"}\r\n\n{"message": "b"}\n{"message": \n{"message": "d"}'
    kinds = [type(one) for one in native.parse(body, content_type)]
    assert kinds == [dict, dict, native.ItemError, dict]


def test_one_line_of_ndjson_is_one_event() -> None:
    assert native.parse(b'{"message": "a"}\n', "application/x-ndjson") == [{"logentry": {"message": "a"}}]


@each(
    ("body", "words"),
    [
        *((b"", "empty"), (b" \n", "empty"), (b"[]", "empty"), (b"hello", "not JSON"), (b'{"message": "x"', "not JSON")),
        *(
            (b"[" + b"{}," * 1_000 + b"{}]", "1000"),
            (b'{"message": "x"}\n' * 1_001, "1000"),
            (b"{}\n" + b"\n" * 30_000 + b"{}", "lines"),
        ),
    ],
)
def test_a_body_that_cannot_be_read_at_all_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(native.BadBody, match=words):
        native.parse(body)


def test_a_batch_full_of_hostile_stacks_takes_less_than_a_second() -> None:
    stack = 'Traceback (most recent call last):\n#0 a(1): b()\nx.rb:1:in `a\'\n  File "x", line 1, in f\nat a.b(C.java:1)\n' * 100
    body = plain_json.dumps([{"message": "x", "stack": stack}] * 900).encode()
    started = time.process_time()
    found = native.parse(body)
    assert time.process_time() - started < 5.0  # a busy or slower machine takes three times as long; what is quadratic, minutes
    assert isinstance(found[0], dict)
    assert found[0]["exception"]["values"][0]["raw_stacktrace"]


@given(hostile.native_bodies)
def test_a_hostile_body_is_parsed_or_refused_never_more(body: bytes) -> None:
    with suppress(native.BadBody):
        for one in native.parse(body):
            if isinstance(one, dict):
                found = events.normalise(one, NOW, body)
                assert found == events.normalise(one, NOW)
                assert "logentry" in found or "exception" in found
                events.describe(found)
            else:
                assert one.detail
