"""What a management request carries, checked by pydantic models; a refusal names each field and what is wrong with it.

Apart from lib/http.py, so that ingest, which checks its bodies itself, need not import pydantic.
"""

from __future__ import annotations

from typing import Any, TypeVar

import pydantic
from starlette.requests import Request

from lib import json
from lib.errors import InvalidRequest, TooLarge

BODY_BYTES_MAX = 256 * 1024
# PostgreSQL cannot hold it, and no name or text has one.
NUL_REFUSED = "The character U+0000 is not taken here."
Model = TypeVar("Model", bound=pydantic.BaseModel)


async def read_body(request: Request) -> bytes:
    """The body as sent. Raises TooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge(f"At most {BODY_BYTES_MAX} bytes are taken here.")
    return bytes(body)


async def parse_body(request: Request, model: type[Model]) -> Model:
    """The JSON body as this model. Raises InvalidRequest with one entry a field, or TooLarge."""
    body = await read_body(request)
    try:
        found = json.loads(body or b"{}")  # no body names no field
    except json.BadJson as error:
        raise InvalidRequest(f"The body is not JSON: {error}") from error
    if b"\\u0000" in body or b"\0" in body:
        raise InvalidRequest(NUL_REFUSED)
    return _validated(model, found, "")


def parse_query(request: Request, model: type[Model]) -> Model:
    """The query string as this model; of a parameter given twice the last counts. Raises InvalidRequest."""
    if any("\0" in value for value in request.query_params.values()):
        raise InvalidRequest(NUL_REFUSED)
    return _validated(model, {name: value for name, value in request.query_params.items() if value != ""}, "?")


def _validated(model: type[Model], found: Any, mark: str) -> Model:
    try:
        return model.model_validate(found)
    except pydantic.ValidationError as error:
        errors = [
            {"pointer": _pointer(entry["loc"], mark), "detail": entry["msg"]} for entry in error.errors(include_input=False)[:20]
        ]
        raise InvalidRequest("Some fields are not as they should be.", errors) from error


def _pointer(place: tuple[int | str, ...], mark: str) -> str:
    """A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter."""
    if mark:
        return mark + ".".join(map(str, place))
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)
