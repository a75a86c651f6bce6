"""No case hides behind an earlier one."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.cases import each, every


def told(run: object, *arguments: object) -> str:
    with pytest.raises(pytest.fail.Exception) as failed:
        run(*arguments)  # type: ignore[operator]
    return str(failed.value)


def test_every_case_that_fails_is_named_and_the_others_are_tried() -> None:
    tried = []

    def run() -> None:
        with every() as case:
            for number in range(5):
                with case(f"case {number}"):
                    tried.append(number)
                    assert number % 2 == 0, "it is odd"
            with case("what does not raise"), pytest.raises(ValueError, match="x"):
                pass
            with case("what breaks"):
                int("x")

    text = told(run)
    assert tried == [0, 1, 2, 3, 4]
    assert all(name in text for name in ("case 1", "case 3", "what does not raise", "what breaks", "it is odd", "4 failed"))
    assert "case 2" not in text


def test_where_no_case_fails_the_test_passes() -> None:
    with every() as case, case("one"):
        pass


def test_tables_multiply_and_each_case_is_tried_with_the_fixtures() -> None:
    tried = []

    @each("a", [1, 2], ids=["one", "two"])
    @each(("b", "c"), [("x", "y"), ("z", "w")])
    def one(base: int, a: int, b: str, c: str) -> None:
        tried.append((base, a, b, c))
        assert a == 1

    text = told(partial(one, base=7))
    assert sorted(tried) == [(7, 1, "x", "y"), (7, 1, "z", "w"), (7, 2, "x", "y"), (7, 2, "z", "w")]
    assert "2 failed" in text
    assert "('z', 'w'), two" in text


async def test_what_waits_is_waited_for() -> None:
    @each("number", [1, 2, 3])
    async def one(number: int) -> None:
        assert number != 2

    run: Any = one
    with pytest.raises(pytest.fail.Exception, match="1 failed"):
        await run()


@each("number", [1, 2])
def test_pytest_gives_it_fixtures(tmp_path_factory: pytest.TempPathFactory, number: int) -> None:
    assert tmp_path_factory
    assert number
