"""Bugs as trackers really had them, planted one at a time: the isolation matrix sees each, and says what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from tests.api import isolation
from tests.api.conftest import Stage
from tests.api.isolation import Theatre, faults
from tests.planting import plant


class Bug(NamedTuple):
    """Where `right` becomes `wrong` (tests/planting.py), and what the matrix then says of which operation."""

    place: str
    right: str
    wrong: str
    operation: str
    seen: str


KEY_FIND = "key_find_api_by_hash"
BUGS = {
    "the permission is not asked": Bug(
        "lib.access:require", "if not caller.belongs:", "return\n    if not caller.belongs:", "patch_incident",
        "viewer is to be answered 403",
    ),
    "one role less will do": Bug(
        "lib.permissions:allows", "RANK[role] >=", "RANK[role] + 1 >=", "patch_incident", "viewer is to be answered 403"
    ),
    "one role more is asked": Bug(
        "lib.permissions:allows", "RANK[role] >=", "RANK[role] - 1 >=", "patch_incident", "member may, and is answered 403"
    ),
    "scopes are not looked at": Bug(
        "lib.access:require", "permission not in caller.scopes", "False", "patch_incident", "incidents:read is to be answered 403"
    ),
    "any scope will do": Bug(
        "lib.access:require", "permission not in caller.scopes", "not caller.scopes", "patch_incident",
        "incidents:read is to be answered 403",
    ),
    "a key opens every project": Bug(
        "lib.access:identify_key", "target.project_id != found.project_id", "False", "read_project",
        "key of another tenant is to be answered 404",
    ),
    "a key opens the projects of its workspace": Bug(
        "lib.access:identify_key", "return Caller", "raise NotFound\n    return Caller", "read_project",
        "may, and is answered 404",
    ),
    "a key acts for the workspace": Bug(
        "lib.access:identify_key", "target.project_id != found.project_id", "target.project_id not in (None, found.project_id)",
        "read_workspace", "is to be answered 404",
    ),
    "revoked keys are taken": Bug(KEY_FIND, "AND k.revoked_at IS NULL", "", "read_incident", "revoked key is to be answered 401"),
    "expired keys are taken": Bug(
        KEY_FIND, "k.expires_at > clock_timestamp()", "true", "read_incident", "expired key is to be answered 401"
    ),
    "ingest keys are taken": Bug(
        "lib.auth:_api_key", 'not secret.startswith(f"{keys.MARK}api_")', "False", "create_workspace",
        "ingest key is to be answered 401",
    ),
    "a key is taken for a person": Bug(
        "lib.operations:Operation._identify", "isinstance(who, auth.ApiKey)", "False", "read_account", "is to be answered 403"
    ),
    "outsiders are told that there is something": Bug(
        "lib.access:require", "raise _not_found(Target(caller.workspace_id, caller.project_id))", "raise Forbidden",
        "read_project", "asks about another's project_id",
    ),
    "outsiders are let in": Bug(
        "lib.access:require", "if not caller.belongs:", "if False:", "read_project",
        "owner of another tenant is to be answered 404",
    ),
    "the project is taken from the query": Bug(
        "lib.operations:Call.project_id", "return self.caller.project_id",
        "return int(self.request.query_params.get('project_id', self.caller.project_id))", "list_incidents",
        "names another's ids",
    ),
    "the project of a change is taken from the query": Bug(
        "lib.operations:Call.project_id", "return self.caller.project_id",
        "return int(self.request.query_params.get('project_id', self.caller.project_id))", "change_project",
        "what was done elsewhere changed",
    ),
    "the workspace is taken from the query": Bug(
        "lib.operations:Call.workspace_id", "return self.caller.workspace_id",
        "return int(self.request.query_params.get('workspace_id', self.caller.workspace_id))", "list_projects",
        "names another's ids",
    ),
    "a read forgets the tenant": Bug(
        "incident_find", "project_id = %(project_id)s AND", "", "read_incident", "asks about another's incident_id"
    ),
    "a list forgets the tenant": Bug(
        "incident_list_by_last_seen", "i.project_id = %(project_id)s\n   AND", "", "list_incidents", "of others"
    ),
    "an event is found in any project": Bug(
        "event_find_id", "project_id = %(project_id)s", "true", "read_event", "asks about another's event_id"
    ),
    "somebody of another workspace is assigned": Bug(
        "lib.triage:assign", "person_id is not None and not await", "False and not await", "assign_incident",
        "asks about another's person_id"
    ),
    "deleted things are still there": Bug(
        "member_find_by_project", "AND (p.deleted_at IS NOT NULL) = %(deleted)s", "", "list_incidents", "asks about a deleted one"
    ),
    "everything counts as deleted": Bug(
        "lib.access:identify_person", '"deleted": deleted', '"deleted": True', "read_project", "owner may, and is answered 404"
    ),
    "a repeated request is answered with another's": Bug(
        "lib.operations:_asked", "idempotency.Asked(call.caller.kind, call.caller.id, key, digest)",
        'idempotency.Asked("person", 0, key, b"")', "create_project", "may, and is answered",
    ),
    "cookies of foreign pages are taken": Bug(
        "lib.auth:Verifier.who", "if from_cookie and request.method not in SAFE_METHODS:", "if False:", "patch_incident",
        "a foreign page's request",
    ),
    "refusals leave no trail": Bug(
        "lib.operations:Operation._note_refusal", "await audit.refused(", "_ = (", "rotate_key",
        "refused attempts are not in the trail",
    ),
    "a change leaves no trail": Bug(
        "lib.projects:change", "await audit.record(", "_ = (", "change_project", "is not in the trail"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
async def theatre(shared_stage: Stage) -> AsyncIterator[Theatre]:
    """Two tenants side by side, and everybody."""
    async with isolation.theatre(shared_stage) as made:
        yield made


@pytest.mark.parametrize("name", BUGS)
async def test_a_planted_bug_is_seen(theatre: Theatre, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bug = BUGS[name]
    plant(monkeypatch, bug.place, bug.right, bug.wrong)
    found = await faults(theatre, bug.operation)
    assert any(bug.seen in fault for fault in found), found or "nothing was seen"
