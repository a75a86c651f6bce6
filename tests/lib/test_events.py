"""The canonical payload: every odd form has one form, every limit holds, and what was cut is said."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from lib import events, json
from lib.events import bounds, limits
from tests import hostile
from tests.cases import each

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NOW_TEXT = "2026-11-24T10:00:00.000000Z"
FRAME = {"function": "total", "in_app": True}
MB = 1 << 20


def normalise(**raw: Any) -> dict[str, Any]:
    return events.normalise(raw, NOW)


def test_an_empty_event_gets_a_time_a_level_and_a_platform_and_no_id() -> None:
    assert normalise() == {"timestamp": NOW_TEXT, "level": "error", "platform": "other"}


def test_unknown_keys_are_dropped_and_null_is_absent() -> None:
    assert normalise(_meta={"x": 1}, transaction_info={}, made_up=1, release=None, exception=None, tags=None) == normalise()


@each(
    ("raw", "payload"),
    [
        # exceptions: {"values": […]}, a bare list, one bare object; a stack as {"frames": […]} or a bare list
        *(
            ({"exception": form}, {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [FRAME]}}]}})
            for one in ({"type": "E", "stacktrace": {"frames": [FRAME]}}, {"type": "E", "stacktrace": [FRAME, None, 7]})
            for form in ({"values": [one]}, [one], one, {"values": one}, [None, one, "x"])
        ),
        ({"exception": {"values": None}}, {}),
        ({"exception": "boom"}, {}),
        ({"exception": [{"type": "E", "value": {"code": 7}}]}, {"exception": {"values": [{"type": "E", "value": '{"code":7}'}]}}),
        (
            {"exception": [{"type": "E", "value": 7, "thread_id": 3}]},
            {"exception": {"values": [{"type": "E", "value": "7", "thread_id": 3}]}},
        ),
        ({"exception": [{"type": "E", "stacktrace": {"frames": None}}]}, {"exception": {"values": [{"type": "E"}]}}),
        (
            {"exception": [{"type": "E"}], "stacktrace": {"frames": [FRAME]}},  # older SDKs: the stack beside the exception
            {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [FRAME]}}]}},
        ),
        ({"stacktrace": [FRAME]}, {"threads": {"values": [{"current": True, "stacktrace": {"frames": [FRAME]}}]}}),
        # the crashed thread's stack stays with the thread
        (
            {
                "exception": [{"type": "E", "thread_id": 1}],
                "threads": [{"id": 1, "crashed": True, "stacktrace": {"frames": [FRAME]}}],
            },
            {
                "exception": {"values": [{"type": "E", "thread_id": 1}]},
                "threads": {"values": [{"id": 1, "crashed": True, "stacktrace": {"frames": [FRAME]}}]},
            },
        ),
        # @sentry/node's captureMessage with attachStacktrace
        (
            {
                "message": "hi",
                "exception": {"values": [{"value": "hi", "mechanism": {"synthetic": True}, "stacktrace": {"frames": [FRAME]}}]},
            },
            {"logentry": {"message": "hi"}, "threads": {"values": [{"current": True, "stacktrace": {"frames": [FRAME]}}]}},
        ),
        # messages
        ({"message": "hi"}, {"logentry": {"message": "hi"}}),
        ({"logentry": "hi"}, {"logentry": {"message": "hi"}}),
        ({"message": {"message": "hi %s", "params": ["x"]}}, {"logentry": {"message": "hi %s", "params": ["x"]}}),
        (
            {"message": "old", "logentry": {"message": "hi %s", "params": {"a": 1}, "formatted": "hi 1", "x": 1}},
            {"logentry": {"message": "hi %s", "params": {"a": 1}, "formatted": "hi 1"}},
        ),
        ({"message": ""}, {}),
        # tags
        *(
            ({"tags": form}, {"tags": {"a": "1", "b": "true"}})
            for form in ({"a": 1, "b": True}, [["a", "1"], ["b", True], ["c"], 7])
        ),
        ({"tags": {"a": None, "": "x", "b": ["x"], "c": 1.5}}, {"tags": {"c": "1.5"}}),
        # breadcrumbs
        *(
            ({"breadcrumbs": form}, {"breadcrumbs": {"values": [{"message": "x"}]}})
            for form in ({"values": [{"message": "x"}]}, [{"message": "x"}])
        ),
        ({"breadcrumbs": {"values": []}}, {}),
        # request
        (
            {
                "request": {
                    "url": "https://shop.example/",
                    "headers": [["Accept", "a"], ["Accept", "b"], ["X", ["c", 7]], ["Y", None]],
                    "cookies": [["theme", "dark"]],
                    "query_string": [["a", "1"], ["a", "2"]],
                    "env": [["PORT", 80]],
                    "data": [1],
                    "made_up": 1,
                }
            },
            {
                "request": {
                    "url": "https://shop.example/",
                    "headers": {"Accept": "a, b", "X": "c, 7"},
                    "cookies": {"theme": "dark"},
                    "query_string": {"a": "1, 2"},
                    "env": {"PORT": 80},
                    "data": [1],
                }
            },
        ),
        ({"request": {"query_string": "a=1", "cookies": "b=2"}}, {"request": {"query_string": "a=1", "cookies": "b=2"}}),
        ({"request": "GET /"}, {}),
        # the rest
        ({"user": "7"}, {"user": {"id": "7"}}),
        ({"user": 7}, {"user": {"id": "7"}}),
        ({"user": [], "contexts": [], "sdk": "x", "modules": 7}, {}),
        ({"fingerprint": "cart"}, {"fingerprint": ["cart"]}),
        ({"fingerprint": ["{{ default }}", 7, None, {}]}, {"fingerprint": ["{{ default }}", "7"]}),
        ({"release": 1.2, "dist": 7, "environment": "", "transaction": {}}, {"release": "1.2", "dist": "7"}),
        ({"extra": [["a", 1]]}, {"extra": {"a": 1}}),
        ({"event_id": "6EC0BD7F-1111-4222-8333-44445555666A"}, {"event_id": "6ec0bd7f11114222833344445555666a"}),
        ({"event_id": "6ec0bd7f"}, {}),
        ({"event_id": "６" * 32}, {}),
    ],
)
def test_every_odd_form_has_one_canonical_form(raw: dict[str, Any], payload: dict[str, Any]) -> None:
    assert events.normalise(raw, NOW) == normalise() | payload


def test_a_frame_keeps_its_known_fields_in_their_types() -> None:
    frame = {
        "filename": "a.py",
        "lineno": "12",
        "colno": 3.0,
        "in_app": 1,
        "module": None,
        "made_up": 1,
        "vars": [],
        "package": 7,
    }
    frame |= {"pre_context": ["a", None, "b"], "context_line": "x", "post_context": "y"}
    [found] = normalise(stacktrace=[frame])["threads"]["values"][0]["stacktrace"]["frames"]
    known = {"filename": "a.py", "lineno": 12, "colno": 3, "package": "7"}
    assert found == known | {"pre_context": ["a", "", "b"], "context_line": "x"}


@each(
    ("given", "level"),
    [
        *(
            ("fatal", "fatal"),
            ("ERROR", "error"),
            ("warn", "warning"),
            ("critical", "fatal"),
            ("log", "info"),
            ("trace", "debug"),
        ),
        *(("loud", "error"), (40, "error"), (None, "error"), ("", "error")),
    ],
)
def test_levels_have_five_names(given: object, level: str) -> None:
    assert normalise(level=given)["level"] == level


GARBAGE: tuple[Any, ...] = (0, -1, 1e30, float("nan"), float("inf"), 10**400, True, None, [], {}, "", "now", "NaN", "infinity")
RECENT = "2026-11-24T09:30:00.500000Z"
RECENT_SECONDS = datetime.fromisoformat(RECENT).timestamp()


@each(
    ("given", "expected"),
    [
        *(
            (RECENT, RECENT),
            ("2026-11-24T09:30:00.5", RECENT),
            ("2026-11-24T11:30:00.5+02:00", RECENT),
            ("2026-11-24 09:30:00.500", RECENT),
        ),
        *(
            (RECENT_SECONDS, RECENT),
            (str(RECENT_SECONDS), RECENT),
            (RECENT_SECONDS * 1e3, RECENT),
            (int(RECENT_SECONDS * 1e6), RECENT),
        ),
        (int(RECENT_SECONDS * 1000) * 1_000_000, RECENT),
        ("2026-11-24T10:04:59Z", "2026-11-24T10:04:59.000000Z"),  # a clock that is a little fast
        ("2026-10-26T10:00:00Z", "2026-10-26T10:00:00.000000Z"),  # sent late by a phone that was off
        # broken clocks and garbage: when it was received is the better guess
        *(
            (odd, NOW_TEXT)
            for odd in ("2026-11-24T10:05:01Z", "2026-10-25T09:59:59Z", "1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
        ),
        *((odd, NOW_TEXT) for odd in GARBAGE),
        *((odd, NOW_TEXT) for odd in ("294276-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "1" * 50, "-1")),
    ],
)
def test_a_time_is_believed_within_reason(given: object, expected: str) -> None:
    assert normalise(timestamp=given)["timestamp"] == expected


def test_received_at_may_be_in_any_zone() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-7)))
    assert events.normalise({}, there)["timestamp"] == NOW_TEXT


def test_the_middle_of_long_stacks_goes_and_the_crash_stays() -> None:
    def stack(name: str, count: int) -> dict[str, Any]:
        return {"type": name, "stacktrace": {"frames": [{"function": f"{name}{index}"} for index in range(count)]}}

    payload = normalise(exception=[stack("root", 900), stack("headline", 700)])
    root, headline = payload["exception"]["values"]
    assert len(headline["stacktrace"]["frames"]) == 700
    frames = root["stacktrace"]["frames"]
    assert [frames[0]["function"], frames[149]["function"], frames[150]["function"], frames[-1]["function"]] == [
        *("root0", "root149", "root750", "root899")
    ]
    assert root["stacktrace"]["frames_omitted"] == [150, 750]
    assert payload["dropped"] == {"frames": 600}


def test_the_ends_of_long_chains_stay() -> None:
    payload = normalise(exception=[{"type": f"E{index}"} for index in range(120)])
    kinds = [one["type"] for one in payload["exception"]["values"]]
    assert kinds == [f"E{index}" for index in [*range(25), *range(95, 120)]]
    assert payload["dropped"] == {"exceptions": 70}


def test_no_circle_of_parents_is_left() -> None:
    links = [(0, 1), (1, 0), (2, 2), (3, 2), (None, 0)]
    payload = normalise(
        exception=[{"type": "E", "mechanism": {"exception_id": own, "parent_id": parent}} for own, parent in links]
    )
    found = [one.get("mechanism", {}).get("parent_id") for one in payload["exception"]["values"]]
    assert found == [None, 0, None, 2, None]


def test_the_newest_breadcrumbs_the_first_tags_and_the_crashed_thread_stay() -> None:
    payload = normalise(
        breadcrumbs=[{"message": str(index)} for index in range(150)],
        tags={f"t{index}": "x" for index in range(10_000)},
        threads=[{"id": index, "crashed": index == 999} for index in range(1_000)],
    )
    assert [crumb["message"] for crumb in payload["breadcrumbs"]["values"]] == [str(index) for index in range(50, 150)]
    assert list(payload["tags"]) == [f"t{index}" for index in range(100)]
    assert payload["threads"]["values"][0] == {"id": 999, "crashed": True}
    assert payload["dropped"] == {"breadcrumbs": 50, "tags": 9_900, "threads": 800}


@each(
    ("raw", "path", "chars"),
    [
        ({"message": "x" * 9_000}, ("logentry", "message"), limits.MESSAGE_CHARS_MAX),
        ({"exception": [{"value": "x" * 9_000}]}, ("exception", "values", 0, "value"), limits.MESSAGE_CHARS_MAX),
        ({"exception": [{"type": "x" * 9_000}]}, ("exception", "values", 0, "type"), limits.NAME_CHARS_MAX),
        ({"release": "x" * 9_000}, ("release",), limits.NAME_CHARS_MAX),
        ({"tags": {"a": "x" * 900}}, ("tags", "a"), limits.TAG_VALUE_CHARS_MAX),
        ({"request": {"headers": {"a": "x" * 9_000}}}, ("request", "headers", "a"), limits.PAIR_VALUE_CHARS_MAX),
        ({"fingerprint": ["x" * 9_000]}, ("fingerprint", 0), limits.FINGERPRINT_PART_CHARS_MAX),
        ({"extra": {"a": "x" * 90_000}}, ("extra", "a"), limits.STRING_CHARS_MAX),
        ({"contexts": {"a": {"b": ["x" * 90_000]}}}, ("contexts", "a", "b", 0), limits.STRING_CHARS_MAX),
    ],
)
def test_a_long_text_is_cut_and_shows_it(raw: dict[str, Any], path: tuple[str | int, ...], chars: int) -> None:
    for payload in (events.normalise(raw, NOW), events.normalise(raw, NOW, orjson.dumps(raw))):
        value: Any = payload
        for step in path:
            value = value[step]
        assert len(value) == chars - bounds.CUT_WORD_CHARS_MAX
        assert value.endswith("x…")


@each("before", range(150, 200))
def test_a_cut_leaves_no_part_of_the_word_that_it_goes_through(before: int) -> None:
    secret = "AK" + "IA" + "Q7Z2M5X8W3V6N9B4"
    raw = {"tags": {"a": "word " * (before // 5) + "x" * (before % 5) + " " + secret + " tail" * 40}}
    value = events.normalise(raw, NOW)["tags"]["a"]
    assert len(value) <= limits.TAG_VALUE_CHARS_MAX
    assert secret in value or secret[:4] not in value


def test_nul_and_lone_surrogates_are_nowhere() -> None:
    raw = {"message": "a\0b", "tags": {"c\0": "\0d"}, "extra": {"e\0": ["f\0", {"g\0": "\ud800h"}]}, "release": "\0"}
    body = hostile.json_text(raw)
    read = json.loads(body)
    assert isinstance(read, dict)
    for payload in (events.normalise(raw, NOW), events.normalise(read, NOW, body)):
        assert payload["logentry"]["message"] == "ab"
        assert payload["tags"] == {"c": "d"}
        assert payload["extra"] == {"e": ["f", {"g": "\ufffdh"}]}


def test_what_is_nested_too_deeply_is_replaced_where_it_becomes_so() -> None:
    raw = {"extra": {"deep": hostile.nested(900)}}
    for payload in (events.normalise(raw, NOW), events.normalise(raw, NOW, b"{}")):
        value, levels = payload["extra"]["deep"], 2
        while isinstance(value, dict | list):
            value, levels = (value["k"] if isinstance(value, dict) else value[0]), levels + 1
        assert (value, levels) == ("[nested too deeply]", limits.DEPTH_MAX)


CRASH = {"function": "crash", "vars": {"x": "'crash'"}, "context_line": "boom()", "pre_context": ["a"], "post_context": ["b"]}
HEADLINE = {
    "type": "E",
    "value": "v",
    "stacktrace": {"frames": [*[{"function": "f", "vars": {"big": "x" * 40_000}}] * 60, CRASH]},
}


@each(
    ("raw", "dropped", "kept"),
    [
        ({"modules": {f"m{index}": "x" * 1_000 for index in range(2_000)}, "extra": {"a": 1}}, {"modules": 2_000}, "extra"),
        (
            {"breadcrumbs": [{"message": "m", "data": {"x": "x" * 60_000}}] * 100, "extra": {"a": 1}},
            {"breadcrumb_data": 100},
            "breadcrumbs",
        ),
        ({"extra": {str(index): "x" * 60_000 for index in range(30)}, "contexts": {"a": {"b": 1}}}, {"extra": 30}, "contexts"),
        ({"request": {"data": ["x" * 60_000] * 30}, "breadcrumbs": [{"message": "m"}]}, {"request": 1}, "breadcrumbs"),
    ],
)
def test_what_tells_least_goes_first(raw: dict[str, Any], dropped: dict[str, int], kept: str) -> None:
    payload = normalise(**raw, exception=[HEADLINE | {"stacktrace": {"frames": [CRASH]}}])
    assert payload["dropped"] == dropped
    assert kept in payload
    assert payload["exception"]["values"][0]["stacktrace"]["frames"] == [CRASH]


def test_variables_go_before_the_crash_frames_do() -> None:
    payload = normalise(exception=[HEADLINE | {"type": "Older"}, HEADLINE])
    older, headline = payload["exception"]["values"]
    assert len(older["stacktrace"]["frames"]) == len(headline["stacktrace"]["frames"]) == 61
    assert headline["stacktrace"]["frames"][-1]["function"] == "crash"
    assert [("vars" in frame) for frame in headline["stacktrace"]["frames"]] == [False] * 51 + [True] * 10
    assert payload["dropped"] == {"vars": 112}
    assert len(orjson.dumps(payload)) <= limits.PAYLOAD_BYTES_MAX


@each("filler", ["x", "\x01", "\U0001f600"])  # \x01 takes six bytes in JSON
def test_the_worst_event_still_fits_and_still_shows_its_crash(filler: str) -> None:
    long = filler * 3_000
    frame: dict[str, Any] = dict.fromkeys(("filename", "abs_path", "function", "module", "context_line", "package"), long)
    frame |= {"vars": {long: long}, "pre_context": [long] * 9, "post_context": ["x"] * 2_000}
    one = {"type": long, "value": filler * 9_000, "raw_stacktrace": filler * 70_000, "stacktrace": {"frames": [frame] * 60}}
    small = {"type": "Older", "stacktrace": {"frames": [{"function": "f"}] * 50}}
    raw = hostile.SENTRY | {
        "exception": [*[small] * 60, one],
        "threads": [small] * 300,
        "logentry": {"message": filler * 9_000, "formatted": filler * 9_000, "params": [long]},
        "tags": {f"{index}{filler * 300}": long for index in range(200)},
        "fingerprint": [long] * 50,
        "user": {long: long, "id": [long] * 50},
        "extra": {long: long},
        "request": {"headers": {long: long}, "data": [long] * 90},
        "sdk": {"x": [long] * 300},
    }
    started = time.process_time()
    payload = events.normalise(raw, NOW)
    assert time.process_time() - started < 2.0
    assert len(orjson.dumps(payload)) <= limits.PAYLOAD_BYTES_MAX
    assert payload["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"].startswith(filler)
    assert payload["dropped"]["headline_only"] == 1
    assert events.normalise(payload, NOW) == payload


@each(
    ("raw", "title", "culprit", "kind"),
    [
        ({}, "(no message)", None, None),
        ({"message": "hi\nthere", "transaction": "/cart"}, "hi", "/cart", None),
        ({"logentry": {"message": "hi %s", "formatted": "hi you"}}, "hi you", None, None),
        ({"exception": [{"type": "Older", "value": "a"}, {"type": "E", "value": "\n  b\nc"}]}, "E: b", None, "E"),
        ({"exception": [{"type": "E"}], "message": "x"}, "E", None, "E"),
        ({"exception": [{"value": "only a value"}]}, "only a value", None, None),
        ({"exception": [{"type": "E", "value": "x" * 900}]}, "E: " + "x" * 196 + "…", None, "E"),
        (
            {"exception": [{"type": "E", "stacktrace": [FRAME | {"module": "cart"}, {"function": "lib", "in_app": False}]}]},
            *("E", "total in cart", "E"),
        ),
        ({"exception": [{"type": "E", "stacktrace": [{"function": "f", "filename": "a.py"}]}]}, "E", "f in a.py", "E"),
        ({"exception": [{"type": "E", "stacktrace": [{"lineno": 1}]}], "transaction": "/cart"}, "E", "/cart", "E"),
    ],
)
def test_a_description_names_what_happened_and_where(
    raw: dict[str, Any], title: str, culprit: str | None, kind: str | None
) -> None:
    description = events.describe(normalise(**raw))
    assert (description.title, description.culprit, description.kind) == (title, culprit, kind)


@each(
    ("raw", "service"),
    [
        ({"service": "a", "tags": {"service": "b"}}, "a"),
        ({"tags": {"service": "b"}, "contexts": {"otel": {"resource": {"service.name": "c"}}}}, "b"),
        ({"contexts": {"otel": {"resource": {"service.name": "c"}}}}, "c"),
        ({"contexts": {"otel": "x"}}, None),
    ],
)
def test_the_service_is_found_where_sdks_put_it(raw: dict[str, Any], service: str | None) -> None:
    assert events.describe(normalise(**raw)).service == service


@each(
    ("user", "key"),
    [
        ({"id": 7, "email": "a@example.com"}, "id:7"),
        ({"id": "", "email": "a@example.com", "ip_address": "203.0.113.1"}, "email:a@example.com"),
        ({"username": "a", "ip_address": "203.0.113.1"}, "username:a"),
        ({"ip_address": "203.0.113.1"}, "ip_address:203.0.113.1"),
        ({"ip_address": "{{auto}}"}, None),
        ({"id": {"x": 1}, "name": "a"}, None),
        (None, None),
    ],
)
def test_the_best_sign_of_a_person_is_taken(user: object, key: str | None) -> None:
    assert events.user_key(normalise(user=user)) == key


class Capture(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event:
            self.bodies.append(orjson.dumps(event))


def fail() -> None:
    cart = "two apples"  # noqa: F841 - a local variable for the SDK to send
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError("outer") from error


def test_what_the_python_sdk_sends_becomes_canonical() -> None:
    transport = Capture()
    client = sentry_sdk.Client(
        dsn="https://abc@errors.example/7",
        transport=transport,
        default_integrations=False,
        attach_stacktrace=True,
        release="shop@1.2.3",
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        scope.set_tag("region", "eu")
        scope.set_user({"id": "7"})
        scope.add_breadcrumb(message="clicked", level="info")
        try:
            fail()
        except ValueError as error:
            sentry_sdk.capture_exception(error)
        sentry_sdk.capture_message("just a message", level="warning")
        client.close()
    received_at = datetime.now(UTC)
    raised, said = (events.normalise(json.loads(body), received_at, body) for body in transport.bodies)  # type: ignore[arg-type]
    assert [one["type"] for one in raised["exception"]["values"]] == ["KeyError", "ValueError"]
    assert raised["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]["cart"] == "'two apples'"
    assert (raised["tags"], raised["user"], raised["release"]) == ({"region": "eu"}, {"id": "7"}, "shop@1.2.3")
    assert [crumb["message"] for crumb in raised["breadcrumbs"]["values"]] == ["clicked"]
    assert events.describe(raised).title == "ValueError: outer"
    assert (events.describe(said).title, events.describe(said).level) == ("just a message", "warning")
    assert said["threads"]["values"][0]["stacktrace"]["frames"]
    assert "exception" not in said
    assert all(len(payload["event_id"]) == 32 for payload in (raised, said))


def test_the_documentation_names_every_limit_with_its_value() -> None:
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    for name, value in vars(limits).items():
        if name.isupper():
            row = next((line for line in text.split("\n") if f"`{name}`" in line), "")
            assert f"{value:,}" in row, name
