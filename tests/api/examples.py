"""How each operation of the management API is called rightly: what the isolation matrix (tests/api/isolation.py) is made of.

An operation that is added needs a line here, and a noun in tests/api/nouns.py where its address or body names something new:

    "read_view": Example(),                                       ids in the address are nouns of the same name
    "patch_view": Example({"name": "Mine"}),                      with a body
    "move_views": Example(lambda ids: {"view_ids": [ids["view_id"]]}),        whose ids are nouns: the matrix puts others' there

The rest comes from the declaration: who may do it, what it answers, that a change of it stands in the trail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import orjson

from lib.operations import Operation
from tests.api.calls import Post
from tests.api.nouns import NOUNS

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
Ids = Mapping[str, Any]
Given = dict[str, Any] | Callable[[Ids], dict[str, Any]]


class Example(NamedTuple):
    """A valid call.

    path: a parameter of the address → the noun, where they are named differently. changes: false for what changes nothing though
    its method could. trail: false where a change is shown elsewhere. answers: what is right besides the declared status, with the
    reason beside it. only: who alone of SIGNED_IN people can do it. why: what gives a right to it, of operations that anybody can
    call who has that.
    """

    body: Given | None = None
    query: Given | None = None
    path: Mapping[str, str] = {}
    changes: bool = True
    trail: bool = True
    answers: tuple[int, ...] = ()
    only: tuple[str, ...] = ()
    why: str = ""


class Sent(NamedTuple):
    """The request that an example makes of ids."""

    method: str
    post: Post


class Read(Mapping[str, Any]):
    """Ids that do not exist, and which of them were asked for."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> Any:
        self.names[name] = None
        return NOUNS[name].missing

    def __iter__(self) -> Iterator[str]:
        return iter(NOUNS)

    def __len__(self) -> int:
        return len(NOUNS)


def request(operation: Operation, ids: Ids, more: Mapping[str, Any] | None = None) -> Sent:
    """The example of this operation with these ids; `more` is added to the query."""
    example = EXAMPLES[operation.name]
    path = PARAMETER.sub(lambda found: quote(str(ids[example.path.get(found[1], found[1])]), safe=""), operation.path)
    query = {**(_of(example.query, ids) or {}), **(more or {})}
    body = _of(example.body, ids)
    headers = {"content-type": "application/json"}
    if operation.creates:
        headers["idempotency-key"] = "everybody's"
    address = f"{path}?{urlencode(query)}" if query else path
    return Sent(operation.method, Post(address, b"" if body is None else orjson.dumps(body), headers))


def nouns(operation: Operation) -> list[str]:
    """Those that the example of this operation speaks of."""
    read = Read()
    request(operation, read)
    return list(read.names)


def _of(given: Given | None, ids: Ids) -> dict[str, Any] | None:
    return given(ids) if callable(given) else given


def _invitation(ids: Ids) -> dict[str, Any]:
    return {"token": ids["invitation_token"]}


RULE = {"conditions": {"transitions": ["new"]}}
TOKEN = {"token": "x" * 43}
EXAMPLES: dict[str, Example] = {
    # account
    "read_account": Example(),
    "read_sign_in_config": Example(why="it holds nothing secret"),
    "show_sign_in": Example(why="whoever signs in is not signed in yet"),
    "change_account": Example({"name": "Renamed"}, answers=(503,)),  # where there is no key of the sign-in service's own API
    "preview_account_deletion": Example(),
    "delete_account": Example({"confirm": "delete my account"}, answers=(503,)),
    "take_clerk_message": Example({"type": "user.deleted"}, answers=(401, 503), why="the signature of the message"),
    # workspaces and projects
    "list_workspaces": Example(),
    "create_workspace": Example({"name": "Another"}),
    "read_workspace": Example(),
    "change_workspace": Example({"name": "Renamed"}),
    "find_workspace": Example(only=("viewer", "member", "admin", "owner")),
    "find_project": Example(only=("viewer", "member", "admin", "owner")),
    "list_projects": Example(),
    "create_project": Example({"name": "Another"}),
    "read_project": Example(),
    "change_project": Example({"name": "Renamed"}),
    # rules
    "read_grouping_rules": Example(),
    "replace_grouping_rules": Example({"version": 0, "rules": [{"match": {"message": "x*"}, "fingerprint": ["x"]}]}),
    "try_grouping_rules": Example({"rules": [{"match": {"message": "x*"}, "fingerprint": ["x"]}]}, changes=False),
    "read_redaction_rules": Example(),
    "replace_redaction_rules": Example({"version": 0, "extra_keys": ["customer code"]}),
    "try_redaction_rules": Example({"extra_keys": ["customer code"]}, changes=False),
    # usage and limits
    "read_outcomes": Example(),
    "read_project_usage": Example(),
    "read_workspace_usage": Example(),
    "read_project_limits": Example(),
    "patch_project_limits": Example({"events_per_minute_max": 7}),
    "read_workspace_limits": Example(),
    "patch_workspace_limits": Example({"events_per_month_max": 7}),
    # incidents
    "list_incidents": Example(),
    "read_incident": Example(),
    "patch_incident": Example({"status": "resolved"}),
    "count_facets": Example(),
    "patch_incidents": Example(lambda ids: {"incident_ids": [ids["incident_id"]], "status": "resolved"}),
    "assign_incident": Example(lambda ids: {"person_id": ids["person_id"]}),
    "assign_incidents": Example(lambda ids: {"incident_ids": [ids["incident_id"]], "person_id": ids["person_id"]}),
    "read_trend": Example(),
    "list_activity": Example(),
    "read_tag_counts": Example(),
    "explain_grouping": Example(),
    "merge_incidents": Example(lambda ids: {"incident_ids": [ids["other_incident_id"]]}),
    "split_incident": Example(lambda ids: {"fingerprints": [ids["merged_fingerprint"]]}),
    "list_suggestions": Example(),
    "dismiss_suggestions": Example(lambda ids: {"incident_ids": [ids["other_incident_id"]]}),
    "list_events": Example(),
    "count_event_facets": Example(),
    "read_event_of_incident": Example(),
    "read_event": Example(),
    "list_views": Example(),
    "create_view": Example({"name": "Mine", "query": "status=open"}),
    "delete_view": Example(),
    # keys
    "list_keys": Example(),
    "issue_key": Example({"name": "another"}),
    "read_key": Example(),
    "change_key": Example({"name": "renamed"}),
    "rotate_key": Example(),
    "revoke_key": Example(),
    # members and invitations
    "list_members": Example(),
    "change_member": Example({"role": "viewer"}),
    "remove_member": Example(),
    "leave_workspace": Example(answers=(409,)),  # its last owner cannot
    "list_invitations": Example(),
    "create_invitation": Example({"email": "new@elsewhere.example", "role": "viewer"}),
    "revoke_invitation": Example(),
    "read_invitation": Example(_invitation, changes=False, why="whoever has a link may know where it leads"),
    "accept_invitation": Example(_invitation, only=("outsider",), why="the link, and the address that was invited"),
    # the trail
    "list_workspace_changes": Example(),
    "list_workspace_refusals": Example(),
    "export_workspace_changes": Example(),
    "list_project_changes": Example(),
    "list_project_refusals": Example(),
    "export_project_changes": Example(),
    # analyses
    "read_analysis": Example(),
    "list_analyses": Example(),
    "request_analysis": Example(),
    "rate_analysis": Example({"helpful": True}),
    "correct_analysis": Example({"text": "It was the disk."}),
    "read_analysis_settings": Example(),
    "replace_analysis_settings": Example({"version": 0, "enabled": False}),
    # alerts
    "list_rules": Example(),
    "create_rule": Example(lambda ids: {**RULE, "name": "New ones", "channel_ids": [ids["channel_id"]]}),
    "preview_rule": Example(RULE, changes=False),
    "read_rule": Example(),
    "change_rule": Example(lambda ids: {"name": "Renamed", "channel_ids": [ids["channel_id"]]}),
    "delete_rule": Example(),
    "list_channels": Example(),
    "create_channel": Example({"kind": "email", "name": "Owners"}),
    "read_channel": Example(),
    "change_channel": Example({"name": "Renamed"}),
    "delete_channel": Example(),
    "test_channel": Example(path={"channel_id": "owners_channel_id"}),
    "ask_channel": Example(trail=False),  # the list of deliveries shows the mail
    "resume_channel": Example(path={"channel_id": "ended_channel_id"}),
    "list_waiting_alerts": Example(),
    "list_deliveries": Example(None, lambda ids: {"channel_id": ids["channel_id"]}),
    "read_delivery": Example(),
    "resend_delivery": Example(),
    "show_confirmation": Example(query=TOKEN, answers=(404,), why="the token of a mail; this one is nobody's"),
    "confirm_address": Example(query=TOKEN, answers=(404,), why="the token of a mail; this one is nobody's"),
    "show_subscription": Example(query=TOKEN, answers=(404,), why="the token of a mail; this one is nobody's"),
    "unsubscribe_address": Example(query=TOKEN, answers=(404,), why="the token of a mail; this one is nobody's"),
    # retention and erasure
    "read_retention": Example(),
    "read_retention_effect": Example(query={"retention_days": 30}),
    "replace_retention": Example({"retention_days": 30}),
    "list_holds": Example(),
    "place_hold": Example(lambda ids: {"reason": "a court", "incident_id": ids["incident_id"]}),
    "end_hold": Example(),
    "delete_project": Example(),
    "restore_project": Example(),
    "list_deleted_projects": Example(),
    "delete_workspace": Example(),
    "restore_workspace": Example(),
    "export_subject": Example({"kind": "email", "value": "jane@elsewhere.example"}),
    "request_erasure": Example({"kind": "email", "value": "jane@elsewhere.example"}),
    "list_erasures": Example(),
    "read_erasure": Example(),
    # exports
    "create_export": Example(),
    "list_exports": Example(),
    "read_export": Example(),
    "end_export": Example(),
    "download_part": Example(),
    "list_parts_by_link": Example(answers=(404,), why="the link; this one is nobody's"),
    "download_part_by_link": Example(answers=(404,), why="the link; this one is nobody's"),
    "export_account": Example(),
    "read_privacy": Example(why="it says what anybody may know"),
}
