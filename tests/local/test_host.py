"""The function host over HTTP, with functions made for the test."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from local import serving
from local.host import BODY_BYTES_MAX, Host

ECHO = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

async def echo(request):
    body = await request.body()
    return JSONResponse({
        "module": __name__, "path": request.url.path, "query": request.url.query, "size": len(body),
        "started": request.state.started, "ip": request.headers["x-real-ip"], "forwarded": request.headers["x-forwarded-for"],
    })

@asynccontextmanager
async def lifespan(app):
    yield {"started": "yes"}

app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])], lifespan=lifespan)
"""
BARE = """
async def app(scope, receive, send):
    assert scope["type"] == "http"  # an app without a lifespan
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bare"})
"""
FAILS_TO_START = """
from contextlib import asynccontextmanager
from starlette.applications import Starlette

@asynccontextmanager
async def lifespan(app):
    raise ValueError("no database")
    yield

app = Starlette(lifespan=lifespan)
"""
CONFIG = {
    "rewrites": [{"source": "/api/:project_id/envelope/", "destination": "/api/echo"}],
    "headers": [{"source": "/(.*)", "headers": [{"key": "X-Frame-Options", "value": "DENY"}]}],
}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    root = tmp_path_factory.mktemp("project")
    (root / "api").mkdir()
    (root / "public").mkdir()
    for name, text in {"echo": ECHO, "bare": BARE, "unstarted": FAILS_TO_START, "broken": "def app(:"}.items():
        (root / "api" / f"{name}.py").write_text(text)
    (root / "public" / "index.html").write_text("<h1>home</h1>")
    (root / "vercel.json").write_text(json.dumps(CONFIG))
    with serving.in_thread(Host(root)) as url, httpx.Client(base_url=url) as client:
        yield client


def test_a_function_sees_the_path_that_was_asked_for(http: httpx.Client) -> None:
    answer = http.post("/api/7/envelope/?sentry_key=k", content=b"12345").json()
    assert answer["path"] == "/api/7/envelope/"
    assert answer["query"] == "sentry_key=k&project_id=7"
    assert answer["size"] == 5
    assert answer["module"] == "api.echo"


def test_lifespans_run_and_an_app_without_one_works(http: httpx.Client) -> None:
    assert http.get("/api/echo").json()["started"] == "yes"
    assert http.get("/api/bare").text == "bare"


def test_the_client_address_cannot_be_forged(http: httpx.Client) -> None:
    answer = http.get("/api/echo", headers={"X-Real-IP": "6.6.6.6", "X-Forwarded-For": "7.7.7.7"}).json()
    assert (answer["ip"], answer["forwarded"]) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(("function", "reason"), [("broken", "SyntaxError"), ("unstarted", "no database")])
def test_a_broken_function_says_why_and_breaks_no_other(http: httpx.Client, function: str, reason: str) -> None:
    answer = http.get(f"/api/{function}")
    assert answer.status_code == 500
    assert reason in answer.text
    assert http.get("/api/echo").status_code == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_platforms_limit_never_reaches_the_function(http: httpx.Client, chunked: bool) -> None:
    for size, status in ((BODY_BYTES_MAX, 200), (BODY_BYTES_MAX + 1, 413)):
        body = b"x" * size
        answer = http.post("/api/echo", content=iter([body[:1000], body[1000:]]) if chunked else body)
        assert answer.status_code == status
    assert http.post("/api/echo", content=iter([b"ab", b"c"])).json()["size"] == 3


def test_files_are_served_and_unknown_paths_are_not(http: httpx.Client) -> None:
    home = http.get("/")
    assert (home.status_code, home.text) == (200, "<h1>home</h1>")
    assert home.headers["x-frame-options"] == "DENY"
    assert http.post("/").status_code == 405
    assert http.get("/vercel.json").status_code == 404
    assert "NOT_FOUND" in http.get("/api/nothing").text
