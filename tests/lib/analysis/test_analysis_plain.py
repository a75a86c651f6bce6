"""What a model wrote, as plain text: nothing in it can be followed, fetched, rendered or hidden; code stays readable."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from lib.analysis.plain import plain, visible
from tests.cases import each

URL = re.compile(r"(?i)[a-z][a-z0-9+.-]+:\s?[/\\]{2}|\bwww\.\S|\b(?:javascript|data|mailto):[^\s)\]}]")
MARKUP = re.compile(r"<[A-Za-z/!?@#]|\]\(|!\[|&#?\w+;|```|~~~")
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def assert_harmless(text: str) -> None:
    assert not URL.search(text), text
    assert not MARKUP.search(text), text
    assert not HIDDEN.search(text), repr(text)


@each(
    ("written", "left"),
    [
        ("See https://evil.example/?q=1 now", "See [link removed] now"),
        ("HTTP://EVIL.example", "[link removed]"),
        ("ftp://a/b wss://c", "[link removed] [link removed]"),
        ("hxxps://evil.example", "[link removed]"),
        ("http:\\\\evil.example", "[link removed]"),
        ("https : // evil.example", "[link removed] evil[.]example"),
        ("//evil.example/x.js", "[link removed]"),
        ("\\\\evil.example\\share", "[link removed]"),
        ("www.evil.example/a", "[link removed]"),
        ("go to evil.example/login?x", "go to [link removed]"),
        ("go to evil.com.", "go to evil.com."),  # a name of code may go on behind a dot
        ("go to evil.com", "go to evil[.]com"),
        ("ht\u200btps://evil.example", "[link removed]"),
        ("ｈｔｔｐｓ：／／evil.example", "[link removed]"),
        ("javascript:alert(1)", "[link removed]"),
        ("data:text/html;base64,xx", "[link removed]"),
        ("write to mailto:a@b.example", "write to [link removed]"),
        ("ask jane@corp.example", "ask [address removed]"),
        ("![x](https://evil.example/p.png)", "! [x] ([link removed]"),
        ("[click](/incidents/2)", "[click] (/incidents/2)"),
        ("<img src=x onerror=alert(1)>", "‹img src=x onerror=alert(1)>"),
        ("<https://evil.example|ok>", "<[link removed]"),  # Slack's form: nothing is left of it
        ("<!channel> <@U123>", "‹!channel> ‹@U123>"),
        ("hi @everyone", "hi @ everyone"),
        ("&lt;script&gt;", "& lt;script& gt;"),
        ("&#60;b&#62;", "& #60;b& #62;"),
        ("```diff\n- a\n+ b\n```", "- a\n+ b"),
        ("a\u202eb\u2066c\x1b[31md\x00", "abc[31md"),
        ("tag\U000e0041\U000e0042s", "tags"),
        ("a\u2028b\r\nc", "a\nb\nc"),
    ],
)
def test_what_could_do_something_is_taken_out(written: str, left: str) -> None:
    assert plain(written, 500) == left
    assert_harmless(left)


@each(
    "code",
    [
        "Use cart.get('id') and return None where it is missing.",
        "--- a/shop/pay.py\n+++ b/shop/pay.py\n@@ -42 +42 @@\n-    return cart['id'] * 2\n+    return cart.get('id', 0) * 2",
        "if a < b && c > d: x[i][j] = f(**kw) # __init__",
        "java.lang.NullPointerException at com.acme.shop.Pay.total(Pay.java:42)",
        "os.path.join(root, 'a/b'), C:/srv/app",
        "std::vector<int> v; a::b",  # but for its `<`
        "Überprüfe 日本語 значение.",
    ],
)
def test_code_stays_readable(code: str) -> None:
    assert plain(code, 500) == code.replace("<int", "‹int")


def test_a_text_is_cut_at_its_limit() -> None:
    assert plain("word " * 100, 20) == "word word word wo..."


@given(st.text(max_size=400))
@settings(deadline=None)
def test_whatever_is_written_is_harmless_and_stays_as_it_is_then(text: str) -> None:
    once = plain(text, 300)
    assert_harmless(once)
    assert plain(once, 300) == once
    assert len(once) <= 300


PIECES = [
    "http",
    "s:",
    "//",
    "evil",
    ".",
    "com",
    "/x",
    "[",
    "](",
    "!",
    "<",
    "a",
    ">",
    "&",
    "lt;",
    "`",
    "```",
    "\n",
    " ",
    "@",
    "\u200b",
    "：",
    "／",
    "\\",
    "javascript:",
    "www.",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(deadline=None, max_examples=500)
def test_pieces_of_links_and_markup_never_join_to_one(text: str) -> None:
    once = plain(text, 300)
    assert_harmless(once)
    assert plain(once, 300) == once


def test_what_is_sent_hides_nothing_either() -> None:
    assert visible("a\u200b\u202eb\x00\U000e0041c\r\nd\te") == "abc\nd\te"


@each(
    "text",
    ["a." * 8_000, "a@" * 8_000, "http" * 4_000, "<" * 16_000, "[" * 16_000, "a" * 16_000 + "@", "/" * 16_000, "`" * 16_000],
)
def test_the_time_it_takes_is_bounded(text: str) -> None:
    began = time.process_time()
    plain(text, 4_000)
    assert time.process_time() - began < 1
