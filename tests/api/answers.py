"""What operations answer is held against what they declare, in every test that calls one: models stay true while code changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from starlette.applications import Starlette

from lib.operations import Operation

CODING = re.compile("gzip|br|zstd|deflate")


def operation_of(app: Starlette, scope: Mapping[str, Any]) -> Operation | None:
    """The operation that served this request, None where no route was found or the route is no operation."""
    route = getattr(scope.get("route"), "name", None)
    declared: tuple[Operation, ...] = getattr(app.state, "operations", ())
    return next((one for one in declared if one.name == route and one.method == scope["method"]), None)


@cache
def _adapter(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def check(operation: Operation, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Raises AssertionError or pydantic's ValidationError where an answer of success is not the declared one."""
    if not 200 <= status < 300:
        return
    assert status == operation.status, f"{operation.name} declares {operation.status} and answered {status}"
    if status == 204:
        assert body == b"", f"{operation.name} answered 204 with a body"
        return
    kind = headers.get("content-type", "").partition(";")[0]
    assert kind in operation.media_types, f"{operation.name} declares {operation.media_type} and answered {kind}"
    if operation.answers is not None and not CODING.search(headers.get("content-encoding", "")):
        _adapter(operation.answers).validate_json(body, strict=True)


def check_sent(operation: Operation, sent: Sequence[Mapping[str, Any]]) -> None:
    """The same, of the ASGI messages of a whole answer."""
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    check(operation, sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
