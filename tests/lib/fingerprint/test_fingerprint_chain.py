"""Chains of exceptions: the root cause decides, but never one that merely happened before."""

import pytest

from lib.fingerprint import compute
from lib.fingerprint.v1 import chain
from tests.lib.fingerprint.build import Payload, error, event, frame, library

LOAD = frame("load", "shop.store", 'row = rows["id"]')
HANDLE = frame("handle", "shop.web", "load(rows)")
ROOT = error("KeyError", "'id'", HANDLE, LOAD)
BARE = event(error("KeyError", "'id'", frame("main", "main", "handle(rows)"), HANDLE, LOAD))


def raising(line: str, function: str = "handle", **more: object) -> Payload:
    return frame(function, "shop.web", line, **more)


FOLLOWED: dict[str, Payload] = {
    "raise from": event(ROOT, error("ShopError", "x", raising("raise ShopError(x) from error"))),
    "raise from in a helper": event(ROOT, error("ShopError", "x", raising("raise ShopError(x) from error", "wrap"))),
    "raise in the handler": event(ROOT, error("ShopError", "x", raising("raise ShopError(x)"))),
    "raise over several lines": event(
        ROOT, error("ShopError", "x", raising("raise ShopError(", "wrap", post_context=["    x,", ") from error"]))
    ),
    "twice": event(
        ROOT,
        error("StoreError", "x", raising("raise StoreError(x) from error")),
        error("ShopError", "y", frame("serve", "shop.server", "raise ShopError from error")),
    ),
    "cause with ids": event(
        error("KeyError", "'id'", HANDLE, LOAD, type="chained", source="__cause__", exception_id=1, parent_id=0),
        error("ShopError", "x", frame("serve", "shop.server", "fail(error)"), exception_id=0),
    ),
    "a group of one": event(
        error("KeyError", "'id'", HANDLE, LOAD, source="exceptions[0]", exception_id=1, parent_id=0),
        error("ExceptionGroup", "1 error", frame("serve", "shop.server", "gather()"), exception_id=0, is_exception_group=True),
    ),
    "a group of the same twice": event(
        error("KeyError", "'id'", HANDLE, LOAD, source="exceptions[1]", exception_id=2, parent_id=0),
        error("KeyError", "'id'", HANDLE, LOAD, source="exceptions[0]", exception_id=1, parent_id=0),
        error("ExceptionGroup", "2 errors", frame("serve", "shop.server", "gather()"), exception_id=0, is_exception_group=True),
    ),
}

NOT_FOLLOWED: dict[str, Payload] = {
    "crash in an except block": event(
        ROOT, error("OSError", "disk", raising("backup(rows)"), frame("backup", "shop.backup", "write(rows)"))
    ),
    "crash of the except block's own line": event(ROOT, error("IndexError", "x", raising("return rows[0]"))),
    "context with ids": event(
        error("KeyError", "'id'", HANDLE, LOAD, source="__context__", exception_id=1, parent_id=0),
        error("OSError", "disk", frame("backup", "shop.backup", "write(rows)"), exception_id=0),
    ),
    "suppressed": event(
        error("KeyError", "'id'", HANDLE, LOAD, type="suppressed", exception_id=1, parent_id=0),
        error("IllegalStateException", "x", frame("serve", "com.example.Server"), exception_id=0),
        platform="java",
    ),
}


@pytest.mark.parametrize("payload", FOLLOWED.values(), ids=FOLLOWED.keys())
def test_a_wrapped_exception_joins_its_root_cause(payload: Payload) -> None:
    assert compute(payload).value == compute(BARE).value


@pytest.mark.parametrize("payload", NOT_FOLLOWED.values(), ids=NOT_FOLLOWED.keys())
def test_what_was_being_handled_is_no_cause(payload: Payload) -> None:
    headline = payload["exception"]["values"][-1]
    assert compute(payload).value == compute(event(headline, platform=payload["platform"])).value


@pytest.mark.parametrize("platform", ["java", "node", "csharp", "php"])
def test_causes_are_explicit_in_other_languages(platform: str) -> None:
    cause = error("IOException", "x", frame("main", "a.Main"), frame("read", "a.File"))
    wrapped = event(cause, error("ServiceException", "y", frame("main", "a.Main"), frame("serve", "a.Server")), platform=platform)
    assert compute(wrapped).value == compute(event(cause, platform=platform)).value


def test_a_root_without_application_frames_takes_those_of_its_wrapper() -> None:
    """A refused connection deep in a driver: who called the driver is what matters."""

    def refused(function: str) -> Payload:
        inner = error("ConnectionRefusedError", "x", library("connect", "urllib3.connection"), library("create", "urllib3.util"))
        outer = error(
            "MaxRetryError",
            "y",
            frame(function, "shop.api", "pool.get(url)"),
            library("connect", "urllib3.connection") | {"context_line": "raise MaxRetryError from e"},
        )
        return event(inner, outer)

    assert compute(refused("prices")).value != compute(refused("stock")).value
    assert "frame: shop.api: prices" in compute(refused("prices")).parts
    assert compute(refused("prices")).parts[0] == "type: ConnectionRefusedError"


def group(*kinds: str) -> Payload:
    members = [
        error(kind, "x", frame(f"run_{kind}", "shop.jobs"), source=f"exceptions[{at}]", exception_id=at + 1, parent_id=0)
        for at, kind in enumerate(kinds)
    ]
    return event(
        *reversed(members),
        error("ExceptionGroup", "several", frame("gather", "shop.jobs"), exception_id=0, is_exception_group=True),
    )


def test_a_group_is_its_members_in_any_order() -> None:
    assert compute(group("KeyError", "OSError")).rule == "group"
    assert compute(group("KeyError", "OSError")).value == compute(group("OSError", "KeyError", "OSError")).value
    assert compute(group("KeyError", "OSError")).value != compute(group("KeyError", "ValueError")).value


def test_cycles_and_long_chains_end() -> None:
    cyclic = [
        error("E", "x", frame(f"f{at}"), exception_id=at, parent_id=(at + 1) % 100, is_exception_group=True) for at in range(100)
    ]
    assert len(chain.roots(event(*cyclic))) == 1
    assert compute(event(*[error("E", str(at), frame("f")) for at in range(1_000)])).rule == "stack"
    assert compute(event(error("E", "x", exception_id=0, parent_id=0))).rule == "exception_message"
