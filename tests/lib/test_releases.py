from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import releases

numbers = st.one_of(st.integers(0, 30), st.integers(0, 10**12)).map(str)
words = st.from_regex(r"[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,3}", fullmatch=True)
identifiers = st.one_of(numbers, words, st.sampled_from(["alpha", "beta", "rc", "a", "a-", "-", "1a", "A"]))
versions = st.builds(
    lambda package, core, pre, build: f"{package}{'.'.join(core)}{'-' * bool(pre)}{'.'.join(pre)}{build}",
    st.sampled_from(["", "v", "shop@", "shop@v", "@acme/shop@"]),
    st.lists(numbers, min_size=3, max_size=3),
    st.lists(identifiers, max_size=4),
    st.sampled_from(["", "+build.7", "+0001"]),
)


def precedence(release: str) -> tuple[Any, ...]:
    """SemVer 2.0.0 §11 word by word, over Python's own comparison."""
    version = release.rpartition("@")[2].removeprefix("v").partition("+")[0]
    core, _, pre = version.partition("-")
    fields = [(0, int(field), "") if field.isdigit() else (1, 0, field) for field in pre.split(".")] if pre else []
    return tuple(map(int, core.split("."))), not pre, fields


@given(versions, versions)
def test_keys_compare_as_semver_orders_releases(a: str, b: str) -> None:
    key_a, key_b = releases.sort_key(a), releases.sort_key(b)
    assert key_a is not None
    assert key_b is not None
    assert (key_a < key_b) == (precedence(a) < precedence(b))
    assert (key_a == key_b) == (precedence(a) == precedence(b))


def test_the_order_of_the_specification_holds() -> None:
    chain = ("-alpha", "-alpha.1", "-alpha.beta", "-beta", "-beta.2", "-beta.11", "-rc.1", "")  # §11.4
    keys = [releases.sort_key(f"shop@1.0.0{pre}") or "" for pre in chain]
    keys += [releases.sort_key(release) or "" for release in ("1.9.0", "1.10.0", "2.0.0")]
    assert all(older < newer for older, newer in pairwise(keys))


@pytest.mark.parametrize(
    "release",
    [
        *(
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "01.2.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3+",
            "vv1.2.3",
            "V1.2.3",
            "1.2.3 ",
            "１.2.3",
        ),
        *(
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "main",
            "shop@",
            "1.2.3\n",
            "1.2.3@",
            "1" * 31 + ".0.0",
            "1.0.0-" + "1" * 31,
        ),
        "1.2.3-" + "a" * 300,
    ],
)
def test_what_is_not_semver_has_no_key(release: str) -> None:
    assert releases.sort_key(release) is None


@given(versions)
def test_a_key_is_short_ascii(release: str) -> None:
    key = releases.sort_key(release) or ""
    assert re.fullmatch(r"[!-~]{1,600}", key)
