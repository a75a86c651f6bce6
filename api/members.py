"""/api/workspaces/{workspace_id}/members and …/invitations: invite, accept, change roles, remove, leave."""

from __future__ import annotations

from typing import Any

from lib import http, invitations, members, people
from lib.models import PageQuery
from lib.models import members as models
from lib.operations import SIGNED_IN, Call, Operations

WORKSPACE = "/api/workspaces/{workspace_id:id}"
operations = Operations()


@operations.get(WORKSPACE + "/members", "members:read", answers=models.MemberPage)
async def list_members(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of the workspace's members."""
    return await members.list_page(call.conn, call.workspace_id, query.limit, query.cursor)


@operations.patch(WORKSPACE + "/members/{person_id:id}", "members:write", answers=models.Member)
async def change_member(call: Call, body: models.MemberPatch) -> dict[str, Any]:
    """Give a member another role. Ownership is passed on by making somebody an owner, then stepping down."""
    role, person_id = call.caller.role, call.id("person_id")
    return await members.change_role(call.conn, call.actor, role, call.workspace_id, person_id, body.role)


@operations.delete(WORKSPACE + "/members/{person_id:id}", "members:write")
async def remove_member(call: Call) -> None:
    """End a membership: from their next request on they have no access."""
    await members.remove(call.conn, call.actor, call.caller.role, call.workspace_id, call.id("person_id"))


@operations.delete(WORKSPACE + "/members/me", "workspace:read")
async def leave_workspace(call: Call) -> None:
    """Leave a workspace. Its last owner cannot."""
    await members.remove(call.conn, call.actor, call.caller.role, call.workspace_id, call.person_id)


@operations.get(WORKSPACE + "/invitations", "members:write", answers=models.InvitationPage)
async def list_invitations(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of invitations that can still be accepted."""
    return await invitations.list_page(call.conn, call.workspace_id, query.limit, query.cursor)


@operations.post(
    WORKSPACE + "/invitations", "members:write", answers=models.CreatedInvitation, status=201, shown_once=("url",)
)  # fmt: skip
async def create_invitation(call: Call, body: models.InvitationCreate) -> dict[str, Any]:
    """Invite somebody by mail. An earlier invitation of the same address ends."""
    inviting = await people.read(call.conn, call.person_id)
    wanted = invitations.Invitation(body.email, body.role, inviting.name, http.base_url(call.request))
    return await invitations.create(call.conn, call.actor, call.caller.role, call.workspace_id, wanted)


@operations.delete(WORKSPACE + "/invitations/{invitation_id:id}", "members:write")
async def revoke_invitation(call: Call) -> None:
    """End an invitation that was not accepted."""
    await invitations.revoke(call.conn, call.actor, call.workspace_id, call.id("invitation_id"))


@operations.post("/api/invitations/read", SIGNED_IN, answers=models.ReadInvitation)
async def read_invitation(call: Call, body: models.InvitationToken) -> dict[str, Any]:
    """What a link invites to. The token comes in the body, so that no log shows it."""
    return await invitations.read(call.conn, body.token)


@operations.post("/api/invitations/accept", SIGNED_IN, answers=models.Accepted)
async def accept_invitation(call: Call, body: models.InvitationToken) -> dict[str, Any]:
    """Become a member. One must have signed in with the invited address."""
    person, address = await people.read(call.conn, call.person_id), http.client_address(call.request)
    return await invitations.accept(call.conn, person.id, person.email, body.token, address)


app = operations.app()
