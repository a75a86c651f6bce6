from __future__ import annotations

import json as plain_json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
import sentry_sdk
from hypothesis import given
from hypothesis import strategies as st
from sentry_sdk.envelope import Envelope as SdkEnvelope
from sentry_sdk.transport import Transport

from lib.protocols import sentry
from tests import hostile
from tests.cases import each

ID = "6ec0bd7f11114222833344445555666a"
OTHER_ID = "0" * 31 + "1"
BYTES_MAX = 1_000_000
HEADER = b'{"event_id":"' + ID.encode() + b'"}\n'
EVENT = b'{"type":"event"}\n{"message":"x"}\n'


def parse(body: bytes) -> sentry.Envelope:
    return sentry.parse_envelope(body, BYTES_MAX)


@each(
    "body",
    [
        HEADER + EVENT,
        HEADER + EVENT.rstrip(),  # the last newline is missing
        HEADER + b'{"type":"event","length":15}\n{"message":"x"}',
        HEADER + b'{"type":"event","length":15}\n{"message":"x"}\n\n\n',
        HEADER + b'{"type":"event","length":null}\r\n{"message":"x"}\r\n',
        HEADER + b"\n" + EVENT,
        HEADER + b'{"length":19,"content_type":"application/json","type":"event"}\n{\n"message":\n"x" }\n',  # newlines inside
    ],
)
def test_an_event_is_found_however_it_is_framed(body: bytes) -> None:
    assert parse(body).event == {"message": "x", "event_id": ID}


@each("body", [b"{}", b"{}\n", b"{}\n\n", b'{}\n{"type":"session"}\n{}'])
def test_an_envelope_without_an_event_is_no_error(body: bytes) -> None:
    assert parse(body).event is None


def test_items_that_are_not_events_are_counted_under_known_names_only() -> None:
    kinds = ["transaction", "made_up", "session", "transaction", "x" * 900, "attachment"]
    body = b"{}\n" + b"".join(plain_json.dumps({"type": kind, "length": 3}).encode() + b"\na\nb\n" for kind in kinds)
    assert sorted(parse(body).ignored) == [("attachment", 1), ("session", 1), ("transaction", 2), ("unknown", 2)]


def test_client_reports_are_handed_out_and_broken_ones_cost_no_event() -> None:
    body = HEADER + b'{"type":"client_report"}\n{"discarded_events":[]}\n{"type":"client_report"}\nnot json\n' + EVENT
    envelope = parse(body)
    assert envelope.client_reports == [{"discarded_events": []}]
    assert envelope.ignored == [("client_report", 1)]
    assert envelope.event


@each(
    ("header_id", "own_id", "expected"),
    [
        (ID, OTHER_ID, ID),  # the header wins
        ("6EC0BD7F-1111-4222-8333-44445555666A", None, ID),
        (None, OTHER_ID, OTHER_ID),
        ("not an id", OTHER_ID, OTHER_ID),
        (7, OTHER_ID, OTHER_ID),
    ],
)
def test_the_header_s_event_id_beats_the_payload_s(header_id: object, own_id: str | None, expected: str) -> None:
    body = plain_json.dumps({"event_id": header_id}) + '\n{"type":"event"}\n' + plain_json.dumps({"event_id": own_id})
    event = parse(body.encode()).event
    assert event
    assert event["event_id"] == expected


@each(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"hello", "envelope header is not JSON"),
        (b"[]\n" + EVENT, "envelope header is not a JSON object"),
        (b"{}\n[]\n{}", "header of item 1 is not a JSON object"),
        (b"{}\n{}\n{}", "item 1 has no type"),
        (b'{}\n{"type":7}\n{}', "item 1 has no type"),
        (b'{}\n{"type":"event","length":99}\n{"message":"x"}', "item 1 is truncated: its length is 99 bytes, 15 are left"),
        (b'{}\n{"type":"attachment","length":1}', "item 1 is truncated"),
        (b'{}\n{"type":"event","length":14}\n{"message":"x"}', "item 1 does not end after its length of 14 bytes"),
        (b'{}\n{"type":"event","length":-1}\n{"message":"x"}', "length of item 1"),
        (b'{}\n{"type":"event","length":true}\n{"message":"x"}', "length of item 1"),
        (b'{}\n{"type":"event","length":"15"}\n{"message":"x"}', "length of item 1"),
        (b'{}\n{"type":"event","length":1e1}\n{"message":"x"}', "length of item 1"),
        (b'{}\n{"type":"event"}\n{"message":', "item 1 (event) is not JSON"),
        (b'{}\n{"type":"event"}\n', "item 1 (event) is not JSON"),
        (b'{}\n{"type":"event"}\n[]', "item 1 (event) is not a JSON object"),
        (b"{}\n" + EVENT + EVENT, "item 2 is a second event"),
        (b"{}\n" + b'{"type":"x"}\n\n' * 1_001, "more than 1000 items"),
    ],
)
def test_a_broken_envelope_is_refused_with_the_place(body: bytes, reason: str) -> None:
    with pytest.raises(sentry.BadEnvelope) as refusal:
        parse(body)
    assert reason in str(refusal.value)


def test_an_event_beyond_the_bound_is_refused_unparsed_and_other_items_are_not() -> None:
    large = b'{"message":"' + b"x" * BYTES_MAX + b'"}'
    assert parse(HEADER + b'{"type":"attachment"}\n' + large + b"\n" + EVENT).event
    with pytest.raises(sentry.EventTooLarge):
        parse(HEADER + b'{"type":"event"}\n' + large)


def test_a_store_body_is_one_object() -> None:
    assert sentry.parse_store(b'{"message": "x"}') == {"message": "x"}
    for body in (b"", b"[]", b'"x"', b"{", b"eJyrVspN"):
        with pytest.raises(sentry.BadEnvelope):
            sentry.parse_store(body)


@each(
    ("header", "query", "dsn"),
    [
        ("Sentry sentry_key=abc, sentry_version=7, sentry_client=x/1", "", None),
        ("sentry sentry_version=7,sentry_key=abc,sentry_secret=", "", None),
        ("Sentry   sentry_key = abc", "", None),
        ("sentry_key=abc", "", None),
        (None, "sentry_version=7&sentry_key=abc", None),
        (None, {"sentry_key": "abc"}, None),
        (None, "", "https://abc@errors.example:8443/base/7"),
        (None, "", "https://abc:secret@errors.example/7"),
        ("Sentry sentry_key=abc", "sentry_key=abc", "https://abc@errors.example/7"),
        ("Sentry sentry_version=7", "sentry_key=abc&sentry_key=abc", None),
    ],
)
def test_the_key_is_found_in_every_place(header: str | None, query: str | Mapping[str, str], dsn: str | None) -> None:
    assert sentry.credentials(header, query, dsn) == "abc"


@each(
    ("header", "query", "dsn", "error"),
    [
        (None, "", None, sentry.MissingCredentials),
        ("Sentry sentry_version=7", "sentry_version=7", "https://errors.example/7", sentry.MissingCredentials),
        ("Sentry sentry_key=", "sentry_key=", None, sentry.MissingCredentials),
        ("Bearer abc", "key=abc", None, sentry.MissingCredentials),
        ("Sentry sentry_key=abc", "sentry_key=abd", None, sentry.ContradictoryCredentials),
        ("Sentry sentry_key=abc", "", "https://abd@errors.example/7", sentry.ContradictoryCredentials),
        ("Sentry sentry_key=abc, sentry_key=abd", "", None, sentry.ContradictoryCredentials),
        (None, "sentry_key=abc&sentry_key=abd", None, sentry.ContradictoryCredentials),
        (None, "", "https://[abc", sentry.BadCredentials),
        (None, "sentry_key=abc&" + "a=1&" * 200, None, sentry.BadCredentials),
    ],
)
def test_missing_and_contradictory_keys_are_refused(
    header: str | None, query: str, dsn: str | None, error: type[sentry.BadCredentials]
) -> None:
    with pytest.raises(error):
        sentry.credentials(header, query, dsn)


def test_the_project_of_a_dsn_is_its_last_segment() -> None:
    assert sentry.dsn_project_id("https://abc@errors.example/base/7") == "7"
    assert sentry.dsn_project_id("https://abc@errors.example") == ""


class Capture(Transport):
    """Keeps what the SDK would send, as the bytes on the wire."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def capture_envelope(self, envelope: SdkEnvelope) -> None:
        self.bodies.append(envelope.serialize())


def captured(raise_it: Any) -> list[bytes]:
    transport = Capture()
    client = sentry_sdk.Client(
        dsn="https://abc@errors.example/7", transport=transport, default_integrations=False, traces_sample_rate=1.0
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        with sentry_sdk.start_transaction(name="checkout"):
            raise_it()
        sentry_sdk.start_session()
        sentry_sdk.end_session()
        client.close()
    return transport.bodies


def test_what_the_python_sdk_sends_is_understood() -> None:
    def fail() -> None:
        try:
            {}["cart"]  # type: ignore[index]
        except KeyError as error:
            sentry_sdk.capture_exception(error)

    envelopes = [parse(body) for body in captured(fail)]
    events = [envelope.event for envelope in envelopes if envelope.event]
    assert [event["exception"]["values"][0]["type"] for event in events] == ["KeyError"]
    assert all(envelope.header["event_id"] == envelope.event["event_id"] for envelope in envelopes if envelope.event)
    assert {kind for envelope in envelopes for kind, _ in envelope.ignored} >= {"transaction"}


@given(hostile.envelopes)
def test_a_hostile_envelope_is_parsed_or_refused_never_more(body: bytes) -> None:
    with suppress(sentry.BadEnvelope):
        sentry.parse_header(body)
    with suppress(sentry.BadEnvelope):
        parse(body)


@given(hostile.stores)
def test_a_hostile_store_body_is_parsed_or_refused_never_more(body: bytes) -> None:
    with suppress(sentry.BadEnvelope):
        sentry.parse_store(body)


@given(st.text(), st.text(), st.text())
def test_hostile_credentials_are_read_or_refused_never_more(header: str, query: str, dsn: str) -> None:
    for prefix in ("", "sentry_key=", "https://"):
        with suppress(sentry.BadCredentials):
            sentry.credentials(prefix + header, prefix + query, prefix + dsn)
