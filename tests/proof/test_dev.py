"""`make dev` as a program meets it: started in a copy of the project, killed without mercy, started again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from local import postgres, serving
from local.folders import ROOT
from tests.local.processes import descendants, wait_until_gone

COPIED = ("api", "lib", "db", "local", "public", "vercel.json")
# What would make it use something else than its own stand-ins.
UNSET = (
    "DATABASE_URL",
    "UPSTASH_REDIS_REST_URL",
    "KV_REST_API_URL",
    "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY",
    "CLERK_ISSUER",
    "RESEND_API_KEY",
    "VERCEL",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("project")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, root / name)
    yield root
    detour = postgres._place(root / ".local" / "postgres").parent
    if detour != root / ".local":
        shutil.rmtree(detour, ignore_errors=True)


@contextmanager
def running(project: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """`python -m local.dev` on a free port: the process, and dev.json as it is when ready."""
    with serving.listen() as free:
        port = str(free.getsockname()[1])
    env = {name: value for name, value in os.environ.items() if name not in UNSET} | {"PORT": port} | environment
    log = project / "dev.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "local.dev"], cwd=project, env=env, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 40
        while (facts := read_facts(project)).get("pid") != process.pid or not facts["ready"]:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process, facts
    finally:
        process.terminate()
        process.wait(20)


def read_facts(project: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads((project / ".local" / "dev.json").read_text())
    except FileNotFoundError:
        return {}
    return facts


def wait_for_status(url: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            answer = httpx.get(url, timeout=5)
        except httpx.TransportError:  # cut off by the restart
            continue
        if answer.status_code == status or time.monotonic() > deadline:
            assert answer.status_code == status, answer.text
            return answer
        time.sleep(0.05)


def test_a_killed_run_leaves_nothing_but_its_data_and_its_key(project: Path) -> None:
    with running(project) as (process, first):
        assert httpx.get(f"{first['url']}/api/health").status_code == 200
        with psycopg.connect(first["database_url"]) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        family = descendants(process.pid)
        assert len(family) > 2
        process.kill()
        assert wait_until_gone(family)
    with running(project) as (process, second):
        assert (second["project_id"], second["ingest_key"]) == (first["project_id"], first["ingest_key"])
        with psycopg.connect(second["database_url"]) as connection:
            connection.execute("DROP TABLE kept")
        family = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert wait_until_gone(family)
    assert read_facts(project)["ready"] is False


@pytest.fixture(scope="module")
def renewed(project: Path) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """The key of a run before, if there was one, and the facts of a run that found no dev.json."""
    lost = read_facts(project).get("ingest_key")
    (project / ".local" / "dev.json").unlink(missing_ok=True)
    with running(project) as (_, facts):
        yield lost, facts


def test_the_facts_for_programs_hold(renewed: tuple[str | None, dict[str, Any]]) -> None:
    _, facts = renewed
    incidents = f"{facts['url']}/api/projects/{facts['project_id']}/incidents"
    for email, status in (("owner@example.com", 200), ("member@example.com", 200), ("outsider@example.com", 404)):
        session = httpx.get(facts["session_token_url"], params={"email": email}).json()["token"]
        answer = httpx.get(incidents, headers={"Authorization": f"Bearer {session}"})
        assert answer.status_code == status
    assert httpx.get(incidents).status_code == 401
    with httpx.Client() as browser:
        assert browser.get(facts["sign_in_url"]).status_code == 303
        assert browser.get(incidents).status_code == 200
    redis = httpx.post(facts["redis_url"], json=["PING"], headers={"Authorization": f"Bearer {facts['redis_token']}"})
    assert redis.json() == {"result": "PONG"}
    assert facts["dsn"] == f"http://{facts['ingest_key']}@{facts['url'].removeprefix('http://')}/{facts['project_id']}"


def test_mails_and_webhooks_are_shown_on_the_product_s_own_port(renewed: tuple[str | None, dict[str, Any]]) -> None:
    _, facts = renewed
    mail = {"from": "a@b.example", "to": "c@d.example", "subject": "A first mail", "text": "x"}
    bearer = {"Authorization": f"Bearer {facts['resend_api_key']}"}
    taken = httpx.post(f"{facts['resend_api_url']}/emails", json=mail, headers=bearer).json()["id"]
    assert "A first mail" in httpx.get(facts["mail_url"]).text
    assert "A first mail" in httpx.get(f"{facts['mail_url']}/{taken}").text
    assert httpx.post(f"{facts['sink_url']}/webhook", json={"hello": "sink"}).text == "ok"
    assert "sink" in httpx.get(facts["sink_url"]).text


def test_a_lost_file_means_a_new_key(renewed: tuple[str | None, dict[str, Any]]) -> None:
    lost, facts = renewed
    for key, status in ((facts["ingest_key"], 200), (lost or "sns_ingest_lost", 401)):
        answer = httpx.post(f"{facts['url']}/api/ingest", json={"message": "x"}, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status


def test_a_change_is_served_at_once_and_a_mistake_is_shown(project: Path, renewed: tuple[str | None, dict[str, Any]]) -> None:
    url = f"{renewed[1]['url']}/api/health"
    health = project / "api" / "health.py"
    good = health.read_text()
    health.write_text("def broken(:\n")
    assert "SyntaxError" in wait_for_status(url, 500).text
    health.write_text(good)
    wait_for_status(url, 200)


@pytest.mark.parametrize("port", ["taken", "none", "99999"])
def test_a_port_that_cannot_be_had_is_told_with_the_way_out(project: Path, port: str) -> None:
    with serving.listen() as taken:
        env = {**os.environ, "PORT": str(taken.getsockname()[1]) if port == "taken" else port}
        done = start_in_vain(project, env)
    assert done.returncode == 1
    assert "make dev PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_on_the_same_data_is_refused_and_harms_nothing(
    project: Path, renewed: tuple[str | None, dict[str, Any]]
) -> None:
    facts = renewed[1]
    done = start_in_vain(project, {**os.environ, "PORT": "0"})
    assert (done.returncode, "SENSRA_LOCAL=" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert read_facts(project) == facts


def start_in_vain(project: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.dev"]
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=30)
