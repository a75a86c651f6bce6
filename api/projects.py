"""/api/workspaces and /api/projects: make, list, rename, delete; rules, retention and holds, limits, usage, and what became of
events; people who stand in events.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response, StreamingResponse

from lib import (
    audit,
    deletion,
    dry_run,
    erasures,
    holds,
    http,
    limits,
    outcomes,
    projects,
    retention,
    rules,
    subjects,
    usage,
    workspaces,
)
from lib.analysis import options
from lib.models import PageQuery, analysis
from lib.models import projects as places
from lib.models import retention as keeping
from lib.models import rules as models
from lib.models import usage as accounts
from lib.operations import SIGNED_IN, Call, Operations

WORKSPACES = "/api/workspaces"
WORKSPACE = WORKSPACES + "/{workspace_id:id}"
PROJECT = "/api/projects/{project_id:id}"
operations = Operations()


@operations.get(WORKSPACES, SIGNED_IN, answers=places.OwnWorkspacePage)
async def list_workspaces(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of the workspaces that one is in."""
    return await workspaces.list_page(call.conn, call.person_id, query.limit, query.cursor)


@operations.post(WORKSPACES, SIGNED_IN, answers=places.OwnWorkspace, status=201)
async def create_workspace(call: Call, body: places.PlaceCreate) -> dict[str, Any]:
    """Make a workspace, and be its owner."""
    return await workspaces.create(call.conn, call.person_id, body.name, body.slug, http.client_address(call.request))


@operations.get(WORKSPACE, "workspace:read", answers=places.Workspace)
async def read_workspace(call: Call) -> dict[str, Any]:
    """One workspace."""
    return await workspaces.read(call.conn, call.workspace_id)


@operations.patch(WORKSPACE, "workspace:write", answers=places.Workspace)
async def change_workspace(call: Call, body: places.PlacePatch) -> dict[str, Any]:
    """Rename a workspace."""
    return await workspaces.change(call.conn, call.actor, call.workspace_id, body.name, body.slug)


@operations.get(WORKSPACES + "/by-slug/{slug}", SIGNED_IN, answers=places.OwnWorkspace)
async def find_workspace(call: Call) -> dict[str, Any] | Response:
    """The workspace of this slug; an earlier one redirects to the address of the present one (308)."""
    slug = call.text("slug")
    found = await workspaces.find_by_slug(call.conn, call.person_id, slug)
    return found if found["slug"] == slug else http.moved(f"{WORKSPACES}/by-slug/{found['slug']}")


@operations.get(WORKSPACES + "/by-slug/{slug}/projects/{project_slug}", SIGNED_IN, answers=places.Project)
async def find_project(call: Call) -> dict[str, Any] | Response:
    """The project of this slug in that workspace; an earlier slug of either redirects (308)."""
    slug, project_slug = call.text("slug"), call.text("project_slug")
    workspace = await workspaces.find_by_slug(call.conn, call.person_id, slug)
    found = await projects.find_by_slug(call.conn, workspace["id"], project_slug)
    if (workspace["slug"], found["slug"]) == (slug, project_slug):
        return found
    return http.moved(f"{WORKSPACES}/by-slug/{workspace['slug']}/projects/{found['slug']}")


@operations.get(WORKSPACE + "/projects", "workspace:read", answers=places.ProjectPage)
async def list_projects(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of the workspace's projects."""
    return await projects.list_page(call.conn, call.workspace_id, query.limit, query.cursor)


@operations.post(WORKSPACE + "/projects", "projects:write", answers=places.Project, status=201)
async def create_project(call: Call, body: places.PlaceCreate) -> dict[str, Any]:
    """Make a project. Then make a key for it."""
    return await projects.create(call.conn, call.actor, call.workspace_id, body.name, body.slug)


@operations.get(PROJECT, "project:read", answers=places.Project)
async def read_project(call: Call) -> dict[str, Any]:
    """One project."""
    return await projects.read(call.conn, call.project_id)


@operations.patch(PROJECT, "project:write", answers=places.Project)
async def change_project(call: Call, body: places.ProjectPatch) -> dict[str, Any]:
    """Rename a project, or say where its code is."""
    return await projects.change(call.conn, call.actor, call.project_id, body.model_dump(exclude_unset=True))


@operations.get(PROJECT + "/grouping-rules", "rules:read", answers=models.GroupingRulesAnswer)
async def read_grouping_rules(call: Call) -> dict[str, Any]:
    """The grouping rules, with their version."""
    return await rules.read(call.conn, call.project_id, "grouping")


@operations.put(PROJECT + "/grouping-rules", "rules:write", answers=models.GroupingRulesAnswer)
async def replace_grouping_rules(call: Call, body: models.GroupingRulesPut) -> dict[str, Any]:
    """Set all grouping rules at once."""
    given = body.model_dump(exclude={"version"}, exclude_none=True)
    return await rules.replace(call.conn, call.actor, call.project_id, "grouping", body.version, given)


@operations.post(PROJECT + "/grouping-rules/dry-run", "rules:try", answers=models.GroupingDryRun, detached=True)
async def try_grouping_rules(call: Call, body: models.GroupingRules) -> dict[str, Any]:
    """Which incidents would join or part under these rules."""
    given = body.model_dump(exclude_none=True)
    rules.check("grouping", given)
    async with call.database.connection() as conn:
        current = await rules.read(conn, call.project_id, "grouping")
    return await dry_run.grouping(call.database.connection, call.project_id, current["rules"], given["rules"])


@operations.get(PROJECT + "/redaction-rules", "rules:read", answers=models.RedactionRulesAnswer)
async def read_redaction_rules(call: Call) -> dict[str, Any]:
    """The redaction rules, with their version."""
    return await rules.read(call.conn, call.project_id, "redaction")


@operations.put(PROJECT + "/redaction-rules", "rules:write", answers=models.RedactionRulesAnswer)
async def replace_redaction_rules(call: Call, body: models.RedactionRulesPut) -> dict[str, Any]:
    """Set all redaction rules at once."""
    given = body.model_dump(exclude={"version"}, exclude_none=True)
    return await rules.replace(call.conn, call.actor, call.project_id, "redaction", body.version, given)


@operations.post(PROJECT + "/redaction-rules/dry-run", "rules:try", answers=models.RedactionDryRun, detached=True)
async def try_redaction_rules(call: Call, body: models.RedactionRules) -> dict[str, Any]:
    """What these rules would remove from stored events, and what they would have left."""
    given = body.model_dump()
    rules.check("redaction", given)
    async with call.database.connection() as conn:
        hash_key = await rules.hash_key(conn, call.project_id)
    return await dry_run.redacting(call.database.connection, call.project_id, given, hash_key)


@operations.get(PROJECT + "/outcomes", "usage:read", answers=accounts.Outcomes)
async def read_outcomes(call: Call, query: accounts.OutcomesQuery) -> dict[str, Any]:
    """Where the project's events went: by hour, by reason and key, and some of the newest that were not stored."""
    return await outcomes.report(call.conn, call.project_id, query.hours)


@operations.get(PROJECT + "/usage", "usage:read", answers=accounts.ProjectUsage)
async def read_project_usage(call: Call) -> dict[str, Any]:
    """What the project has used, by month; exact, and kept when payloads are removed."""
    return await usage.of_project(call.conn, call.workspace_id, call.project_id)


@operations.get(WORKSPACE + "/usage", "workspace:read", answers=accounts.WorkspaceUsage)
async def read_workspace_usage(call: Call, query: accounts.UsageQuery) -> dict[str, Any]:
    """What the workspace has used in a month, by project, deleted ones included."""
    return await usage.of_workspace(call.conn, call.workspace_id, query.first_day())


@operations.get(PROJECT + "/limits", "usage:read", answers=accounts.ProjectLimits)
async def read_project_limits(call: Call) -> dict[str, Any]:
    """The project's limits."""
    return await limits.of_project(call.conn, call.project_id)


@operations.patch(PROJECT + "/limits", "limits:write", answers=accounts.ProjectLimits)
async def patch_project_limits(call: Call, body: accounts.ProjectLimitsPatch) -> dict[str, Any]:
    """Change some of the project's limits; they hold within a minute."""
    return await limits.change_project(call.conn, call.actor, call.project_id, body.model_dump(exclude_unset=True))


@operations.get(WORKSPACE + "/limits", "workspace:read", answers=accounts.WorkspaceLimits)
async def read_workspace_limits(call: Call) -> dict[str, Any]:
    """The workspace's quota of events a month."""
    return await limits.of_workspace(call.conn, call.workspace_id)


@operations.patch(WORKSPACE + "/limits", "workspace:write", answers=accounts.WorkspaceLimits)
async def patch_workspace_limits(call: Call, body: accounts.WorkspaceLimitsPatch) -> dict[str, Any]:
    """Change the workspace's quota; it holds within a minute."""
    return await limits.change_workspace(call.conn, call.actor, body.events_per_month_max)


@operations.get(PROJECT + "/retention", "project:read", answers=keeping.Retention)
async def read_retention(call: Call) -> dict[str, Any]:
    """For how long the project keeps payloads."""
    return await retention.read(call.conn, call.project_id)


@operations.get(PROJECT + "/retention/effect", "project:read", answers=keeping.RetentionEffect)
async def read_retention_effect(call: Call, query: keeping.EffectQuery) -> dict[str, Any]:
    """What another retention would do to what is stored now, in rows and bytes."""
    return await retention.effect(call.conn, call.project_id, query.retention_days)


@operations.put(PROJECT + "/retention", "project:write", answers=keeping.Retention)
async def replace_retention(call: Call, body: keeping.RetentionPut) -> dict[str, Any]:
    """Set for how long payloads are kept. What is stored follows within a day."""
    return await retention.change(call.conn, call.actor, call.project_id, body.retention_days)


@operations.get(PROJECT + "/holds", "project:read", answers=keeping.Holds)
async def list_holds(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of the project's legal holds, those that last first."""
    return await holds.list_page(call.conn, call.project_id, query.limit, query.cursor)


@operations.post(PROJECT + "/holds", "data:erase", answers=keeping.Hold, status=201)
async def place_hold(call: Call, body: keeping.HoldPost) -> dict[str, Any]:
    """Suspend removal and erasure for the project or one of its incidents."""
    return await holds.place(call.conn, call.actor, call.project_id, body.incident_id, body.reason)


@operations.delete(PROJECT + "/holds/{hold_id:id}", "data:erase", answers=keeping.Hold, status=200)
async def end_hold(call: Call) -> dict[str, Any]:
    """End a hold: what has expired meanwhile goes within a day."""
    return await holds.end(call.conn, call.actor, call.project_id, call.id("hold_id"))


@operations.delete(PROJECT, "projects:write", answers=keeping.Deletion, status=200)
async def delete_project(call: Call) -> dict[str, Any]:
    """Delete the project. It can be brought back for seven days; then it is gone for good."""
    return await deletion.delete_project(call.conn, call.actor, call.project_id)


@operations.post(PROJECT + "/restore", "projects:write", answers=keeping.RestoredProject, of_deleted=True)
async def restore_project(call: Call) -> dict[str, Any]:
    """Bring a deleted project back, whole."""
    return await deletion.restore_project(call.conn, call.actor, call.project_id)


@operations.get(WORKSPACE + "/deleted-projects", "workspace:read", answers=keeping.DeletedProjects)
async def list_deleted_projects(call: Call) -> dict[str, Any]:
    """Projects that can be brought back."""
    return {"items": await deletion.list_deleted(call.conn, call.workspace_id)}


@operations.delete(WORKSPACE, "workspace:delete", answers=keeping.Deletion, status=200)
async def delete_workspace(call: Call) -> dict[str, Any]:
    """Delete the workspace with all its projects. It can be brought back for seven days; then it is gone for good."""
    return await deletion.delete_workspace(call.conn, call.actor, call.workspace_id)


@operations.post(WORKSPACE + "/restore", "workspace:delete", answers=keeping.RestoredWorkspace, of_deleted=True)
async def restore_workspace(call: Call) -> dict[str, Any]:
    """Bring a deleted workspace back, with the projects that were deleted with it."""
    return await deletion.restore_workspace(call.conn, call.actor, call.workspace_id)


@operations.post(WORKSPACE + "/subjects/export", "data:read", detached=True, media_type="application/x-ndjson")
async def export_subject(call: Call, body: keeping.SubjectExportPost) -> StreamingResponse:
    """Every stored event of a person who stands in events: a JSON object a line. The last line says whether these are all; where
    not, its `cursor` asks for the next part."""
    start = subjects.decode(body.cursor) if body.cursor else None
    async with call.database.transaction() as conn:
        subject = await subjects.identify(conn, call.workspace_id, body.kind, body.value)
        await audit.record(conn, call.actor, "subject.export", call.workspace_id, None, None)
    found = subjects.export(call.database.connection, subject, start)
    return StreamingResponse(found, media_type="application/x-ndjson", headers=http.HEADERS)


@operations.post(WORKSPACE + "/erasures", "data:erase", answers=keeping.Erasure, status=201)
async def request_erasure(call: Call, body: keeping.SubjectPost) -> dict[str, Any]:
    """Erase a person who stands in events. It is done within a day; the receipt tells how far it has come."""
    subject = await subjects.identify(call.conn, call.workspace_id, body.kind, body.value)
    return await erasures.request(call.conn, call.actor, subject)


@operations.get(WORKSPACE + "/erasures", "data:read", answers=keeping.Erasures)
async def list_erasures(call: Call, query: PageQuery) -> dict[str, Any]:
    """A page of the receipts of erasures, the newest first."""
    return await erasures.list_page(call.conn, call.workspace_id, query.limit, query.cursor)


@operations.get(WORKSPACE + "/erasures/{erasure_id:id}", "data:read", answers=keeping.Erasure)
async def read_erasure(call: Call) -> dict[str, Any]:
    """One receipt."""
    return await erasures.read(call.conn, call.workspace_id, call.id("erasure_id"))


@operations.get(PROJECT + "/analysis-settings", "project:read", answers=analysis.AnalysisSettingsAnswer)
async def read_analysis_settings(call: Call) -> dict[str, Any]:
    """When the project's incidents are analysed, with the settings' version."""
    return await options.read(call.conn, call.project_id)


@operations.put(PROJECT + "/analysis-settings", "project:write", answers=analysis.AnalysisSettingsAnswer)
async def replace_analysis_settings(call: Call, body: analysis.AnalysisSettingsPut) -> dict[str, Any]:
    """Set all analysis settings at once."""
    return await options.replace(call.conn, call.actor, call.project_id, body.version, body.model_dump(exclude={"version"}))


app = operations.app()
