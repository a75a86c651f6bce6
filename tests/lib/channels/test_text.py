"""Text of events is made harmless for messages without becoming unreadable."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from lib.channels.text import ZERO_WIDTH_SPACE, clean, cut, inert, one_line, unlinked, within
from tests.cases import each
from tests.lib.channels.hostile_texts import TEXTS, links_in

ANY_TEXT = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("htpw:/.@。 \n<>")), max_size=200)


@each("text", TEXTS)
def test_no_client_finds_a_link_in_inert_text(text: str) -> None:
    assert links_in(inert(clean(text))) == []


@given(ANY_TEXT)
def test_no_text_at_all_stays_a_link(text: str) -> None:
    assert links_in(inert(clean(text))) == []


@given(ANY_TEXT)
def test_inert_text_says_the_same(text: str) -> None:
    cleaned = clean(text)
    assert inert(cleaned).replace(ZERO_WIDTH_SPACE, "").replace("[:]", ":").replace("[@]", "@").replace("[.]", ".") == (
        cleaned.replace("[:]", ":").replace("[@]", "@").replace("[.]", ".")
    )


@each(
    ("text", "shown"),
    [
        ("see https://evil.example/a.b", "see https[:]//evil[.]example/a[.]b"),
        ("no plan for jane@evil.example", "no plan for jane[@]evil[.]example"),
        ("www.evil.example", "www[.]evil[.]example"),
        ("tel:5550100", "tel[:]5550100"),
        (r"\\evil.example\share", r"\\evil[.]example\share"),
        ("ｈｔｔｐｓ：／／evil.example／ｃ", "ｈｔｔｐｓ：／／evil[.]example／ｃ"),
        # nothing that anybody would take for a link: read as before
        ("KeyError: no plan", "KeyError: no plan"),
        ("Invalid data: 7", "Invalid data: 7"),
        ("total // 2", "total // 2"),
        ("@app.route", f"@{ZERO_WIDTH_SPACE}app.{ZERO_WIDTH_SPACE}route"),
        ("shop@1.4.2", f"shop@{ZERO_WIDTH_SPACE}1.{ZERO_WIDTH_SPACE}4.{ZERO_WIDTH_SPACE}2"),
        ("shop/cart.py", f"shop/cart.{ZERO_WIDTH_SPACE}py"),
        ("The end.", "The end."),
    ],
)
def test_a_link_is_broken_visibly_and_a_name_invisibly(text: str, shown: str) -> None:
    assert inert(text) == shown


@each("text", TEXTS)
def test_one_line_is_one_line_within_its_bound(text: str) -> None:
    line = one_line(text, 80)
    assert len(line) <= 80
    assert not set(line) & set("\r\n\0\x1b\u2028\u2029\u202e\u2066\u200b\u2060\ufeff")
    line.encode()


def test_what_was_cut_says_so() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
    assert cut("ab cdef", 4) == "ab…"


@given(ANY_TEXT, st.integers(10, 60))
def test_escaping_never_exceeds_the_bound(text: str, chars_max: int) -> None:
    found = within(text, chars_max, lambda part: part.replace("<", "&lt;"))
    assert len(found) <= chars_max
    assert "<" not in found


@each("piece", ["x", "@", "a.", ":/", "@a", "www.", "é ", "//x"])
def test_a_long_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    began = time.process_time()
    inert(clean(piece * 100_000))
    assert time.process_time() - began < 5  # a second here; minutes where it is quadratic


def test_a_subject_keeps_names_as_they_are() -> None:
    assert unlinked("TypeError in shop.cart at app.py") == "TypeError in shop.cart at app.py"
    assert unlinked("go to http://evil.example now") == "go to http[:]//evil[.]example now"
