"""A project's own rules: names, patterns, exceptions, and how people are treated."""

import hashlib
import hmac
import time
from typing import Any

import pytest

from lib.redaction import (
    KeyNameError,
    PatternError,
    Removal,
    RuleError,
    SafeFieldError,
    TreatmentError,
    compile_rules,
    redact,
)
from lib.redaction.own import STRIDE_CHARS, WINDOW_CHARS_MAX, Budget
from lib.redaction.rules import KEYS_MAX, PATTERN_CHARS_MAX, PATTERNS_MAX, SAFE_FIELDS_MAX
from lib.redaction.text import MATCHES_MAX, PLACEHOLDER_CHARS_MAX, clean
from tests.cases import each
from tests.lib.redaction.lookalikes import random_text, tokens

KEY = b"k" * 32
TOKEN = tokens()["github"]
PERSON = {
    "user": {"id": "7", "email": "Jane@Example.org", "ip_address": "203.0.113.7"},
    "message": "mail jane@example.org at 203.0.113.7",
}


def digest(value: str) -> str:
    return "hmac:" + hmac.new(KEY, value.encode(), hashlib.sha256).hexdigest()[:16]


def test_own_names_are_compared_by_words() -> None:
    rules = compile_rules(extra_keys=["customer_code"])
    for name in ("customer_code", "customerCode", "Customer-Code", "old_customer_code_2"):
        assert redact({"extra": {name: "abc"}}, rules).payload["extra"][name] == "[redacted:custom]"
    assert redact({"extra": {"customer": "abc", "decode": "x"}}, rules).removals == []
    assert redact({"extra": {"customer_code": "abc"}}).removals == []


def test_own_names_work_beside_the_built_in_ones_and_in_text() -> None:
    rules = compile_rules(extra_keys=["customer_code"])
    result = redact({"message": "password=hunter2 failed", "extra": {"customer_code": {"x": [1, "a"]}}}, rules)
    assert result.payload == {
        "message": "password=[redacted:password] failed",
        "extra": {"customer_code": {"x": ["[redacted:custom]", "[redacted:custom]"]}},
    }


def test_own_patterns_remove_their_matches_everywhere() -> None:
    rules = compile_rules(extra_patterns=[r"CUST-\d{6}", "Müller-[0-9]+"])
    payload = {"message": "order of CUST-123456 and CUST-12", "extra": {"CUST-654321": ["Müller-7"]}}
    result = redact(payload, rules)
    assert result.payload == {
        "message": "order of [redacted:custom] and CUST-12",
        "extra": {"[redacted:custom]": ["[redacted:custom]"]},
    }
    assert redact(result.payload, rules).body == result.body
    assert redact(payload).removals == []  # what one project removes, another keeps


def test_exceptions_leave_a_field_and_what_is_below_it() -> None:
    payload: dict[str, Any] = {
        "extra": {"order": {"card_token": "abc-1", "password": "x"}, "items": [{"token": "t1"}, {"token": "t2"}]},
        "request": {"headers": {"X-Auth-Token": TOKEN, "Cookie": "a=1"}},
    }
    rules = compile_rules(safe_fields=["extra.order.card_token", "extra.items.*.token", "request.headers.X-Auth-Token"])
    cleaned = redact(payload, rules)
    assert cleaned.payload["extra"] == {
        "order": {"card_token": "abc-1", "password": "[redacted:password]"},
        "items": payload["extra"]["items"],
    }
    assert cleaned.payload["request"]["headers"] == {"X-Auth-Token": TOKEN, "Cookie": "[redacted:cookie]"}
    assert redact(payload, compile_rules(safe_fields=["extra.*"])).payload["extra"] == payload["extra"]


@each(
    ("settings", "email", "ip", "message"),
    [
        ({}, "[redacted:email]", "[redacted:ip]", "mail [redacted:email] at [redacted:ip]"),
        ({"hash_key": KEY}, digest("jane@example.org"), digest("203.0.113.7"), "mail [redacted:email] at [redacted:ip]"),
        (
            {"hash_key": KEY, "email": "hash", "ip": "hash"},
            *(digest("jane@example.org"), digest("203.0.113.7")),
            f"mail {digest('jane@example.org')} at {digest('203.0.113.7')}",
        ),
        ({"email": "keep"}, "Jane@Example.org", "[redacted:ip]", "mail jane@example.org at [redacted:ip]"),
        (
            {"email": "remove", "ip": "keep", "hash_key": KEY},
            "[redacted:email]",
            "203.0.113.7",
            "mail [redacted:email] at 203.0.113.7",
        ),
    ],
    ids=["built in", "a key", "hash", "keep mail", "mixed"],
)
def test_people_are_kept_hashed_or_removed(settings: Any, email: str, ip: str, message: str) -> None:
    rules = compile_rules(**settings)
    once = redact(PERSON, rules)
    assert once.payload == {"user": {"id": "7", "email": email, "ip_address": ip}, "message": message}
    assert redact(once.payload, rules).body == once.body


def test_an_address_that_is_none_is_removed_all_the_same() -> None:
    payload = {"user": {"email": "jane at work", "ip_address": "{{auto}}"}}
    assert redact(payload).payload == {"user": {"email": "[redacted:email]", "ip_address": "{{auto}}"}}


def test_a_kept_address_does_not_hide_another_secret() -> None:
    rules = compile_rules(email="keep", ip="keep", phone="keep")
    text = f"jane@example.org sent {TOKEN} from 203.0.113.7, call +49 30 901820"
    assert redact({"message": text}, rules).payload["message"] == text.replace(TOKEN, "[redacted:token]")


BAD: dict[str, tuple[type[RuleError], dict[str, Any], str]] = {
    "no regular expression": (PatternError, {"extra_patterns": ["(a"]}, "missing"),
    "look-ahead, which RE2 has not": (PatternError, {"extra_patterns": ["(?=a)b"]}, "invalid"),
    "back reference": (PatternError, {"extra_patterns": [r"(a)\1"]}, "invalid"),
    "matches everything": (PatternError, {"extra_patterns": ["a*"]}, "empty string"),
    "empty": (PatternError, {"extra_patterns": [""]}, "characters"),
    "too long": (PatternError, {"extra_patterns": ["a" * (PATTERN_CHARS_MAX + 1)]}, "characters"),
    "too large once compiled": (PatternError, {"extra_patterns": [r"((\pL{100}){10}){10}"]}, "too large|repetition"),
    "too many": (PatternError, {"extra_patterns": [f"a{n}" for n in range(PATTERNS_MAX + 1)]}, "at most"),
    "no letters": (KeyNameError, {"extra_keys": ["__"]}, "letter"),
    "key too long": (KeyNameError, {"extra_keys": ["a" * 1000]}, "characters"),
    "too many keys": (KeyNameError, {"extra_keys": [f"{n}{chr(97 + n % 26)}{n}b" for n in range(KEYS_MAX + 1)]}, "at most"),
    "everything safe": (SafeFieldError, {"safe_fields": ["*"]}, "dotted path"),
    "hole in a path": (SafeFieldError, {"safe_fields": ["extra..a"]}, "dotted path"),
    "too many fields": (SafeFieldError, {"safe_fields": [f"extra.a{n}" for n in range(SAFE_FIELDS_MAX + 1)]}, "at most"),
    "no such treatment": (TreatmentError, {"email": "drop"}, "kept, hashed or removed"),
    "hash without a key": (TreatmentError, {"ip": "hash"}, "needs a key"),
    "phones are not hashed": (TreatmentError, {"phone": "hash"}, "kept or removed"),
}


@each(("error", "settings", "says"), BAD.values(), ids=BAD)
def test_a_rule_that_cannot_be_used_is_refused_with_the_reason(error: type[RuleError], settings: Any, says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        compile_rules(**settings)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 400


def test_the_same_rules_are_compiled_once_and_cannot_be_changed() -> None:
    rules = compile_rules(extra_keys=["a_b"], extra_patterns=["x+y"])
    assert compile_rules(extra_keys=["a_b"], extra_patterns=["x+y"]) is rules
    with pytest.raises(AttributeError):
        rules.safe_fields = (("extra",),)  # type: ignore[misc]


def test_one_projects_patterns_do_not_leak_into_anothers_memory() -> None:
    note = random_text(6) + " CUST-777777 was here"
    mine, theirs = compile_rules(extra_patterns=["CUST-[0-9]+"]), compile_rules(extra_patterns=["OTHER-[0-9]+"])
    for rules, kept in ((theirs, True), (mine, False), (theirs, True), (mine, False)):
        assert (redact({"message": note}, rules).payload["message"] == note) is kept
    assert redact({"message": note}, mine).removals == [Removal("message", "custom", 1)]


FORMS = [
    "{name}={value} next",
    "{name}: {value}, next",
    '"{name}": "{value}"',
    '{{\\"{name}\\": \\"{value}\\"}}',
    "?page=1&{name}={value}&sort=asc",
    "%22{name}%22%3A%22{value}%22",
    "page%3D1%26{name}%3D{value}%26sort",
    "<{name}>{value}</{name}>",
    "X-{name}: {value}",
    "--{name} {value}",
    "--{name}={value}",
    "a=1; {name}={value}; theme=dark",
    "set(old_{name}='{value}')",
]
OWN_NAMES = ["customer_code", "customerCode", "CUSTOMER-CODE", "customer.code", "customercode2"]


@each("form", FORMS)
@each("name", OWN_NAMES)
def test_own_names_hold_in_text_wherever_the_built_in_ones_do(name: str, form: str) -> None:
    rules = compile_rules(extra_keys=["customer_code", "customercode"])
    text = form.format(name=name, value="AB-7")
    assert redact({"message": text}).payload["message"] == text  # seen by others before: what they remember is not asked
    for payload in ({"message": text}, {"extra": {"a": [text]}}, {"request": {"headers": {"X": text}}}, {"extra": {text: 1}}):
        assert b"AB-7" not in redact(payload, rules).body
    assert redact({"message": text}, rules).payload["message"] == text.replace("AB-7", "[redacted:custom]")


def test_own_names_hold_beside_their_value_and_beyond_ascii() -> None:
    rules = compile_rules(extra_keys=["customer_code", "Kundenschlüssel"])
    pairs: Any = [["customer_code", "AB-7"], {"name": "customerCode", "value": "AB-7"}, ["app", "--customer-code", "AB-7"]]
    assert redact({"extra": {"a": pairs}}).removals == []
    assert b"AB-7" not in redact({"extra": {"a": pairs}}, rules).body
    assert redact({"message": "alter_kundenschlüssel=AB-7 war falsch"}, rules).payload["message"] == (
        "alter_kundenschlüssel=[redacted:custom] war falsch"
    )


@each("text", ["customer=AB-7", "code=AB-7", "decode(customer)=AB-7", "customers_codec=AB-7", "the customer code is"])
def test_a_text_that_only_resembles_an_own_name_stays(text: str) -> None:
    assert redact({"message": text}, compile_rules(extra_keys=["customer_code"])).payload["message"] == text


def test_an_exception_keeps_the_keys_below_it_and_not_its_own_name() -> None:
    payload = {"extra": {"order": {"bob@example.org": {TOKEN: "x"}}, "alice@example.org": {"a": 1}}}
    cleaned = redact(payload, compile_rules(safe_fields=["extra.order"]))
    assert cleaned.payload["extra"] == {"order": {"bob@example.org": {TOKEN: "x"}}, "[redacted:email]": {"a": 1}}
    assert cleaned.removals == [Removal("extra.[redacted:email]", "email", 1)]
    assert list(redact(payload, compile_rules(safe_fields=["extra.*.x"])).payload["extra"]["order"]) == ["[redacted:email]"]


@each("length", [400, 5_000, 20_000])
def test_own_patterns_do_not_look_into_placeholders(length: int) -> None:
    own = compile_rules(extra_patterns=["[a-z]"]).own
    once = clean("a" * length, own=own)
    assert len(once.text) <= PLACEHOLDER_CHARS_MAX * min(length, MATCHES_MAX + 1)
    assert once.text.startswith("[redacted:custom]" * 400)
    assert "a" not in once.text.replace("[redacted:custom]", "").replace("[redacted:overflow]", "")
    assert clean(once.text, own=own).text == once.text


HUNGRY = {
    "reads on after every match": ["a(.*b)?"],
    "twenty of them": [f"a(.*{c})?" for c in "bcdefghijklmnopqrstu"],
    "remembers too much": ["(a|b)*a(a|b){20}c", "[ab]+c|a"],
    "large": ["(.{100}){8}x", r"\pL{20}x"],
}


@each("patterns", HUNGRY.values(), ids=HUNGRY)
@each("text", ["a" * 65_536, "ab" * 500_000, "abba" * 20 + "\n"], ids=["65 kB", "1 MB", "short lines"])
def test_own_patterns_take_bounded_time_in_the_search_and_in_the_removal(patterns: list[str], text: str) -> None:
    rules = compile_rules(extra_patterns=patterns)
    texts = [f"{text}{number}" for number in range(max(1, 1_000_000 // len(text)) if len(text) < 1_000 else 1)]
    began = time.process_time()
    result = redact({"extra": {"notes": texts}}, rules)
    assert time.process_time() - began < 2.0  # 0.2 at worst; one search on 65 kB alone took 3.6
    assert redact(result.payload, rules).body == result.body


def test_an_own_pattern_finds_its_matches_in_a_string_of_any_length() -> None:
    rules = compile_rules(extra_patterns=[r"CUST-\d{6}", r"BEGIN[^#]+END"])
    long = "BEGIN" + "-" * (STRIDE_CHARS - 8) + "END"
    for before in (0, 500, 505, 511, 8_185, 8_191, 100_000, 200_003):
        text = "x " * (before // 2) + "x" * (before % 2)
        for found in ("CUST-123456", long):
            assert (
                redact({"message": f"{text}{found}, then more"}, rules).payload["message"]
                == f"{text}[redacted:custom], then more"
            )
    assert redact({"message": "y" * 100_000}, rules).removals == []


def test_what_own_patterns_are_not_asked_about_is_removed() -> None:
    own = compile_rules(extra_patterns=["BEGIN[^#]+", "Z"]).own
    assert clean("Z, then BEGIN" + "-" * (WINDOW_CHARS_MAX * 2) + "#, then Z", own=own).text == (
        "[redacted:custom], then [redacted:overflow]"
    )
    assert clean("kept Z" * 20_000, own=own).text.endswith("kept [redacted:custom]kept [redacted:overflow]")
    assert clean("some text", own=own, budget=Budget(steps=5)).text == "[redacted:overflow]"


def test_a_word_begins_and_ends_for_own_patterns_where_it_does_in_the_whole_text() -> None:
    rules = compile_rules(extra_patterns=[r"\bcat\b", r"^dog", r"cow$"])
    text = "con" + "cat" * 9_000 + " dog cow dog"
    assert redact({"message": text}, rules).payload["message"] == text
    assert redact({"message": f"dog {text} cat cow"}, rules).payload["message"] == (
        f"[redacted:custom] {text} [redacted:custom] [redacted:custom]"
    )


def test_own_patterns_take_text_that_no_encoding_can_say() -> None:
    assert (
        redact({"message": "a \ud800 CUST-1"}, compile_rules(extra_patterns=["CUST-1"])).payload["message"]
        == "a ? [redacted:custom]"
    )


def test_patterns_may_name_their_groups_alike() -> None:
    rules = compile_rules(extra_patterns=["(?P<id>CUST-1)", "(?P<id>ORDER-1)"])
    assert redact({"message": "CUST-1 ORDER-1"}, rules).payload["message"] == "[redacted:custom] [redacted:custom]"
