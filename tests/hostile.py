"""Bodies that try to break the ways in: odd values in every place of a real payload, broken JSON, lying envelopes.

Hypothesis strategies, used on the pure modules and over HTTP. Everything they draw is small; size is tested apart.
"""

from __future__ import annotations

import copy
import json
import math
from typing import Any

from hypothesis import strategies as st

ODD_TEXTS = (
    *("", " ", "\0", "a\0b", "\x1b[31m", "\u2028", "\ud800", "\udfff x", "\U0001f600", "e\u0301", "\u202egpj", "\ufffe"),
    *("null", "NaN", "-1", "0", "1e400", "[]", "{{ default }}", "{{auto}}", "%s %(x)s {0} {x}", "'; DROP TABLE events; --"),
    *(
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "javascript:alert(1)",
        "=cmd()",
        "x" * 9_000,
        "é" * 300,
        "\n".join("ab" * 20),
    ),
    *("1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "294276-01-01T00:00:00Z", "infinity", "-infinity", "0044-03-15 BC"),
    *("2026-11-24T10:00:00", "2026-11-24T10:00:00.123456789Z", "9999-12-31T23:59:59-23:59", "20261124T100000Z", "2026-W48-2"),
    *("00000000000000000000000000000000", "not-an-id", "6EC0BD7F-1111-4222-8333-444455556666", "warn", "FATAL", "critical"),
)
ODD_NUMBERS = (
    0,
    -1,
    1,
    2**31,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    2**64,
    10**30,
    0.5,
    -0.0,
    1e308,
    5e-324,
    math.nan,
    math.inf,
    -math.inf,
)
EPOCHS = (0, 4_070_908_800, 1_795_447_362.824, 1_795_447_362_824, 253_402_300_800, -62_135_596_801, 9e18)
FRAME: dict[str, Any] = {
    "filename": "shop/cart.py",
    "abs_path": "/srv/shop/cart.py",
    "function": "total",
    "module": "shop.cart",
    "lineno": 12,
    "colno": 3,
    "in_app": True,
    "pre_context": ["def total(cart):"],
    "context_line": "    return sum(cart)",
    "post_context": [""],
    "vars": {"cart": ["'apple'", {"price": "None"}]},
}
EXCEPTION: dict[str, Any] = {
    "type": "TypeError",
    "value": "unsupported operand",
    "module": "builtins",
    "thread_id": 1,
    "mechanism": {"type": "chained", "handled": False, "exception_id": 1, "parent_id": 0},
    "stacktrace": {"frames": [FRAME, FRAME]},
}
SENTRY: dict[str, Any] = {
    "event_id": "6ec0bd7f11114222833344445555666a",
    "timestamp": "2026-11-24T09:59:58.5Z",
    "level": "error",
    "platform": "python",
    "release": "shop@1.2.3",
    "dist": "7",
    "environment": "production",
    "server_name": "web-1",
    "logger": "shop",
    "transaction": "/cart/{id}",
    "service": "shop",
    "fingerprint": ["{{ default }}", "cart"],
    "message": "cart is broken",
    "logentry": {"message": "cart %s", "params": [1], "formatted": "cart 1"},
    "exception": {"values": [EXCEPTION, EXCEPTION]},
    "threads": {"values": [{"id": 1, "name": "main", "crashed": True, "stacktrace": {"frames": [FRAME]}}]},
    "stacktrace": {"frames": [FRAME]},
    "breadcrumbs": {"values": [{"timestamp": 1.5, "category": "http", "data": {"url": "/x"}}]},
    "tags": {"region": "eu", "plan": "free"},
    "user": {"id": "7", "email": "a@example.com", "ip_address": "203.0.113.1"},
    "request": {
        "url": "https://shop.example/cart",
        "method": "POST",
        "query_string": "a=1",
        "headers": {"Host": "shop.example"},
        "cookies": {"theme": "dark"},
        "data": {"items": [1, 2]},
        "env": {"SERVER_PORT": "80"},
    },
    "contexts": {"runtime": {"name": "CPython"}, "otel": {"resource": {"service.name": "shop"}}},
    "extra": {"attempt": 1},
    "modules": {"flask": "3.1"},
    "sdk": {"name": "sentry.python"},
    "dropped": {"frames": 1},
}
NATIVE: dict[str, Any] = {
    "message": "cart is broken",
    "error": {"type": "TypeError", "message": "x", "cause": {"name": "KeyError", "message": "y", "stack": "KeyError: y"}},
    "stack": "TypeError: x\n    at total (/srv/cart.js:12:3)\n    at <anonymous>",
    "level": "warning",
    "route": "/cart",
    "service": "shop",
    "environment": "production",
    "release": "1.2.3",
    "occurred_at": "2026-11-24T09:59:58Z",
    "tags": {"region": "eu"},
    "user": {"id": 7},
    "metadata": {"attempt": 1},
    "fingerprint": ["cart"],
    "event_id": "6ec0bd7f-1111-4222-8333-44445555666a",
    "platform": "node",
    "something_else": True,
    "exception": {"values": [EXCEPTION]},
    "logentry": {"message": "x"},
}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(ODD_TEXTS),
    st.sampled_from(ODD_NUMBERS),
    st.sampled_from(EPOCHS),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
)
odd_json = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.lists(inner, min_size=2, max_size=2), max_size=3),  # pairs
        st.dictionaries(
            st.one_of(st.sampled_from([*SENTRY, "values", "frames", "a\0b"]), st.text(max_size=8)), inner, max_size=4
        ),
    ),
    max_leaves=12,
)


def nested(depth: int, leaf: Any = "leaf") -> Any:
    """`depth` containers around a leaf, objects and arrays by turns."""
    for level in range(depth):
        leaf = {"k": leaf} if level % 2 else [leaf]
    return leaf


MANY: tuple[Any, ...] = ([{}] * 150, [None] * 1_200, {str(i): i for i in range(150)})
odd_values = st.one_of(odd_json, st.integers(1, 400).map(nested), st.sampled_from(MANY).map(copy.deepcopy))


@st.composite
def mutated(draw: st.DrawFn, base: dict[str, Any]) -> dict[str, Any]:
    """The base with up to four of its places replaced, removed or doubled."""
    payload: dict[str, Any] = json.loads(json.dumps(base))
    for key in draw(st.lists(st.sampled_from(sorted(base)), max_size=8, unique=True)):
        del payload[key]
    for _ in range(draw(st.integers(0, 4))):
        _mutate(draw, payload)
    return payload


def _mutate(draw: st.DrawFn, payload: Any) -> None:
    """Walk down a random path and put something odd at its end."""
    place = payload
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or draw(st.booleans()):
            place[key] = [place[key]] * 2 if draw(st.integers(0, 9)) == 0 else draw(odd_values)
            return
        place = place[key]


sentry_payloads = mutated(SENTRY)
native_payloads = mutated(NATIVE)


def json_text(value: Any) -> bytes:
    """JSON as a careless client writes it: NaN, Infinity, lone surrogates as escapes, huge integers."""
    return json.dumps(value).encode()


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """A body, mostly damaged: cut, bytes replaced, removed or inserted."""
    body = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.sampled_from([0, 1, 2, 10, 10_000])))
        junk = st.one_of(
            st.binary(max_size=6),
            st.sampled_from([b"\n", b"\0", b'"', b"}", b"{", b"\\ud800", b"\\u0000", b"1e400", b"NaN", b"\xff"]),
        )
        body = body[:start] + draw(junk) + body[end:]
    return body


@st.composite
def _whole_envelope(draw: st.DrawFn) -> bytes:
    header = draw(
        st.sampled_from([{}, {"event_id": SENTRY["event_id"]}, {"event_id": 7}, {"dsn": "http://key@localhost/1"}, {"dsn": 3}])
    )
    parts = [json_text(header)]
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["event", "event", "event", "session", "client_report", "attachment", "", "Event", 7, None]))
        payload = json_text(draw(sentry_payloads)) if kind == "event" else json_text(draw(odd_json))
        length = draw(st.sampled_from([None, len(payload), len(payload), len(payload) + 1, 0, -1, 10**30, 1.5, "3", True]))
        item = {"type": kind} if length is None else {"type": kind, "length": length}
        parts += [json_text(item), payload]
    return b"\n".join(parts) + draw(st.sampled_from([b"\n", b"", b"\n\n"]))


envelopes = broken(_whole_envelope())
stores = broken(sentry_payloads.map(json_text))
native_bodies = broken(
    st.one_of(
        native_payloads.map(json_text),
        st.lists(native_payloads, max_size=3).map(json_text),
        st.lists(native_payloads, max_size=3).map(lambda lines: b"\n".join(map(json_text, lines))),
        odd_json.map(json_text),
    )
)
