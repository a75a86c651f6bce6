"""Laws of redaction over arbitrary payloads with planted look-alikes."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.redaction import BUILT_IN, Rules, compile_rules, redact
from lib.redaction.memo import Memo
from lib.redaction.search import JOINED_HITS_MAX, JOINED_TEXTS_MIN, hits
from lib.redaction.text import PLACEHOLDER_CHARS_MAX, clean, is_suspect
from tests.lib.redaction.lookalikes import basic, cards, pem, random_text, tokens
from tests.lib.redaction.reference import reference

SNIPPETS = [
    *tokens().values(),
    *cards(),
    pem(),
    f"Basic {basic()}",
    *(
        "password=",
        "token: ",
        '"secret": "',
        "--api-key ",
        "api_key",
        "password",
        "key",
        "-----BEGIN",
        "Bearer ",
        "postgres://a:",
        "@h/",
        "eyJ",
    ),
    *(
        "a@example.org",
        "203.0.113.7",
        "::1",
        "2001:db8::1",
        "DE89370400440532013000",
        "078-05-1120",
        "+49 30 901820",
        "[redacted:email]",
    ),
    *(
        "'",
        '"',
        "\\",
        "\n",
        "\0",
        " ",
        "=",
        ":",
        ",",
        "(",
        ")",
        "<",
        ">",
        "%22",
        "%40",
        "?",
        "&",
        ";",
        ".",
        "/",
        "-",
        "ü",
        "1",
        "x",
        "Zx9",
    ),
    *("user_dni", "12345678Z", "mysqldump", "-pZx9hunterq", "--password"),
    *("5ca1ab1e" * 4, "5ca1ab1e-0000-4000-8000-0123456789ab", "2026-11-26T21:00:00.5Z"),
    *(
        "author",
        "is",
        "None",
        "<Foo at 0x7f>",
        "${X}",
        "version",
        "email",
        "hunter2",
        "https://example.org/a?b=c",
        "commit 3f2a9c1b8d7e6f5a",
    ),
]
TEXTS = st.one_of(st.lists(st.sampled_from(SNIPPETS), max_size=5).map("".join), st.text(max_size=30))
KEYS = st.one_of(
    st.sampled_from(
        [
            "password",
            "token",
            "key",
            "value",
            "name",
            "Value",
            "Name",
            "k",
            "v",
            "message",
            "params",
            "args",
            "type",
            "user",
            "email",
            "ip_address",
            "cookies",
            "modules",
            "extra",
            "version",
            "author",
            "a",
            "keyValue",
            "pinValue",
            "user_dni",
            "cmd",
        ]
    ),
    TEXTS,
)
SCALARS = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)), max_leaves=15
)
PAYLOADS = st.dictionaries(KEYS, VALUES, max_size=5)
WIDE = settings(max_examples=150, deadline=None)


def leaves(value: Any) -> int:
    """How many strings, numbers and keys there are: each can be replaced as a whole."""
    if isinstance(value, dict):
        return sum(1 + leaves(child) for child in value.values())
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def shape(value: Any) -> Any:
    """Maps, lists, truth and nothing; every text and number is one kind, since a number may become a placeholder."""
    if isinstance(value, dict):
        return {"map": sorted(repr(shape(child)) for child in value.values())}
    if isinstance(value, list):
        return [shape(child) for child in value]
    return value if value is None or isinstance(value, bool) else "leaf"


@WIDE
@given(PAYLOADS)
def test_redacting_twice_changes_nothing_more(payload: dict[str, Any]) -> None:
    once = redact(payload)
    twice = redact(once.payload)
    assert twice.body == once.body
    assert twice.removals == []


@WIDE
@given(PAYLOADS)
def test_the_fast_way_removes_exactly_what_the_slow_way_removes(payload: dict[str, Any]) -> None:
    expected = sorted(json.dumps(item, sort_keys=True) for item in reference(payload).values())
    new = Rules(memo=Memo())
    for rules in (BUILT_IN, new, new):  # the third time all is remembered
        found = redact(payload, rules).payload
        assert sorted(json.dumps(item, sort_keys=True) for item in found.values()) == expected or collide(payload)


PROJECTS: list[dict[str, Any]] = [
    {},
    {"hash_key": b"k" * 32, "email": "hash"},
    {"email": "keep", "ip": "keep"},
    {"extra_keys": ["author", "value"], "extra_patterns": ["Zx[0-9]"]},
    {"safe_fields": ["extra.*", "user.email"]},
]


@WIDE
@given(st.lists(PAYLOADS, min_size=2, max_size=4), st.sampled_from(PROJECTS))
def test_what_was_seen_before_changes_nothing(payloads: list[dict[str, Any]], project: dict[str, Any]) -> None:
    """One text stands in different places of different events: what it was in one says nothing about the other."""
    own = compile_rules(**project)
    seen = replace(own, memo=Memo())
    for payload in [*payloads, *payloads]:
        assert redact(payload, seen) == redact(payload, replace(own, memo=Memo()))


def collide(payload: Any) -> bool:
    """Whether keys become equal once redacted: the reference keeps only one of them."""
    if isinstance(payload, dict):
        result = redact({"x": payload}).payload["x"]
        numbered = [key for key in result if key.endswith((" 2", " 3", " 4", " 5"))]
        return bool(numbered) or any(map(collide, payload.values()))
    return isinstance(payload, list) and any(map(collide, payload))


@WIDE
@given(PAYLOADS)
def test_shape_and_types_are_kept(payload: dict[str, Any]) -> None:
    assert shape(redact(payload).payload) == shape(payload)


@WIDE
@given(PAYLOADS)
def test_the_result_is_never_longer_than_its_bound(payload: dict[str, Any]) -> None:
    result = redact(payload)
    pieces = sum(removal.count for removal in result.removals)
    assert len(result.body) <= len(orjson.dumps(payload)) + pieces * (PLACEHOLDER_CHARS_MAX + 4)


@WIDE
@given(st.lists(TEXTS, min_size=JOINED_TEXTS_MIN, max_size=JOINED_TEXTS_MIN + 20))
def test_one_search_over_all_strings_finds_those_that_each_alone_would(texts: list[str]) -> None:
    found, unasked = hits(texts)
    assert found >= {text for text in texts if is_suspect(text)}
    assert found >= {text for text in texts if clean(text).rules}
    assert not unasked


def test_a_search_over_many_strings_with_many_finds_tells_which_it_did_not_ask() -> None:
    texts = [f"plain {n}" if n % 3 else f"token=a{n}b" for n in range(JOINED_HITS_MAX * 6)]
    found, unasked = hits(texts)
    assert found | unasked >= set(texts[::3])
    assert found == set(texts[: JOINED_HITS_MAX * 3 : 3])
    assert unasked == set(texts[JOINED_HITS_MAX * 3 - 2 :])


SECRETS = st.sampled_from([*tokens().values(), *(cards()[:1]), pem().splitlines()[1] + pem().splitlines()[2]])


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


STEPS: dict[str, Callable[[Any], Any]] = {
    "map": lambda inner: {"field": inner, "other": 1},
    "list": lambda inner: ["a", inner, 2],
    "json": lambda inner: json.dumps({"field": inner}),
    "url": lambda inner: f"https://x.example/?q={quote(as_text(inner), safe='')}",
    "sentence": lambda inner: f"value {as_text(inner)} refused",
}


def nested(secret: Any, path: list[str]) -> Any:
    """`secret` at the end of a path of maps and lists; a step may also be an encoding."""
    for step in reversed(path):
        secret = STEPS[step](secret)
    return secret


@WIDE
@given(SECRETS, st.lists(st.sampled_from(["map", "list", "json", "sentence"]), max_size=5))
def test_a_planted_token_is_gone_at_any_depth_and_in_json_within_text(secret: str, path: list[str]) -> None:
    assert secret.encode() not in redact({"extra": {"note": nested(secret, path)}}).body


NAMED = st.sampled_from(["password", "apiKey", "client_secret", "X-Auth-Token", "DB_PASS"])
VALUES_OF_NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+_~^", min_size=8, max_size=30).filter(
    lambda text: any(map(str.isdigit, text)) and any(map(str.isalpha, text)) and len(set(text)) > 4
)


@WIDE
@given(NAMED, VALUES_OF_NAMES, st.lists(st.sampled_from(["map", "list", "json", "url", "sentence"]), max_size=4))
def test_a_planted_value_of_a_telling_name_is_gone_in_every_encoding(name: str, value: str, path: list[str]) -> None:
    for inner in ({name: value}, json.dumps({name: value}), f"{name}={value}&x=1", quote(f"{name}={value}", safe="")):
        body = redact({"extra": {"note": nested(inner, path)}}).body
        assert value.encode() not in body, inner
        assert quote(value, safe="").encode() not in body, inner


@WIDE
@given(st.text("abcdefgh12345", min_size=1, max_size=12), VALUES_OF_NAMES)
def test_a_planted_password_of_basic_authentication_is_gone(user: str, password: str) -> None:
    encoded = basic(user, password)
    result = redact({"request": {"headers": {"authorization": f"Basic {encoded}"}}, "message": f"sent Basic {encoded} to host"})
    assert encoded.encode() not in result.body


@WIDE
@given(
    st.recursive(
        st.one_of(SCALARS, st.just(10**400), st.just("\ud800")),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=5), x, max_size=3),
    )
)
def test_odd_shapes_never_raise(value: Any) -> None:
    for payload in (
        {"user": value},
        {"exception": value},
        {"modules": value},
        {"request": {"headers": value}},
        {"tags": value, "a": {"user": value}},
    ):
        orjson.loads(redact(payload).body)


def test_a_canary_of_random_text_leaves_from_every_telling_key() -> None:
    for seed, name in enumerate(
        ["password", "token", "cvv", "ssn", "card_number", "iban", "cookie", "session_id", "otp", "auth", "credentials"]
    ):
        canary = "canary" + random_text(10, seed=seed)
        assert canary.encode() not in redact({"extra": {name: canary, "deep": [{name: [canary, {"x": canary}]}]}}).body
