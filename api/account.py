"""/api/account: the signed-in person, what they can reach, correction and deletion; Clerk's webhook; the sign-in page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import HTMLResponse

from lib import account, accounts, clerk, http, json, people, requests, settings, sign_in
from lib.errors import InvalidRequest, NotConfigured
from lib.models import account as models
from lib.operations import ANYONE, SIGNED_IN, Call, Operations

operations = Operations()


@operations.get("/api/account", SIGNED_IN, answers=models.Account)
async def read_account(call: Call) -> dict[str, Any]:
    """The signed-in person, with the workspaces and projects that they can reach."""
    return await account.read(call.conn, call.person_id)


@operations.patch("/api/account", SIGNED_IN, answers=models.Person, detached=True)
async def change_account(call: Call, body: models.AccountPatch) -> dict[str, Any]:
    """Correct one's name: at the sign-in service first, so that what it tells next does not undo it."""
    async with call.database.connection() as conn:
        clerk_user_id = await accounts.clerk_id(conn, call.person_id)
    first_name, _, last_name = body.name.partition(" ")
    await clerk.rename(clerk_user_id, first_name, last_name)
    async with call.database.transaction() as conn:
        person = await people.ensure(conn, clerk_user_id, None, body.name, datetime.now(UTC))
    return person._asdict()


@operations.get("/api/account/deletion", SIGNED_IN, answers=models.Deletion)
async def preview_account_deletion(call: Call) -> dict[str, Any]:
    """What the deletion of the account would mean for each workspace."""
    return {"workspaces": await accounts.consequences(call.conn, call.person_id)}


@operations.delete("/api/account", SIGNED_IN, detached=True)
async def delete_account(call: Call, body: models.AccountDelete) -> None:  # noqa: ARG001 - it only has to be said
    """Delete one's account: at the sign-in service first, then here. What is deleted does not come back."""
    async with call.database.connection() as conn:
        await accounts.require_deletable(conn, call.person_id)
        clerk_user_id = await accounts.clerk_id(conn, call.person_id)
    await clerk.delete(clerk_user_id)
    async with call.database.transaction() as conn:
        await accounts.delete(conn, call.person_id, http.client_address(call.request), even_if_held=True)


@operations.post("/api/account/clerk", ANYONE, answers=models.Taken, detached=True)
async def take_clerk_message(call: Call) -> dict[str, Any]:
    """Clerk's webhook: a person was created, changed or deleted. Signed; each message is taken once."""
    secret = settings.current().clerk_webhook_secret
    if not secret:
        raise NotConfigured("CLERK_WEBHOOK_SIGNING_SECRET is not set.")
    body = await requests.read_body(call.request)
    message_id = clerk.verify(secret, call.request.headers, body, datetime.now(UTC))
    try:
        event = json.loads(body)
    except json.BadJson as error:
        raise InvalidRequest(f"The body is not JSON: {error}") from error
    message = clerk.read(event) if isinstance(event, dict) else None
    if message is None:
        return {"taken": False}
    async with call.database.transaction() as conn:
        return {"taken": await accounts.take(conn, message_id, message)}


@operations.get("/api/account/config", ANYONE, answers=models.SignInConfig)
async def read_sign_in_config(call: Call) -> dict[str, Any]:  # noqa: ARG001 - every operation takes it
    """How to sign in here. It holds nothing secret."""
    return sign_in.config(settings.current())


@operations.get("/sign-in", ANYONE, media_type="text/html")
async def show_sign_in(call: Call) -> HTMLResponse:  # noqa: ARG001 - likewise
    """The page on which people sign in."""
    headers = http.HEADERS | {"Content-Security-Policy": sign_in.policy(settings.current())}
    return HTMLResponse(sign_in.PAGE, headers=headers)


app = operations.app()
