"""/api/projects/{project_id}/grouping-rules and …/redaction-rules: what a project decides itself, and what that would change."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib import auth, dry_run, grouping_rules, http, requests, rules
from lib.redaction.rules import KEYS_MAX, PATTERNS_MAX, SAFE_FIELDS_MAX

CONDITIONS_MAX = 12
Glob = Annotated[str, StringConstraints(min_length=1, max_length=grouping_rules.PATTERN_CHARS_MAX)]
Globs = Annotated[dict[str, Glob], Field(max_length=CONDITIONS_MAX)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=grouping_rules.NAME_CHARS_MAX)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=grouping_rules.PATTERN_CHARS_MAX)]


class GroupingRule(BaseModel, extra="forbid"):
    """What must fit, and what is done then; docs/grouping.md."""

    name: Name | None = None
    match: Globs = {}
    fingerprint: list[Text] | None = Field(None, min_length=1, max_length=grouping_rules.PARTS_MAX)
    ignore_frames: Globs | None = None


class GroupingRules(BaseModel, extra="forbid"):
    """All grouping rules of a project, in the order in which they are read."""

    rules: list[GroupingRule] = Field(max_length=grouping_rules.RULES_MAX)


class RedactionRules(BaseModel, extra="forbid"):
    """What is removed beside what always is, what is left alone, and how people are treated; docs/redaction.md."""

    extra_keys: list[Text] = Field([], max_length=KEYS_MAX)
    extra_patterns: list[Text] = Field([], max_length=PATTERNS_MAX)
    safe_fields: list[Text] = Field([], max_length=SAFE_FIELDS_MAX)
    email: Literal["keep", "hash", "remove"] = "remove"
    ip: Literal["keep", "hash", "remove"] = "remove"
    phone: Literal["keep", "remove"] = "remove"


class GroupingRulesPut(GroupingRules):
    """version: that of the rules which these were made from."""

    version: int = Field(ge=0, lt=2**31)


class RedactionRulesPut(RedactionRules):
    """version: that of the rules which these were made from."""

    version: int = Field(ge=0, lt=2**31)


async def _read(request: Request, kind: rules.Kind) -> Response:
    user = await request.state.verifier.user(request)
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"])
        found = await rules.read(conn, member.project_id, kind)
    return http.json(found)


async def _replace(request: Request, kind: rules.Kind, model: type[GroupingRulesPut | RedactionRulesPut]) -> Response:
    user = await request.state.verifier.user(request)
    body = await requests.parse_body(request, model)
    async with request.state.database.transaction() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"], "admin")
        actor = member.actor(http.client_address(request))
        given = body.model_dump(exclude={"version"}, exclude_none=True)
        found = await rules.replace(conn, actor, member.project_id, kind, body.version, given)
    return http.json(found)


async def read_grouping_rules(request: Request) -> Response:
    """The grouping rules, with their version."""
    return await _read(request, "grouping")


async def replace_grouping_rules(request: Request) -> Response:
    """Set all grouping rules at once."""
    return await _replace(request, "grouping", GroupingRulesPut)


async def read_redaction_rules(request: Request) -> Response:
    """The redaction rules, with their version."""
    return await _read(request, "redaction")


async def replace_redaction_rules(request: Request) -> Response:
    """Set all redaction rules at once."""
    return await _replace(request, "redaction", RedactionRulesPut)


async def try_grouping_rules(request: Request) -> Response:
    """Which incidents would join or part under these rules."""
    user = await request.state.verifier.user(request)
    body = await requests.parse_body(request, GroupingRules)
    given = body.model_dump(exclude_none=True)
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"], "member")
        rules.check("grouping", given)
        current = await rules.read(conn, member.project_id, "grouping")
    return http.json(
        await dry_run.grouping(request.state.database.connection, member.project_id, current["rules"], given["rules"])
    )


async def try_redaction_rules(request: Request) -> Response:
    """What these rules would remove from stored events, and what they would have left."""
    user = await request.state.verifier.user(request)
    body = await requests.parse_body(request, RedactionRules)
    given = body.model_dump()
    async with request.state.database.connection() as conn:
        member = await auth.require_member(conn, user, request.path_params["project_id"], "member")
        rules.check("redaction", given)
        hash_key = await rules.hash_key(conn, member.project_id)
    return http.json(await dry_run.redacting(request.state.database.connection, member.project_id, given, hash_key))


PROJECT = "/api/projects/{project_id:id}"
app = http.create_app(
    [
        Route(PROJECT + "/grouping-rules", read_grouping_rules),
        Route(PROJECT + "/grouping-rules", replace_grouping_rules, methods=["PUT"]),
        Route(PROJECT + "/grouping-rules/dry-run", try_grouping_rules, methods=["POST"]),
        Route(PROJECT + "/redaction-rules", read_redaction_rules),
        Route(PROJECT + "/redaction-rules", replace_redaction_rules, methods=["PUT"]),
        Route(PROJECT + "/redaction-rules/dry-run", try_redaction_rules, methods=["POST"]),
    ],
    http.signed_in_lifespan,
)
