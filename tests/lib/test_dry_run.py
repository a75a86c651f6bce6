"""What a dry run tells of exceptions from the records of what was removed, held against redacting with them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import dry_run
from lib.redaction import BUILT_IN, REMOVALS_MAX, compile_rules, redact
from tests.lib.redaction.lookalikes import tokens

TOKEN = tokens()["github"]
MAIL = "anna" + "@example.org"
# No rule removes both a key and what stands under it: then the record does not tell which.
KEYS = st.sampled_from(["order", "items", "password", MAIL])
LEAVES = st.sampled_from(["plain", f"call {TOKEN}", "203.0.113.7", 7, True, None])
EXTRA = st.recursive(LEAVES, lambda below: st.dictionaries(KEYS, below, max_size=3) | st.lists(below, max_size=3), max_leaves=12)
STEPS = st.sampled_from(["*", "order", "items", "password", "0", "[redacted:email]"])
SAFE = st.lists(STEPS, max_size=3).map(lambda steps: ".".join(["extra", *steps]))


def removed(payload: dict[str, Any], *safe: str) -> list[dict[str, Any]]:
    """The records as they are kept beside an event."""
    return [each._asdict() for each in redact(payload, compile_rules(safe_fields=safe)).removals]


def totals(records: list[dict[str, Any]]) -> Counter[str]:
    """Rule → how much was removed."""
    counts: Counter[str] = Counter()
    for record in records:
        counts[record["rule"]] += record["count"]
    return counts


def left(payload: dict[str, Any], safe: str) -> Counter[str]:
    """Rule → how much the dry run says the exception would have left."""
    told = dry_run._left(removed(payload), {"safe_fields": [safe]})
    return Counter({rule: count for (_, rule), count in told.items()})


@given(EXTRA, SAFE)
def test_an_exception_is_told_to_leave_what_it_leaves(extra: Any, safe: str) -> None:
    payload = {"extra": {"a": extra, "order": extra}}
    assert left(payload, safe) == totals(removed(payload)) - totals(removed(payload, safe))


@pytest.mark.parametrize(
    ("safe", "expected"),
    [
        ("extra.order", {"email": 1, "token": 1, "password": 1}),  # everything below it, keys too
        ("extra.*", {"email": 1, "token": 1, "password": 1}),
        ("extra.order.*", {"token": 1, "password": 1}),  # the key that stands in its own place is none of what is below it
        ("extra.order.password", {"password": 1}),
        ("extra.order.password.deeper", {}),
        ("extra.ord", {}),
        ("tags", {}),
    ],
)
def test_an_exception_covers_what_lies_below_it(safe: str, expected: dict[str, int]) -> None:
    payload = {"extra": {"order": {MAIL: f"call {TOKEN}", "password": "b1rd"}}}
    assert left(payload, safe) == Counter(expected)


def test_an_exception_promises_nothing_where_the_record_does_not_tell_key_and_value_apart() -> None:
    payload = {"extra": {MAIL: MAIL}}
    assert left(payload, "extra.*") == Counter()
    assert removed(payload, "extra.*") == [{"path": "extra.[redacted:email]", "rule": "email", "count": 1}]
    hashed = redact(payload, compile_rules(email="hash", hash_key=b"k" * 32)).removals
    assert dry_run._left([each._asdict() for each in hashed], {"safe_fields": ["extra.*"]}) == Counter()


def test_an_exception_promises_nothing_of_what_has_no_path_any_more() -> None:
    payload = {"extra": {f"k{number}": f"call {TOKEN}" for number in range(REMOVALS_MAX + 5)}}
    assert redact(payload, BUILT_IN).removals[-1] == ("*", "token", 5)
    assert left(payload, "extra") == Counter(token=REMOVALS_MAX)
