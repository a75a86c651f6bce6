"""Somebody of whom only hashes are known is found in any text that names them, and in none that names somebody else."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.channels.discord import _escape as in_discord
from lib.channels.text import inert
from lib.mentions import ERASED, Mentions, seek
from lib.redaction.text import hashed

KEY = b"k" * 32
MAIL, IPV4, IPV6, NUMBER, NAME = "jane.doe@example.com", "203.0.113.77", "2001:db8::77", "4711471", "jane_doe"
AUTH0, DOMAIN, FULL = "auth0|5f7c8ec7c33c6c", "CORP\\jane77", "Jane Doe"

MENTIONED = [
    (NAME, "{}"), (NAME, "no plan for {}."), (NAME, "shop@1+{}"), (NAME, "https://x.example/?user={};tab=1"), (NAME, "@{}: hi"),
    (NAME, "/home/{}/app.py"), (NAME, "ssh {}@web-1"), (NAME, "{}'s plan"), (NAME, "user:\n{} failed"),
    (NAME, "user:\\n{} failed"),
    (NAME, '{{\\"a\\":\\"x\\\\n{}\\"}}'), (NAME, "\x1b[31m{}\x1b[0m"), (NAME, "\\u001b[31m{}"), (NAME, "wait...{}...now"),
    (NUMBER, "customer-{}"), (NUMBER, "avatars/{}.png"), (NUMBER, "user_{}_profile"), (NUMBER, "#{}"), (NUMBER, "id={}&x=1"),
    (NUMBER, "%3D{}"), (NUMBER, "a%2520{}"), (NUMBER, "&quot;{}&quot;"), (NUMBER, "x=1|{}|3"),
    (MAIL, "<{}>"), (MAIL, "mailto:{}?subject=x"), (MAIL, "to {}."), (MAIL, "{}, and others"), (MAIL, "a;{};b"), (MAIL, "[{}]"),
    (MAIL, "https://x.example/{}/orders"), (MAIL, "https://{}:pw@x.example"), (MAIL, "q=mail+{}"), (MAIL, "'{}'"),
    (IPV4, "{}:8080"), (IPV4, "from {}, port 7"), (IPV4, "{}."), (IPV6, "[{}]:443"), (IPV6, "from {} port 7"),
    (AUTH0, "sub={}"), (AUTH0, "{}/profile"), (DOMAIN, "login of {} failed"), (FULL, "by {}, today"), (FULL, "name={}&x"),
    ("D'Arcy77", "by {}"), ("josé@bücher.example", "an {}"), ("{6f9619ff-8b86}", "class {}"), ("6f9619ff-8b86", "class {{{}}}"),
]  # fmt: skip
OTHERS = [
    (NAME, "jane_doe2"), (NAME, "xjane_doe"), (NAME, "jane"), (NAME, "jane_do"), (NAME, "doe_jane"), (NAME, ""),
    (NAME, "jane doe2"),
    (NUMBER, "14711471"), (NUMBER, "47114711"), (NUMBER, "4711471a"), (NUMBER, "471 1471"),
    (MAIL, "mary-jane.doe@example.com"), (MAIL, "x.jane.doe@example.com"), (MAIL, "jane.doe@example.com.au"),
    (MAIL, "example.com"),
    (MAIL, "jane.doe@example.company"), (MAIL, "doe@example.com"), (MAIL, "jane.doe@example.org"), (MAIL, "jane.doe"),
    (MAIL, "mary-jane[.]doe[@]example[.]com"),
    (IPV4, "203.0.113.7"), (IPV4, "1203.0.113.77"), (IPV4, "203.0.113.77.5"), (IPV4, "9.203.0.113.77"), (FULL, "Jane X Doe"),
]  # fmt: skip


def mentions(value: str) -> Mentions:
    return Mentions(seek(KEY, value, is_ip=value in {IPV4, IPV6}))


@pytest.mark.parametrize(("value", "form"), MENTIONED)
def test_somebody_is_found_and_taken_out_wherever_they_are_named(value: str, form: str) -> None:
    found = mentions(value)
    for written in (value, value.upper(), value.title()):
        text = form.format(written)
        assert found.are_in(text), text
        left = found.erased(text)
        assert ERASED in left
        assert not found.are_in(left)
        assert len(left) > len(form.format("")) - 2  # what stands around them stays


@pytest.mark.parametrize(("value", "text"), OTHERS)
def test_somebody_else_is_neither_found_nor_changed(value: str, text: str) -> None:
    assert not mentions(value).are_in(text)
    assert mentions(value).erased(text) == text


VALUES = [MAIL, IPV4, IPV6, NUMBER, NAME, AUTH0, DOMAIN, FULL, "müller@exämple.com", "o'brien&co"]
WRAPPED: list[Any] = [
    json.dumps, quote, quote_plus, html.escape, inert, in_discord,
    lambda text: quote(text, safe=""), lambda text: quote(quote(text, safe=""), safe=""), lambda text: json.dumps({"a": text}),
    lambda text: json.dumps(json.dumps({"a": [text]})), lambda text: html.escape(json.dumps(text)),
    lambda text: f"https://x.example/?next={quote(text, safe='')}&n=1", lambda text: repr({"user": text}),
    lambda text: json.dumps({"url": f"/a?b={quote(text, safe='')}"}),
]  # fmt: skip
NEAR = st.text(st.sampled_from(" \n\t\"'(){}[]<>,;:=/&?#|!*$~\\"), max_size=4)


@given(st.sampled_from(VALUES), NEAR, NEAR, st.lists(st.sampled_from(WRAPPED), max_size=1), st.text(max_size=30))
def test_no_format_around_them_hides_anybody(value: str, before: str, after: str, wrapped: list[Any], rest: str) -> None:
    text = f"{before}{value}{after}"
    for wrap in wrapped:
        text = wrap(text)
    found = mentions(value)
    for payload in (text, {"extra": [{"note": text}]}, {text: 1}, [rest, text, rest]):
        assert found.are_in(payload)
    left = found.erased([text, rest])
    assert not found.are_in(left[0])
    assert found.erased(left) == left


@given(st.text(max_size=200))
def test_of_a_text_without_them_nothing_is_changed(text: str) -> None:
    for value in (MAIL, NUMBER, AUTH0):
        found = mentions(value)
        assert found.are_in(text) == (found.erased(text) != text)


def test_what_redaction_wrote_for_them_is_found_and_taken_out() -> None:
    mark = hashed(KEY, MAIL)
    assert mentions(MAIL).are_in({"user": {"email": mark}})
    assert mentions(MAIL).erased(f"mail of {mark} bounced") == f"mail of {ERASED} bounced"
    assert not mentions(MAIL).are_in(hashed(KEY, "x" + MAIL))


def test_numbers_are_found_and_stay_numbers() -> None:
    assert mentions(NUMBER).are_in({"extra": {"id": int(NUMBER)}})
    assert mentions(NUMBER).erased({"count": int(NUMBER), "text": f"of {NUMBER}"}) == {
        "count": int(NUMBER), "text": f"of {ERASED}"
    }  # fmt: skip


def test_composed_and_decomposed_letters_are_the_same() -> None:
    for one, other in (("jos\u00e9@x.example", "jose\u0301@x.example"), ("jose\u0301@x.example", "jos\u00e9@x.example")):
        assert mentions(one).are_in(f"an {other}")


def test_names_that_stand_apart_are_not_put_together() -> None:
    assert not mentions(FULL).are_in({"first": "Jane", "last": "Doe"})
    assert not mentions("first Jane").are_in({"first": "Jane"})


def test_what_has_no_word_is_mentioned_nowhere() -> None:
    assert not mentions("!?…!?…").are_in(["!?…!?…", "", "a"])
