"""What every function file shares: one request id and one log line a request, and every refusal as problem+json."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib import errors, log, settings, waking

REQUEST_ID_HEADER = b"x-request-id"
BIGINT_DIGITS_MAX = 19
# Answers of the API are for programs: nothing may sniff, frame or cache them.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; datetimes become ISO 8601, UUIDs their text."""
    return Response(orjson.dumps(content), status, {**HEADERS, **(headers or {})}, "application/json")


def empty() -> Response:
    """Done, and nothing to tell."""
    return Response(status_code=204, headers=HEADERS)


def moved(path: str) -> Response:
    """It has another address now, for good; the method stays (RFC 9110, section 15.4.9)."""
    return Response(status_code=308, headers={**HEADERS, "Location": path})


def problem(error: errors.Problem) -> Response:
    """A refusal as RFC 9457 has it."""
    return Response(orjson.dumps(error.body()), error.status, {**HEADERS, **error.headers}, "application/problem+json")


async def on_problem(_request: Request, error: Exception) -> Response:
    """Answer a refusal that a handler raised."""
    assert isinstance(error, errors.Problem)  # noqa: S101 - registered for this class alone
    log.note(problem=error.slug, **(log.where(error.__cause__) if error.status >= 500 and error.__cause__ else {}))
    return problem(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses: an unknown path, a method that is not taken."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    kinds: dict[int, type[errors.Problem]] = {404: errors.NotFound, 405: errors.MethodNotAllowed, 413: errors.TooLarge}
    refusal = kinds.get(status, errors.InvalidRequest)("There is no such address." if status == 404 else None)
    refusal.headers.update(getattr(error, "headers", None) or {})
    return await on_problem(request, refusal)


async def on_disconnect(request: Request, _error: Exception) -> Response:
    """A client that hung up reads no answer; the line in the log says what happened."""
    return await on_problem(request, errors.InvalidRequest("The connection was closed before the whole request had come."))


class RequestLine:
    """ASGI middleware: gives the request its id, logs one line at its end, and turns what nobody caught into a bare 500.

    wakes: whether it wakes the follow-up once the answer is sent (lib/waking.py).
    """

    def __init__(self, app: ASGIApp, wakes: bool = True) -> None:
        self.app = app
        self._wakes = wakes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other scopes pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        found: dict[str, object] = {}
        token = log.fields.set(found)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((REQUEST_ID_HEADER, request_id.encode()))
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:  # noqa: BLE001 - the outermost place: nothing may leave but a request id
            found.update(log.where(error))
            if not status:
                await problem(errors.Unexpected(request_id=request_id))(scope, receive, send_with_id)
        finally:
            milliseconds = round((time.perf_counter() - began) * 1000, 2)
            log.write(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=route_of(scope),
                status=status,
                ms=milliseconds,
                **found,
            )
            log.fields.reset(token)
        if self._wakes:
            await waking.see_to_it()


def route_of(scope: Scope) -> str:
    """The route's pattern, not the path: a path may carry what a client put there."""
    return str(getattr(scope.get("route"), "path", "unrouted"))


def create_app(
    routes: Sequence[BaseRoute], lifespan: Callable[[Starlette], AsyncIterator[Mapping[str, Any]]] | None = None, *,
    wakes: bool = True,
) -> Starlette:  # fmt: skip
    """The ASGI app of one function file. wakes: false for what itself follows up."""
    app = Starlette(
        routes=routes,
        lifespan=asynccontextmanager(lifespan) if lifespan else None,  # Starlette takes a context manager only
        exception_handlers={
            errors.Problem: on_problem,
            HTTPException: on_http_exception,
            ClientDisconnect: on_disconnect,
        },
    )
    app.add_middleware(RequestLine, wakes=wakes)
    return app


class IdConvertor(Convertor[int]):
    """`{project_id:id}`: a PostgreSQL bigint above zero. Anything else is no such address."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        """The number, or 0, which no row has, where it is beyond a bigint."""
        number = int(value) if len(value) <= BIGINT_DIGITS_MAX else 0
        return number if number < 2**63 else 0

    def to_string(self, value: int) -> str:
        """The path segment."""
        return str(value)


register_url_convertor("id", IdConvertor())


def client_address(request: Request) -> str | None:
    """Where the request came from: the peer, or x-real-ip where a proxy that sets it itself is in front, as on Vercel."""
    forwarded = request.headers.get("x-real-ip") if settings.current().trust_proxy else None
    return forwarded or (request.client.host if request.client else None)


def own_origin(request: Request) -> str:
    """The origin that the client reached this deployment under, such as `https://errors.example.com`."""
    forwarded = request.headers.get("x-forwarded-proto") if settings.current().trust_proxy else None
    return f"{forwarded or request.url.scheme}://{request.url.netloc}"


def base_url(request: Request) -> str:
    """The origin that links in mails lead to: the configured one; without one, as on one machine, that of the request."""
    return settings.current().base_url or own_origin(request)
