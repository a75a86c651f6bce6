"""Operations of the management API: a function each, declared with its address, who may call it and what it takes and answers.

The declaration is all there is: what is enforced (authenticate, parse, transaction {authorise, act}, respond: always in this
order; and authorise once more before anything is asked over the network), what the trail says of refusals, what
/api/openapi.json tells and what the tests of isolation try come from it. An operation cannot be reached without its access being
checked, since nothing else calls its function.

    operations = Operations()

    @operations.patch(INCIDENT, "incidents:write", answers=models.Incident)
    async def patch_incident(call: Call, body: models.IncidentPatch) -> dict[str, Any]:
        \"\"\"Open, resolve or ignore an incident.\"\"\"
        return await incidents.change_status(call.conn, call.actor, call.project_id, call.id("incident_id"), …)

    app = operations.app()
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lib import access, audit, auth, db, http, idempotency, log, people, permissions, requests
from lib.errors import Forbidden, InvalidRequest, NotFound

SIGNED_IN = "signed in"
"""Of operations that are about the person who asks: any signed-in person, no key."""
ANYONE = "anyone"
"""Of operations that authenticate what they get themselves (a token in a link, a webhook's signature), or need not."""
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
IDEMPOTENCY_HEADER = "idempotency-key"
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


class Call:
    """One call of an operation: who asks, for what, and the connection to do it with."""

    def __init__(
        self, request: Request, database: db.Database, caller: access.Caller | None, conn: db.Connection | None = None
    ) -> None:
        self.request = request
        self.database = database
        self._caller = caller
        self._conn = conn

    @property
    def conn(self) -> db.Connection:
        """In a transaction where the operation changes something. A detached operation has none: it opens its own, briefly."""
        assert self._conn is not None, "a detached operation opens connections of its own"  # noqa: S101 - a mistake of ours
        return self._conn

    @property
    def caller(self) -> access.Caller:
        """Who asks; of an operation for anyone there is none."""
        assert self._caller is not None, "an operation for anyone has no caller"  # noqa: S101 - a mistake of ours
        return self._caller

    @property
    def person_id(self) -> int:
        """The person who asks, of an operation for people alone."""
        assert self.caller.kind == "person" and self.caller.id is not None  # noqa: S101, PT018 - no key has such a permission
        return self.caller.id

    @property
    def project_id(self) -> int:
        """The project in the address."""
        assert self.caller.project_id is not None  # noqa: S101 - its address names one
        return self.caller.project_id

    @property
    def workspace_id(self) -> int:
        """The workspace in the address, or that of the project in it."""
        assert self.caller.workspace_id is not None  # noqa: S101 - its address names one
        return self.caller.workspace_id

    @property
    def actor(self) -> audit.Actor:
        """The caller, as the trail names them."""
        return self.acting(self.workspace_id)

    def acting(self, workspace_id: int) -> audit.Actor:
        """The caller, as the trail of this workspace names them: for operations whose address names none."""
        address = http.client_address(self.request)
        return audit.Actor(workspace_id, self.caller.project_id, self.caller.kind, self.caller.id, address)

    def id(self, name: str) -> int:
        """A number in the address."""
        return int(self.request.path_params[name])

    def text(self, name: str) -> str:
        """A word in the address."""
        return str(self.request.path_params[name])


@dataclass(frozen=True, slots=True)
class Operation:
    """What is declared of one operation.

    permission: one of lib/permissions.py, SIGNED_IN or ANYONE. answers: the model of what is answered with `status`; None:
    nothing, or what `media_type` says. shown_once: fields of the answer that are never kept for a repeated request. detached:
    holds no connection while it runs, because it takes long or asks others over the network. of_deleted: it is about a workspace
    or project that has been deleted and is not gone yet; to all others such a one does not exist. before: what is asked over
    the network before the transaction begins, for whoever may; it is called with what the operation takes, and raises a refusal.
    """

    method: str
    path: str
    permission: str
    handler: Callable[..., Awaitable[Any]]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    answers: Any
    status: int
    shown_once: tuple[str, ...] = ()
    detached: bool = False
    of_deleted: bool = False
    before: Callable[..., Awaitable[None]] | None = None
    media_type: str = "application/json"
    """Where the request chooses among several, all of them, by commas."""

    @property
    def name(self) -> str:
        """Its name everywhere: `patch_incident`."""
        return self.handler.__name__

    @property
    def media_types(self) -> list[str]:
        """Those that it answers with."""
        return [one.strip() for one in self.media_type.split(",")]

    @property
    def creates(self) -> bool:
        """Whether an Idempotency-Key means something for it."""
        return self.method == "POST" and self.status == 201

    @property
    def action(self) -> str:
        """What the trail calls a refused attempt at it: `incident.patch`."""
        verb, _, noun = self.name.partition("_")
        return f"{noun or verb}.{verb}"

    async def serve(self, request: Request) -> Response:
        """Answer one request."""
        who = None if self.permission == ANYONE else await request.state.verifier.who(request)
        arguments = await self._arguments(request)
        database: db.Database = request.state.database
        caller: access.Caller | None = None

        async def admit(conn: db.Connection) -> None:
            nonlocal caller
            caller = await self._identify(conn, who, request)
            if caller and self.permission in permissions.PERMISSIONS:
                access.require(caller, self.permission)

        try:
            if self.before:
                async with database.connection() as conn:
                    await admit(conn)
                await self.before(**arguments)
            async with self._opened(database) as conn:
                await admit(conn)
                if not self.detached:
                    return await self._act(Call(request, database, caller, conn), arguments)
            return self._respond(await self.handler(Call(request, database, caller), **arguments), self.status)
        except (Forbidden, NotFound) as refusal:
            if caller and isinstance(refusal, Forbidden) and refusal.workspace_id:
                caller = caller._replace(workspace_id=refusal.workspace_id)
            if caller and caller.workspace_id and (isinstance(refusal, Forbidden) or not caller.belongs):
                await self._note_refusal(request, database, caller)
            raise

    async def _arguments(self, request: Request) -> dict[str, BaseModel]:
        arguments: dict[str, BaseModel] = {}
        if "\0" in request.scope["path"]:
            raise NotFound("There is no such address.")  # PostgreSQL cannot hold it: nothing has such a name
        if self.query:
            arguments["query"] = requests.parse_query(request, self.query)
        if self.body:
            arguments["body"] = await requests.parse_body(request, self.body)
        return arguments

    def _opened(self, database: db.Database) -> AbstractAsyncContextManager[db.Connection]:
        changes = self.method in CHANGING and not self.detached
        return database.transaction() if changes else database.connection()

    async def _identify(self, conn: db.Connection, who: auth.Who | None, request: Request) -> access.Caller | None:
        if who is None:
            return None
        if self.permission == SIGNED_IN:
            if isinstance(who, auth.ApiKey):
                raise Forbidden("This is for people: sign in. An api key acts for its project only.")
            person = await people.ensure(conn, *who, http.client_address(request))
            log.note(person=person.id)
            return access.Caller("person", person.id, None, None)
        target = access.Target(request.path_params.get("workspace_id"), request.path_params.get("project_id"))
        if isinstance(who, auth.ApiKey):
            caller = await access.identify_key(conn, who.secret, target)
        else:
            caller = await access.identify_person(conn, who.clerk_user_id, target, deleted=self.of_deleted)
        if caller.belongs:
            who_asks = {"person": caller.id} if caller.kind == "person" else {"key": caller.id}
            log.note(workspace=caller.workspace_id, project=caller.project_id, **who_asks)
        return caller

    async def _act(self, call: Call, arguments: dict[str, BaseModel]) -> Response:
        key = call.request.headers.get(IDEMPOTENCY_HEADER) if self.creates else None
        if not key or self.permission == ANYONE:
            return self._respond(await self.handler(call, **arguments), self.status)
        asked = _asked(call, key, arguments)
        if kept := await idempotency.begin(call.conn, asked):
            return http.json(kept.answer, kept.status, {"Idempotency-Replayed": "true"})
        answer = await self.handler(call, **arguments)
        remembered = {name: None if name in self.shown_once else value for name, value in answer.items()}
        await idempotency.keep(call.conn, asked, idempotency.Kept(self.status, remembered))
        return self._respond(answer, self.status)

    def _respond(self, answer: Any, status: int) -> Response:
        if isinstance(answer, Response):
            return answer
        return http.empty() if status == 204 else http.json(answer, status)

    async def _note_refusal(self, request: Request, database: db.Database, caller: access.Caller) -> None:
        assert caller.workspace_id is not None  # noqa: S101 - asked before
        address = http.client_address(request)
        actor = audit.Actor(caller.workspace_id, caller.project_id, caller.kind, caller.id, address)
        own = set() if caller.astray else {"workspace_id", "project_id"}  # of a key that strays, where it went
        named = [str(value) for name, value in request.path_params.items() if name not in own]
        async with database.transaction() as conn:
            await audit.refused(conn, actor, self.action, "/".join(named) or caller.project_id or caller.workspace_id)


def _asked(call: Call, key: str, arguments: dict[str, BaseModel]) -> idempotency.Asked:
    if len(key) > idempotency.CHARACTERS_MAX or not key.isprintable():
        raise InvalidRequest(f"An Idempotency-Key has {idempotency.CHARACTERS_MAX} printable characters at most.")
    assert call.caller.id is not None  # noqa: S101 - whoever may create something is known
    given = "".join(f"{name}={arguments[name].model_dump_json()}" for name in sorted(arguments))
    digest = idempotency.hashed(call.request.method, call.request.url.path, given.encode())
    return idempotency.Asked(call.caller.kind, call.caller.id, key, digest)


class Operations:
    """The operations of one function file."""

    def __init__(self) -> None:
        self.declared: list[Operation] = []

    def get(self, path: str, permission: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare a reading operation."""
        return self._declare("GET", path, permission, options)

    def post(self, path: str, permission: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare one that does something; with status=201 it creates, and takes an Idempotency-Key."""
        return self._declare("POST", path, permission, options)

    def put(self, path: str, permission: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare one that replaces."""
        return self._declare("PUT", path, permission, options)

    def patch(self, path: str, permission: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare one that changes parts."""
        return self._declare("PATCH", path, permission, options)

    def delete(self, path: str, permission: str, **options: Any) -> Callable[[Handler], Handler]:
        """Declare one that ends something; answers 204 where nothing else is said."""
        return self._declare("DELETE", path, permission, {"status": 204, **options})

    def _declare(self, method: str, path: str, permission: str, options: dict[str, Any]) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            hints = typing.get_type_hints(handler)
            taken = {name: hints[name] for name in inspect.signature(handler).parameters if name != "call"}
            _check(method, path, permission, handler, taken)
            status, answers = options.pop("status", 200), options.pop("answers", None)
            self.declared.append(
                Operation(method, path, permission, handler, taken.get("body"), taken.get("query"), answers, status, **options)
            )
            return handler

        return declare

    def app(self, extra: Sequence[BaseRoute] = ()) -> Starlette:
        """The ASGI app of the function file. extra: routes that are no operations, such as a cron's."""
        routes = [Route(one.path, one.serve, methods=[one.method], name=one.name) for one in self.declared]
        app = http.create_app([*routes, *extra], lifespan)
        app.state.operations = tuple(self.declared)
        return app


def _check(method: str, path: str, permission: str, handler: Callable[..., Any], taken: dict[str, Any]) -> None:
    """Raises ValueError where a declaration cannot be meant so; at import, so that no such thing is ever deployed."""
    name = handler.__name__
    if set(taken) - {"body", "query"} or (method == "GET" and "body" in taken):
        raise ValueError(f"{name} takes call, query and, unless it is a GET, body")
    if not handler.__doc__:
        raise ValueError(f"{name} needs a docstring: it is its description in the API's reference")
    parameters = set(re.findall(r"\{(\w+)", path))
    if {"workspace_id", "project_id"} <= parameters:
        raise ValueError(f"{name}: an address names a workspace or a project, so that neither can contradict the other")
    if permission in permissions.PERMISSIONS:
        if not parameters & {"workspace_id", "project_id"}:
            raise ValueError(f"{name} needs {permission} of a workspace or project, which its address does not name")
    elif permission not in {SIGNED_IN, ANYONE}:
        raise ValueError(f"{name}: there is no permission {permission}")


async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """What operations share: `request.state.database` and `request.state.verifier`."""
    database = db.Database()
    yield {"database": database, "verifier": auth.Verifier()}
    await database.close()
