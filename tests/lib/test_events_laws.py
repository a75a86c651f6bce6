"""Laws of normalise and describe over hostile payloads."""

from __future__ import annotations

import copy
import json as plain_json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import events, json
from lib.events import limits
from tests import hostile

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def depth(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(depth, members), default=0)


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def is_within_limits(payload: dict[str, Any]) -> bool:
    stacks = payload.get("exception", {}).get("values", []) + payload.get("threads", {}).get("values", [])
    return (
        len(orjson.dumps(payload)) <= limits.PAYLOAD_BYTES_MAX
        and depth(payload) <= limits.DEPTH_MAX
        and all("\0" not in text and len(text) <= limits.STRING_CHARS_MAX for text in strings(payload))
        and len(payload.get("exception", {}).get("values", [])) <= limits.EXCEPTIONS_MAX
        and sum(len(stack["stacktrace"]["frames"]) for stack in stacks if "stacktrace" in stack) <= limits.FRAMES_MAX
        and len(payload.get("breadcrumbs", {}).get("values", [])) <= limits.BREADCRUMBS_MAX
        and len(payload.get("tags", {})) <= limits.TAGS_MAX
        and all(isinstance(text, str) for text in payload.get("tags", {}).values())
        and timedelta(days=-limits.OCCURRED_AGE_DAYS_MAX)
        <= datetime.fromisoformat(payload["timestamp"]) - NOW
        <= timedelta(minutes=limits.OCCURRED_AHEAD_MINUTES_MAX)
    )


@given(hostile.sentry_payloads)
def test_whatever_comes_in_the_payload_is_within_every_limit(raw: dict[str, Any]) -> None:
    assert is_within_limits(events.normalise(raw, NOW))


@given(hostile.sentry_payloads)
def test_normalising_twice_changes_nothing(raw: dict[str, Any]) -> None:
    payload = events.normalise(raw, NOW)
    assert events.normalise(copy.deepcopy(payload), NOW) == payload
    assert events.normalise(payload, NOW, orjson.dumps(payload)) == payload


def test_what_is_nothing_but_nul_is_nothing_at_once() -> None:
    nul = "\0"
    raw: dict[str, Any] = dict.fromkeys(
        ("environment", "release", "transaction", "server_name", "logger", "dist", "message", "user"), nul
    )
    raw |= {"tags": {nul: "x", "a": nul}, "exception": {"type": nul, "value": nul, "raw_stacktrace": nul}}
    payload = events.normalise(raw, NOW)
    assert payload.keys() <= {"timestamp", "level", "platform", "tags", "exception"}
    assert {nul, ""}.isdisjoint(payload.get("tags", {}))
    assert events.normalise(copy.deepcopy(payload), NOW) == payload


@given(hostile.sentry_payloads)
def test_the_fast_path_answers_what_the_bounding_walk_answers(raw: dict[str, Any]) -> None:
    body = hostile.json_text(raw)
    read = json.loads(body)
    assert isinstance(read, dict)
    assert events.normalise(read, NOW, body) == events.normalise(read, NOW)


@given(st.integers(limits.DEPTH_MAX - 4, limits.DEPTH_MAX + 4), st.sampled_from([[], {}, "leaf"]))
def test_the_fast_path_measures_depth_exactly(levels: int, leaf: Any) -> None:
    raw = {"extra": {"deep": hostile.nested(levels, leaf)}}
    assert events.normalise(raw, NOW, orjson.dumps(raw)) == events.normalise(raw, NOW)


@given(hostile.sentry_payloads)
def test_normalise_leaves_its_argument_alone(raw: dict[str, Any]) -> None:
    before = plain_json.dumps(raw)
    events.normalise(raw, NOW)
    assert plain_json.dumps(raw) == before


@given(hostile.sentry_payloads)
def test_every_payload_has_a_description_that_postgresql_can_hold(raw: dict[str, Any]) -> None:
    payload = events.normalise(raw, NOW)
    description = events.describe(payload)
    texts = [value for value in description if isinstance(value, str)]
    assert description.title
    assert all(len(text) <= 200 and len(text.encode()) <= 800 and "\0" not in text for text in texts)
    assert description.occurred_at.utcoffset() == timedelta(0)
    events.user_key(payload)


@settings(max_examples=30)
@given(st.data())
def test_a_redacted_payload_with_text_in_place_of_objects_is_described(data: st.DataObject) -> None:
    payload = events.normalise(hostile.SENTRY, NOW)
    for key in payload.keys() - {"timestamp", "level"}:
        if data.draw(st.booleans()):
            payload[key] = data.draw(hostile.odd_json)
    events.describe(payload)
    events.user_key(payload)
