"""Where a secret stands does not matter: every field of an event, every shape of map, list and key."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from lib.redaction import Redacted, Removal, redact
from tests.cases import each
from tests.lib.redaction.lookalikes import basic, random_text, tokens

TOKEN = tokens()["github"]
SECRET = random_text(18)


def frame(**more: Any) -> dict[str, Any]:
    return {"exception": {"values": [{"type": "E", "value": "v", "stacktrace": {"frames": [{"function": "f", **more}]}}]}}


PLACES: dict[str, Any] = {
    "message": lambda text: {"logentry": {"message": text, "params": [text], "formatted": text}},
    "bare message": lambda text: {"message": text},
    "exception value": lambda text: {"exception": {"values": [{"type": "E", "value": text}]}},
    "exception as list": lambda text: {"exception": [{"value": text}]},
    "raw stack": lambda text: {"exception": {"values": [{"raw_stacktrace": text}]}},
    "frame variables": lambda text: frame(vars={"x": text, "y": [text, {"z": text}]}),
    "context line": lambda text: frame(context_line=text),
    "source around": lambda text: frame(pre_context=["a", text], post_context=[text, "b"]),
    "headers": lambda text: {"request": {"headers": {"X-Debug": text}}},
    "header pairs": lambda text: {"request": {"headers": [["X-Debug", text]]}},
    "query string": lambda text: {"request": {"query_string": f"a=1&b={quote(text)}"}},
    "query pairs": lambda text: {"request": {"query_string": [["b", text]]}},
    "url": lambda text: {"request": {"url": f"https://x.example/?b={text}"}},
    "body": lambda text: {"request": {"data": {"field": text}}},
    "body as text": lambda text: {"request": {"data": json.dumps({"field": text})}},
    "body in a body": lambda text: {"request": {"data": json.dumps(json.dumps({"field": text}))}},
    "tags": lambda text: {"tags": {"t": text}},
    "tag pairs": lambda text: {"tags": [["t", text]]},
    "breadcrumb": lambda text: {"breadcrumbs": {"values": [{"message": text, "data": {"d": text}}]}},
    "extra": lambda text: {"extra": {"a": {"b": [{"c": text}]}}},
    "contexts": lambda text: {"contexts": {"app": {"note": text}}},
    "user": lambda text: {"user": {"id": text, "username": text, "data": {"x": text}}},
    "fingerprint": lambda text: {"fingerprint": ["{{ default }}", text]},
    "transaction": lambda text: {"transaction": f"/reset/{text}"},
    "server name": lambda text: {"server_name": text},
    "module name": lambda text: {"modules": {text: "1.0"}},
    "key": lambda text: {"extra": {text: 1}},
    "key deep": lambda text: {"extra": {"a": [{"b": {f"for {text} only": {"c": 1}}}]}},
    "unknown field": lambda text: {"something": {"new": text}},
}


@each("secret", [TOKEN, "jane@example.org", "4111 1111" + " 1111 1111"], ids=["token", "email", "card"])
@each("place", PLACES.values(), ids=PLACES)
def test_a_secret_leaves_every_place(place: Any, secret: str) -> None:
    result = redact(place(secret))
    assert secret.encode() not in result.body
    assert secret not in str(result.removals)
    assert result.removals


NAMED: dict[str, Any] = {
    "value": {"extra": {"api_key": SECRET}},
    "inside": {"extra": {"credentials": {"user": SECRET, "list": [SECRET, {"x": SECRET}]}}},
    "number": {"extra": {"password": 918273645}},
    "cookies": {"request": {"cookies": {"sid": SECRET, "theme": SECRET}}},
    "cookies as pairs": {"request": {"cookies": [["sid", SECRET]]}},
    "cookies as text": {"request": {"cookies": f"sid={SECRET}; theme=dark"}},
    "header": {"request": {"headers": {"Authorization": f"Bearer {SECRET}", "X-Api-Key": SECRET, "Cookie": f"a={SECRET}"}}},
    "header pairs": {"request": {"headers": [["Authorization", SECRET], ["X-Auth-Token", SECRET]]}},
    "variables": frame(vars={"password": f"'{SECRET}'", "self": f"Client(token='{SECRET}')"}),
    "source": frame(context_line=f'    client = Client(api_key="{SECRET}")'),
    "query": {"request": {"query_string": urlencode({"access_token": SECRET})}},
    "url": {"breadcrumbs": {"values": [{"data": {"url": f"https://x.example/a?client_secret={SECRET}#b"}}]}},
    "form": {"request": {"data": urlencode({"user": "bob", "password": SECRET})}},
    "json text": {"request": {"data": json.dumps({"user": "bob", "password": SECRET})}},
    "json in json": {"extra": {"body": json.dumps({"body": json.dumps({"password": SECRET})})}},
    "json in json in json": {"extra": {"a": json.dumps(json.dumps(json.dumps({"password": SECRET})))}},
    "basic": {"request": {"headers": {"x-forwarded": f"Basic {basic(password=SECRET)}"}}},
    "name and value": {"extra": {"fields": [{"name": "password", "value": SECRET}]}},
    "key and value": {"extra": {"attributes": [{"key": "api.key", "value": {"stringValue": SECRET}}]}},
    "map beside its name": {"extra": {"name": "password", "value": {"x": SECRET, "y": "mail a@example.org", "z": [[SECRET]]}}},
    "list beside its name": {"extra": [["password", [SECRET, "a@example.org", {"b": SECRET}]]]},
    "arguments": {"extra": {"sys.argv": ["app", "--password", SECRET, "--verbose"]}},
    "environment": {"extra": {"env": {"DB_PASSWORD": SECRET, "PATH": "/usr/bin"}}},
    "random under a vague key": {"extra": {"cl_key": SECRET + SECRET}},
}


@each("payload", NAMED.values(), ids=NAMED)
def test_a_value_under_a_telling_name_leaves(payload: dict[str, Any]) -> None:
    result = redact(payload)
    assert SECRET.encode() not in result.body
    assert b"918273645" not in result.body
    assert basic(password=SECRET).encode() not in result.body


def test_the_rest_of_the_event_stays_readable() -> None:
    payload = {
        "event_id": "36fc270290c44e9c9b78642c70cc371c",
        "timestamp": "2026-11-24T10:00:00.123456Z",
        "level": "error",
        "platform": "python",
        "release": "shop@1.2.3.4+abcdef0",
        "contexts": {
            "trace": {"trace_id": "36fc270290c44e9c9b78642c70cc371c", "span_id": "9bfe270fccaca66e"},
            "os": {"version": "10.0.0.1"},
        },
        "modules": {"cookie": "0.5.0", "click-plugins": "1.1.1.2", "pyjwt": "2.8.0", "token-lib": "1.0"},
        "tags": {"author": "jane", "max_tokens": "4096"},
        "extra": {"token_count": 17, "auth_method": "oauth", "password": None, "secret": True, "pan": 0.5, "key": "user:1:prefs"},
        "user": {"id": "42", "geo": {"city": "Graz"}},
        **frame(filename="app/auth/tokens.py", abs_path="/srv/app/auth/tokens.py", lineno=7, in_app=True),
    }
    result = redact(payload)
    assert result.payload == payload
    assert result.removals == []


def test_what_was_filtered_before_stays_as_it_is() -> None:
    payload = {"extra": {"password": "[Filtered]", "token": "********", "secret": "[redacted:secret]", "pwd": ""}}
    assert redact(payload).payload == payload


def test_removals_tell_path_rule_and_count() -> None:
    payload = {
        "exception": {"values": [{"type": "E", "value": "mail to a@example.org and b@example.org from 203.0.113.9"}]},
        "request": {"headers": {"X-Api-Key": SECRET}},
        "extra": {f"for {TOKEN}": {"password": SECRET}},
    }
    assert sorted(redact(payload).removals) == [
        Removal("exception.values.0.value", "email", 2),
        Removal("exception.values.0.value", "ip", 1),
        Removal("extra.for [redacted:token]", "token", 1),
        Removal("extra.for [redacted:token].password", "password", 1),
        Removal("request.headers.X-Api-Key", "api-key", 1),
    ]


def test_keys_that_become_equal_are_told_apart() -> None:
    result = redact({"extra": {"a@example.org": 1, "x": 2, "b@example.org": 3, "[redacted:email] 2": 4}})
    assert list(result.payload["extra"].values()) == [1, 2, 3, 4]
    assert list(result.payload["extra"]) == ["[redacted:email]", "x", "[redacted:email] 3", "[redacted:email] 2"]


def test_the_callers_payload_is_not_changed() -> None:
    payload = {"extra": {"a": {"password": SECRET}, TOKEN: [TOKEN]}, "user": {"email": "a@example.org"}}
    before = json.dumps(payload)
    assert isinstance(redact(payload), Redacted)
    assert json.dumps(payload) == before


def test_the_body_is_the_payload_as_json() -> None:
    result = redact({"extra": {"a": 1, "token": SECRET}})
    assert orjson.loads(result.body) == result.payload == {"extra": {"a": 1, "token": "[redacted:token]"}}


def test_numbers_that_are_cards_leave() -> None:
    card = int("4" + "1" * 15)
    assert redact({"extra": {"note": card, "list": [card]}}).payload["extra"] == {
        "note": "[redacted:card]",
        "list": ["[redacted:card]"],
    }
    assert redact({"extra": {"note": float(card), "list": [float(card), 0.5]}}).payload["extra"] == {
        "note": "[redacted:card]",
        "list": ["[redacted:card]", 0.5],
    }
    assert redact({"extra": {"time": 1764000000000.25, "inf": float("inf"), "huge": 1e300}}).removals == []
    assert redact({"extra": {"thread": 140688470907776}}).removals == []


ADDRESS = "203.0.113.7"


@each(
    ("payload", "is_kept"),
    [
        ({"modules": {"django": ADDRESS}}, True),
        ({"extra": {"app_version": ADDRESS}}, True),
        ({"modules": [ADDRESS]}, False),  # no module is named, so nothing says that it is a version
        ({"extra": {"ops@example.orgversion": ADDRESS}}, False),  # what was removed from a key says nothing
    ],
)
def test_an_address_is_a_version_only_where_a_field_says_so(payload: dict[str, Any], is_kept: bool) -> None:
    assert (ADDRESS.encode() in redact(payload).body) is is_kept
