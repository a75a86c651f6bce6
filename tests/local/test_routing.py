"""Routes as Vercel takes them: every row of this table was answered so by `vercel dev` 64.0.2."""

from __future__ import annotations

import json

import pytest

from local.folders import ROOT
from local.routing import Router, compile_source
from tests.cases import each

CONFIG = {
    "rewrites": [
        {"source": "/api/:project_id(\\d+)/envelope/", "destination": "/api/ingest"},
        {"source": "/api/:project_id(\\d+)/envelope", "destination": "/api/ingest"},
        {"source": "/api/projects/:project_id(\\d+)/incidents/:rest*", "destination": "/api/incidents"},
        {"source": "/api/health/:check", "destination": "/api/health?check=:check"},
        {"source": "/api/(v1|v2)/x", "destination": "/api/health?v=$1"},
        {"source": "/app/:view*", "destination": "/index.html"},
    ]
}
FILES = [
    "api/ingest.py",
    "api/health.py",
    "api/incidents.py",
    "api/cron/retention.py",
    "api/things/[id].py",
    "api/_hidden.py",
    "api/.cache/x.py",
    "lib/x.py",
    "public/index.html",
    "public/page.html",
    "public/404.html",
    "public/assets/index.html",
    "public/assets/a.txt",
]


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Router:
    root = tmp_path_factory.mktemp("project")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "vercel.json").write_text(json.dumps(CONFIG))
    return Router(root)


@pytest.mark.parametrize(
    ("address", "file", "query"),
    [
        ("/", "public/index.html", ""),
        ("/index.html", "public/index.html", ""),
        ("/page.html", "public/page.html", ""),
        ("/page", None, ""),  # cleanUrls is off
        ("/assets", "public/assets/index.html", ""),
        ("/assets/", "public/assets/index.html", ""),
        ("/assets/a.txt", "public/assets/a.txt", ""),
        ("/nothing", None, ""),
        ("/app", "public/index.html", "view="),
        ("/app/x/y", "public/index.html", "view=x%2Fy"),
        ("/lib/x.py", None, ""),
        ("/vercel.json", None, ""),
        ("/../vercel.json", None, ""),
        ("/%2e%2e/vercel.json", None, ""),
        ("/api", None, ""),
        ("/api/", None, ""),
        ("/api/ingest", "api/ingest.py", ""),
        ("/api/ingest?a=1", "api/ingest.py", "a=1"),
        ("/api/ingest.py", "api/ingest.py", ""),
        ("/api/ingest/", None, ""),  # so that a path with a slash needs its rewrite
        ("/api/%69ngest", None, ""),
        ("/API/ingest", None, ""),
        ("/api/7/envelope/", "api/ingest.py", "project_id=7"),
        ("/api/7/envelope?x=1&project_id=9", "api/ingest.py", "x=1&project_id=9"),  # the client's own parameter wins
        ("/api/x/envelope", None, ""),
        ("/api/7/envelope/x", None, ""),
        ("/api/cron/retention", "api/cron/retention.py", ""),
        ("/api/health/ready", "api/health.py", "check=ready"),
        ("/api/health/ready?check=x&z=%20", "api/health.py", "check=x&z=%20"),
        ("/api/health/a%2Fb", "api/health.py", "check=a%2Fb"),
        ("/api/v1/x", "api/health.py", "v=v1"),
        ("/api/v3/x", None, ""),
        ("/api/projects/3/incidents", "api/incidents.py", "project_id=3&rest="),
        ("/api/projects/3/incidents/", None, ""),
        ("/api/projects/3/incidents/4/events", "api/incidents.py", "project_id=3&rest=4%2Fevents"),
        ("/api/things/4", "api/things/[id].py", "id=4"),
        ("/api/things/a/b", None, ""),
        ("/api/things/[id]", "api/things/[id].py", ""),
        ("/api/_hidden", None, ""),
        ("/api/.cache/x", None, ""),
    ],
)
def test_a_path_is_answered_as_vercel_answers_it(router: Router, address: str, file: str | None, query: str) -> None:
    path, _, sent = address.partition("?")
    found = router.find(path, sent)
    assert (found and str(found.file.relative_to(router.public.parent))) == file
    assert not found or (found.query, found.is_function) == (query, str(file).startswith("api/"))


@each(
    ("source", "path", "captures"),
    [
        ("/a/:x", "/a/b.c", {"x": "b.c"}),
        ("/a/:x", "/a/b/c", None),
        ("/a.b/:x?", "/a.b", {"x": ""}),
        ("/a.b/:x?", "/aXb", None),
        ("/a/:x+", "/a", None),
        ("/a/:x+", "/a/1/2", {"x": "1/2"}),
        ("/(.*)", "/a/1/2", {"1": "a/1/2"}),
        ("/a/:id(\\d+)-:name", "/a/12-x", {"id": "12", "name": "x"}),
        ("/((?!in$).*)", "/in/x", {"1": "in/x"}),
        ("/((?!in$).*)", "/in", None),
    ],
)
def test_sources_follow_path_to_regexp(source: str, path: str, captures: dict[str, str] | None) -> None:
    assert compile_source(source).match(path) == captures


@each(
    ("path", "function"),
    [
        ("/api/ingest", "ingest"),
        ("/api/1/envelope/", "ingest"),
        ("/api/1/envelope", "ingest"),
        ("/api/1/store/", "ingest"),
        ("/api/1/store", "ingest"),
        ("/api/projects/1/incidents", "incidents"),
        ("/api/projects/1/incidents/2", "incidents"),
        ("/api/projects/1/incidents/2/events/3", "incidents"),
        ("/api/projects/1/incidents/2/grouping", "incidents"),
        ("/api/projects/1/incidents/2/merge", "incidents"),
        ("/api/projects/1/incidents/2/split", "incidents"),
        ("/api/projects/1/grouping-rules", "projects"),
        ("/api/projects/1/grouping-rules/dry-run", "projects"),
        ("/api/projects/1/redaction-rules", "projects"),
        ("/api/projects/1/redaction-rules/dry-run", "projects"),
        ("/api/account", "account"),
        ("/api/account/config", "account"),
        ("/sign-in", "account"),
        ("/api/health", "health"),
        ("/api/health/ready", "health"),
    ],
)
def test_every_public_path_of_sensra_reaches_its_function(path: str, function: str) -> None:
    router = Router(ROOT)
    router.functions = {
        f"/api/{name}": ROOT / "api" / f"{name}.py" for name in ("account", "ingest", "incidents", "projects", "health")
    }
    found = router.find(path, "")
    assert found
    assert found.file.stem == function
