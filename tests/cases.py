"""Many cheap cases in one test: each is tried, and those that fail are all named at the end.

A parameter of pytest's costs some milliseconds a case, whatever is done in it: thousands of cases of one call each cost minutes.
"""

from __future__ import annotations

import inspect
import itertools
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import pytest

Case: TypeAlias = Callable[[object], AbstractContextManager[None]]
Test = TypeVar("Test", bound=Callable[..., Any])
NAME_CHARS_MAX = 200


@contextmanager
def every() -> Iterator[Case]:
    """Yields `case`: what fails within `with case(name):` is noted, and fails the test when all have been tried."""
    faults: list[str] = []

    @contextmanager
    def case(name: object) -> Iterator[None]:
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it is told
            faults.append(f"--- {str(name)[:NAME_CHARS_MAX]}\n{_told(error)}")

    yield case
    if faults:
        pytest.fail(f"{len(faults)} failed:\n" + "\n".join(faults), pytrace=False)


def _told(error: BaseException) -> str:
    """Where it happened in the tests, and what."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/" in frame.filename]
    where = [
        f"{frame.filename.rpartition('/tests/')[2]}:{frame.lineno}: {frame.line}" for frame in frames if frame.name != "case"
    ]
    return "\n".join([*where, f"{type(error).__name__}: {error}"])


def each(
    names: str | Sequence[str], values: Iterable[Any], ids: Iterable[Any] | Callable[[Any], Any] | None = None
) -> Callable[[Test], Test]:
    """`pytest.mark.parametrize` within one test, whose fixtures all cases share. Several of them multiply."""
    named = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    several = not isinstance(names, str) or len(named) > 1

    def decorate(test: Test) -> Test:
        raw, tables = getattr(test, "cases", (test, []))
        found = list(values)
        texts = map(ids, found) if callable(ids) else found if ids is None else ids
        table = [
            (str(text), dict(zip(named, value if several else [value], strict=True)))
            for text, value in zip(texts, found, strict=True)
        ]
        walking: Test = _walking(raw, [*tables, table])
        return walking

    return decorate


def _walking(test: Any, tables: list[list[tuple[str, dict[str, Any]]]]) -> Any:
    """A test that takes what is no case's of `test`, as fixtures, and goes through the product of the tables."""

    def walk() -> Iterator[tuple[str, dict[str, Any]]]:
        for chosen in itertools.product(*tables):
            yield ", ".join(text for text, _ in chosen), {name: value for _, one in chosen for name, value in one.items()}

    async def walk_async(**fixtures: Any) -> None:
        with every() as case:
            for text, given in walk():
                with case(text):
                    await test(**fixtures, **given)

    def walk_sync(**fixtures: Any) -> None:
        with every() as case:
            for text, given in walk():
                with case(text):
                    test(**fixtures, **given)

    walking: Any = wraps(test)(walk_async if inspect.iscoroutinefunction(test) else walk_sync)
    taken = {name for table in tables for _, given in table[:1] for name in given}
    signature = inspect.signature(test)
    walking.__signature__ = signature.replace(parameters=[one for name, one in signature.parameters.items() if name not in taken])
    walking.cases = (test, tables)
    return walking
