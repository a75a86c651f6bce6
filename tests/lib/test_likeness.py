"""Which incidents are suggested for one another, with which evidence; and which are not, however alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import fingerprint, likeness
from lib.events.description import describe
from lib.likeness import SCORE_MAX, SCORE_MIN, Likeness, Traits
from tests.quality import adapter

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def frame(
    function: str = "price", module: str = "shop.prices", line: str = "total = rate(order)", **fields: Any
) -> dict[str, Any]:
    return {"function": function, "module": module, "context_line": line, "in_app": True, **fields}


def crash(*frames: dict[str, Any], kind: str = "ValueError", value: str = "no rate for this order") -> dict[str, Any]:
    return {
        "platform": "python",
        "exception": {"values": [{"type": kind, "value": value, "stacktrace": {"frames": list(frames)}}]},
    }


def log(text: str) -> dict[str, Any]:
    return {"logentry": {"formatted": text}}


def traits_of(event: dict[str, Any]) -> Traits:
    redacted = adapter.redact(event)
    found = fingerprint.compute(redacted)
    made = likeness.traits(found.rule, found.parts, describe(redacted).title)
    assert made
    return made


def compared(one: Traits, *others: Traits) -> dict[int, Likeness]:
    return likeness.like(one, list(enumerate(others)))


BASE = crash(frame("handle", "shop.views", "price(order)"), frame())
EDITED: dict[str, tuple[dict[str, Any], str]] = {
    "the module": (
        crash(frame("handle", "shop.views", "price(order)"), frame(module="shop.pricing")),
        "Same exception, message and functions; the code moved from shop.pricing to shop.prices",
    ),
    "the function's name": (
        crash(frame("handle", "shop.views", "prices(order)"), frame("prices")),
        "Same exception, message and crashed line; a function is called prices there, price here",
    ),
    "the crashed line": (
        crash(frame("handle", "shop.views", "price(order)"), frame(line="order.total = rates.find(order)")),
        (
            "Same exception and message at the same frames (shop.prices: price); "
            "the crashed line names `order total rates find` there, `total rate` here"
        ),
    ),
    "the exception's type": (
        crash(frame("handle", "shop.views", "price(order)"), frame(), kind="RateError"),
        "Same message at the same frames (shop.prices: price); the exception is RateError there, ValueError here",
    ),
    "a check at the crash": (
        crash(
            frame("handle", "shop.views", "price(order)"),
            frame(line="ensure_rate(order)"),
            frame("ensure_rate", "shop.checks", "raise"),
        ),
        "Same exception, message and frames, but for shop.checks: ensure_rate at the crash",
    ),
    "its stack": (
        {"platform": "python", "exception": {"values": [{"type": "ValueError", "value": "no rate for this order"}]}},
        "Same exception and message; the one was sent with a stack, the other without",
    ),
}


@pytest.mark.parametrize(("event", "evidence"), EDITED.values(), ids=EDITED)
def test_an_edit_of_the_program_is_suggested_with_what_changed(event: dict[str, Any], evidence: str) -> None:
    one, other = traits_of(BASE), traits_of(event)
    assert one != other
    assert compared(one, other)[0].evidence == [evidence]
    assert compared(other, one)[0].score == compared(one, other)[0].score


APART: dict[str, dict[str, Any]] = {
    "another function and line": crash(frame("handle", "shop.views", "price(order)"), frame("tax", line="return total * rate")),
    "another message": crash(
        frame("handle", "shop.views", "price(order)"), frame(module="shop.pricing"), value="the shelf is empty"
    ),
    "another line and message": crash(
        frame("handle", "shop.views", "price(order)"), frame(line="return a.b"), value="the shelf is empty"
    ),
    "another type and message": crash(frame("handle", "shop.views", "price(order)"), frame(), kind="KeyError", value="sku"),
    "another caller alone": crash(frame("run", "shop.jobs", "price(order)"), frame()),
    "a message alone": log("no rate for this order"),
}


@pytest.mark.parametrize("event", APART.values(), ids=APART)
def test_what_has_only_something_in_common_is_not_suggested(event: dict[str, Any]) -> None:
    assert compared(traits_of(BASE), traits_of(event)) == {}


def test_a_release_between_the_end_of_one_and_the_start_of_the_other_speaks_for_an_edit() -> None:
    old = traits_of(APART["another caller alone"])._replace(
        first_seen=NOW, last_seen=NOW, first_release="1.0", last_release="1.0"
    )
    new = traits_of(BASE)._replace(first_release="1.1", last_release="1.1")
    later = new._replace(first_seen=NOW + timedelta(hours=1), last_seen=NOW + timedelta(hours=2))
    [found] = compared(later, old).values()
    assert found.evidence[-1] == "The one was last seen in release 1.0, the other first in 1.1"
    assert compared(old, later)[0] == found
    at_once = later._replace(first_seen=NOW - timedelta(hours=1))
    same_release = later._replace(first_release="1.0")
    assert compared(at_once, old) == compared(same_release, old) == {}


def family(*words: str, text: str = "removing {}") -> dict[int, Likeness]:
    first, *others = [traits_of(log(text.format(word))) for word in words]
    return compared(first, *others)


def test_a_word_in_which_four_messages_differ_is_data() -> None:
    found = family("chargen", "daytime", "echo", "time")
    assert set(found) == {0, 1, 2}
    assert found[0].evidence == [
        "4 messages of this project differ in one word only, so it is likely data: chargen, daytime, echo, time"
    ]
    assert family("chargen", "daytime", "echo") == {}
    assert family("chargen", "daytime", "echo", "echo") == {}
    assert len(family("'bob'", "'eve'", "'mallory'", text="User {} not found")) == 2


def test_a_first_word_tells_who_speaks_unless_much_follows() -> None:
    names = ("portmap", "sendmail", "syslogd", "xinetd")
    assert family(*names, text="{} startup succeeded") == {}
    assert len(family(*names, text="{} was asked to leave")) == 3


def test_messages_of_which_nothing_but_data_is_alike_are_not() -> None:
    assert family("onStep", "dayChanged", "screenOff", "screenOn", text="{} 17") == {}


@pytest.mark.parametrize("rule", ["client", "project", "group", "fallback"])
def test_what_somebody_decided_is_not_compared(rule: str) -> None:
    assert likeness.traits(rule, ["client: x"], "x") is None


word = st.sampled_from(["a", "b", "c", "<*>", "'x'"])
traits = st.builds(
    Traits,
    kind=st.sampled_from(["A", "B"]),
    frames=st.lists(st.sampled_from(["m: f", "m: g", "n: f"]), max_size=2).map(tuple),
    line=st.sampled_from(["", "x y", "x z"]),
    said=st.lists(word, max_size=4).map(tuple),
    is_minified=st.booleans(),
)


@given(one=traits, others=st.lists(traits, max_size=6))
def test_scores_are_within_their_bounds_and_say_why(one: Traits, others: list[Traits]) -> None:
    for found in likeness.like(one, list(enumerate(others))).values():
        assert SCORE_MIN <= found.score <= SCORE_MAX
        assert all(found.evidence)
