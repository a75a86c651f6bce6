"""/api/account: the signed-in person and what they can reach; /sign-in: the page that signs people in."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse

from lib import account, http, settings, sign_in
from lib.models import account as models
from lib.operations import ANYONE, SIGNED_IN, Call, Operations

operations = Operations()


@operations.get("/api/account", SIGNED_IN, answers=models.Account)
async def read_account(call: Call) -> dict[str, Any]:
    """The signed-in person, with the workspaces and projects that they can reach."""
    return await account.read(call.conn, call.person_id)


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
