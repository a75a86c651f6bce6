"""/api/projects/{project_id}/grouping-rules and …/redaction-rules: what a project decides itself, and what that would change."""

from __future__ import annotations

from typing import Any

from lib import dry_run, rules
from lib.models import rules as models
from lib.operations import Call, Operations

PROJECT = "/api/projects/{project_id:id}"
operations = Operations()


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


app = operations.app()
