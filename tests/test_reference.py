"""What is written down of the operations is what they are."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from starlette.routing import Route

from lib import operations, permissions
from lib.models import Body
from lib.operations import Call, Operations
from local import reference
from local.folders import ROOT

WRITTEN = reference.written()


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_it_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == WRITTEN[path], "run `make reference`"


def test_every_route_of_the_management_api_is_in_the_document() -> None:
    document = json.loads(WRITTEN[reference.OPENAPI])
    for path in sorted((ROOT / "api").glob("*.py")):
        if path.stem in reference.APART:
            continue
        app = importlib.import_module(f"api.{path.stem}").app
        for route in app.routes:
            assert isinstance(route, Route)
            shown = reference.PARAMETER.sub(r"{\1}", route.path)
            for method in (route.methods or set()) - {"HEAD"}:
                assert method.lower() in document["paths"][shown]


def test_no_two_operations_have_one_name_or_one_address() -> None:
    declared = [operation for _, operation in reference.operations()]
    assert len({operation.name for operation in declared}) == len(declared)
    assert len({(operation.method, operation.path) for operation in declared}) == len(declared)


def test_every_address_leads_to_its_function() -> None:
    """Vercel finds the function by file name or rewrite; the local host decides as it does."""
    from local.routing import Router

    router = Router(ROOT)
    for name, operation in reference.operations():
        address = reference.PARAMETER.sub(lambda found: "7" if found[0].endswith(":id}") else "a1", operation.path)
        found = router.find(address, "")
        assert found is not None, address
        assert found.file.name == f"{name}.py", address


def test_every_permission_is_needed_by_some_operation_and_every_refusal_can_be_told() -> None:
    declared = [operation for _, operation in reference.operations()]
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", operation.action) for operation in declared)
    assert {operation.permission for operation in declared} <= {*permissions.PERMISSIONS, operations.SIGNED_IN, operations.ANYONE}


async def undocumented(call: Call) -> None: ...  # fmt: skip


async def named(call: Call, body: Body) -> None:
    """What it does."""


@pytest.mark.parametrize(
    ("method", "path", "permission", "handler"),
    [
        ("get", "/api/projects/{project_id:id}/x", "incidents:read", undocumented),  # no description
        ("get", "/api/projects/{project_id:id}/x", "incidents:read", named),  # a GET with a body
        ("post", "/api/projects/{project_id:id}/x", "incidents:reed", named),  # no such permission
        ("post", "/api/x", "incidents:read", named),  # of which project?
        ("post", "/api/workspaces/{workspace_id:id}/projects/{project_id:id}", "incidents:read", named),  # of which of the two?
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_declared(method: str, path: str, permission: str, handler: object) -> None:
    with pytest.raises(ValueError, match=r"named|undocumented"):
        getattr(Operations(), method)(path, permission)(handler)
