"""What a project's grouping rules match and do, on plain payloads; what is refused."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import fingerprint, grouping_rules
from lib.globs import VALUE_CHARS_MAX, Globs, Table
from lib.grouping_rules import GroupingRules


def frame(function: str, module: str = "shop.app", **fields: Any) -> dict[str, Any]:
    return {"function": function, "module": module, "filename": f"{module.replace('.', '/')}.py", "in_app": True, **fields}


def error(*frames: dict[str, Any], kind: str = "TimeoutError", value: str = "no answer in 30 s", **fields: Any) -> dict[str, Any]:
    one = {"type": kind, "value": value, "stacktrace": {"frames": list(frames)}}
    return {"platform": "python", "level": "error", "exception": {"values": [one]}, **fields}


EVENT = error(
    frame("handle", "shop.views"), frame("fetch", "shop.db", abs_path="/srv/shop/db.py"),
    logger="shop.worker", tags={"region": "eu-west", "empty": ""}, transaction="/pay",
)  # fmt: skip
SET = ["one"]


def decided(match: dict[str, str], payload: dict[str, Any] = EVENT) -> bool:
    return GroupingRules([{"match": match, "fingerprint": SET}]).compute(payload).rule == "project"


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"type": "TimeoutError"}, True),
        ({"type": "timeout*"}, True),  # upper and lower case are the same
        ({"type": "Timeout"}, False),  # the whole text must fit
        ({"type": "Timeout?rror"}, True),
        ({"message": "*answer*"}, True),
        ({"message": "*ANSWER IN ?? s"}, True),
        ({"type": "TimeoutError", "message": "*refused*"}, False),
        ({"module": "shop.db"}, True),
        ({"module": "shop.db", "function": "fetch"}, True),
        ({"module": "shop.db", "function": "handle"}, False),  # both, but not of one frame
        ({"path": "shop/db.py"}, True),
        ({"path": "/srv/*"}, True),
        ({"path": "*/srv"}, False),
        ({"logger": "shop.*"}, True),
        ({"level": "error"}, True),
        ({"level": "err"}, False),
        ({"tag.region": "eu-*"}, True),
        ({"tag.region": "us-*"}, False),
        ({"tag.other": "*"}, False),
        ({"tag.empty": "*"}, False),
        ({"type": "*Error", "tag.region": "eu-*", "logger": "*worker", "function": "fetch"}, True),
        ({"message": "no.answer*"}, False),  # a dot is a dot
        ({"message": "[n]o*"}, False),
        ({"message": "(?i).*"}, False),
    ],
)
def test_all_that_is_given_must_fit(match: dict[str, str], fits: bool) -> None:
    assert decided(match) is fits


def test_the_message_of_an_event_without_exception_is_matched() -> None:
    for entry in ({"formatted": "disk sda is full"}, {"message": "disk sda is full"}):
        assert decided({"message": "disk * is full"}, {"logentry": entry})
        assert not decided({"type": "?*"}, {"logentry": entry})


def test_line_breaks_do_not_end_a_pattern_or_begin_a_new_text() -> None:
    assert decided({"message": "first*second"}, {"logentry": {"message": "first\nsecond"}})
    assert not decided({"message": "second"}, {"logentry": {"message": "first\nsecond"}})
    assert not decided({"type": "b"}, error(kind="a\x1fb"))


def test_the_first_rule_that_fits_decides() -> None:
    rules = [
        {"match": {"type": "Other"}, "fingerprint": ["a"]},
        {"name": "Timeouts", "match": {"type": "Timeout*"}, "fingerprint": ["b"]},
        {"match": {"type": "*Error"}, "fingerprint": ["c"]},
    ]
    found = GroupingRules(rules).compute(EVENT)
    assert (found.rule, found.parts, found.reason) == (
        "project",
        ["rule: b"],
        "Rule 2 of the project (Timeouts) set this fingerprint",
    )


def test_a_rule_overrides_the_clients_own_fingerprint() -> None:
    with_own = EVENT | {"fingerprint": ["mine"]}
    assert fingerprint.compute(with_own).rule == "client"
    assert GroupingRules([{"match": {"level": "error"}, "fingerprint": SET}]).compute(with_own).parts == ["rule: one"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("{{ type }}", "TimeoutError"),
        ("{{type}}-x", "TimeoutError-x"),
        ("{{ message }}", "no answer in 30 s"),
        ("{{ module }}/{{ function }}", "shop.db/fetch"),
        ("{{ transaction }} {{ logger }} {{ level }}", "/pay shop.worker error"),
        ("{{ tag.region }}", "eu-west"),
        ("{{ release }} {{ tag.none }}", "<no release> <no tag.none>"),
    ],
)
def test_variables_stand_for_what_the_event_says(part: str, expected: str) -> None:
    assert GroupingRules([{"match": {"level": "*"}, "fingerprint": [part]}]).compute(EVENT).parts == [f"rule: {expected}"]


def test_default_stands_for_what_would_have_been_computed() -> None:
    plain = fingerprint.compute(EVENT)
    found = GroupingRules([{"match": {"level": "*"}, "fingerprint": ["{{ default }}", "{{ tag.region }}"]}]).compute(EVENT)
    assert found.parts == [*plain.parts, "rule: eu-west"]
    assert found.value != plain.value


def test_text_of_an_event_is_never_read_as_a_variable() -> None:
    rules = GroupingRules([{"match": {"level": "*"}, "fingerprint": ["{{ message }}"]}])
    for text in ("{{ default }}", "{ {default}}", "{{ type }}"):
        sly = error(frame("f"), value=text)
        assert rules.compute(sly).parts == [f"rule: {text}" if "type" in text else f"rule: '{text}'"]


def test_ignored_frames_do_not_tell_events_apart() -> None:
    retry = [{"match": {}, "ignore_frames": {"module": "shop.retry*"}}]
    direct = error(frame("handle", "shop.views"), frame("fetch", "shop.db"))
    other = error(frame("handle", "shop.views"), frame("fetch", "shop.db"), frame("again", "shop.retry"))
    another = error(frame("handle", "shop.views"), frame("fetch", "shop.db"), frame("patient", "shop.retry_slowly"))
    assert fingerprint.compute(other).value != fingerprint.compute(another).value
    rules = GroupingRules(retry)
    assert rules.compute(other).value == rules.compute(another).value
    assert "frame: shop.retry: again" not in rules.compute(other).parts
    assert rules.compute(direct) == fingerprint.compute(direct)
    assert other["exception"]["values"][0]["stacktrace"]["frames"][-1]["in_app"] is True  # the event itself stays as it was


def test_frames_are_ignored_where_no_frame_is_marked() -> None:
    def bare(function: str, module: str) -> dict[str, Any]:
        return {"function": function, "module": module}

    events = [error(bare("fetch", "shop.db"), bare(name, "shop.retry")) for name in ("again", "patient")]
    rules = GroupingRules([{"match": {}, "ignore_frames": {"module": "shop.retry"}}])
    assert len({fingerprint.compute(event).value for event in events}) == 2
    assert len({rules.compute(event).value for event in events}) == 1


def test_frames_are_ignored_only_where_the_rule_fits_and_stands_before_what_decides() -> None:
    event = error(frame("fetch", "shop.db"), frame("again", "shop.retry"))
    ignore = {"ignore_frames": {"function": "again"}}
    assert GroupingRules([{"match": {"level": "info"}, **ignore}]).compute(event) == fingerprint.compute(event)
    default = {"match": {"level": "error"}, "fingerprint": ["{{ default }}", "x"]}
    before, after = GroupingRules([{**ignore}, default]).compute(event), GroupingRules([default, {**ignore}]).compute(event)
    assert "frame: shop.retry: again" in after.parts
    assert "frame: shop.retry: again" not in before.parts


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({"match": {"type": "x"}}, ""),
        ({"match": {"type": "x"}, "fingerprint": ["a"], "ignore_frames": {"module": "x"}}, ""),
        ({"match": {}, "fingerprint": ["a"]}, "/match"),
        ({"match": {"typ": "x"}, "fingerprint": ["a"]}, "/match/typ"),
        ({"match": {"tag.": "x"}, "fingerprint": ["a"]}, "/match/tag."),
        ({"match": {"a/b~c": "x"}, "fingerprint": ["a"]}, "/match/a~1b~0c"),
        ({"match": {"type": "**"}, "fingerprint": ["a"]}, "/match/type"),
        ({"match": {}, "ignore_frames": {}}, "/ignore_frames"),
        ({"match": {}, "ignore_frames": {"type": "x"}}, "/ignore_frames/type"),
        ({"match": {}, "ignore_frames": {"module": "*"}}, "/ignore_frames/module"),
        ({"match": {"type": "x"}, "fingerprint": ["{{ default }}"]}, "/fingerprint"),
        ({"match": {"type": "x"}, "fingerprint": ["a", " "]}, "/fingerprint/1"),
        ({"match": {"type": "x"}, "fingerprint": ["{{ nonsense }}"]}, "/fingerprint/0"),
        ({"match": {"type": "x"}, "fingerprint": ["a {{ default }}"]}, "/fingerprint/0"),
    ],
)
def test_what_is_wrong_is_named_by_its_pointer(rule: dict[str, Any], pointer: str) -> None:
    good = {"match": {"type": "x", "tag.a": "*"}, "fingerprint": ["{{ default }}", "{{ tag.a }}", "plain"]}
    assert grouping_rules.check([good]) == []
    assert [one["pointer"] for one in grouping_rules.check([good, rule])] == [f"/rules/1{pointer}"]


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["exception", "values", "stacktrace", "frames", "threads", "type", "value", "tags", "logentry", "message", "module", "a"]
    ), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(payload=st.dictionaries(st.sampled_from(["exception", "threads", "tags", "logger", "logentry", "fingerprint"]), json))
def test_rules_raise_nothing_whatever_the_payload(payload: dict[str, Any]) -> None:
    rules = GroupingRules(
        [
            {"match": {"tag.a": "x"}, "ignore_frames": {"module": "?*"}},
            {"match": {}, "ignore_frames": {"function": "?*"}},
            {"match": {"type": "?*", "message": "*"}, "fingerprint": ["{{ default }}", "{{ module }} {{ message }}"]},
        ]
    )
    assert len(rules.compute(payload).value) == 32


@given(pattern=st.text(alphabet="ab*?.[", max_size=6), text=st.text(alphabet="abAB.[\n", max_size=8))
def test_a_glob_fits_as_its_plain_definition_says(pattern: str, text: str) -> None:
    def fits(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return any(fits(p[1:], t[at:]) for at in range(len(t) + 1))
        return bool(t) and (p[0] == "?" or p[0] == t[0]) and fits(p[1:], t[1:])

    assert Globs([pattern]).fits(Table([[text]])) == fits(pattern.lower(), text.lower().replace("\n", " "))


WORST_PATTERNS: dict[str, Callable[[int], str]] = {
    "runs that never end": lambda number: "*?" * 46 + f"*c{number}",
    "half fitting literals": lambda number: ("*a?b*" * 30)[:96] + f"c{number:02d}",
    "doubts without stars": lambda number: "*a" + "?" * 93 + f"*c{number:02d}",
    "characters of their own": lambda number: "*" + "".join(map(chr, range(0x4E00 + 96 * number, 0x4E00 + 96 * number + 96))),
}


def worst_events() -> Iterator[dict[str, Any]]:
    """As many frames as an event may have, all different, of many same characters, of all different ones, and short."""
    draw = random.Random(7)
    alphabets = {"ab": 200, "".join(map(chr, range(0x4E00, 0x4E00 + 14_000))): 200, "abc": 8}
    for alphabet, chars in alphabets.items():
        text = partial(lambda alphabet, chars: "".join(draw.choices(alphabet, k=chars)), alphabet, chars)
        yield error(*[frame(text(), text(), abs_path=text(), filename=text()) for _ in range(1_000)], value=text())


@pytest.mark.parametrize("pattern", WORST_PATTERNS.values(), ids=WORST_PATTERNS)
@pytest.mark.parametrize("place", ["match", "ignore_frames"])
def test_the_worst_rules_on_the_worst_event_take_less_than_20_ms(pattern: Callable[[int], str], place: str) -> None:
    """10 ms at most where this was measured."""
    fields = ["path", "module", "function"]
    rules = [{"match": {}, place: {fields[number % 3]: pattern(number)}} for number in range(grouping_rules.RULES_MAX)]
    given = [rule | {"fingerprint": SET} if place == "match" else rule for rule in rules]
    assert grouping_rules.check(given) == []
    assert sum(len(pattern(number)) for number in range(len(rules))) > 0.9 * grouping_rules.PATTERNS_CHARS_MAX
    compiled = GroupingRules(given)
    for event in worst_events():
        taken = []
        for _ in range(5):
            began = time.process_time()
            compiled.compute(event)
            taken.append(time.process_time() - began)
        assert min(taken) < 0.1  # a slower machine takes its time; a pattern that goes back takes seconds


def test_patterns_with_too_many_characters_together_are_refused() -> None:
    count = grouping_rules.PATTERNS_CHARS_MAX // grouping_rules.PATTERN_CHARS_MAX
    long = {"module": "a" * grouping_rules.PATTERN_CHARS_MAX}
    rules = [{"match": {}, "ignore_frames": long}] * count
    assert grouping_rules.check(rules) == []
    [wrong] = grouping_rules.check([*rules, {"match": {"type": "x"}, "fingerprint": SET}])
    assert wrong["pointer"] == "/rules"
    assert str(grouping_rules.PATTERNS_CHARS_MAX + 1) in wrong["detail"]


def test_a_pattern_may_have_as_many_wildcards_as_characters() -> None:
    assert decided({"type": "T*i*m*e*o*u*t*E*r*r*o*r"})
    assert decided({"type": "?" * len("TimeoutError")})
    assert not decided({"type": "?" * (len("TimeoutError") + 1)})


def test_the_first_characters_of_a_value_count() -> None:
    long = "a" * VALUE_CHARS_MAX
    assert decided({"module": "a*"}, error(frame("f", long + "b")))
    assert not decided({"module": "*b"}, error(frame("f", long + "b")))


def test_frames_nearest_to_the_crash_count_where_all_are_too_much() -> None:
    crowd = [frame("f", f"crowd.m{number}" + "a" * 100) for number in range(1_000)]
    assert decided({"module": "crowd.m999*"}, error(*crowd))
    assert not decided({"module": "crowd.m0a*"}, error(*crowd))
    assert decided({"module": "crowd.m0a*"}, error(*crowd[:1], *crowd[:1] * 900))  # what is the same counts once


names = st.text(alphabet="ab\n", max_size=4)


@given(
    lines=st.lists(st.tuples(names, names), max_size=6),
    patterns=st.tuples(*[st.none() | st.text(alphabet="ab*?", max_size=4)] * 2),
)
def test_the_lines_that_fit_are_those_that_fit_alone(
    lines: list[tuple[str, str]], patterns: tuple[str | None, str | None]
) -> None:
    table, globs = Table(lines), Globs(patterns)
    assert table.numbers(globs.fitting(table)) == {at for at, line in enumerate(lines) if globs.fits(Table([line]))}
