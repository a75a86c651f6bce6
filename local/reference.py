"""What is written down from the operations themselves: /api/openapi.json, its reference page, and docs/permissions.md.

python -m local.reference          writes them anew (`make reference`); a test fails where they are not up to date
"""

from __future__ import annotations

import html
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from lib import permissions
from lib.operations import ANYONE, Operation
from local.folders import ROOT

OPENAPI, PAGE, TABLE = ROOT / "public/api/openapi.json", ROOT / "public/reference.html", ROOT / "docs/permissions.md"
# Function files whose routes are no operations, and why.
APART = {
    "ingest": "takes events, in other protocols' forms; docs/events.md",
    "health": "is for monitors and needs no sign-in; docs/deploy.md",
}
REF = "#/components/schemas/{model}"
PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
INTRODUCTION = (
    "The management API of a Sensra deployment. Sign in (a session token as Bearer, or the cookie `__session`), or send an api "
    "key of a project as Bearer. Refusals are application/problem+json (RFC 9457). Lists answer a page and `next_cursor`; give "
    "it back as `cursor`. A creating request may carry `Idempotency-Key`: sent again within 24 hours, it is answered as the "
    "first time, without what is shown only once."
)
PROBLEM = {
    "type": "object",
    "description": "A refusal; `type` leads to its meaning, `detail` says what to do.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def modules() -> Iterator[tuple[str, Any]]:
    """(name, module) of every function file with operations: `incidents`, `cron/…` are left to themselves."""
    for path in sorted((ROOT / "api").glob("*.py")):
        if path.stem not in APART:
            yield path.stem, importlib.import_module(f"api.{path.stem}")


def operations() -> list[tuple[str, Operation]]:
    """(function file, operation) of the whole management API, in the order of the files."""
    return [(name, operation) for name, module in modules() for operation in module.app.state.operations]


# -- /api/openapi.json -----------------------------------------------------------------------------------------------


def openapi() -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    declared = operations()
    schemas, found = _schemas([operation for _, operation in declared])
    paths: dict[str, Any] = {}
    for name, operation in declared:
        path = PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(name, operation, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sensra", "version": "1", "description": INTRODUCTION},
        "security": [{"session": []}, {"cookie": []}, {"api_key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(name for name, _ in declared)],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM},
            "responses": {
                "Problem": {
                    "description": "Refused; docs/errors.md",
                    "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
                }
            },
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A Clerk session token"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "__session"},
                "api_key": {"type": "http", "scheme": "bearer", "description": "An api key, `sns_api_…`"},
            },
        },
    }


Schemas = dict[Any, dict[str, Any]]
"""(model, how it is seen) → its JSON Schema."""


def _schemas(declared: list[Operation]) -> tuple[dict[str, Any], Schemas]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for operation in declared:
        if operation.body:
            wanted[operation.body, "validation"] = None
        if operation.answers:
            wanted[operation.answers, "serialization"] = None
    found, definitions = models_json_schema(list(wanted), ref_template=REF)
    return definitions.get("$defs", {}), found


def _operation(tag: str, operation: Operation, found: Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": (operation.handler.__doc__ or "").strip().splitlines()[0],
        "description": f"Needs: {operation.permission}.",
        "x-permission": operation.permission,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": {str(operation.status): _answered(operation, found), "default": _refused(operation)},
    }
    if operation.creates:
        described["parameters"].append(
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
        )
    if operation.body:
        schema = found[operation.body, "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.permission == ANYONE:
        described["security"] = []
    elif operation.permission not in permissions.SCOPES:
        described["security"] = [{"session": []}, {"cookie": []}]
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    numbers = {"type": "integer", "format": "int64", "minimum": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": numbers if kind == "id" else {"type": "string"}}
        for name, kind in re.findall(r"\{(\w+)(?::(\w+))?\}", operation.path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = TypeAdapter(operation.query).json_schema(ref_template=REF)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(one)}
        for name, one in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not given is not null: it is not there."""
    choices = [one for one in schema.get("anyOf", []) if one.get("type") != "null"]
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "title", "default"}}
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return {**kept, **(choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {}), **default}


def _refused(operation: Operation) -> dict[str, Any]:
    """A link that people follow tells them of its end as a page, too."""
    if operation.media_type != "text/html":
        return {"$ref": "#/components/responses/Problem"}
    problem = {"schema": {"$ref": REF.format(model="Problem")}}
    return {
        "description": "Refused; docs/errors.md",
        "content": {"application/problem+json": problem, "text/html": {"schema": {"type": "string"}}},
    }


def _answered(operation: Operation, found: Schemas) -> dict[str, Any]:
    if operation.status == 204:
        return {"description": "Done"}
    schema = found[operation.answers, "serialization"] if operation.answers else {}
    return {"description": "Answered", "content": {one: {"schema": schema} for one in operation.media_types}}


# -- docs/permissions.md ---------------------------------------------------------------------------------------------


TABLE_TEXT = """# Who may do what

Written by `make reference` from the table that the code itself asks (lib/permissions.py). A member of a workspace has one role \
in all of its projects. An api key belongs to one project and has the scopes it was given; what is not marked in the last column \
no key can be given. To everybody else a workspace and what is in it do not exist: they are answered 404.

| permission | what it allows | {roles} | scope of an api key |
|---|---|{marks}---|
{rows}

Beside these, everybody who is signed in may read and change what is their own (their profile, invitations to them), make a \
workspace, and leave one, unless they are its last owner.
"""


def permissions_page() -> str:
    """The table of lib/permissions.py as people read it."""
    rows = [
        f"| `{one.name}` | {one.meaning} |"
        + "".join(f" {'yes' if permissions.allows(role, one.name) else ''} |" for role in permissions.ROLES)
        + f" {'yes' if one.scope else ''} |"
        for one in permissions.PERMISSIONS.values()
    ]
    roles, marks = " | ".join(permissions.ROLES), "---|" * len(permissions.ROLES)
    return TABLE_TEXT.format(roles=roles, marks=marks, rows="\n".join(rows))


# -- the reference page ----------------------------------------------------------------------------------------------


def reference_page(document: dict[str, Any]) -> str:
    """The document as one plain page: no script, so that it needs no exception from the content security policy."""
    sections: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            sections[operation["tags"][0]].append(_entry(path, method, operation, document))
    body = "".join(f'<h2 id="{name}">{name}</h2>{"".join(entries)}' for name, entries in sections.items())
    links = "".join(f'<a href="#{name}">{name}</a>' for name in sections)
    introduction = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(document["info"]["description"]))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>API reference · Sensra</title>
<link rel="stylesheet" href="/reference.css">
</head>
<body>
<main>
<h1>API reference</h1>
<p>{introduction} The document itself: <a href="/api/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav aria-label="Sections">{links}</nav>
{body}
</main>
</body>
</html>
"""


def _entry(path: str, method: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    fields = "".join(_field(one["name"], one["in"], one["schema"], one.get("required")) for one in operation["parameters"])
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        schema = _resolved(content["schema"], document)
        fields += "".join(
            _field(name, "body", one, name in schema.get("required", [])) for name, one in schema.get("properties", {}).items()
        )
    table = f"<table><thead><tr><th>field<th>in<th>type<th>about</tr></thead><tbody>{fields}</tbody></table>" if fields else ""
    needs = html.escape(operation["x-permission"])
    return (
        f'<section id="{operation["operationId"]}"><h3><code><b>{method.upper()}</b> {html.escape(path)}</code></h3>'
        f"<p>{html.escape(operation['summary'])} <small>Needs {needs}.</small></p>{table}</section>\n"
    )


def _field(name: str, place: str, schema: dict[str, Any], required: bool | None) -> str:
    about = html.escape(str(schema.get("description", "")))
    mark = " <small>required</small>" if required else ""
    return f"<tr><td><code>{html.escape(name)}</code>{mark}<td>{place}<td>{html.escape(_type(schema))}<td>{about}</tr>"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return str(schema.get("format") or schema.get("type") or "any")


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    return found


def written() -> dict[Path, str]:
    """File → what belongs into it."""
    document = openapi()
    return {
        OPENAPI: json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        PAGE: reference_page(document),
        TABLE: permissions_page(),
    }


def main() -> None:
    """Write them."""
    for path, text in written().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
